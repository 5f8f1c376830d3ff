"""What a τ would mean: the warnings, the τ that mends them, and the bands below the dial."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import Settings
from core.evaluation.evaluate import stood_on
from core.evaluation.evidence import meter
from core.features.dataset import Labelled
from core.features.labels import Question
from ui.consequence import backdrop, distribution_of, resting, stretch_of, warned

SPLITS = ("train", "validation", "test")
S = 10**9


def rows(volatility: dict[str, np.ndarray]) -> Labelled:
    frame = pd.concat([
        pd.DataFrame({"forward_vol_bps": v, "split": s, "session": 0}) for s, v in volatility.items()
    ], ignore_index=True)  # fmt: skip
    frame["mid"], frame["slow_bps"] = 90_000.0, 2.0
    frame["bar_end_ns"] = np.arange(len(frame)) * 1_000_000_000
    return Labelled(frame, (), (), Question(), "embedded", "BTC-USD", "d")


def waves(height: float, n: int = 2000, every: int = 200) -> np.ndarray:
    """`n` seconds with a wave of 30 s every `every` seconds."""
    return np.where(np.arange(n) % every < 30, height, 1.0)


def test_all_spikes_in_one_part_is_said_with_the_tau_that_mends_it() -> None:
    of = distribution_of(rows({"train": np.r_[waves(5.0), np.full(22, 9.0)], "validation": waves(5), "test": waves(4)}))
    found = warned(of, 8.0)
    assert not found.enough
    assert found.sentence.startswith("All 22 spikes fall into train. The nearest τ that gives each split 30 spikes")
    tau = float(found.sentence.split("episodes: ")[-1].split(" bps")[0])
    assert 3.9 < tau <= 4.0
    assert warned(of, tau).enough


def test_few_spikes_are_counted_and_few_episodes_too() -> None:
    of = distribution_of(rows({"train": waves(9), "validation": waves(9), "test": np.r_[waves(1), np.full(7, 9.0)]}))
    assert "Too few spikes for a score: 7 in test." in warned(of, 5.0).sentence
    once = np.r_[np.full(900, 1.0), np.full(100, 9.0)]
    of = distribution_of(rows({"train": waves(9), "validation": waves(9), "test": once}))
    assert "Spikes enough, but in few episodes: 1 in test." in warned(of, 5.0).sentence
    assert "No second reaches this τ." in warned(of, 50.0).sentence


def test_enough_in_every_part_is_said_with_the_fewest_episodes() -> None:
    found = warned(distribution_of(rows({"train": waves(9), "validation": waves(9), "test": waves(9, 1200)})), 5.0)
    assert found.enough and "the fewest episodes are 6, in test" in found.sentence


@settings(max_examples=30)
@given(seed=st.integers(0, 200), row=st.integers(0, 899))
def test_the_dial_counts_what_training_counts_at_the_multiple_of_a_row(seed: int, row: int) -> None:
    rng = np.random.default_rng(seed)
    made = rows({split: rng.lognormal(1, 0.7, 300) for split in SPLITS})
    made = replace(made, rows=made.rows.assign(slow_bps=rng.lognormal(0.5, 0.3, 900)), relative=True)
    tau = float(made.quantity(SPLITS[row // 300])[row % 300])
    spike, split = made.spikes(tau), made.rows["split"]
    assert spike[row], "the row itself reaches its own multiple"
    assert {s: n for s, (n, _) in distribution_of(made).at(tau).items()} == {
        s: int(spike[split == s].sum()) for s in SPLITS
    }


def test_where_no_tau_mends_it_capture_more() -> None:
    ramp = np.linspace(0.1, 10, 400)  # a ramp is one episode, however many seconds it has
    found = warned(distribution_of(rows(dict.fromkeys(SPLITS, ramp))), 6.0)
    assert "capture more" in found.sentence


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0.2, 60), st.booleans())
def test_a_tau_that_is_named_gives_each_split_enough(seed: int, tau: float, relative: bool) -> None:
    rng = np.random.default_rng(seed)
    made = rows({split: np.repeat(rng.lognormal(1, rng.uniform(0.1, 1), 60), 40) for split in SPLITS})
    if relative:
        made = made.asked(True)
    of = distribution_of(made)
    found = warned(of, tau, relative)
    if "The nearest τ" in found.sentence:
        named = float(found.sentence.split("episodes: ")[-1].split(" ")[0])
        assert warned(of, named, relative).enough
        assert ("× slow volatility." in found.sentence) == relative
    else:
        assert found.enough or "capture more" in found.sentence


def test_the_meter_is_that_of_a_training() -> None:
    made = rows({"train": waves(9), "validation": waves(9), "test": waves(9)})
    spike = made.rows["forward_vol_bps"].to_numpy() >= 5.0
    assert distribution_of(made).meter(5.0) == meter(stood_on(made.rows, spike, 60))


def test_the_dial_rests_at_the_saved_tau_of_its_own_scale() -> None:
    of = distribution_of(rows({"train": waves(9), "validation": waves(9), "test": waves(9)}))
    assert resting(of, Settings(tau_bps=3.0), False) == 3.0
    assert resting(of, Settings(tau_relative=1.8), True) == 1.8
    assert resting(of, Settings(tau_relative=1.8, quantile=0.9), False) == of.quantile(0.9)


def test_where_most_seconds_do_not_move_the_dial_rests_at_the_least_that_does() -> None:
    still = np.where(np.arange(2000) % 100 < 2, np.arange(2000.0), 0.0)
    of = distribution_of(rows({"train": still, "validation": still, "test": still}))
    assert of.quantile(0.95) == 0.0 and resting(of, Settings(), False) == of.bins.lo > 0
    assert of.bins.nearest(0.0) == 0 and warned(of, 0.0).sentence


def test_bands_are_the_runs_of_spikes_and_close_ones_are_one() -> None:
    made = rows({"train": waves(9, 3000, 1000), "validation": waves(1, 300), "test": waves(1, 300)})
    seen = backdrop(made, *stretch_of(made, 5.0, "everything"))
    assert np.array(seen.bands(5.0)) == pytest.approx(np.array([[-1, 29], [999, 1029], [1999, 2029]]))
    assert seen.bands(50.0) == []
    close = rows({"train": np.tile([9.0, 1.0], 20_000), "validation": waves(1, 9), "test": waves(1, 9)})
    assert len(backdrop(close, *stretch_of(close, 5.0, "everything")).bands(5.0)) == 1


def test_the_busiest_hour_is_the_one_with_most_spikes() -> None:
    quiet = np.full(5000, 1.0)
    made = rows({"train": np.r_[quiet, waves(9, 3600, 100), quiet], "validation": quiet, "test": waves(9, 500)})
    first, last = stretch_of(made, 5.0, "busiest hour")
    times = made.rows["bar_end_ns"].to_numpy()
    inside = (times >= first) & (times <= last)
    assert inside.sum() == 3600
    assert int((made.rows["forward_vol_bps"].to_numpy()[inside] >= 5).sum()) == 36 * 30
    assert stretch_of(made, 5.0, "last hour")[1] == times[-1]
