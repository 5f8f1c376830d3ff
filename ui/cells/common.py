"""The cells that every page shows: feed, gaps, model, τ, θ, job."""

from __future__ import annotations

from collections.abc import Sequence

from core.config import Settings
from core.ingestion.store import Market
from core.jobs import Job
from core.training.registry import Meta
from ui import text
from ui.cells.feed import catching_up, no_data
from ui.loaders import Counters
from ui.parts import Cell
from ui.theme import MISSING, age, duration, score

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
HOUR_NS = 3_600 * SECOND_NS
TELLING = 0.05
"""Share from which on the time that is left can be told from the time that has passed."""


def common_cells(
    now: Counters,
    market: Market | None,
    missing: Sequence[tuple[int, int]],
    settings: Settings,
    champion: Meta | None,
    stale: str | None,
    theta: float | None,
    job: Job,
    clock_ns: int,
) -> list[Cell]:
    """Six cells for a glance. `missing`: (from_ns, to_ns) of the market's gaps that are not repaired."""
    return [
        _feed(now),
        _gaps(market, missing),
        _model(champion, stale),
        Cell("ok" if settings.tau else "idle", "τ", tau_words(settings), "the threshold on volatility: a spike"),
        Cell("idle" if theta is None else "ok", "θ", score(theta), "the probability at which to alert"),
        job_cell(job, clock_ns),
    ]


def tau_words(settings: Settings) -> str:
    """τ as it is set, or what a training would take."""
    if settings.tau is None:
        return f"not set, P{100 * settings.quantile:g}"
    return f"{text.tau_cell(settings.tau, settings.tau_relative, ' bps')}{' slow' if settings.tau_relative else ''}"


def _feed(now: Counters) -> Cell:
    why = no_data(now)
    if not now.running:
        failed = now.state in ("failed", "died")
        return Cell("bad" if failed else "idle", "Feed", "failed" if failed else "stopped", now.message)
    if why is not None:
        return Cell("idle" if why == "no tick yet" else "bad", "Feed", why, "no data of the shown market")
    if catching_up(now):
        return Cell("ok", "Feed", f"−{duration(now.behind_s)}, catching up", "simulated, behind the clock")
    return Cell("ok", "Feed", age(now.last_tick_age_s), "the last tick")


def _gaps(market: Market | None, missing: Sequence[tuple[int, int]]) -> Cell:
    if market is None:
        return Cell("idle", "Open gaps", MISSING, "no ticks yet")
    lately = [(a, b) for a, b in missing if b > market.last_ns - DAY_NS]
    if not lately:
        return Cell("ok", "Open gaps, 24 h", "none", "no gap of the last 24 h of the market is open")
    fresh = any(b > market.last_ns - HOUR_NS for _, b in lately)
    lost_s = sum(b - a for a, b in lately) / SECOND_NS
    return Cell("warn" if fresh else "idle", "Open gaps, 24 h", f"{len(lately)}, {duration(lost_s)}", "not repaired")


def _model(champion: Meta | None, stale: str | None) -> Cell:
    if champion is None:
        return Cell("idle", "Model", "none", "nothing trained yet")
    if stale:
        return Cell("warn", "Model", f"{champion.title} ★ stale", stale)
    return Cell("ok", "Model", f"{champion.title} ★", "the champion")


def job_cell(job: Job, clock_ns: int) -> Cell:
    """The job that runs, with what it says of the time left; else the last one where it failed; else none."""
    name = text.JOBS.get(job.name, job.name)
    if job.running:
        left = left_s(job, clock_ns)
        rest = f", {duration(left)} left" if left is not None else ""
        far = f"{100 * job.progress:.0f} %{rest}" if job.progress else "starts"
        return Cell("ok", "Job", f"{name} {far}", job.message, job.progress)
    if job.state in ("failed", "died"):
        return Cell("bad", "Job", f"{name} failed", job.message)
    return Cell("idle", "Job", "none runs", "training, import and comparison run as jobs")


def left_s(job: Job, clock_ns: int) -> float | None:
    """Seconds left if the job goes on at its pace so far; None where it has only begun."""
    if job.progress < TELLING:
        return None
    return max(clock_ns - job.started_ns, 0) / SECOND_NS * (1 - min(job.progress, 1.0)) / job.progress


__all__ = ["common_cells", "job_cell", "left_s", "tau_words"]
