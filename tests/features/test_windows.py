import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.features import fading
from core.features.bars import SECOND_NS, Bars
from core.features.windows import CHUNK, NAMES, REACH, WINDOWS_S, Kernel, last_rebuild_ns, restart
from tests.features import tapes
from tests.features.tapes import same

SUMS = {
    "tick_r": "sum_r", "tick_r2": "sum_r2", "spread_bps": "sum_spread_bps", "imbalance": "sum_imbalance",
    "signed_volume": "signed_volume", "volume": "volume", "ticks": "n_ticks", "tick_returns": "n_r",
    "quotes": "n_quotes", "sized_quotes": "n_sizes",
}  # fmt: skip
JUST_BEFORE_A_REBUILD = 1_700_003_840 - 350
"""1,700,003,840 is a multiple of 4,096."""


def aggregated(bars: Bars, cuts: list[int] | None = None) -> np.ndarray:
    kernel = Kernel()
    at = [0, *sorted(c for c in cuts or [] if c < len(bars)), len(bars)]
    parts = [aggregates.values.copy() for a, b in itertools.pairwise(at) for _, aggregates in kernel.push(bars[a:b])]
    return np.concatenate(parts, axis=2)


def faded(bars: Bars, cuts: list[int] | None = None) -> np.ndarray:
    kernel = Kernel()
    at = [0, *sorted(c for c in cuts or [] if c < len(bars)), len(bars)]
    parts = [aggregates.faded.copy() for a, b in itertools.pairwise(at) for _, aggregates in kernel.push(bars[a:b])]
    return np.concatenate(parts, axis=1)


@given(
    seed=st.integers(0, 1000),
    n=st.integers(1, 1000),
    cuts=st.lists(st.integers(0, 1000), max_size=10),
    breaks=st.lists(st.integers(1, 1000), max_size=3),
)
def test_any_chunking_gives_the_same_bits(seed: int, n: int, cuts: list[int], breaks: list[int]) -> None:
    bars = tapes.bars(n, seed, breaks, JUST_BEFORE_A_REBUILD)
    assert same(aggregated(bars), aggregated(bars, cuts))
    assert same(faded(bars), faded(bars, cuts))


def test_one_bar_at_a_time_gives_the_same_bits() -> None:
    bars = tapes.bars(900, 3, [100, 410], JUST_BEFORE_A_REBUILD)
    assert same(aggregated(bars), aggregated(bars, list(range(900))))


def test_more_bars_than_one_chunk() -> None:
    bars = tapes.bars(CHUNK + 500, 1)
    assert same(aggregated(bars), aggregated(bars, [CHUNK - 7]))


@given(seed=st.integers(0, 1000), breaks=st.lists(st.integers(1, 700), max_size=2))
def test_every_sum_is_the_exact_one_rounded_once(seed: int, breaks: list[int]) -> None:
    bars = tapes.bars(700, seed, breaks, JUST_BEFORE_A_REBUILD)
    got = aggregated(bars)
    start_of = np.searchsorted(bars.session, bars.session)
    r = np.nan_to_num(bars.of("r"))
    for i in np.random.default_rng(seed).integers(0, 700, 12):
        for w, window in enumerate(WINDOWS_S):
            if i - start_of[i] < window:
                assert np.isnan(got[w, :, i]).all()
                continue
            span = slice(i - window + 1, i + 1)
            for name, column in SUMS.items():
                assert got[w, NAMES.index(name), i] == math.fsum(bars.of(column)[span])
            assert got[w, NAMES.index("r2"), i] == math.fsum(r[span] ** 2)
            assert got[w, NAMES.index("r"), i] == math.fsum(r[span])
            products = np.abs(r[span][1:]) * np.abs(r[span][:-1])
            assert got[w, NAMES.index("bipower"), i] == math.fsum(products)
            assert got[w, NAMES.index("high"), i] == bars.of("high")[span].max()
            assert got[w, NAMES.index("low"), i] == bars.of("low")[span].min()


def test_a_window_of_zeros_sums_to_zero_after_a_storm() -> None:
    bars = tapes.bars(700, 0, scale=1e-2)
    bars.values[400:, Bars.column("r")] = 0
    got = aggregated(bars)
    assert (got[WINDOWS_S.index(60), NAMES.index("r2"), 460:] == 0).all()
    assert (got[WINDOWS_S.index(60), NAMES.index("r2"), 410:459] > 0).all()


@pytest.mark.parametrize("more", [0, 1, 17, 400])
def test_a_kernel_that_starts_late_agrees_to_the_bit_from_the_next_rebuild_on(more: int) -> None:
    bars = tapes.bars(10_000, 5, [1200], 1_700_003_840 - 2000)
    rebuild = restart(bars, 1000 + REACH + more)
    assert bars.bar_end_ns[rebuild] == last_rebuild_ns(int(bars.bar_end_ns[rebuild]) + 5 * SECOND_NS)
    late_start = rebuild - REACH - more
    whole, late = aggregated(bars), aggregated(bars[late_start:])
    assert same(whole[:, :, rebuild:], late[:, :, rebuild - late_start :])
    assert same(faded(bars)[:, rebuild:], faded(bars[late_start:])[:, rebuild - late_start :])


@given(seed=st.integers(0, 1000), breaks=st.lists(st.integers(1, 4000), max_size=2))
def test_a_fading_mean_is_its_definition(seed: int, breaks: list[int]) -> None:
    bars = tapes.bars(4500, seed, breaks)
    got = faded(bars)
    start_of = np.searchsorted(bars.session, bars.session)
    first = np.isnan(bars.of("r"))
    columns = {"r2": bars.of("r") ** 2, "tick_r2": bars.of("sum_r2"), "tick_returns": bars.of("n_r")}
    taken = {name: np.where(first, 0.0, column) for name, column in columns.items()}
    for i in np.random.default_rng(seed).integers(0, 4500, 10):
        age = int(i - start_of[i])
        for m, memory in enumerate(fading.MEMORIES):
            if age < memory.from_s:
                assert np.isnan(got[m, i])
                continue
            weight = memory.decay ** np.arange(min(age, memory.reach_s))
            expected = math.fsum(weight * taken[memory.of][i - np.arange(weight.size)]) / math.fsum(weight)
            assert got[m, i] == pytest.approx(expected, rel=1e-13, abs=0)


def test_nothing_is_left_of_a_storm_that_is_out_of_reach() -> None:
    bars = tapes.bars(6000, 0, scale=1e-2)
    for name in ("r", "sum_r2", "n_r"):
        bars.values[1000:, Bars.column(name)] = 0
    got = faded(bars)
    for m, memory in enumerate(fading.MEMORIES):
        left = 999 + memory.reach_s
        assert (got[m, left + 1 :] == 0).all()
        assert (got[m, 900 : left + 1] > 0).any()


def test_later_bars_change_nothing_earlier() -> None:
    bars = tapes.bars(800, 7)
    changed = Bars(bars.bar_end_ns, bars.session, bars.values.copy())
    changed.values[500:] *= 1.7
    before, after = aggregated(bars), aggregated(changed)
    assert same(before[:, :, :500], after[:, :, :500])
    assert not same(before[:, :, 500:], after[:, :, 500:])
    assert same(faded(bars)[:, :500], faded(changed)[:, :500])
