"""Scores against scikit-learn's, ties included, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve, precision_score, recall_score

from core.errors import BadInput, NotEnough
from core.evaluation.scores import CURVE_POINTS, as_row, choose_theta, score, score_at

Y = np.array([0, 0, 1, 1, 0, 1, 0, 0, 1, 0], dtype=bool)
P = np.array([0.1, 0.4, 0.35, 0.8, 0.2, 0.8, 0.8, 0.05, 0.4, 0.3])


def average_precision(y: np.ndarray, p: np.ndarray) -> float:
    return score_at("m", y, p, 0.5, "test").pr_auc


rows = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.9, 1.0])), min_size=2, max_size=60
)


def both_classes(y: np.ndarray) -> bool:
    return bool(0 < y.sum() < y.size)


@given(rows)
def test_average_precision_is_scikit_learns_with_ties(given_rows: list[tuple[bool, float]]) -> None:
    y, p = (np.array(column) for column in zip(*given_rows, strict=True))
    if both_classes(y):
        assert average_precision(y, p) == pytest.approx(average_precision_score(y, p), abs=1e-12)


@given(rows, st.permutations(range(8)))
def test_the_order_of_tied_rows_changes_nothing(given_rows: list[tuple[bool, float]], order: list[int]) -> None:
    y, p = (np.array(column) for column in zip(*given_rows, strict=True))
    shuffled = np.argsort(np.resize(order, y.size), kind="stable")
    if both_classes(y):
        assert average_precision(y, p) == average_precision(y[shuffled], p[shuffled])
        assert choose_theta(y, p) == choose_theta(y[shuffled], p[shuffled])


@given(rows)
def test_theta_has_the_best_f1_of_all_and_is_the_highest_that_has(given_rows: list[tuple[bool, float]]) -> None:
    y, p = (np.array(column) for column in zip(*given_rows, strict=True))
    if both_classes(y):
        theta = choose_theta(y, p)
        best = {t: f1_score(y, p >= t) for t in np.unique(p)}
        assert best[theta] == max(best.values())
        assert theta == max(t for t, f1 in best.items() if f1 == best[theta])


@given(rows, st.sampled_from([0.0, 0.05, 0.5, 0.95, 1.0]))
def test_scores_at_theta_are_scikit_learns(given_rows: list[tuple[bool, float]], theta: float) -> None:
    y, p = (np.array(column) for column in zip(*given_rows, strict=True))
    if both_classes(y):
        s = score_at("m", y, p, theta, "test")
        alert = p >= theta
        assert (s.tp, s.fp, s.fn, s.tn) == (
            (alert & y).sum(), (alert & ~y).sum(), (~alert & y).sum(), (~alert & ~y).sum()
        )  # fmt: skip
        assert s.recall == recall_score(y, alert)
        assert s.f1 == pytest.approx(f1_score(y, alert), abs=1e-12)
        assert s.precision == (precision_score(y, alert) if alert.any() else None)
        assert s.lift == pytest.approx(s.pr_auc / (y.sum() / y.size))


def test_theta_never_looks_at_the_test_part() -> None:
    theta = choose_theta(Y, P)
    for y_test in (Y, ~Y):
        for p_test in (P, 1 - P):
            assert score("m", Y, P, y_test, p_test).theta == theta


def test_a_perfect_and_a_blind_forecast() -> None:
    perfect = score("m", Y, Y.astype(float), Y, Y.astype(float))
    assert (perfect.pr_auc, perfect.f1, perfect.lift, perfect.n_rows, perfect.n_spikes) == (1, 1, 2.5, 10, 4)
    blind = score("m", Y, np.full(10, 0.3), Y, np.full(10, 0.3))
    assert blind.pr_auc == pytest.approx(0.4) and blind.lift == pytest.approx(1)


def test_no_alert_in_test_has_no_precision_and_is_not_an_error() -> None:
    s = score("m", Y, P, Y, P * 0.1)
    assert (s.precision, s.recall, s.f1, s.tp, s.fp) == (None, 0, 0, 0, 0)


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize("y", [np.zeros(10, bool), np.ones(10, bool)])
def test_one_class_is_refused_with_its_counts(part: str, y: np.ndarray) -> None:
    parts = (y, P, Y, P) if part == "validation" else (Y, P, y, P)
    with pytest.raises(NotEnough, match=rf"{part} part has {y.sum()} spikes in 10 rows"):
        score("m", *parts)


@pytest.mark.parametrize("p", [P * 2, P * np.nan, P - 0.2, P[:-1]])
def test_what_is_no_probability_is_refused(p: np.ndarray) -> None:
    with pytest.raises(BadInput):
        score("m", Y, P, Y, p)


@pytest.mark.parametrize("n", [20, 499, 500, 501, 5000])
def test_the_curve_is_short_lies_on_the_full_one_and_holds_the_operating_point(n: int) -> None:
    rng = np.random.default_rng(n)
    y = rng.random(n) < 0.1
    y[:2] = True, False
    p = np.clip(0.2 * rng.random(n) + 0.3 * y * rng.random(n), 0, 1)
    s = score("m", y, p, y[::-1], p[::-1])
    assert len(s.curve.recall) == len(s.curve.precision) == len(s.curve.theta) <= CURVE_POINTS
    full = set(zip(*(part.tolist() for part in precision_recall_curve(y, p)[:2]), strict=True))
    assert set(zip(s.curve.precision, s.curve.recall, strict=True)) <= full
    assert (s.recall, s.precision, s.theta) in zip(s.curve.recall, s.curve.precision, s.curve.theta, strict=True)
    assert s.curve.recall == sorted(s.curve.recall) and s.curve.recall[-1] == 1
    assert s.curve.theta == sorted(s.curve.theta, reverse=True)
    drawn = float(np.sum(np.diff(s.curve.recall, prepend=0) * s.curve.precision))
    assert drawn == pytest.approx(s.pr_auc, abs=0.01)


def test_the_operating_point_is_drawn_when_theta_falls_between_two_test_probabilities() -> None:
    rng = np.random.default_rng(1)
    y, p = rng.random(3000) < 0.2, rng.random(3000)
    s = score_at("m", y, p, 0.5000001, "test")
    assert (s.recall, s.precision, s.theta) in zip(s.curve.recall, s.curve.precision, s.curve.theta, strict=True)


def test_a_row_is_the_scores_without_the_curve() -> None:
    row = as_row(score("m", Y, P, Y, P))
    assert row["name"] == "m" and "curve" not in row and row["tp"] + row["fp"] + row["fn"] + row["tn"] == row["n_rows"]
