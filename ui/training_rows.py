"""Rows of the training page's tables as text, and the lines of its figures. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from core.evaluation.importance import Explained, Importance
from core.evaluation.record import Estimate, Evaluation, Meter
from core.training.compare import Compared
from core.training.folds import lifts, mean_lift
from core.training.registry import Meta, Training
from core.training.standing import Standing
from ui.charts.leaning import Cost, Part
from ui.loaders import Summary
from ui.tables import Rows
from ui.text import kinds, market_name, plural, tau_cell
from ui.theme import MISSING, count, gain, lift, percent, score, utc

SHOWN = 9
"""Features of one forecast that are drawn; the others are one bar."""
STATES = {
    "waiting": "○ waiting", "fitting": "◆ fitting", "on folds": "◆ on folds", "fitted": "● fitted",
    "judged": "● judged", "left out": "▲ left out",
}  # fmt: skip
WORDS = {
    "venue": "venue", "product": "product", "label": "label", "horizon_s": "horizon, s", "tau_bps": "τ, bps",
    "tau_relative": "τ, × slow volatility",
    "quantile": "τ as a quantile", "from_ns": "from", "to_ns": "to", "seed": "seed", "fingerprint": "fingerprint",
    "features": "features it alone has", "models": "models it alone has",
}  # fmt: skip


def between(x: Estimate | None) -> str:
    """A score with its interval in one line, "–" where there is none.

    >>> between(Estimate(value=0.21, low=0.18, high=0.24)), between(Estimate(value=0.21)), between(None)
    ('0.21 (0.18 to 0.24)', '0.21, no interval', '–')
    """
    return _between(x, score)


def _between(x: Estimate | None, written: Callable[[float | None], str]) -> str:
    if x is None or x.value is None:
        return MISSING
    if x.low is None or x.high is None:
        return f"{written(x.value)}, no interval"
    return f"{written(x.value)} ({written(x.low)} to {written(x.high)})"


def plan_rows(meter: Meter) -> Rows:
    """What a training would learn from: each part with its time, rows, trials that share nothing, and what happened."""
    now = time.time_ns()
    rows = [
        [
            e.split, "● enough" if e.enough else "▲ too few", count(e.rows), count(e.horizons), count(e.episodes),
            count(e.spikes), percent(e.spikes / e.rows) if e.rows else MISSING,
            stretch(e.first_ns, e.last_ns, now) if e.rows else MISSING,
        ]
        for e in meter.splits
    ]  # fmt: skip
    columns = ["part", "evidence", "rows", "independent\nhorizons", "episodes", "spikes", "base rate", "from, UTC"]
    return columns, rows


def standing_rows(standings: Sequence[Standing]) -> Rows:
    """Where each model of a running training stands, in the order in which they are fitted."""
    rows = [
        [
            s.title + (" ★" if s.champion else "") + (", baseline" if s.baseline else ""), STATES[s.state],
            MISSING if s.seconds is None else f"{s.seconds:.1f}", between(s.validation), percent(s.base_rate),
            lift(s.fold_lift), between(s.test), percent(s.test_base_rate),
        ]
        for s in standings
    ]  # fmt: skip
    columns = [
        "model",
        "state",
        "seconds",
        "AP on validation",
        "base rate",
        "mean lift, folds",
        "AP on test",
        "base rate",
    ]
    return columns, rows


def run_rows(runs: Sequence[Training], summaries: Sequence[Summary], champion: Meta | None, most: int = 30) -> Rows:
    """One row a training, newest first, by the model that leads it; ★ where that watches the market. The market is said
    where they are of several."""
    now, several = time.time_ns(), len({(t.venue, t.product) for t in runs}) > 1
    rows = []
    for t, s in list(zip(runs, summaries, strict=True))[:most]:
        first = t.models[0]
        star = " ★" if champion is not None and s.name == champion.name else ""
        rows.append(
            [
                utc(t.trained_ns, now, zone=False), (s.title or MISSING) + star, s.verdict, between(s.ap),
                percent(s.base_rate), lift(None if s.ap.value is None else s.ap.value / s.base_rate),
                tau_cell(t.tau_bps, t.tau_relative),
                f"{t.label}, leaky" if first.leaky else t.label,
                f"{len(t.models)}" + (f", {s.left_out} left out" if s.left_out else ""),
                count(sum(part["rows"] for part in first.splits.values())), range_of(first, now),
                *([market_name(t.venue, t.product)] if several else []),
            ]
        )  # fmt: skip
    columns = [
        "when, UTC", "led by", "verdict", "AP on test", "base rate", "lift", "τ, bps or ×", "label", "models", "rows",
        "range, UTC", *(["market"] if several else []),
    ]  # fmt: skip
    return columns, rows


def range_of(meta: Meta, now_ns: int | None = None) -> str:
    """From when to when a training's bars are; "–" where that was not kept."""
    if meta.from_ns is None or meta.to_ns is None:
        return MISSING
    return stretch(meta.from_ns, meta.to_ns, now_ns)


