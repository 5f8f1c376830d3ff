"""Panels of the capture page on what is missing: the gap ledger, the counts that add up, the disk, the quarantine."""

from __future__ import annotations

from core.ingestion.store import Market
from ui import charts, loaders, text
from ui.live_figure import live_figure
from ui.shell import block, code, kind, note, table
from ui.tables import gap_rows, quarantine_rows
from ui.theme import count, duration, moment, size

WEEK_NS = 7 * 86_400 * 10**9
"""How far back the time line reaches."""
SHOWN = 20
"""Quarantined frames that the browser shows."""


def ledger_panel(market: Market) -> None:
    """The gaps of the market's last week on a time line, and the newest as rows."""
    gaps = loaders.gaps(market)
    if not gaps:
        block("Gap ledger", "where events are missing, how that was seen, and what became of it")
        note("No gap: no trade is known to be missing, and no second of downtime.")
        return
    until_ns = max(market.last_ns, *(gap["to_ns"] for gap in gaps))
    from_ns = max(market.first_ns, until_ns - WEEK_NS)
    week = [gap for gap in gaps if gap["to_ns"] >= from_ns]
    in_all = f", {count(len(gaps))} in all" if len(gaps) > len(week) else ""
    block("Gap ledger", f"{text.plural(len(week), 'gap')} since {moment(from_ns)}{in_all}")
    figure = charts.gap_line(kind(), week, from_ns, until_ns)
    live_figure(figure, key="ledger", label="Gaps of this market's last week on a time line, by state")
    table(*gap_rows(gaps), text=(0, 2, 4, 5), key="gaps")
    note(text.HELP["repaired"])


def identity_panel() -> None:
    """Received = stored + duplicates + quarantined + shed, in one sentence, and how long the disk lasts."""
    said = loaders.identity()
    if said is not None:
        parts = ", ".join(f"{count(said[name])} {word}" for name, word in text.FATES)
        waiting = f" {count(said['queued'])} frames wait for their commit." if said["queued"] else ""
        agree = "=" if said["received"] == sum(said[name] for name, _ in text.FATES) else "does not equal"
        note(f"{count(said['received'])} received {agree} {parts}.{waiting}")
    disk = loaders.disk()
    left = "" if disk.days_left is None else f", {_days(disk.days_left)} at the present rate"
    note(f"Disk: {size(disk.used)} used by the tick store, {size(disk.free)} free{left}.")


def _days(days: float) -> str:
    if days > 3650:
        return "more than ten years"
    return f"{days:,.0f} days" if days >= 10 else duration(days * 86_400)


def quarantine_panel() -> None:
    """The newest frames that no parser accepted; their bytes are escaped and cut, so that they are text only."""
    held = loaders.quarantined()
    note(text.HELP["quarantine"])
    if held == 0:
        return
    table(*quarantine_rows(loaders.quarantine(SHOWN)), text=(0, 1, 3), key="quarantine")
    if held > SHOWN:
        note(f"The newest {SHOWN} of {count(held)}. Bytes that are no printable ASCII stand as \\xNN.")


def files_panel() -> None:
    """Where the store and the log are."""
    path, taken = loaders.store_file()
    note(f"Tick store: {code(path)}, {size(taken)}. Its newest rows may still be in the file beside it, -wal.")
    note(f"The capture's log: {code(loaders.log_file('capture'))}")


__all__ = ["files_panel", "identity_panel", "ledger_panel", "quarantine_panel"]
