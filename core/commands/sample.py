"""`sample`: a day of the simulated market for a home that has none, so that every page has something to show."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import jobs
from core.config import Home, load_settings
from core.errors import BadInput

DAY_S = 86_400
SECOND_NS = 1_000_000_000
RECEIPT_NS = 3_000_000
"""A frame is received so much after its exchange's time: as over a loopback."""
WRITING = 0.45
"""Share of the time that the recording takes; its import takes the rest."""
Tell = Callable[[float, str], None]


def register(sub: Any) -> None:
    p = sub.add_parser("sample", help="a day of the simulated market, for a home that has none")
    p.add_argument("--hours", type=float, default=24.0, metavar="H", help="only the last H hours of the day (24)")
    p.add_argument("--seed", type=int, metavar="S", help="the simulator's seed (the saved setting)")
    p.set_defaults(run=run_sample)


def run_sample(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Counts of the import, with the seed that was used and where the day begins and ends."""
    if not 0.5 <= args.hours <= 24:
        raise BadInput(f"hours is {args.hours:g}: a sample day has 0.5 to 24")
    with jobs.hold(home, "sample") as me:
        result = sample(home, args.hours, args.seed, time.time_ns(), me.beat)
        said = "{ticks:,} simulated ticks and {trades:,} trades of {product}, seed {seed}".format(**result)
        me.beat(1.0, said)
        me.end("done", said, result)
    print(said, file=sys.stderr)
    return result


def sample(home: Home, hours: float, seed: int | None, now_ns: int, tell: Tell) -> dict[str, Any]:
    """Record the last `hours` of the UTC day before `now_ns` from the simulator, and import the recording.

    The market is the one that a capture of the embedded exchange would write (venue `embedded`, the saved product), the
    day lies before the clock, and its seed counts as used: a capture that follows goes on after it, on another path.

    Raises BadInput where the home holds ticks of that market already: a second day beside them would leave a hole of
    which nothing is known.
    """
    from core.ingestion.importing import import_files
    from core.live import pipeline

    settings = load_settings(home)
    product = settings.product
    held = pipeline.simulated(home, product)
    if held is not None:
        raise BadInput(
            f"{held.ticks:,} simulated ticks of {product} are in this home already: a sample day is for a home without"
            " them. Go on with a capture, or choose another home"
        )
    end_ns = now_ns // SECOND_NS // DAY_S * DAY_S * SECOND_NS
    start_ns = end_ns - round(hours * 3600) * SECOND_NS
    fresh, last_trade_id = pipeline.next_tape(home, product, settings.seed if seed is None else seed)
    path = home.data / "uploads" / f"simulated_{product}_{datetime.fromtimestamp(start_ns // SECOND_NS, UTC):%Y-%m-%d}"
    path = path.with_name(f"{path.name}_seed_{fresh}.ndjson.zst")
    try:
        _record(path, product, fresh, start_ns, end_ns, last_trade_id, tell)
        counts = import_files(
            home, [path], pipeline.EMBEDDED, product,
            lambda share, _: tell(WRITING + (1 - WRITING) * share, "reading the simulated day in"),
        )  # fmt: skip
    finally:
        path.unlink(missing_ok=True)  # the seed makes it anew
    return {**counts, "product": product, "seed": fresh, "start_ns": start_ns, "end_ns": end_ns}


def _record(
    path: Path, product: str, seed: int, start_ns: int, end_ns: int, last_trade_id: int | None, tell: Tell
) -> None:
    """Write what a client of the embedded exchange is sent between the two moments, as `receipt_ns frame`, zstd."""
    import zstandard

    from exchange import wire
    from exchange.simulator import LAST_TRADE_ID, Simulator
    from exchange.tape import Beat, Match, Ticker

    frame: dict[type, Callable[[Any], bytes]] = {Match: wire.match, Ticker: wire.ticker, Beat: wire.heartbeat}
    source = Simulator([product], seed, start_ns, LAST_TRADE_ID if last_trade_id is None else last_trade_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file, zstandard.ZstdCompressor(level=1).stream_writer(file) as packed:
        for event in source.events():
            if event.ts_ns >= end_ns:
                return
            packed.write(b"%d %s\n" % (event.ts_ns + RECEIPT_NS, frame[type(event)](event)))
            if type(event) is Beat:
                share = (event.ts_ns - start_ns) / (end_ns - start_ns)
                tell(WRITING * share, f"simulating the day, {100 * share:.0f} %")


__all__ = ["register", "run_sample", "sample"]
