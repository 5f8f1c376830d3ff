"""Rows of the report's tables as text, made of one `Evaluation`; PDF and card print the same ones. Pure.

A cell may have two lines, the second one muted: a number and its interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.evaluation.drift import DriftTable
from core.evaluation.record import Alerts, Estimate, Evaluation
from core.evaluation.reports.words import (
    MISSING,
    bps,
    count,
    duration,
    lead,
    lift,
    market,
    named,
    percent,
    prob,
    said,
    share,
    signed,
    utc,
)

MARKS: Final = {True: "● passed", False: "■ failed", None: "○ not asked"}


@dataclass(frozen=True)
class Table:
    """Columns and rows as text. `marked` are rows to be set apart (the champion's); `wide` is the column whose text is
    wrapped, all others keep their lines."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[int] = frozenset()
    wide: int | None = None


def _lines(x: Estimate, written: object = prob) -> str:
    """A number and below it its interval."""
    assert callable(written)
    return said(x, written).replace(" (", "\n(")


def identity(e: Evaluation) -> Table:
    """What the numbers can be traced by."""
    test = e.meter.splits[-1]
    first, last = e.meter.splits[0].first_ns, test.last_ns
    missing = f"; without {', '.join(e.missing)}" if e.missing else ""
    rows = (
        ("MLflow run", e.run_id or "not logged"),
        ("training", f"{e.training}, evaluated {utc(e.made_ns)}"),
        ("data fingerprint", e.fingerprint),
        ("market", f"{market(e)}, {utc(first)} to {utc(last)}{missing}"),
        ("test part", f"{utc(test.first_ns)} to {utc(test.last_ns)}"),
        (
            "intervals",
            f"95 %, block bootstrap: {e.replicates} replicates, blocks of {duration(e.block_s)}, seed {e.seed}",
        ),
    )
    return Table(("what", "which"), rows, wide=1)


def evidence(e: Evaluation) -> Table:
    """What the seconds of each split come down to."""
    rows = tuple(
        (
            s.split, "● enough" if s.enough else "▲ too few", count(s.rows), count(s.horizons), count(s.episodes),
            count(s.spikes), percent(s.spikes / s.rows) if s.rows else MISSING, count(s.sessions), f"{s.hours:.1f}",
        )
        for s in e.meter.splits
    )  # fmt: skip
    columns = ("split", "evidence", "rows", "horizons", "episodes", "spikes", "base rate", "sessions", "hours")
    return Table(columns, rows)


def checks(e: Evaluation) -> Table:
    """The doctor's questions, each with its answer and its numbers."""
    rows = tuple((MARKS[c.passed], c.name.replace("_", " "), c.detail) for c in e.leakage.checks)
    return Table(("answer", "check", "numbers"), rows, wide=2)


def models(e: Evaluation) -> Table:
    """One row a model, best inside sessions first; the base rates stand in the header."""
    inside = e.models[0].within.base_rate
    columns = (
        "model", f"inside sessions: AP,\nbase rate {percent(inside)}", "lift", "over best\nbaseline there",
        f"pooled: AP,\nbase rate {percent(e.base_rate)}", "lift", "over best\nbaseline", "F1 at θ",
    )  # fmt: skip
    rows = tuple(
        (
            named(m, e), _lines(m.within.ap), _lines(m.within.lift, lift),
            "is the best" if m.name == e.best_within else _lines(m.within.over_best, signed),
            _lines(m.ap), _lines(m.lift, lift),
            "is the best" if m.name == e.best_baseline else _lines(m.over_best, signed), _lines(m.f1),
        )
        for m in e.models
    )  # fmt: skip
    return Table(columns, rows, _marked(e))


def budgets(e: Evaluation) -> Table:
    """The champion's alerts at each budget, of all alerts and of those before volatility is up."""
    columns = (
        "alerts an hour", "counted", "θ", "alerts", "right", "episodes caught", "false an hour", "median lead"
    )  # fmt: skip
    rows = tuple(
        (f"{a.budget_per_h:g}", "onset only" if a.onset else "all", *_alerts(a)) for a in lead(e).alerts
    )  # fmt: skip
    return Table(columns, rows)


def alerts(e: Evaluation, budget_per_h: float) -> Table:
    """Every model's alerts at one budget, all and onset only."""
    columns = ["model"]
    for counted in ("all", "onset only"):
        columns += [f"{counted}:\nright", "\ncaught", "false\nan hour", "median\nlead"]
    rows = []
    for m in e.models:
        found = {a.onset: _alerts(a) for a in m.alerts if a.budget_per_h == budget_per_h}
        if len(found) == 2:
            rows.append((named(m, e), *(cell for onset in (False, True) for cell in found[onset][2:])))
    crowned = frozenset(i for i, row in enumerate(rows) if "★" in row[0])
    return Table(tuple(columns), tuple(rows), crowned)


def _alerts(a: Alerts) -> tuple[str, ...]:
    right = f"{a.right} of {a.alerts}\n{share(a.precision)}" if a.alerts else "no alert"
    caught = f"{a.caught} of {a.episodes}\n{share(a.recall)}" if a.episodes else "no episode"
    # above 1 or above every forecast: validation gave no alert probability that keeps to the budget
    theta = prob(a.theta) if a.theta <= 1 else "none"
    lead_s = MISSING if a.lead_s is None else f"{a.lead_s:.0f} s"
    return theta, f"{a.alerts} in {a.hours:.1f} h", right, caught, f"{a.false_per_h:.1f}", lead_s


def probabilities(e: Evaluation) -> Table:
    """Whether each model's probabilities mean what they say."""
    rows = tuple(
        (
            named(m, e), said(m.probability.brier_skill, signed), number_of(m.probability.brier),
            number_of(m.probability.log_loss), number_of(m.probability.ece), m.calibration,
        )
        for m in e.models
    )  # fmt: skip
    return Table(("model", "Brier skill", "Brier", "log loss", "ECE", "calibration"), rows, _marked(e), wide=5)


def number_of(x: float) -> str:
    """A loss: three decimals, since two hide what calibration changes."""
    return f"{x:.3f}"


def groups(e: Evaluation) -> Table:
    """The shown model and the best baseline inside sessions in each session, day and regime of the test part."""
    m = lead(e)
    columns = ("stretch", "which", "rows", "spikes", "base rate", "AP", "lift")
    rows = [
        (
            g.kind, utc(g.first_ns) if g.kind == "session" else g.name, count(g.rows), count(g.spikes),
            percent(g.base_rate), prob(g.ap), lift(g.lift),
        )
        for g in m.groups
    ]  # fmt: skip
    best = next((x for x in e.models if x.name == e.best_within and x.name != m.name), None)
    if best is None:
        return Table(columns, tuple(rows))
    theirs = {(g.kind, g.name): (prob(g.ap), lift(g.lift)) for g in best.groups}
    both = tuple((*row, *theirs.get((g.kind, g.name), (MISSING, MISSING))) for g, row in zip(m.groups, rows))
    return Table((*columns, "AP of the\nbest baseline", "lift"), both)


def folds(e: Evaluation) -> Table:
    """Walk-forward folds: each trained on what lies before it, with a threshold of its own."""
    tau = "τ bps" if e.tau_relative is None else "τ × slow"
    columns = ("fold", "model", "from", "trained on", "rows", "spikes", tau, "base rate", "AP", "lift", "note")
    titles = {m.model: m.title for m in e.models}
    rows = tuple(
        (
            str(f.number), titles.get(f.model, f.model), utc(f.first_ns)[5:16], count(f.train_rows),
            count(f.rows), count(f.spikes), bps(f.tau_bps if f.tau_relative is None else f.tau_relative),
            percent(f.base_rate), prob(f.ap), lift(f.lift), f.note,
        )
        for f in e.folds
    )  # fmt: skip
    return Table(columns, rows, wide=10)


def drift(table: DriftTable) -> Table:
    """Every compared feature, the moved ones first."""
    columns = ("feature", "moved", "statistic", "value", "threshold", "median before", "median now")
    ordered = sorted(table.features, key=lambda f: not f.moved)
    rows = tuple(
        (
            f.feature, "▲ moved" if f.moved else "● same", f.statistic,
            MISSING if f.value is None else f"{f.value:.3g}", f"{f.threshold:g}",
            f"{f.reference_median:.3g}", f"{f.current_median:.3g}",
        )
        for f in ordered
    )  # fmt: skip
    return Table(columns, rows)


def _marked(e: Evaluation) -> frozenset[int]:
    return frozenset(i for i, m in enumerate(e.models) if m.name == e.champion)