def stretch(from_ns: int, to_ns: int, now_ns: int | None = None) -> str:
    """From when to when, to the minute, a date where it is another day than the moment before it.

    >>> stretch(1_761_297_242_000_000_000, 1_761_300_000_000_000_000, 1_771_297_242_000_000_000)
    '24 Oct 09:14 to 10:00'
    """
    return f"{utc(from_ns, now_ns, zone=False)[:-3]} to {utc(to_ns, from_ns, zone=False)[:-3]}"


def model_rows(training: Training, e: Evaluation | None, champion: Meta | None) -> Rows:
    """One row a model of one training, best AP on test first."""
    judged = {m.name: m for m in e.models} if e else {}
    rows = []
    for m in sorted(training.models, key=lambda m: -m.scores.pr_auc):
        s, found = m.scores, judged.get(m.name)
        star = " ★" if champion is not None and m.name == champion.name else ""
        on_folds = mean_lift(lifts(e.folds, m.model)) if e else None
        rows.append(
            [
                m.title + star + (", baseline" if m.baseline else ""),
                between(found.ap if found else Estimate(value=s.pr_auc)), percent(s.base_rate), lift(s.lift),
                between(found.within.ap) if found else MISSING, score(m.validation.pr_auc), lift(on_folds),
                f"{m.seconds:.1f}", m.run_id[:8] or MISSING,
            ]
        )  # fmt: skip
    columns = [
        "model", "AP on test", "base rate", "lift", "AP inside sessions", "AP on validation", "mean lift, folds",
        "seconds", "MLflow run",
    ]  # fmt: skip
    return columns, rows


def pair_rows(made: Compared) -> Rows:
    """Both trainings' scores of the models they share, and the paired difference where there is one."""
    rows = [[p.title, between(p.a), between(p.b), _between(p.difference, gain)] for p in made.pairs]
    return ["model", "AP of A", "AP of B", "A less B, paired"], rows


def difference_rows(made: Compared) -> Rows:
    """What two trainings differ in, and what each has."""
    rows = [[WORDS.get(d.what, d.what), _told(d.what, d.a), _told(d.what, d.b)] for d in made.differences]
    return ["what differs", "A", "B"], rows


def _told(what: str, value: Any) -> str:
    if value is None or value == []:
        return MISSING
    if what in ("from_ns", "to_ns"):
        return utc(value, time.time_ns(), zone=False)
    if isinstance(value, list | tuple):
        return "; ".join(kinds(value)) if what == "features" else ", ".join(map(str, value))
    if what == "fingerprint":
        return str(value)[:8]
    if isinstance(value, float):
        return f"{value:.4g}"
    return count(value) if what.endswith(("rows", "spikes")) else str(value)


def cost_lines(made: Importance, most: int = 10) -> list[Cost]:
    """The features that cost most when they are shuffled, first."""
    lines = []
    for g in made.groups[:most]:
        names = kinds(g.features)
        about = f"{'; '.join(names)}<br>AP {_spread(g.ap)}<br>log loss {_spread(g.log_loss)}"
        shown = "; ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
        lines.append(Cost(shown, g.ap.value or 0.0, g.ap.low or 0.0, g.ap.high or 0.0, about))
    return lines


def _spread(x: Estimate) -> str:
    return f"{gain(x.value, 3)} ({gain(x.low, 3)} to {gain(x.high, 3)} in the shuffles)"


def part_lines(row: Explained, most: int = SHOWN) -> list[Part]:
    """What the strongest features add to one forecast, and the others together."""
    ranked = sorted(zip(row.features, row.values, row.adds, strict=True), key=lambda part: -abs(part[2]))
    lines = [
        Part(f"{kinds([name])[0]} = {MISSING if value is None else f'{value:.3g}'}".replace("-", "−"), adds)
        for name, value, adds in ranked[:most]
    ]
    rest = [adds for _, _, adds in ranked[most:]]
    return [*lines, Part(f"{plural(len(rest), 'other feature')}", sum(rest))] if rest else lines


__all__ = [
    "between", "cost_lines", "difference_rows", "model_rows", "pair_rows", "part_lines", "plan_rows", "range_of",
    "run_rows", "standing_rows", "stretch",
]  # fmt: skip
