"""The pipeline at a glance, and the live monitor."""

from __future__ import annotations

import time
from collections.abc import Sequence

from core.jobs import Job
from core.live.alerts import Alert
from core.training.registry import Meta
from core.training.seen import MISSING as FEATURE_MISSING
from ui.cells.common import HOUR_NS
from ui.cells.feed import catching_up, job_level, lag_s, no_data, recorded
from ui.cells.models import drift_cell
from ui.loaders import Counters
from ui.parts import Cell
from ui.pipeline import Facts
from ui.text import market_name, tau_cell
from ui.theme import MISSING, age, bps, duration, score, short_count, utc
from ui.view import View


def home_cells(f: Facts, now: Counters) -> list[Cell]:
    """The pipeline in four cells; the model and its question stand in the status line of every page."""
    why, clock = no_data(now), time.time_ns()
    if now.running:
        if why is None:
            capture = Cell("ok", "Capture", "running", f"last tick {age(now.last_tick_age_s)}")
        elif now.venue and not now.here:
            capture = Cell("warn", "Capture", "running", f"records {recorded(now)}")
        else:
            capture = Cell("idle" if why == "no tick yet" else "bad", "Capture", "running", f"no data: {why}")
    else:
        failed = now.state in ("failed", "died")
        capture = Cell(
            "bad" if failed else "idle",
            "Capture",
            "stopped",
            now.message
            if failed
            else "not started yet"
            if now.state == "none"
            else f"since {utc(f.capture.heartbeat_ns, clock)}",
        )
    m = f.market
    history = (
        Cell(
            "ok",
            "History",
            f"{short_count(m.ticks)} ticks",
            f"from {utc(m.first_ns, clock)}",
        )
        if m
        else Cell("idle", "History", "none", "nothing captured yet")
    )
    return [capture, history, drift_cell(f.drift, f.market), _monitor(f, clock)]


def _monitor(f: Facts, clock_ns: int) -> Cell:
    if f.watched is not None:
        if f.watched != f.here:
            return Cell("warn", "Monitor", "running", f"watches {market_name(*f.watched)}")
        return Cell("ok", "Monitor", "running", f.monitor.message)
    stopped = f"since {utc(f.monitor.heartbeat_ns, clock_ns)}" if f.monitor.heartbeat_ns else "not started yet"
    return Cell(job_level(f.monitor), "Monitor", "stopped", stopped)


def monitor_cells(
    now: Counters,
    job: Job,
    seen: View | None,
    champion: Meta,
    theta: float,
    elsewhere: str = "",
    stale: str | None = None,
    alerts: Sequence[Alert] = (),
) -> list[Cell]:
    """Live monitor: never a number where there is none: "no data" on a silent feed, "warming up" with its count.

    elsewhere : the market in words that the running monitor watches where that is not the shown one
    stale : why the champion's forecasts do not answer what is asked now
    alerts : the newest of the shown market
    """
    why = no_data(now)
    dead = why is not None
    if why is not None:
        feed = Cell("bad" if now.running else "idle", "Feed", "no data", why)
    elif catching_up(now):
        feed = Cell("ok", "Feed", f"−{duration(now.behind_s)}", "simulated, catching up")
    else:
        feed = Cell("ok", "Feed", duration(lag_s(now)), "behind the exchange")
    return [
        feed,
        _forecast_cell(dead, job, seen, theta, elsewhere, stale),
        _volatility_cell(dead, seen, champion),
        _alerts_cell(seen, alerts),
        Cell(
            "idle",
            "Last bar, UTC",
            utc(seen.last_ns, time.time_ns(), zone=False) if seen else MISSING,
            "one a second of market time",
        ),
        Cell(
            job_level(job),
            "Monitor",
            "running" if job.running else "stopped",
            f"since {utc(job.started_ns, time.time_ns())}"
            if job.running
            else job.state
            if job.state != "none"
            else "not started yet",
        ),
    ]


def _forecast_cell(dead: bool, job: Job, seen: View | None, theta: float, elsewhere: str, stale: str | None) -> Cell:
    name = "P(spike)"
    if dead:
        return Cell("idle", name, "no data", f"θ {score(theta)}")
    if not job.running:
        return Cell("idle", name, MISSING, "the monitor is stopped")
    if elsewhere:
        return Cell("idle", name, MISSING, f"the monitor watches {elsewhere}")
    if stale is not None:
        return Cell("warn", name, "model stale", stale)
    if job.message.startswith("warming up"):
        return Cell("idle", name, "warming up", job.message.removeprefix("warming up: "))
    if seen is None or seen.last_p is None:
        return Cell("idle", name, MISSING, "no forecast yet")
    if seen.doubt.startswith(FEATURE_MISSING):
        return Cell("warn", name, FEATURE_MISSING, seen.doubt.removeprefix(f"{FEATURE_MISSING}: "))
    if seen.doubt:
        return Cell("warn", name, score(seen.last_p), f"not trusted: {seen.doubt}")
    if seen.last_p >= theta:
        return Cell("alert", name, score(seen.last_p), f"at or above θ {score(theta)}: alert")
    return Cell("ok", name, score(seen.last_p), f"below θ {score(theta)}")


def _volatility_cell(dead: bool, seen: View | None, champion: Meta) -> Cell:
    name = "Volatility now"
    if dead:
        return Cell("idle", name, "no data", f"τ {tau_cell(champion.tau_bps, champion.tau_relative)}")
    tau = champion.tau_bps if champion.tau_relative is None else seen and seen.last_tau_bps
    if seen is None or seen.last_vol_bps is None or tau is None:
        return Cell("idle", name, "warming up", "the window is not full yet")
    spike = seen.last_vol_bps >= tau
    return Cell(
        "alert" if spike else "ok",
        name,
        f"{bps(seen.last_vol_bps)} bps",
        f"at or above τ {bps(tau)}: spike" if spike else f"τ {bps(tau)}",
    )


def _alerts_cell(seen: View | None, alerts: Sequence[Alert]) -> Cell:
    """Those of the last hour of the market's own time."""
    if seen is None:
        return Cell("idle", "Alerts, last hour", MISSING, "no bar yet")
    since_ns = seen.last_ns - HOUR_NS
    hour = [a for a in alerts if a.bar_end_ns > since_ns]
    right, false = (sum(a.outcome == outcome for a in hour) for outcome in ("right", "false"))
    known = f"{right} right, {false} false" if hour else "none"
    waiting = sum(a.outcome is None for a in hour)
    return Cell(
        "alert" if waiting else "idle",
        "Alerts, last hour",
        str(len(hour)),
        known + (f", {waiting} open" if waiting else ""),
    )


__all__ = ["home_cells", "monitor_cells"]
