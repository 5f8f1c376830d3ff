"""The newest bars and features of one market, kept up to date by reading only what is new in the store."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.features.bars import SECOND_NS, Bars, Sampler
from core.features.formulas import NAMES, Rows
from core.features.windows import REACH, last_rebuild_ns
from core.ingestion.store import Market, Reader
from core.ingestion.ticks import Tape


@dataclass(frozen=True)
class Stretch:
    """Bars one after the other with their features: `features` has shape (len(NAMES), n)."""

    bars: Bars
    features: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.bars)

    def __getitem__(self, rows: slice) -> Stretch:
        return Stretch(self.bars[rows], self.features[:, rows])

    def feature(self, name: str) -> NDArray[np.float64]:
        """One feature, shape (n,), NaN while its window is warming up."""
        return self.features[NAMES.index(name)]

    @classmethod
    def joined(cls, parts: list[Stretch]) -> Stretch:
        """The parts one after the other."""
        features = [p.features for p in parts] or [np.empty((len(NAMES), 0))]
        return cls(Bars.joined([p.bars for p in parts]), np.concatenate(features, axis=1))


class Stepper:
    """Events in the order of their arrival -> the bars they close, with their features; live and in a replay.

    The bits of a bar are the same however the events are cut into pushes.
    """

    def __init__(self) -> None:
        self._sampler, self._rows = Sampler(), Rows()

    @property
    def age(self) -> int:
        """Bars of the running session behind the last one: how far the windows have warmed up."""
        return self._rows.age

    @property
    def late(self) -> int:
        """Events that came after their bar had closed."""
        return self._sampler.late

    def push(self, tape: Tape) -> Stretch:
        """The bars that the events of `tape` close, which follow those pushed before."""
        bars = self._sampler.push(tape)
        return Stretch(bars, self._rows.push(bars))


def read_from_ns(first_ns: int) -> tuple[int, int]:
    """(valid_from, read_from), ns: events from `read_from` on give bars that have, from `valid_from` (at or before
    `first_ns`) on, the bits of the whole history."""
    valid_from = last_rebuild_ns(first_ns)
    return valid_from, valid_from - (REACH + 2) * SECOND_NS


class Tail:
    """The last `keep_s` seconds of one market, and what came since it was last asked.

    It begins where the kernel's running sums are rebuilt, as far back as is kept: its features are, to the bit, those
    of the whole history.
    """

    def __init__(self, venue: str, product: str, keep_s: int = 900) -> None:
        self.venue, self.product = venue, product
        self._keep_ns = keep_s * SECOND_NS
        self._store: int | None = None
        self.begun = 0
        """How many times it began anew; its sessions are counted from 0 each time."""
        self._begin()

    def _begin(self) -> None:
        self.begun += 1
        self._stepper = Stepper()
        self._seq = 0
        self.kept = Stretch.joined([])

    @property
    def age(self) -> int:
        """Bars of the running session behind the last one: how far the windows have warmed up."""
        return self._stepper.age

    @property
    def late(self) -> int:
        """Events that came after their bar had closed."""
        return self._stepper.late

    def advance(self, reader: Reader, market: Market) -> Stretch:
        """Bars that the store has gained since the last call (on the first, all that are kept), oldest first."""
        silent_ns = market.last_ns - (int(self.kept.bars.bar_end_ns[-1]) if len(self.kept) else 0)
        if reader.identity != self._store or (self._seq and silent_ns > 8 * self._keep_ns):
            self._begin()  # another store stands here now, or nobody asked for long
            self._store = reader.identity
        if market.last_seq <= self._seq:  # older: somebody else has looked in the meantime
            return self.kept[len(self.kept) :]
        if self._seq:
            tape = reader.tape(self.venue, self.product, after_seq=self._seq)
            valid_from = 0
        else:
            valid_from, read_from = read_from_ns(market.last_ns - self._keep_ns)
            tape = reader.tape(self.venue, self.product, from_ns=read_from)
        self._seq = max(int(tape.seq.max()), market.last_seq) if len(tape) else market.last_seq
        new = self._stepper.push(tape)
        new = new[int(np.searchsorted(new.bars.bar_end_ns, valid_from)) :]
        self.kept = Stretch.joined([self.kept, new])
        if len(self.kept):
            oldest = self.kept.bars.bar_end_ns[-1] - self._keep_ns
            self.kept = self.kept[int(np.searchsorted(self.kept.bars.bar_end_ns, oldest, side="right")) :]
        return new[int(np.searchsorted(new.bars.bar_end_ns, oldest, side="right")) :] if len(new) else new
