"""The time machine's strip and its sentence: the numbers of one moment, and what was known of alerts by then."""

from __future__ import annotations

from core.features.bars import SECOND_NS
from core.live.replay import Raised
from core.training.seen import MISSING as FEATURE_MISSING
from ui.charts.replayed import Moment
from ui.playback import Playback
from ui.scene import Scene
from ui.shell import Cell
from ui.text import plural
from ui.theme import MISSING, bps, count, price, score, utc
from ui.theme import moment as when


def machine_cells(m: Moment, s: Scene, playback: Playback) -> list[Cell]:
    """The moment, its forecast and volatility, and how many spikes and alerts there were in the stretch until then."""
    n = (m.at_ns - s.piece.first_ns) // SECOND_NS + 1
    pace = f"playing at {playback.speed}x" if playback.playing else "paused"
    theta, tau = s.alerts.theta, bps(m.tau_bps)
    return [
        Cell("idle", "Replayed, UTC", utc(m.at_ns, zone=False), f"{pace}, {count(n)} of {count(s.piece.bars)} s"),
        _forecast(m, theta),
        Cell("idle", "Volatility then", "warming up", m.warming or f"τ {tau}")
        if m.vol_bps is None
        else Cell(
            "alert" if m.tau_bps is not None and m.vol_bps >= m.tau_bps else "ok",
            "Volatility then",
            f"{bps(m.vol_bps)} bps",
            f"at or above τ {tau}: spike" if m.tau_bps is not None and m.vol_bps >= m.tau_bps else f"τ {tau}",
        ),
        Cell("idle", "Spikes so far", count(m.episodes), "since the stretch began"),
        _alerts(f"Alerts, θ {score(theta)}", s.alerts, s, m),
        Cell("idle", "Ghost alerts", MISSING, "move the ghost θ")
        if s.ghosts is None
        else _alerts(f"Ghost, θ {score(s.ghosts.theta)}", s.ghosts, s, m),
    ]


def _forecast(m: Moment, theta: float) -> Cell:
    """As the live monitor's cell says it."""
    name = "P(spike)"
    if m.warming:
        return Cell("idle", name, "warming up", m.warming)
    if m.p is None:
        return Cell("idle", name, MISSING, "no forecast")
    if m.doubt is not None and m.doubt.startswith(FEATURE_MISSING):
        return Cell("warn", name, FEATURE_MISSING, m.doubt.removeprefix(f"{FEATURE_MISSING}: "))
    if m.doubt is not None:
        return Cell("warn", name, score(m.p), f"not trusted: {m.doubt}")
    if m.p >= theta:
        return Cell("alert", name, score(m.p), f"at or above θ {score(theta)}")
    return Cell("ok", name, score(m.p), f"below θ {score(theta)}")


def _alerts(name: str, raised: Raised, s: Scene, m: Moment) -> Cell:
    n = known(raised, s, m)
    return Cell("idle", name, count(n["alerts"]), _fates(n))


def known(raised: Raised, s: Scene, m: Moment) -> dict[str, int]:
    """Alerts of the stretch up to the moment, and what was known of them then."""
    return raised.counts(m.at_ns, s.replayed.bars.bar_end_ns, s.piece.first_ns)


def _fates(n: dict[str, int]) -> str:
    said = [f"{n['right']} caught", f"{n['false']} false"]
    said += [f"{n[kind]} {kind}" for kind in ("unknown", "open") if n[kind]]
    return ", ".join(said)


def sentence(m: Moment, s: Scene) -> str:
    """The moment in words, for who cannot see the figure."""
    p = m.warming or f"P(spike in the next {s.meta.horizon_s} s) {score(m.p)} against θ {score(s.alerts.theta)}"
    if m.doubt is not None:
        p = m.doubt if m.doubt.startswith(FEATURE_MISSING) else f"{p}, not trusted: {m.doubt}"
    volatility = (
        "volatility unknown" if m.vol_bps is None else f"volatility {bps(m.vol_bps)} against τ {bps(m.tau_bps)} bps"
    )
    said = f"{when(m.at_ns)}: mid {price(m.mid)} USD, {volatility}, {p}. "
    return said + f"So far {plural(m.episodes, 'spike')}, {plural(known(s.alerts, s, m)['alerts'], 'alert')}."


__all__ = ["known", "machine_cells", "sentence"]
