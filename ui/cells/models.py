"""The question, what was trained on it, and whether the market has moved since."""

from __future__ import annotations

import time
from collections.abc import Callable

from core.config import Settings
from core.evaluation.drift import DriftTable
from core.evaluation.record import UNCHECKED, Estimate, Evaluation, Leakage
from core.features.dataset import Labelled
from core.ingestion.store import Market
from core.jobs import Job
from core.training.registry import Meta, Training
from ui.cells.feed import job_level
from ui.evidence import NO_INTERVAL, lead_of
from ui.parts import Cell, Level
from ui.text import market_name, plural, tau_cell
from ui.theme import MISSING, age, bps, count, gain, lift, percent, prob, score, utc


def question_cells(rows: Labelled, settings: Settings, champion: Meta | None, stale: str | None) -> list[Cell]:
    """Threshold tuning: what the distribution is made of."""
    times = rows.rows["bar_end_ns"].to_numpy()
    shares = [len(rows.volatility(s)) for s in ("train", "validation", "test")]
    parts = " / ".join(f"{100 * n / max(sum(shares), 1):.0f}" for n in shares)
    return [
        Cell("ok", "Rows", count(len(times)), f"seconds, {market_name(rows.venue, rows.product)}"),
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


def training_cells(
    tau_bps: float | None, rows: int | None, settings: Settings, champion: Meta | None, stale: str | None, job: Job
) -> list[Cell]:
    """Training: the question, the rows, the champion, the running job."""
    return [
        Cell(
            "ok" if settings.tau is not None else "idle",
            "τ",
            MISSING if not tau_bps else tau_cell(tau_bps, settings.tau_relative, " bps"),
            f"slow volatility, median {bps(tau_bps)} bps"
            if settings.tau_relative is not None
            else "set by you"
            if settings.tau_bps is not None
            else f"P{100 * settings.quantile:g} of train, until you set one",
        ),
        Cell("ok" if rows else "idle", "Rows", count(rows), f"seconds, next {settings.horizon_s} s {settings.label}"),
        champion_cell(champion, stale),
        leakage_cell(champion.leakage if champion else UNCHECKED),
        Cell(
            job_level(job),
            "Training",
            "running" if job.running else job.state if job.state != "none" else "not run yet",
            f"since {utc(job.started_ns, time.time_ns())}" if job.running else utc(job.heartbeat_ns, time.time_ns()),
        ),
    ]


def evaluation_cells(training: Training, best: Meta) -> list[Cell]:
    """Evaluation: the champion's score as one unit, its best baseline, and the doctor's verdict."""
    s = best.scores
    baseline = max((m for m in training.models if m.baseline), key=lambda m: m.scores.pr_auc, default=None)
    ahead = baseline is not None and s.pr_auc > baseline.scores.pr_auc
    return [
        Cell("ok", "AP", prob(s.pr_auc), f"{best.title}, test split, {market_name(best.venue, best.product)}"),
        Cell("ok", "Base rate", percent(s.base_rate), f"{count(s.n_spikes)} of {count(s.n_rows)} rows"),
        Cell("ok" if s.lift > 1 else "warn", "Lift", lift(s.lift), "AP over base rate, 1 is no skill"),
        Cell(
            "ok" if ahead or best.baseline else "warn",
            "Best baseline",
            prob(baseline.scores.pr_auc) if baseline else MISSING,
            baseline.title if baseline else "none trained",
        ),
        leakage_cell(best.leakage),
    ]


VERDICT_LEVEL: dict[str, Level] = {"shown": "ok", "not shown": "idle", "no conclusion": "warn", "leaky": "bad"}


def verdict_cells(e: Evaluation) -> list[Cell]:
    """Evaluation: what may be said, the champion's score inside sessions and pooled, and what stands behind it."""
    lead, test = lead_of(e), e.meter.splits[-1]
    within, over = lead.within, lead.within.over_best
    against = "itself a baseline" if lead.name == e.best_within else f"{_ends(over, gain)}, inside sessions"
    return [
        Cell(VERDICT_LEVEL[e.verdict.word], "Verdict", e.verdict.word, f"{lead.title}, test split"),
        Cell(
            "idle",
            "AP inside sessions",
            score(within.ap.value),
            f"{_ends(within.ap, score)}, base rate {percent(within.base_rate)}",
        ),
        Cell("idle", "AP pooled", score(lead.ap.value), f"{_ends(lead.ap, score)}, base rate {percent(e.base_rate)}"),
        Cell("idle", "Over best baseline", gain(over.value), against),
        Cell(
            "ok" if e.meter.enough else "warn",
            "Evidence",
            plural(test.episodes, "episode"),
            f"in test, {count(test.horizons)} horizons",
        ),
        leakage_cell(e.leakage),
    ]


def _ends(x: Estimate, written: Callable[[float | None], str] = prob) -> str:
    return NO_INTERVAL if x.low is None or x.high is None else f"{written(x.low)} to {written(x.high)}"


def leakage_cell(leakage: Leakage) -> Cell:
    """The doctor's verdict on the pipeline behind a score."""
    level: dict[str, Level] = {"clean": "ok", "leaky": "bad", "undecided": "warn"}
    if not leakage.checks:
        return Cell("idle", "Leakage", "not checked", "no verdict exists for these scores")
    failed = [check.name.replace("_", " ") for check in leakage.checks if check.passed is False]
    passed = sum(check.passed is True for check in leakage.checks)
    said = ", ".join(failed) if failed else f"{passed} of {len(leakage.checks)} checks passed"
    return Cell(level[leakage.verdict], "Leakage", leakage.verdict, said)


def compared_here(made: DriftTable | None, market: Market | None) -> DriftTable | None:
    """The comparison where it is of `market`; one of another market says nothing here."""
    if made is None or market is None or (made.venue, made.product) != (market.venue, market.product):
        return None
    return made


def drift_cells(made: DriftTable | None, job: Job) -> list[Cell]:
    """Drift: what moved, and what was compared. `made` is a comparison of the shown market (`compared_here`)."""
    if made is None:
        said = job.message if job.running else "not run yet" if job.state == "none" else job.state
        return [
            Cell("idle", "Features moved", MISSING, "nothing compared yet"),
            Cell("idle", "Reference", MISSING, "what models learned from"),
            Cell("idle", "Current", MISSING, "what came since"),
            Cell(job_level(job), "Comparison", "running" if job.running else MISSING, said),
        ]
    n = len(made.features)
    now = time.time_ns()
    return [
        Cell("warn" if made.moved else "ok", "Features moved", f"{made.moved} of {n}", "by Evidently's default test"),
        Cell(
            "idle",
            "Reference",
            made.reference.name,
            f"{count(made.reference.rows)} rows from {utc(made.reference.first_ns, now)}",
        ),
        Cell(
            "idle", "Current", made.current.name, f"{count(made.current.rows)} rows to {utc(made.current.last_ns, now)}"
        ),
        Cell("idle", "Compared", age((now - made.made_ns) / 1e9), utc(made.made_ns, now)),
    ]


def drift_cell(made: DriftTable | None, market: Market | None) -> Cell:
    """Drift in one cell, for the home page."""
    here = compared_here(made, market)
    if here is None:
        other = "needs a trained split" if made is None else f"last: {market_name(made.venue, made.product)}"
        return Cell("idle", "Drift", "not compared", other)
    return Cell(
        "warn" if here.moved else "ok",
        "Drift",
        f"{here.moved} moved" if here.moved else "stable",
        f"{here.moved} of {len(here.features)} features",
    )


__all__ = [
    "VERDICT_LEVEL",
    "champion_cell",
    "compared_here",
    "drift_cell",
    "drift_cells",
    "evaluation_cells",
    "question_cells",
    "training_cells",
    "verdict_cells",
]
