"""The trades a server can still show: bounded, one list a product."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from exchange.tape import Match

KEEP = 200_000
"""Trades a product: at BTC-USD's pace about eight hours."""


def _trade_id(match: Match) -> int:
    return match.trade_id


class History:
    """The newest trades of one product, in the order of their rising trade ids."""

    def __init__(self, keep: int = KEEP) -> None:
        self._keep = keep
        self._matches: list[Match] = []

    def add(self, match: Match) -> None:
        self._matches.append(match)
        if len(self._matches) > self._keep + self._keep // 8:  # in slabs: a list gives up its head slowly
            del self._matches[: -self._keep]

    def __len__(self) -> int:
        return len(self._matches)

    @property
    def last(self) -> Match | None:
        return self._matches[-1] if self._matches else None

    def page(self, limit: int, after: int | None = None, before: int | None = None) -> list[Match]:
        """The newest `limit` trades older than the id `after` and newer than the id `before`, newest first."""
        end = len(self._matches) if after is None else bisect_left(self._matches, after, key=_trade_id)
        start = 0 if before is None else bisect_right(self._matches, before, key=_trade_id)
        return self._matches[max(start, end - limit) : end][::-1]
