"""The marks that an illusion leaves on finished scores, for pipelines whose code nobody can examine any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.evaluation.record import Check
from core.evaluation.scores import Scores

NEAR_ONE = 0.90
"""Skill, (AP - base rate) / (1 - base rate), from which a score is too good to be true.

On real one-second bars the best honest score measured is an AP of 0.87 at a base rate of 0.10 (skill 0.86, pooled over
days of very different mood), while the trailing volatility of the next row gives 0.98 to the z-score rule (skill 0.97)
and 0.92 to trees (skill 0.91). Skill and not AP, since at a base rate of 0.9 an AP of 0.9 is nothing.
"""
HIGH, LOW = 0.80, 0.75
"""The second mark: trees' skill from HIGH on while a linear model's is below LOW of it.

The trees then know something that no trend in a feature tells: which minute it is. After a random split of real bars
shallow trees have an AP of 0.85 at a base rate of 0.05, the logistic model 0.62; honest ones come to 0.51 and 0.45 on
the same bars, or 0.81 and 0.87 over days.
"""
RULES = ("zscore",)
TREES = ("xgboost", "boosting", "forest", "trees")
LINEAR = ("logistic", "linear")


def signatures(scores: Sequence[Scores]) -> Check:
    """Whether scores of one test part look like an illusion.

    Parameters
    ----------
    scores : of several models on the same part; a model's kind is read from its `name` (which begins with, or holds,
        zscore, xgboost, forest, logistic ...)

    Returns
    -------
    The check "signatures". It fails on "z-score and trees both near 1": the label is in the features, as a label that
    looks back is; and on "trees near 1, linear low": rows of train and test are neighbours, as in a random split. It
    is None where no trees, or neither a z-score nor a linear model, are among the scores. Of several models of a kind
    the best counts.
    """
    rule, trees, linear = (_best(scores, kinds) for kinds in (RULES, TREES, LINEAR))
    if trees is None or (rule is None and linear is None):
        missing = "trees" if trees is None else "a z-score rule or a linear model"
        return Check(name="signatures", passed=None, detail=f"needs {missing} among the scores: train all models")
    said = ", ".join(
        f"{title} {s.pr_auc:.3f}"
        for title, s in (("z-score", rule), ("trees", trees), ("linear", linear))
        if s is not None
    )
    said = f"average precision {said} at a base rate of {trees.base_rate:.3f}"
    if skill(trees) >= NEAR_ONE and rule is not None and skill(rule) >= NEAR_ONE:
        return Check(
            name="signatures", passed=False,
            detail=f"z-score and trees both near 1 ({said}): trailing volatility already holds the label",
        )  # fmt: skip
    if skill(trees) >= HIGH and linear is not None and skill(linear) < LOW * skill(trees):
        return Check(
            name="signatures", passed=False,
            detail=f"trees near 1, linear low ({said}): the trees recognise single moments, as after a random split, "
            "or were given the label",
        )  # fmt: skip
    return Check(name="signatures", passed=True, detail=f"no sign of an illusion: {said}")


def skill(scores: Scores) -> float:
    """Share of the way from the base rate to 1: (AP - base rate) / (1 - base rate)."""
    return (scores.pr_auc - scores.base_rate) / (1 - scores.base_rate)


def _best(scores: Iterable[Scores], kinds: tuple[str, ...]) -> Scores | None:
    of_kind = [s for s in scores if any(kind in s.name for kind in kinds)]
    return max(of_kind, key=skill, default=None)
