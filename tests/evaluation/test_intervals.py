"""Block bootstrap: the draws, the weighted scores against scikit-learn's, and whether 95 % intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve

from core.errors import BadInput
from core.evaluation.intervals import LEAST_BLOCKS, RECALLS, Blocks, estimate, resampled, stretch
from core.evaluation.scores import score_at

SECOND = 1_000_000_000
H = 60


def seconds(n: int) -> np.ndarray:
    return np.arange(1, n + 1) * SECOND


@given(st.integers(1, 200), st.integers(1, 250), st.integers(0, 9))
def test_a_replicate_has_as_many_rows_as_the_part_in_runs_of_a_block(n: int, block_s: int, seed: int) -> None:
    blocks = Blocks(seconds(n), block_s, 20, seed)
    for r in range(20):
        weight = blocks.weights(r)
        drawn = np.concatenate([np.arange(s, s + blocks.length) % n for s in blocks.starts[r]])[:n]
        assert weight.tolist() == np.bincount(drawn, minlength=n).tolist()
        assert weight.sum() == n


def test_the_ends_of_the_part_are_drawn_as_often_as_its_middle() -> None:
    blocks = Blocks(seconds(1000), 100, 4000, 1)
    mean = np.mean([blocks.weights(r) for r in range(4000)], axis=0)
    assert mean.min() > 0.9
    assert mean.max() < 1.1


def test_a_hole_takes_no_part_of_a_block() -> None:
    night = np.concatenate((seconds(500), seconds(500) + 30_000 * SECOND))
    assert Blocks(night, 100).length == 100
    assert np.array_equal(Blocks(night, 100, 10, 3).starts, Blocks(seconds(1000), 100, 10, 3).starts)
    assert Blocks(seconds(500) * 5, 100).length == 20  # a row every 5 s


def test_sums_are_weighted_sums_of_the_rows() -> None:
    counts = np.random.default_rng(0).integers(0, 5, (137, 3))
    blocks = Blocks(seconds(137), 20, 50, 4)
    assert blocks.sums(counts) == pytest.approx(np.array([blocks.weights(r) @ counts for r in range(50)]), abs=1e-9)


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(BadInput, match="nothing to draw"):
        Blocks(seconds(0), 300)
    with pytest.raises(BadInput, match="must match"):
        resampled(np.array([True]), np.array([0.5]), 0.5, Blocks(seconds(2), 300))


rows = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.9, 1.0])), min_size=2, max_size=60
)


@settings(deadline=None, max_examples=40)
@given(rows, st.sampled_from([0.0, 0.25, 0.5, 0.95, 1.0]), st.integers(1, 9), st.booleans())
def test_each_replicate_scores_as_scikit_learn_does_with_its_weights(
    given_rows: list[tuple[bool, float]], theta: float, block_s: int, some: bool
) -> None:
    y, p = (np.array(column) for column in zip(*given_rows, strict=True))
    chosen = np.flatnonzero(np.arange(y.size) % 3 != 1) if some else np.arange(y.size)
    blocks = Blocks(seconds(y.size), block_s, 8, 0)
    found = resampled(y, p, theta, blocks, chosen)
    for r in range(9):
        weight = (np.ones(y.size, int) if r == 0 else blocks.weights(r - 1))[chosen]
        if not (weight * y[chosen]).any():
            assert np.isnan([found.aps[r], found.base_rates[r], found.f1s[r], *found.precisions[r]]).all()
            continue
        expected = average_precision_score(y[chosen], p[chosen], sample_weight=weight)
        assert found.aps[r] == pytest.approx(expected, abs=1e-12)
        assert found.base_rates[r] == pytest.approx(np.average(y[chosen], weights=weight), abs=1e-12)
        f1 = f1_score(y[chosen], p[chosen] >= theta, sample_weight=weight, zero_division=0)
        assert found.f1s[r] == pytest.approx(f1, abs=1e-12)
        precision, recall, _ = precision_recall_curve(
            np.repeat(y[chosen], weight), np.repeat(p[chosen], weight)
        )  # ends with (1, 0), which is no point of the forecast
        precision, recall = precision[:-1][::-1], recall[:-1][::-1]
        at = [precision[np.flatnonzero(recall >= q - 1e-12)[0]] for q in RECALLS]
        assert found.precisions[r] == pytest.approx(np.array(at), abs=1e-12)


def market(seed: int, n: int, memory_s: float = 100.0, spread: float = 0.7) -> tuple[np.ndarray, ...]:
    """Forward 60 s volatility of n seconds of a market whose log volatility is an Ornstein-Uhlenbeck process, the
    trailing one, that with noise, and that of another market."""
    draws = np.random.default_rng(seed)
    keep = np.exp(-1 / memory_s)

    def wandering(size: int, tau: float) -> np.ndarray:
        step = draws.normal(size=size) * spread * np.sqrt(1 - tau * tau)
        step[0] = draws.normal() * spread
        return lfilter([1], [1, -tau], step)

    def volatility() -> np.ndarray:
        size = n + 2 * H
        total = np.append(0, np.cumsum((np.exp(wandering(size, keep)) * draws.normal(size=size)) ** 2))
        return np.sqrt(total[H:] - total[:-H])

    mine, other = volatility(), volatility()
    return mine[H:][:n], mine[:n], mine[:n] * np.exp(wandering(n, np.exp(-1 / 30))), other[:n]


def coverage(n: int, runs: int, replicates: int) -> dict[str, tuple[float, int]]:
    """Share of runs whose interval holds the value of a million and a half seconds, and how many runs had an
    interval."""
    forward, strong, weak, _ = market(999, 1_500_000)
    tau = np.quantile(forward, 0.9)
    y = forward >= tau

    def area(p: np.ndarray) -> float:
        falling = y[np.argsort(-p)]
        return float((np.cumsum(falling) / np.arange(1, y.size + 1))[falling].mean())

    a, b = area(strong), area(weak)
    truth = {"ap": a, "difference": a - b, "no skill": 0.0}
    held: dict[str, list[bool]] = {name: [] for name in truth}
    for seed in range(runs):
        forward, strong, weak, none = market(seed, n)
        blocks = Blocks(seconds(n), 5 * H, replicates, seed)
        s, w, o = (resampled(forward >= tau, p, 0.5, blocks) for p in (strong, weak, none))
        for name, found in (("ap", s.ap), ("difference", s.over(w)), ("no skill", o.over_base)):
            if found.low is not None and found.high is not None:
                held[name].append(found.low <= truth[name] <= found.high)
    return {name: (float(np.mean(hits)), len(hits)) for name, hits in held.items()}


def test_the_intervals_hold_the_truth_in_nine_of_ten_autocorrelated_samples() -> None:
    for name, (share, runs) in coverage(10_000, 110, 200).items():
        assert runs > 100, name
        assert share >= 0.90, name


@pytest.mark.slow
@pytest.mark.parametrize("n", [3_000, 6_000, 10_000])
def test_the_intervals_hold_the_truth_at_every_size(n: int) -> None:
    for name, (share, runs) in coverage(n, 600, 500).items():
        assert runs > 150, name
        assert share >= 0.90 - 2 * np.sqrt(0.9 * 0.1 / runs), name


@pytest.mark.parametrize("calm", [1.0, 0.2])
def test_the_interval_of_a_rate_holds_it_also_where_alerts_come_in_clusters(calm: float) -> None:
    n, rate, held = 25_000, 4.0, []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        level = np.repeat(np.where(rng.random(n // 900 + 1) < 0.5, 2 - calm, calm), 900)[:n]
        alert = rng.random(n) < rate / 3600 * level
        blocks = Blocks(seconds(n), 300, 300, seed)
        drawn = blocks.sums(alert[:, None].astype(float))[:, 0]
        found = estimate(3600 / n * np.append(alert.sum(), drawn), blocks.holding(alert), "root")
        if found.low is not None and found.high is not None:
            assert found.low >= 0
            held.append(found.low <= rate <= found.high)
    assert len(held) > 100
    assert np.mean(held) >= 0.93 - 2 * np.sqrt(0.93 * 0.07 / len(held))


def test_with_spikes_in_too_few_blocks_there_are_no_ends_and_with_no_spike_no_value() -> None:
    y, p = np.zeros(3000, bool), np.linspace(0, 1, 3000)
    blocks = Blocks(seconds(3000), 300, 100)
    assert resampled(y, p, 0.5, blocks).ap.value is None
    y[:: 300 * 3] = True  # 4 blocks
    few = resampled(y, p, 0.5, blocks)
    assert few.holding == 4
    assert few.ap.value == pytest.approx(score_at("m", y, p, 0.5, "test").pr_auc)
    assert few.ap.low is None and few.lift.high is None and few.band.recall == []
    y[400] = True
    assert resampled(y, p, 0.5, blocks).ap.low is not None


def test_replicates_without_a_score_are_left_out_unless_they_are_many() -> None:
    values = np.append(0.5, np.linspace(0.3, 0.7, 100))
    values[1:9] = np.nan
    assert estimate(values, 10, "log-odds").low is not None
    values[1:12] = np.nan
    assert estimate(values, 10, "log-odds").low is None


def test_ends_stay_where_a_score_can_be_and_around_its_value() -> None:
    draws = np.random.default_rng(0)
    perfect = estimate(np.append(1.0, np.minimum(1, draws.normal(1, 0.05, 300))), 8, "log-odds")
    assert perfect.high == 1.0 and 0 < (perfect.low or 0) < 1
    rare = np.append(0.2, np.maximum(0, draws.normal(0.2, 0.1, 300)))
    assert 0.4 < (estimate(rare, 8, "arcsine").high or 1) < 0.7  # a replicate of 0 does not push the upper end to 1
    lift = estimate(np.append(1.2, np.abs(draws.normal(1.2, 1, 300))), 8, "log")
    assert (lift.low or 0) > 0
    same = estimate(np.zeros(301), 8, "plain")
    assert (same.low, same.high) == (0.0, 0.0)


def test_fewer_blocks_give_wider_intervals() -> None:
    widths = [stretch(k) for k in (LEAST_BLOCKS, 8, 20, 1000)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] == pytest.approx(3.182446 / 1.959964 * np.sqrt(5 / 4), rel=1e-5)  # t of 3 degrees of freedom
    assert widths[-1] == pytest.approx(1, abs=3e-3)


def test_a_model_against_itself_differs_by_nothing_and_the_same_seed_draws_the_same() -> None:
    forward, strong, _, _ = market(5, 4000)
    y = forward >= np.quantile(forward, 0.9)
    one, again = (resampled(y, strong, 0.5, Blocks(seconds(4000), 300, 50, 7)) for _ in range(2))
    assert np.array_equal(one.aps, again.aps)
    assert (one.over(again).low, one.over(again).high) == (0.0, 0.0)
    band = one.band
    assert len(band.recall) == len(band.low) == len(band.high) == RECALLS.size
    assert all(0 <= low <= high <= 1 for low, high in zip(band.low, band.high, strict=True))
