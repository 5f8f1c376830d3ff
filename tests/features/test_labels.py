import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.features import dataset
from core.features.bars import Bars
from core.features.labels import TITLES, Question, events, forward_volatility
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
