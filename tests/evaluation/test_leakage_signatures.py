"""The two marks of an illusion on finished scores."""

from __future__ import annotations

import pytest

from core.evaluation.leakage import signatures
from core.evaluation.scores import Curve, Scores


def scored(name: str, ap: float, base_rate: float = 0.08) -> Scores:
    return Scores(
        name=name, pr_auc=ap, base_rate=base_rate, lift=ap / base_rate, f1=0.5, precision=0.5, recall=0.5, theta=0.5,
        n_rows=100, n_spikes=8, tp=4, fp=4, fn=4, tn=88, curve=Curve(recall=[1.0], precision=[0.5], theta=[0.5]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("zscore", "logistic", "xgboost", "passed", "said"),
    [
        (0.98, 0.77, 0.93, False, "z-score and trees both near 1"),
        (0.999, 0.999, 0.999, False, "z-score and trees both near 1"),
        (0.58, 0.62, 0.85, False, "trees near 1, linear low"),
        (0.48, 0.45, 0.51, True, "no sign"),
        (0.77, 0.87, 0.81, True, "no sign"),
        (0.50, 0.85, 0.88, True, "no sign"),
    ],
)
def test_the_marks(zscore: float, logistic: float, xgboost: float, passed: bool, said: str) -> None:
    check = signatures([scored("zscore", zscore), scored("logistic", logistic), scored("xgboost-ab12cd", xgboost)])
    assert check.passed is passed and said in check.detail


def test_a_high_score_at_a_high_base_rate_is_no_illusion() -> None:
    assert signatures([scored("zscore", 0.95, 0.9), scored("xgboost", 0.95, 0.9)]).passed is True


def test_without_trees_or_without_anything_beside_them_nothing_is_said() -> None:
    assert signatures([scored("zscore", 0.99), scored("logistic", 0.99)]).passed is None
    assert signatures([scored("xgboost", 0.99)]).passed is None
