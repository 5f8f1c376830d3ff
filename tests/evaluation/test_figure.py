"""The precision-recall picture: what is drawn in it, and that its names stand free."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from core.evaluation import figure as fig
from core.evaluation.scores import Scores, score


def scored(names: list[str], seed: int = 0, rows: int = 2500) -> list[Scores]:
    rng = np.random.default_rng(seed)
    y = rng.random(rows) < 0.15
    made = []
    for k, name in enumerate(names):
        p = 1 / (1 + np.exp(1.5 - rng.normal(size=rows) - (0.9 + 0.4 * k) * y))
        made.append(score(name, y, p, y, p))
    return made


def area(line: Any) -> float:
    return float(np.trapezoid(line.get_ydata(), line.get_xdata()))


def test_every_curve_has_its_name_its_line_and_its_operating_point() -> None:
    scores = scored(["zscore", "logistic", "xgboost"])
    figure = fig.pr_figure(
        scores, ["z-score rule", "logistic", "boosting"], [True, False, False], "logistic", heading="τ 8.7"
    )
    axes = figure.axes[0]
    texts = [text.get_text() for text in axes.texts]
    for s, title in zip(scores, ["z-score rule", "logistic ★", "boosting"], strict=True):
        assert f"{title}  AP {s.pr_auc:.2f}" in texts
        (line,) = (
            line for line in axes.lines if len(line.get_xdata()) > 2 and area(line) == pytest.approx(s.pr_auc, abs=5e-3)
        )
        assert set(line.get_xdata()) == {0.0, *s.curve.recall} and set(line.get_ydata()) == set(s.curve.precision)
        assert line.is_dashed() == (s.name == "zscore")
        assert any(
            list(point.get_xdata()) == [s.recall] and list(point.get_ydata()) == [s.precision] for point in axes.lines
        )
    assert f"base rate {100 * scores[0].base_rate:.1f} %" in texts and "τ 8.7" in texts
    assert axes.get_legend() is None
    assert any(set(line.get_ydata()) == {scores[0].base_rate} for line in axes.lines)


@pytest.mark.parametrize("seed", range(6))
def test_names_do_not_cover_each_other(seed: int) -> None:
    names = ["z-score rule", "logistic", "gradient boosting", "trailing volatility"]
    figure = fig.pr_figure(scored(names, seed), names, [True, False, False, True], "logistic")
    boxes = [t.get_window_extent() for t in figure.axes[0].texts if "AP" in t.get_text()]
    assert len(boxes) == 4
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_a_model_that_never_alerts_has_a_curve_and_no_point() -> None:
    rng = np.random.default_rng(0)
    y, p = rng.random(500) < 0.2, rng.random(500)
    silent = score("m", y, p, y, p * 0.001)
    assert silent.precision is None
    figure = fig.pr_figure([silent], ["m"], [False])
    assert not [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]


def test_nothing_global_is_touched() -> None:
    import matplotlib.pyplot as plt

    fig.pr_figure(scored(["a"]), ["a"], [False])
    assert plt.get_fignums() == []
