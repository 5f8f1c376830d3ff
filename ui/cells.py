"""The cells of the pages' status strips: what is said of a state, in one value and one detail. Never calls streamlit."""

from __future__ import annotations

import time

from core.config import Settings
from core.evaluation.drift import DriftTable
from core.features.dataset import Labelled
from core.ingestion.store import Market
from core.jobs import Job
from core.training.registry import Meta, Training
from ui.loaders import Counters
from ui.pipeline import Facts
from ui.shell import Cell, Level
from ui.text import VENUES
from ui.theme import (
    MISSING, age, bps, count, duration, lift, percent, prob, rate, short_count, utc,
)  # fmt: skip
from ui.view import View

STALE_S = 10.0
"""A feed that has been silent this long is no feed: the same silence ends a session."""


def job_level(job: Job) -> Level:
    """How a background process is doing."""
    if job.running:
        return "ok"
    return "bad" if job.state in ("failed", "died") else "idle"


def feed_silent(now: Counters) -> bool:
    """Whether a running capture has heard nothing for too long to call the market watched."""
    return now.last_tick_age_s is not None and now.last_tick_age_s > STALE_S


def capture_cells(now: Counters, market: Market | None, quarantined: int) -> list[Cell]:
    """Feed health: state, pace, age of the last tick, how far the market is behind, reconnects, quarantine."""
    if now.running:
        state = Cell("ok", "Capture", "running", f"since {utc(now.since_ns, time.time_ns())}")
    else:
        state = Cell("bad" if now.state in ("failed", "died") else "idle", "Capture", "stopped", now.state if now.state != "none" else "not started yet")
    silent = feed_silent(now)
    last = Cell(
        "bad" if silent else "ok" if now.running else "idle", "Last tick",
        "no data" if silent else age(now.last_tick_age_s) if now.running else MISSING,
        f"silent for {duration(now.last_tick_age_s)}" if silent else utc(market.last_ns, time.time_ns()) if market else "none stored",
    )  # fmt: skip
    return [
        state,
        Cell("ok" if now.ticks_per_s else "idle", "Ticks a second", rate(now.ticks_per_s) if now.running else MISSING,
             f"{short_count(market.ticks)} stored" if market else "none stored"),
        last,
        _behind(now, market),
        Cell("warn" if now.reconnects else "ok" if now.running else "idle", "Reconnects",
             count(now.reconnects) if now.running else MISSING, "since the start"),
        Cell("warn" if quarantined else "ok", "Quarantined", count(quarantined), "frames no parser accepted"),
    ]  # fmt: skip


def _behind(now: Counters, market: Market | None) -> Cell:
    """Lag of a real feed; for a simulated market that is catching up, how far its time is behind the clock."""
    if not now.running or market is None:
        return Cell("idle", "Lag", MISSING, "behind the exchange")
    if market.venue == "embedded" and now.behind_s is not None and now.behind_s > 60:
        return Cell("ok", "Market time", f"−{duration(now.behind_s)}", "simulated, catching up")
    lag = now.lag_s if now.lag_s is not None else now.behind_s
    return Cell("warn" if (lag or 0) > 5 else "ok", "Lag", duration(lag), "behind the exchange")


def question_cells(rows: Labelled, settings: Settings, champion: Meta | None, stale: str | None) -> list[Cell]:
    """Threshold tuning: what the distribution is made of."""
    times = rows.rows["bar_end_ns"].to_numpy()
    shares = [len(rows.volatility(s)) for s in ("train", "validation", "test")]
    parts = " / ".join(f"{100 * n / max(sum(shares), 1):.0f}" for n in shares)
    return [
        Cell("ok", "Rows", count(len(times)), f"seconds, {VENUES.get(rows.venue, rows.venue)} {rows.product}"),
        Cell("ok", "Splits", parts, f"train, validation, test by time; {settings.horizon_s} s purged"),
        champion_cell(champion, stale),
        Cell("warn" if rows.question.leaky else "idle", "Estimator", settings.label, f"{settings.horizon_s} s ahead"),
    ]


def champion_cell(champion: Meta | None, stale: str | None) -> Cell:
    """The champion, and whether it answers today's question."""
    if champion is None:
        return Cell("idle", "Champion", "none", "nothing trained yet")
    if stale:
        return Cell("warn", "Champion", champion.title, f"stale: {stale}")
    return Cell("ok", "Champion", champion.title, f"trained {utc(champion.trained_ns, time.time_ns())}")


def training_cells(tau_bps: float | None, rows: int | None, settings: Settings, champion: Meta | None, stale: str | None, job: Job) -> list[Cell]:
    """Training: the question, the rows, the champion, the running job."""
    return [
        Cell("ok" if settings.tau_bps is not None else "idle", "τ", f"{bps(tau_bps)} bps" if tau_bps else MISSING,
             "set by you" if settings.tau_bps is not None else f"P{100 * settings.quantile:g} of train, until you set one"),
        Cell("ok" if rows else "idle", "Rows", count(rows), f"seconds, next {settings.horizon_s} s {settings.label}"),
        champion_cell(champion, stale),
        Cell("idle", "Leakage", "not yet checked", "no verdict exists for these scores"),
        Cell(job_level(job), "Training", job.state if job.state != "none" else "not run yet",
             job.message if job.running else utc(job.heartbeat_ns, time.time_ns())),
    ]  # fmt: skip


