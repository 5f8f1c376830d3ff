"""The stretch of a history that a training is made of: from when to when.

Bars outside of it are cut away before anything else is done, so that windows fill anew at its start as at a session's,
no label reads a second behind its end, and the parts (70/15/15) and the fingerprint are those of the stretch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import BadInput
from core.features.bars import SECOND_NS, Bars


@dataclass(frozen=True)
class Span:
    """Bars that lie wholly inside [from_ns, to_ns], ns UTC; None: no end on that side.

    Raises BadInput where it ends before it begins.
    """

    from_ns: int | None = None
    to_ns: int | None = None

    def __post_init__(self) -> None:
        if self.from_ns is not None and self.to_ns is not None and self.to_ns <= self.from_ns:
            raise BadInput("the range ends before it begins: give a later end, or an earlier start")

    def of(self, bars: Bars) -> Bars:
        """The bars of a history that lie inside, in their order. A bar covers the second before its end.

        A session that is cut begins anew, as if only the events inside were stored: at the first bar with a mid of its
        own, without the return on what lies before.
        """
        ends = bars.bar_end_ns
        first = 0 if self.from_ns is None else int(np.searchsorted(ends, self.from_ns + SECOND_NS, side="left"))
        last = len(bars) if self.to_ns is None else int(np.searchsorted(ends, self.to_ns, side="right"))
        inside = bars[first : max(first, last)]
        if first == 0 or not len(inside) or bars.session[first] != bars.session[first - 1]:
            return inside
        own = (inside.of("n_r") > 0) | (inside.session != bars.session[first - 1])
        skipped = int(np.argmax(own)) if own.any() else len(inside)
        inside = inside[skipped:]
        if not len(inside) or inside.session[0] != bars.session[first - 1]:
            return inside
        return _begun(inside, float(bars.of("close")[first + skipped - 1]))


def _begun(bars: Bars, before: float) -> Bars:
    """The bars without the return of the first one's first mid on the close `before` it."""
    values = bars.values.copy()
    first = values[0]
    r = np.log1p((first[Bars.column("open")] - before) / before)
    for name, step in (("n_r", 1.0), ("sum_r", r), ("sum_r2", r * r)):
        first[Bars.column(name)] -= step
    if first[Bars.column("n_r")] == 0:
        first[[Bars.column("sum_r"), Bars.column("sum_r2")]] = 0.0
    first[Bars.column("r")] = np.nan
    return Bars(bars.bar_end_ns, bars.session, values)


ALL = Span()
"""The whole history."""


def extent(bars: Bars) -> Span:
    """From the start of the first bar to the end of the last; `extent(bars).of` a longer history gives them again."""
    return Span(int(bars.bar_end_ns[0]) - SECOND_NS, int(bars.bar_end_ns[-1])) if len(bars) else ALL


def last_hours(bars: Bars, hours: float) -> Span:
    """The last so many hours of the clock before the end of the newest bar. Raises BadInput for none."""
    if not 0 < hours < 1e6:
        raise BadInput(f"the last {hours:g} hours are no range: give a number above 0")
    if len(bars) == 0:
        return ALL
    return Span(int(bars.bar_end_ns[-1]) - round(hours * 3600 * SECOND_NS))


def sessions(bars: Bars) -> list[tuple[int, int, int]]:
    """Each session as (start, end, bars), ns UTC, oldest first; start to end is the `Span` of its bars.

    `bars.session` ascends, so that its changes are where one ends.
    """
    if len(bars) == 0:
        return []
    starts: NDArray[np.intp] = np.flatnonzero(np.diff(bars.session, prepend=bars.session[0] - 1))
    ends = np.append(starts[1:], len(bars))
    return [
        (int(bars.bar_end_ns[a]) - SECOND_NS, int(bars.bar_end_ns[b - 1]), int(b - a))
        for a, b in zip(starts, ends, strict=True)
    ]


__all__ = ["ALL", "Span", "extent", "last_hours", "sessions"]
