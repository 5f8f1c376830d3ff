"""From trained models to what charts and sentences say of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from core.evaluation.record import Estimate, Evaluation, Group, Judged
from core.evaluation.scores import Scores
from core.training.registry import Meta, Training
from ui.charts.evaluation import Line, Role
from ui.charts.evaluation_detail import Lifts
from ui.text import plural, sentence, tau
from ui.theme import MISSING, count, duration, lift, percent, prob, utc

if TYPE_CHECKING:
    from core.evaluation.leakage import Planted


def best_of(training: Training, champion: Meta | None) -> Meta:
    """The champion where it is of this training, else the best on validation."""
    for meta in training.models:
        if champion is not None and meta.name == champion.name:
            return meta
    return max(training.models, key=lambda meta: meta.validation.pr_auc)


def lines_of(training: Training, champion: Meta | None) -> list[Line]:
    """Curves of all models, worst first, so that the best stands on top of a list of dots."""
    lines = []
    for m in sorted(training.models, key=lambda m: m.scores.pr_auc):
        star = champion is not None and m.name == champion.name
        role: Role = "forecast" if star else "baseline" if m.baseline else "challenger"
        s = m.scores
        point = None if s.recall is None or s.precision is None else (s.recall, s.precision)
        lines.append(
            Line(m.title, role, s.pr_auc, s.base_rate, s.curve.recall, s.curve.precision, point, s.theta, star)
        )
    return lines


def summary(meta: Meta) -> str:
    """A score as one unit: with its base rate, its lift, what stands behind it, and its leakage verdict."""
    s = meta.scores
    return (
        f"{meta.title}: AP {prob(s.pr_auc)}, base rate {percent(s.base_rate)}, lift {lift(s.lift)}, "
        f"from {count(s.n_spikes)} spikes in "
        f"{count(s.n_rows)} rows. {sentence(meta.leakage.words)}"
    )


NO_INTERVAL = "no interval"
MODELS = {"zscore": "z-score rule", "logistic": "logistic", "xgboost": "gradient boosting"}
"""Titles of the models that a leak is planted into."""
CURVES = 5
"""Curves drawn at most: more hide each other, and each has its dot anyway."""


def lead_of(e: Evaluation) -> Judged:
    """The model that the page speaks of: the champion, else the best on validation."""
    crowned = [m for m in e.models if m.name == e.champion]
    return crowned[0] if crowned else max(e.models, key=lambda m: m.validation_ap)


def role_of(m: Judged, e: Evaluation) -> Role:
    """How a model is drawn."""
    return "forecast" if m.name == lead_of(e).name else "baseline" if m.baseline else "challenger"


def named(m: Judged, e: Evaluation) -> str:
    """The title with its marks: the champion's star, and that it is a baseline."""
    return m.title + (" ★" if m.name == e.champion else "") + (", baseline" if m.baseline else "")


def said(x: Estimate, written: Callable[[float | None], str] = prob) -> str:
    """A number with its interval below it, or the words that there is none."""
    if x.value is None:
        return MISSING
    if x.low is None or x.high is None:
        return f"{written(x.value)}\n{NO_INTERVAL}"
    return f"{written(x.value)}\n({written(x.low)} to {written(x.high)})"


def why_no_interval(e: Evaluation) -> str:
    """Why numbers have no interval, where some have none; "" else."""
    shown = [x for m in e.models for x in (m.ap, m.within.ap, m.f1, m.within.over_best)]
    if all(x.value is None or x.low is not None for x in shown):
        return ""
    return (
        f"No interval: fewer than 5 stretches of {duration(e.block_s)} hold a spike, too few to draw from."
        " Such a number is one reading, not a score."
    )


def curve_lines(e: Evaluation, most: int = CURVES) -> list[Line]:
    """The champion's curve with its band, the best baselines', and the next best models', `most` together."""
    lead = lead_of(e)
    first = [lead.name, e.best_baseline, e.best_within]
    ranked = sorted(e.models, key=lambda m: (m.name not in first, -m.scores.pr_auc))[:most]
    return [_line(m, e, m.ap, e.base_rate, curve=True) for m in ranked]


