import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput
from core.features import dataset
from core.features.bars import Bars
from core.features.labels import TITLES, Question, events, forward_volatility, held_against, slow_volatility
from tests.features import tapes
from tests.features.tapes import same

HONEST = [label for label in TITLES if not Question(label).leaky]  # type: ignore[arg-type]


def forward(bars: Bars, question: Question) -> np.ndarray:
    return forward_volatility(question, dataset.table(bars), bars.bar_end_ns, bars.session)


@given(seed=st.integers(0, 300), breaks=st.lists(st.integers(1, 400), max_size=2))
def test_rv_is_the_root_of_the_squared_returns_strictly_after_t(seed: int, breaks: list[int]) -> None:
    bars = tapes.bars(400, seed, breaks)
    got = forward(bars, Question("rv", 60))
    for t in range(400):
        ahead = slice(t + 1, t + 61)
        if t + 60 >= 400 or bars.session[t + 60] != bars.session[t]:
            assert np.isnan(got[t])
        else:
            assert got[t] == pytest.approx(1e4 * np.sqrt((bars.of("r")[ahead] ** 2).sum()), rel=1e-12)


@pytest.mark.parametrize("label", HONEST)
def test_what_happened_up_to_t_and_after_the_horizon_changes_no_label(label: str) -> None:
    question = Question(label, 60)  # type: ignore[arg-type]
    bars = tapes.bars(400, 1)
    t = 200
    outside = Bars(bars.bar_end_ns, bars.session, bars.values.copy())
    outside.values[: t + 1] *= 3
    outside.values[t + 61 :] *= 3
    inside = Bars(bars.bar_end_ns, bars.session, bars.values.copy())
    inside.values[t + 60] += 1e-4
    here = forward(bars, question)[t]
    assert same(np.array([here]), np.array([forward(outside, question)[t]]))
    assert forward(inside, question)[t] != here


def test_next_row_looks_one_row_ahead_on_the_rows_of_an_honest_label() -> None:
    bars = tapes.bars(400, 1, [150])
    leaky = forward(bars, Question("next_row", 60))
    trailing = dataset.table(bars)[dataset.formulas.NAMES.index("tick_std_60")]
    assert leaky[80] == trailing[81]
    honest = forward(bars, Question("tick_std", 60))
    assert (np.isnan(leaky) >= np.isnan(honest)).all()
    assert Question("next_row").leaky
    assert "leaky" in Question("next_row").title


def test_a_question_that_cannot_be_asked_says_which_can() -> None:
    with pytest.raises(BadInput, match="45 s is not one of 10, 30, 60, 300"):
        Question("rv", 45)
    with pytest.raises(BadInput, match="'x' is not one of rv"):
        Question("x", 60)  # type: ignore[arg-type]


def test_events_closer_than_the_horizon_are_one() -> None:
    seconds = np.arange(300) * 10**9
    spike = np.zeros(300, dtype=bool)
    spike[[10, 11, 12, 72, 140, 200]] = True
    assert events(spike, seconds, 60) == 2
    assert events(spike & False, seconds, 60) == 0


def slow(bars: Bars, question: Question) -> np.ndarray:
    return slow_volatility(question, dataset.table(bars))


@pytest.mark.parametrize("label", TITLES)
@pytest.mark.parametrize("horizon_s", [10, 300])
def test_slow_volatility_is_the_last_hour_on_the_scale_of_the_label(label: str, horizon_s: int) -> None:
    bars = tapes.bars(4300, 3, [400])
    question = Question(label, horizon_s)  # type: ignore[arg-type]
    got = slow(bars, question)
    for t in (299, 300, 399, 400, 699, 700, 2000, 4200):
        start = 0 if t < 400 else 400
        hour = slice(max(start + 1, t - 3599), t + 1)
        if t - start < 300:
            assert np.isnan(got[t])
        elif label in ("rv", "bipower"):
            assert got[t] == pytest.approx(1e4 * np.sqrt(horizon_s * (bars.of("r")[hour] ** 2).mean()), rel=1e-12)
        else:
            mean = bars.of("sum_r2")[hour].sum() / bars.of("n_r")[hour].sum()
            assert got[t] == pytest.approx(1e4 * np.sqrt(mean), rel=1e-12)


@pytest.mark.parametrize("label", HONEST)
def test_where_volatility_does_not_change_it_is_its_own_slow_volatility(label: str) -> None:
    question = Question(label, 60)  # type: ignore[arg-type]
    bars = tapes.bars(8000, 0)
    bars.values[:, Bars.column("r")] = np.random.default_rng(0).normal(0, 1e-4, 8000)
    ratio = forward(bars, question) / slow(bars, question)
    assert np.nanmedian(ratio) == pytest.approx(1.0, abs=0.05)


@settings(max_examples=25)
@given(seed=st.integers(0, 300), c=st.sampled_from([0.25, 2.0, 64.0]), t=st.integers(310, 590))
def test_later_bars_change_no_slow_volatility_and_a_scaled_market_scales_it(seed: int, c: float, t: int) -> None:
    bars = tapes.bars(600, seed)
    changed = Bars(bars.bar_end_ns, bars.session, bars.values.copy())
    changed.values[t + 1 :] *= 3
    scaled = Bars(bars.bar_end_ns, bars.session, bars.values.copy())
    scaled.values[:, Bars.column("r")] *= c
    scaled.values[:, Bars.column("sum_r2")] *= c * c
    for question in (Question("rv", 60), Question("tick_std", 30)):
        was = slow(bars, question)
        assert same(slow(changed, question)[: t + 1], was[: t + 1])
        assert same(slow(scaled, question), c * was)


@settings(max_examples=25)
@given(breaks=st.lists(st.integers(1, 1999), max_size=3), horizon=st.sampled_from([10, 60, 300]))
def test_trailing_volatility_is_held_against_what_the_row_a_horizon_before_was_told(
    breaks: list[int], horizon: int
) -> None:
    bars = tapes.bars(2000, 1, breaks)
    question = Question("rv", horizon)  # type: ignore[arg-type]
    now = slow(bars, question)
    got = held_against(question, now, bars.bar_end_ns, bars.session)
    for i in range(0, 2000, 37):
        before = i - horizon
        has = before >= 0 and bars.session[before] == bars.session[i] and np.isfinite(now[before])
        assert same(got[i : i + 1], now[[before if has else i]])


def test_a_market_that_did_not_move_has_no_slow_volatility() -> None:
    bars = tapes.bars(900, 0)
    bars.values[:, Bars.column("r")] *= 0
    assert np.isnan(slow(bars, Question())).all()
