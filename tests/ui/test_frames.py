"""Runs, gaps and breaks: a gap is never bridged, a spike never lost."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ui.frames import aligned, broken, gaps, spans, times

S = 1_000_000_000


def clock(steps: list[int]) -> np.ndarray:
    return (1_795_500_000 + np.cumsum(steps)).astype(np.int64) * S


steps = st.lists(st.sampled_from([1, 1, 1, 1, 2, 30]), min_size=1, max_size=60)


@given(steps, st.data())
def test_spans_cover_exactly_the_bars_that_are_on(given_steps: list[int], data: st.DataObject) -> None:
    ns = clock(given_steps)
    on = np.array(data.draw(st.lists(st.booleans(), min_size=ns.size, max_size=ns.size)))
    found = spans(ns, on)
    end = times(ns)
    covered = np.zeros(ns.size, dtype=bool)
    for a, b in found:
        covered |= (end > a) & (end <= b)
    assert (covered == on).all()
    seconds = sum(float((b - a) / np.timedelta64(1, "s")) for a, b in found)
    assert seconds == on.sum()  # nothing of a hole is inside a span


@given(steps)
def test_every_hole_is_a_gap_and_breaks_the_line(given_steps: list[int]) -> None:
    ns = clock(given_steps)
    holes = int((np.diff(ns) > S).sum())
    assert len(gaps(ns, shortest_s=1.0)) == holes
    t, (line,) = broken(ns, np.arange(ns.size, dtype=float))
    assert int(np.isnan(line).sum()) == holes
    assert t.size == ns.size + holes
    assert (np.diff(t.astype(np.int64)) > 0).all()
    assert (line[~np.isnan(line)] == np.arange(ns.size)).all()


def test_aligned_puts_a_forecast_on_its_own_bar_and_nowhere_else() -> None:
    ns = clock([1, 1, 1, 1])
    out = aligned(ns, ns[[0, 2]], [0.1, 0.3])
    assert out[[0, 2]].tolist() == [0.1, 0.3]
    assert np.isnan(out[[1, 3]]).all()
    assert np.isnan(aligned(ns, np.empty(0, np.int64), np.empty(0))).all()
    assert np.isnan(aligned(ns, ns[-1:] + S, [0.5])).all()
