"""From trained models to what charts and sentences say of them. Pure."""

from __future__ import annotations

from core.training.registry import Meta, Training
from ui.charts.evaluation import Line, Role
from ui.text import sentence
from ui.theme import count, lift, percent, prob


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


__all__ = ["best_of", "lines_of", "summary"]