def evaluation_cells(training: Training, best: Meta) -> list[Cell]:
    """Evaluation: the champion's score as one unit, its best baseline, and that leakage is not yet checked."""
    s = best.scores
    baseline = max((m for m in training.models if m.baseline), key=lambda m: m.scores.pr_auc, default=None)
    ahead = baseline is not None and s.pr_auc > baseline.scores.pr_auc
    return [
        Cell("ok", "AP", prob(s.pr_auc), f"{best.title}, test split"),
        Cell("ok", "Base rate", percent(s.base_rate), f"{count(s.n_spikes)} of {count(s.n_rows)} rows"),
        Cell("ok" if s.lift > 1 else "warn", "Lift", lift(s.lift), "AP over base rate, 1 is no skill"),
        Cell("ok" if ahead or best.baseline else "warn", "Best baseline", prob(baseline.scores.pr_auc) if baseline else MISSING,
             baseline.title if baseline else "none trained"),
        Cell("bad" if best.leaky else "idle", "Leakage", "leaky label" if best.leaky else "not yet checked",
             "next_row" if best.leaky else "no verdict exists yet"),
    ]  # fmt: skip


def drift_cells(made: DriftTable | None, job: Job) -> list[Cell]:
    """Drift: what moved, and what was compared."""
    if made is None:
        said = job.message if job.running else "not run yet" if job.state == "none" else job.state
        return [Cell("idle", "Features moved", MISSING, "nothing compared yet"), Cell("idle", "Reference", MISSING, "what models learned from"),
                Cell("idle", "Current", MISSING, "what came since"), Cell(job_level(job), "Comparison", "running" if job.running else MISSING, said)]
    n = len(made.features)
    now = time.time_ns()
    return [
        Cell("warn" if made.moved else "ok", "Features moved", f"{made.moved} of {n}", "by Evidently's default test"),
        Cell("idle", "Reference", made.reference.name, f"{count(made.reference.rows)} rows from {utc(made.reference.first_ns, now)}"),
        Cell("idle", "Current", made.current.name, f"{count(made.current.rows)} rows to {utc(made.current.last_ns, now)}"),
        Cell("idle", "Compared", age((now - made.made_ns) / 1e9), utc(made.made_ns, now)),
    ]


def drift_cell(made: DriftTable | None) -> Cell:
    """Drift in one cell, for the home page."""
    if made is None:
        return Cell("idle", "Drift", "not compared", "needs a trained split")
    return Cell("warn" if made.moved else "ok", "Drift", f"{made.moved} moved" if made.moved else "stable",
                f"{made.moved} of {len(made.features)} features")  # fmt: skip


def home_cells(f: Facts, now: Counters) -> list[Cell]:
    """The whole pipeline in six cells."""
    silent = feed_silent(now)
    clock = time.time_ns()
    if now.running:
        heard = "no data" if silent else f"last tick {age(now.last_tick_age_s)}" if now.last_tick_age_s is not None else "no tick yet"
        capture = Cell("bad" if silent else "ok", "Capture", "running", heard)
    else:
        failed = now.state in ("failed", "died")
        capture = Cell("bad" if failed else "idle", "Capture", "stopped", now.message if failed else "not started yet" if now.state == "none" else "")
    m, tau = f.market, f.settings.tau_bps
    history = (
        Cell("ok", "History", duration((m.last_ns - m.first_ns) / 1e9), f"{short_count(m.ticks)} ticks, to {utc(m.last_ns, clock)}")
        if m else Cell("idle", "History", "none", "nothing captured yet")
    )  # fmt: skip
    return [
        capture,
        history,
        Cell("ok" if tau else "idle", "τ", f"{bps(tau)} bps" if tau else "not set", f"next {f.settings.horizon_s} s, {f.settings.label}"),
        champion_cell(f.champion, f.stale),
        drift_cell(f.drift),
        Cell(job_level(f.monitor), "Monitor", "running" if f.monitor.running else "stopped",
             f.monitor.message if f.monitor.running else f"since {utc(f.monitor.heartbeat_ns, clock)}" if f.monitor.heartbeat_ns else "not started yet"),
    ]  # fmt: skip


def monitor_cells(now: Counters, job: Job, seen: View | None, champion: Meta, theta: float) -> list[Cell]:
    """Live monitor: never a number where there is none; "no data" where the feed is silent, "warming up" with its count."""
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
        Cell("idle", "Last bar, UTC", utc(seen.last_ns, time.time_ns(), zone=False) if seen else MISSING, "one a second of market time"),
        Cell(job_level(job), "Monitor", "running" if job.running else "stopped",
             f"since {utc(job.started_ns, time.time_ns())}" if job.running else job.state if job.state != "none" else "not started yet"),
    ]  # fmt: skip


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
    return Cell("alert" if spike else "ok", name, f"{bps(seen.last_vol_bps)} bps", f"at or above τ {bps(tau)}: spike" if spike else f"τ {bps(tau)}")


__all__ = [
    "STALE_S", "capture_cells", "champion_cell", "drift_cell", "drift_cells", "evaluation_cells", "feed_silent", "home_cells", "job_level",
    "monitor_cells", "question_cells", "training_cells",
]  # fmt: skip
