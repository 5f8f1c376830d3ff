"""The range of a training: which bars are in it, and that nothing outside of it is read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.features.bars import COLUMNS, SECOND_NS, Bars, Sampler
from core.features.dataset import label, table
from core.features.labels import Question
from core.features.span import ALL, Span, extent, last_hours, sessions
from tests.features.tapes import START_S, quote, tape

START_NS = 1_760_000_000 * SECOND_NS


def bars(sizes: list[int]) -> Bars:
    """Sessions of so many bars, a minute of silence between them, with a wandering mid."""
    n = sum(sizes)
    session = np.repeat(np.arange(len(sizes)), sizes)
    ends = START_NS + (np.arange(n) + 60 * session + 1) * SECOND_NS
    values = np.zeros((n, len(COLUMNS)))
    r = np.random.default_rng(n).normal(0, 1e-4, n)
    for name in ("open", "high", "low", "close"):
        values[:, COLUMNS.index(name)] = 90_000 * np.exp(np.cumsum(r))
    values[:, COLUMNS.index("r")] = np.where(np.diff(session, prepend=-1) > 0, np.nan, r)
    first = np.isnan(values[:, COLUMNS.index("r")])
    for name, x in (("n_r", np.ones(n)), ("sum_r", r), ("sum_r2", r * r)):
        values[:, COLUMNS.index(name)] = np.where(first, 0.0, x)
    return Bars(ends, session, values)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(-5, 200), st.integers(1, 200))
def test_a_range_holds_the_bars_whose_whole_second_lies_in_it(sizes: list[int], begin: int, length: int) -> None:
    history = bars(sizes)
    span = Span(START_NS + begin * SECOND_NS, START_NS + (begin + length) * SECOND_NS)
    found = span.of(history)
    inside = (history.bar_end_ns - SECOND_NS >= span.from_ns) & (history.bar_end_ns <= span.to_ns)
    np.testing.assert_array_equal(found.bar_end_ns, history.bar_end_ns[inside])
    np.testing.assert_array_equal(
        extent(found).of(history).bar_end_ns, found.bar_end_ns if len(found) else history.bar_end_ns
    )


def test_open_ends_hold_everything_and_a_range_that_ends_before_it_begins_is_refused() -> None:
    history = bars([30, 20])
    assert len(ALL.of(history)) == 50 and ALL.of(bars([1])[:0]).bar_end_ns.size == 0 and extent(history[:0]) == ALL
    with pytest.raises(BadInput, match="ends before it begins"):
        Span(2, 1)
    for hours in (0, -1, float("nan"), float("inf")):
        with pytest.raises(BadInput, match="give a number above 0"):
            last_hours(history, hours)
    assert last_hours(history[:0], 1) == ALL


def test_hours_are_counted_back_from_the_end_of_the_newest_bar() -> None:
    history = bars([7200])
    assert len(last_hours(history, 0.5).of(history)) == 1800


def test_sessions_are_ranges_of_their_own_bars() -> None:
    history = bars([30, 20, 1])
    assert [(n, len(Span(a, b).of(history))) for a, b, n in sessions(history)] == [(30, 30), (20, 20), (1, 1)]
    assert sessions(history[:0]) == []


def test_rows_of_a_range_are_those_of_a_home_that_holds_only_it() -> None:
    history, question = bars([900]), Question()
    span = Span(START_NS + 100 * SECOND_NS, START_NS + 700 * SECOND_NS)
    rows = label(span.of(history), question, "v", "p")
    assert rows.rows["bar_end_ns"].iloc[-1] == span.to_ns - 60 * SECOND_NS, "no label reads beyond the end"
    later = Bars(history.bar_end_ns, history.session, history.values.copy())
    later.values[700:, COLUMNS.index("r")] = 0.5
    again = label(span.of(later), question, "v", "p")
    assert again.digest == rows.digest != label(history, question, "v", "p").digest
    counts = rows.rows["split"].value_counts()
    assert counts["train"] == int(0.7 * (600 - 60 - 60)) and set(counts.index) == {"train", "validation", "test"}


@pytest.mark.parametrize("cut_s", [120.0, 120.4, 121.0])
def test_a_session_that_is_cut_begins_as_in_a_home_that_holds_only_the_range(cut_s: float) -> None:
    rng = np.random.default_rng(3)
    walk = 90_000 * np.exp(np.cumsum(rng.normal(0, 1e-4, 4_000)))
    walk[480:] *= 1.01  # a step on the cut, which none inside has seen
    at = np.arange(4_000) / 4
    at[484:487] += 1.0  # the first second has no quote
    events = [quote(float(t), float(mid)) for t, mid in sorted(zip(at, walk, strict=True), key=lambda e: e[0])]
    begin_ns = START_S * SECOND_NS + round(cut_s * SECOND_NS)
    cut = Span(begin_ns).of(Sampler().push(tape(events)))
    inside_ns = -(-begin_ns // SECOND_NS) * SECOND_NS
    alone = Sampler().push(tape([e for e in events if START_S * SECOND_NS + round(e["t"] * 1e9) >= inside_ns]))
    np.testing.assert_array_equal(cut.bar_end_ns, alone.bar_end_ns)
    np.testing.assert_allclose(cut.values, alone.values, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(table(cut), table(alone), rtol=1e-9, atol=1e-12)