def pooled_lines(e: Evaluation) -> list[Line]:
    """Pooled average precision of all models, worst first."""
    ranked = sorted((m for m in e.models if m.ap.value is not None), key=lambda m: m.ap.value or 0.0)
    return [_line(m, e, m.ap, e.base_rate) for m in ranked]


def within_lines(e: Evaluation) -> list[Line]:
    """Average precision inside sessions of all models, worst first; the base rate is that of the same rows."""
    return [
        _line(m, e, m.within.ap, m.within.base_rate or 0.0) for m in reversed(e.models) if m.within.ap.value is not None
    ]


def _line(m: Judged, e: Evaluation, ap: Estimate, base_rate: float, curve: bool = False) -> Line:
    s, role = m.scores, role_of(m, e)
    point = (s.recall, s.precision) if curve and s.precision is not None and role == "forecast" else None
    band = (m.band.recall, m.band.low, m.band.high) if curve and role == "forecast" and m.band.recall else None
    return Line(
        m.title, role, ap.value or 0.0, base_rate, s.curve.recall if curve else (), s.curve.precision if curve else (),
        point, m.theta, m.name == e.champion, ap.low, ap.high, band,
    )  # fmt: skip


def lift_lines(e: Evaluation) -> tuple[list[str], list[str], list[Lifts]]:
    """Lift of the champion and of the best baseline in each session: short names, what each holds, the lifts."""
    chosen = {m.name: m for m in e.models if m.name in (e.best_within, lead_of(e).name)}
    sessions = of_kind(next(iter(chosen.values())), ("session",))
    names = [utc(g.first_ns, zone=False)[:5] for g in sessions]
    about = [
        f"{utc(g.first_ns, 1)}: {plural(g.rows, 'second')}, {plural(g.spikes, 'spike')}, "
        f"base rate {percent(g.base_rate)}" for g in sessions
    ]  # fmt: skip
    ranked = sorted(chosen.values(), key=lambda m: m.baseline)
    lifts = [Lifts(m.title, role_of(m, e), [g.lift for g in of_kind(m, ("session",))]) for m in ranked]
    return names, about, lifts


def of_kind(m: Judged, kinds: Sequence[str]) -> list[Group]:
    """The stretches of these kinds, in the order they are kept."""
    return [g for g in m.groups if g.kind in kinds]


def question_of(e: Evaluation) -> str:
    """The question in a few words."""
    return f"{e.label} of the next {e.horizon_s} s at or above τ {tau(e.tau_bps, e.tau_relative)}"


def planted_lines(planted: Planted) -> tuple[list[Line], list[Line]]:
    """Curves of the models with the leak in their pipeline, and of the same models without it."""

    def lines(scores: Sequence[Scores]) -> list[Line]:
        return [
            Line(MODELS.get(s.name, s.name), "baseline" if s.name == "zscore" else "challenger", s.pr_auc, s.base_rate,
                 s.curve.recall, s.curve.precision, None, s.theta)
            for s in scores
        ]  # fmt: skip

    return lines(planted.illusion), lines(planted.honest)


def compared_lines(a: Evaluation, b: Evaluation) -> list[Line]:
    """Both champions' curves; the other run's is drawn as a challenger."""
    mine, other = ([x for x in curve_lines(e) if x.role == "forecast"] for e in (a, b))
    return [
        *(_retitled(x, "this run", "forecast") for x in mine),
        *(_retitled(x, "other run", "challenger") for x in other),
    ]


def _retitled(x: Line, title: str, role: Role) -> Line:
    return replace(x, title=title, role=role, champion=False)


def comparable(a: Evaluation, b: Evaluation) -> str:
    """Whether the scores of two trainings may be held against each other, in a sentence."""
    if a.fingerprint == b.fingerprint:
        return "Both runs are scored on the same rows and the same question, so their scores can be compared."
    return (
        "The runs have different test parts, or ask different questions: their scores are not comparable. Each is to "
        "be read against its own base rate and its own best baseline."
    )


__all__ = [
    "NO_INTERVAL", "best_of", "comparable", "compared_lines", "curve_lines", "lead_of", "lift_lines", "lines_of",
    "named",
    "of_kind", "planted_lines", "pooled_lines", "question_of", "role_of", "said", "summary",
    "why_no_interval", "within_lines",
]  # fmt: skip
