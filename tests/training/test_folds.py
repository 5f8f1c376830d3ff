"""Walk-forward folds: what each may see, and what the champion is chosen on."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import models
from core.evaluation.record import Evidence, Fold
from core.features.dataset import Dataset
from core.features.labels import multiple
from core.training.folds import Said, before_test, decide, learned, mean_lift, out_of_fold, parts, walk_forward

SECOND_NS = 1_000_000_000
Make = Callable[..., Dataset]


@st.composite
def times(draw: st.DrawFn) -> NDArray[np.int64]:
    """Ends of bars, a second apart, with holes of up to some minutes."""
    steps = draw(st.lists(st.sampled_from([1] * 12 + [2, 59, 60, 61, 400]), min_size=3, max_size=300))
    return 1_760_000_000 * SECOND_NS + np.cumsum(np.asarray(steps, np.int64)) * SECOND_NS


@settings(max_examples=150, deadline=None)
@given(times(), st.sampled_from([1, 10, 60, 300]), st.integers(1, 9))
def test_no_label_of_an_earlier_part_reads_a_second_that_a_later_one_stands_on(
    end_ns: NDArray[np.int64], horizon_s: int, folds: int
) -> None:
    made = parts(end_ns, horizon_s, folds)
    assert [part.number for part in made] == list(range(1, len(made) + 1))
    assert len(made) == min(folds, end_ns.size - 1)
    for part in made:
        for earlier, later in ((part.fit, part.steer), (part.fit, part.scored), (part.steer, part.scored)):
            if earlier.size and later.size:
                assert end_ns[earlier].max() + horizon_s * SECOND_NS < end_ns[later].min()
        # as much as may be used is: all rows before the stretch whose horizon ends before it, less the inner purge
        allowed = np.flatnonzero(end_ns + horizon_s * SECOND_NS < end_ns[part.scored[0]])
        inner = np.setdiff1d(allowed, np.concatenate([part.fit, part.steer]))
        if part.fit.size:
            assert (end_ns[inner] <= end_ns[part.fit[-1]] + horizon_s * SECOND_NS).all()
        assert np.isin(np.concatenate([part.fit, part.steer, part.recent]), allowed).all()
        assert part.recent.size == min(allowed.size, part.scored.size)
    scored = np.concatenate([part.scored for part in made])
    np.testing.assert_array_equal(scored, np.arange(scored[0], end_ns.size))  # each once, to the last row
    sizes = [part.scored.size for part in made]
    assert max(sizes) - min(sizes) <= 1 and abs(int(scored[0]) - sizes[0]) <= 1


def chosen(*names: str) -> list[Any]:
    found = models.discover()
    return [found[name] for name in names]


def test_a_fold_knows_nothing_of_what_comes_after_it_nor_of_the_test_part(make_dataset: Make) -> None:
    plain, changed = make_dataset(), make_dataset()
    folds = walk_forward(plain, chosen("zscore", "xgboost"), 3, quantile=0.8)
    assert {fold.number for fold in folds if fold.ap is not None} >= {3, 4}
    last = next(fold.last_ns for fold in folds if fold.number == 3)
    later = changed.rows["bar_end_ns"] > last
    assert folds[-1].last_ns == before_test(plain)["bar_end_ns"].iloc[-1]
    rng = np.random.default_rng(1)
    for column in (*changed.features, "forward_vol_bps"):
        changed.rows.loc[later, column] = rng.lognormal(0, 2, int(later.sum()))
    again = walk_forward(changed, chosen("zscore", "xgboost"), 3, quantile=0.8)
    assert [f for f in again if f.number <= 3] == [f for f in folds if f.number <= 3]
    assert [f for f in again if f.number > 3] != [f for f in folds if f.number > 3]
    test = plain.rows["split"] == "test"
    plain.rows.loc[test, "forward_vol_bps"] = np.nan
    assert walk_forward(plain, chosen("zscore", "xgboost"), 3, quantile=0.8) == folds


def test_tau_comes_from_the_stretch_before_or_is_as_given(make_dataset: Make) -> None:
    dataset = make_dataset()
    rows = before_test(dataset)
    forward = rows["forward_vol_bps"].to_numpy()
    for fold, part in zip(
        walk_forward(dataset, chosen("zscore"), quantile=0.8), parts(rows["bar_end_ns"].to_numpy(), 60), strict=True
    ):
        assert fold.tau_bps == np.quantile(forward[part.recent], 0.8)
        assert fold.spikes == int((forward[part.scored] >= fold.tau_bps).sum())
        assert fold.train_rows == part.fit.size + part.steer.size
    assert {fold.tau_bps for fold in walk_forward(dataset, chosen("zscore"))} == {dataset.tau_bps}


def test_a_fold_without_a_score_is_kept_and_says_why(make_dataset: Make) -> None:
    dataset = make_dataset()
    rows = before_test(dataset)
    second = parts(rows["bar_end_ns"].to_numpy(), 60)[1]
    dataset.rows.loc[rows.index[second.scored], "forward_vol_bps"] = 0.1
    dataset.rows.loc[rows.index[parts(rows["bar_end_ns"].to_numpy(), 60)[0].fit], "rv_60"] = 1.0
    folds = walk_forward(dataset, chosen("zscore"))
    assert len(folds) == 5
    assert (folds[1].ap, folds[1].lift, folds[1].base_rate, folds[1].note) == (None, None, 0.0, "no spike in it")
    assert folds[0].ap is None and "rv_60 does not vary" in folds[0].note
    assert folds[4].ap is not None and folds[4].note == ""
    assert folds[4].lift == folds[4].ap / folds[4].base_rate  # type: ignore[operator]
    few = walk_forward(dataset, chosen("zscore"), folds=20)
    assert few[0].note == "no row is left to train on" and few[0].train_rows == 0


def test_what_was_said_out_of_fold_is_kept_calibrated_with_the_quiet_stretches(make_dataset: Make) -> None:
    dataset = make_dataset()
    rows = before_test(dataset)
    second = parts(rows["bar_end_ns"].to_numpy(), 60)[1]
    dataset.rows.loc[rows.index[second.scored], "forward_vol_bps"] = 0.1
    said: Said = {}
    folds = walk_forward(dataset, chosen("har", "logistic"), said=said)
    assert folds == walk_forward(dataset, chosen("har", "logistic"))
    assert folds[1].note == "no spike in it" and ("har", 2) in said
    kept = out_of_fold(dataset, folds, said, {"har": "har-1", "logistic": "logistic-1"})
    assert kept["bar_end_ns"].is_monotonic_increasing and kept["bar_end_ns"].max() == rows["bar_end_ns"].max()
    assert len(kept) == sum(f.rows for f in folds if f.model == "har")
    for f in folds:
        mine = kept.loc[kept["fold"] == f.number, f"{f.model}-1"].to_numpy()
        known = said.get((f.model, f.number))
        np.testing.assert_array_equal(mine, np.full(f.rows, np.nan) if known is None else known)
    later = kept[kept["fold"] >= 4]
    shares = [float((later["forward_vol_bps"] >= later["tau"]).mean()), float(later["logistic-1"].mean())]
    assert shares[1] == pytest.approx(shares[0], rel=0.6)  # of weighted classes it would say far more
    assert len(out_of_fold(dataset, (), {}, {})) == 0


def test_the_same_seed_gives_the_same_folds_and_progress_rises(make_dataset: Make) -> None:
    told: list[tuple[float, str]] = []
    first = walk_forward(make_dataset(), chosen("zscore", "xgboost"), 1, beat=lambda *said: told.append(said))
    assert first == walk_forward(make_dataset(), chosen("zscore", "xgboost"), 1)
    assert [fold.model for fold in first] == ["zscore"] * 5 + ["xgboost"] * 5
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    assert told[-1][1] == "gradient boosting, fold 5 of 5"


def test_parameters_reach_the_model_of_that_name(make_dataset: Make) -> None:
    usual = walk_forward(make_dataset(), chosen("logistic"), folds=2)
    other = walk_forward(make_dataset(), chosen("logistic"), folds=2, params={"logistic": {"C": 10.0}})
    assert [f.ap for f in usual] != [f.ap for f in other]
    assert walk_forward(make_dataset(), chosen("logistic"), folds=2, params={"xgboost": {"depth": 1}}) == usual


def test_a_slow_model_is_tried_on_its_last_folds_and_one_that_forecasts_volatility_is_told_it(
    make_dataset: Make,
) -> None:
    heard: list[tuple[float, float]] = []

    class Hears:
        def fit(self, X: Any, y: Any, validation: Any, progress: Any, target: Any, tau: float) -> Any:
            assert ((target >= tau) == y).all() and len(target) == len(X)
            heard.append((float(target[-1]), tau))
            return self

        def predict_proba(self, X: Any) -> Any:
            return np.full((len(X), 2), 0.5)

    slow: Any = SimpleNamespace(
        NAME="slow", TITLE="slow", BASELINE=False, FOLDS=2, build=lambda _seed, _column: Hears()
    )
    folds = walk_forward(make_dataset(), [slow])
    assert [fold.number for fold in folds] == [4, 5] and len(heard) == 2
    assert [fold.lift for fold in folds] == [pytest.approx(1.0)] * 2
    rows = before_test(make_dataset())
    assert learned(slow, make_dataset(), rows, None, 8.7, 0) is not None


def test_a_relative_tau_of_a_fold_is_the_quantile_of_the_multiples_just_before_it(make_dataset: Make) -> None:
    dataset = make_dataset(tau_relative=1.1)
    rows = before_test(dataset)
    ratio = multiple(rows["forward_vol_bps"].to_numpy(), rows["slow_bps"].to_numpy())
    cut = parts(rows["bar_end_ns"].to_numpy(), 60)
    for fold, part in zip(walk_forward(dataset, chosen("har"), quantile=0.8), cut, strict=True):
        assert fold.tau_relative == np.quantile(ratio[part.recent], 0.8)
        slow = rows["slow_bps"].to_numpy()[part.scored]
        assert fold.tau_bps == pytest.approx(fold.tau_relative * np.median(slow))
        assert fold.spikes == (rows["forward_vol_bps"].to_numpy()[part.scored] >= fold.tau_relative * slow).sum()
    assert {fold.tau_relative for fold in walk_forward(dataset, chosen("har"))} == {1.1}
    assert all(fold.lift is not None for fold in walk_forward(dataset, chosen("har")))


def test_a_model_that_forecasts_volatility_is_told_the_multiple_and_its_column(make_dataset: Make) -> None:
    dataset = make_dataset(tau_relative=1.1)
    heard: list[Any] = []

    class Hears:
        def fit(self, X: Any, y: Any, validation: Any, progress: Any, target: Any, tau: Any) -> Any:
            heard.append((tau, ((target >= tau.k * (tau.scale * X[tau.column])) == y).all()))
            return self

    model: Any = SimpleNamespace(NAME="hears", TITLE="hears", BASELINE=False, build=lambda _seed, _column: Hears())
    learned(model, dataset, before_test(dataset), None, dataset.tau, 0)
    assert heard == [((1.1, "rms_3600", np.sqrt(60)), True)]


def behind(spikes: int, episodes: int) -> Evidence:
    return Evidence(
        split="validation", rows=3000, spikes=spikes, horizons=50, episodes=episodes, sessions=1, first_ns=0, last_ns=1,
        hours=1.0, enough=spikes >= 30 and episodes >= 5,
    )  # fmt: skip


def folds_of(**lifts: list[float | None]) -> list[Fold]:
    return [
        Fold(
            number=n, model=model, train_rows=100, rows=100, spikes=10, first_ns=n, last_ns=n, tau_bps=1.0,
            base_rate=0.1, ap=None if lift is None else lift / 10, lift=lift,
        )
        for model, values in lifts.items()
        for n, lift in enumerate(values, 1)
    ]  # fmt: skip


APS = {"rule": 0.5, "trees": 0.4, "slow": 0.1}


@pytest.mark.parametrize(
    ("folds", "held", "best", "said"),
    [
        ([], behind(60, 1), "rule", "No folds were asked for: the champion is chosen on validation, which holds 60 sp"),
        (folds_of(rule=[1, 1], trees=[2, 2]), behind(60, 9), "rule", "enough to choose the champion on it"),
        (folds_of(rule=[1, 1], trees=[2, 2]), behind(60, 4), "trees", "by its mean lift over the 2 folds instead"),
        (folds_of(rule=[1, 1], trees=[2, 2]), behind(29, 9), "trees", "29 spikes in 9 episodes; a choice on it needs"),
        (folds_of(rule=[1, None], trees=[2, None]), behind(60, 1), "rule", "The folds hold too little as well"),
        # scored on fewer folds than others: not compared
        (folds_of(rule=[1, 1, 1], trees=[2, 2, 2], slow=[None, 9, 9]), behind(60, 1), "trees", "over the 3 folds"),
        # one wild fold does not decide: 30 x 1 x 1 against 4 x 4 x 4
        (folds_of(rule=[30, 1, 1], trees=[4, 4, 4]), behind(60, 1), "trees", "over the 3 folds"),
    ],
)
def test_where_validation_holds_too_little_the_folds_choose(
    folds: list[Fold], held: Evidence, best: str, said: str
) -> None:
    name, why = decide(APS, folds, held)
    assert name == best and said in why


def test_that_a_model_was_tuned_on_folds_is_said_where_they_are_shown() -> None:
    assert "flattered there: trees" in decide(APS, folds_of(rule=[1, 1]), behind(60, 1), ["trees"])[1]


def test_no_lift_has_no_mean() -> None:
    assert mean_lift([]) is None and mean_lift([2.0, 8.0]) == pytest.approx(4.0)
