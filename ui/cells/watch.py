"""The whole pipeline in six cells, and the live monitor."""

from __future__ import annotations

import time

from core.jobs import Job
from core.training.registry import Meta
from ui.cells.feed import feed_silent, job_level
from ui.cells.models import champion_cell, drift_cell
from ui.loaders import Counters
from ui.pipeline import Facts
from ui.shell import Cell
from ui.theme import MISSING, age, bps, duration, prob, short_count, utc
from ui.view import View


def home_cells(f: Facts, now: Counters) -> list[Cell]:
    """The whole pipeline in six cells."""
    silent = feed_silent(now)
    clock = time.time_ns()
    if now.running:
        heard = (
            "no data"
            if silent
            else f"last tick {age(now.last_tick_age_s)}"
            if now.last_tick_age_s is not None
            else "no tick yet"
        )
        capture = Cell("bad" if silent else "ok", "Capture", "running", heard)
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
    m, tau = f.market, f.settings.tau_bps
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
    return [
        capture,
        history,
        Cell(
            "ok" if tau else "idle",
            "τ",
            f"{bps(tau)} bps" if tau else "not set",
            f"next {f.settings.horizon_s} s, {f.settings.label}",
        ),
        champion_cell(f.champion, f.stale),
        drift_cell(f.drift),
        Cell(
            job_level(f.monitor),
            "Monitor",
            "running" if f.monitor.running else "stopped",
            f.monitor.message
            if f.monitor.running
            else f"since {utc(f.monitor.heartbeat_ns, clock)}"
            if f.monitor.heartbeat_ns
            else "not started yet",
        ),
    ]


def monitor_cells(now: Counters, job: Job, seen: View | None, champion: Meta, theta: float) -> list[Cell]:
    """Live monitor: never a number where there is none: "no data" on a silent feed, "warming up" with its count."""
    dead = not now.running or feed_silent(now)
    if dead:
        why = f"silent for {duration(now.last_tick_age_s)}" if now.running else "no capture runs"
        feed = Cell("bad" if now.running else "idle", "Feed", "no data", why)
    elif now.behind_s is not None and now.behind_s > 60:
        feed = Cell("ok", "Feed", f"−{duration(now.behind_s)}", "simulated, catching up")
    else:
        feed = Cell("ok", "Feed", duration(now.lag_s if now.lag_s is not None else now.behind_s), "behind the exchange")
    return [
        feed,
        _forecast_cell(dead, job, seen, theta),
        _volatility_cell(dead, seen, champion),
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


def _forecast_cell(dead: bool, job: Job, seen: View | None, theta: float) -> Cell:
    name = "P(spike)"
    if dead:
        return Cell("idle", name, "no data", f"θ {prob(theta)}")
    if not job.running:
        return Cell("idle", name, MISSING, "the monitor is stopped")
    if seen is None or seen.last_p is None:
        message = job.message if job.message.startswith("warming up") else "no forecast yet"
        return Cell("idle", name, "warming up" if job.message.startswith("warming up") else MISSING, message)
    if seen.last_p >= theta:
        return Cell("alert", name, prob(seen.last_p), f"at or above θ {prob(theta)}: alert")
    return Cell("ok", name, prob(seen.last_p), f"below θ {prob(theta)}")


def _volatility_cell(dead: bool, seen: View | None, champion: Meta) -> Cell:
    name, tau = "Volatility now", champion.tau_bps
    if dead:
        return Cell("idle", name, "no data", f"τ {bps(tau)}")
    if seen is None or seen.last_vol_bps is None:
        return Cell("idle", name, "warming up", "the window is not full yet")
    spike = seen.last_vol_bps >= tau
    return Cell(
        "alert" if spike else "ok",
        name,
        f"{bps(seen.last_vol_bps)} bps",
        f"at or above τ {bps(tau)}: spike" if spike else f"τ {bps(tau)}",
    )


__all__ = ["home_cells", "monitor_cells"]
