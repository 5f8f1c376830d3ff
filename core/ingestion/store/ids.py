"""The trade ids held of one product, as ranges without a hole."""

from __future__ import annotations

from bisect import bisect_right


class Ids:
    """A set of trade ids: a gap is what lies between two of its ranges."""

    def __init__(self) -> None:
        self._first: list[int] = []
        self._last: list[int] = []

    def follow(self, number: int) -> bool:
        """Hold `number` if it is the next after the highest; False where it is not."""
        if not self._last or number != self._last[-1] + 1:
            return False
        self._last[-1] = number
        return True

    def add(self, first: int, last: int | None = None) -> None:
        """Hold `first` to `last` (one id when `last` is None). Constant time behind the highest."""
        last = first if last is None else last
        if self._last and first == self._last[-1] + 1:
            self._last[-1] = last
            return
        low = bisect_right(self._last, first - 2)  # ranges before it end too early even to touch
        high = bisect_right(self._first, last + 1)
        if low < high:
            first, last = min(first, self._first[low]), max(last, self._last[high - 1])
        self._first[low:high] = [first]
        self._last[low:high] = [last]

    @property
    def lowest(self) -> int | None:
        """The lowest id held, None when there is none."""
        return self._first[0] if self._first else None

    @property
    def highest(self) -> int | None:
        """The highest id held, None when there is none."""
        return self._last[-1] if self._last else None

    def gaps(self, after: int | None = None, before: int | None = None) -> list[tuple[int, int]]:
        """The jumps as (id before, id after), oldest first; those that lie between the held ids `after` and `before`.

        >>> ids = Ids()
        >>> ids.add(1, 5), ids.add(8), ids.add(20)
        (None, None, None)
        >>> ids.gaps(), ids.gaps(8)
        ([(5, 8), (8, 20)], [(8, 20)])
        """
        start = 0 if after is None else max(bisect_right(self._first, after) - 1, 0)
        stop = len(self._first) if before is None else bisect_right(self._first, before)
        return list(zip(self._last[start : stop - 1], self._first[start + 1 : stop], strict=True))

    def missing(self, after: int, before: int) -> int:
        """How many ids strictly between the two are not held."""
        count = before - after - 1
        at = bisect_right(self._last, after)
        while at < len(self._first) and self._first[at] < before:
            count -= min(self._last[at], before - 1) - max(self._first[at], after + 1) + 1
            at += 1
        return count
