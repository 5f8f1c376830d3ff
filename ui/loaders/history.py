"""All bars of one market, kept up to date by reading only what is new in the store.

Bars of the first part of a tape are the first bars of the whole, so new events that come last in the tape's order are
pushed into the same Sampler; anything else (an older recording was imported) begins again. No streamlit here: one
History serves all sessions and is guarded by its lock.
"""

from __future__ import annotations

import threading

import numpy as np

from core.features.bars import Bars, Sampler
from core.ingestion.store import Reader
from core.ingestion.ticks import Tape


class History:
    """One market's bars, oldest first."""

    def __init__(self, venue: str, product: str) -> None:
        self._market = (venue, product)
        self._lock = threading.Lock()
        self._store: int | None = None
        self._begin()

    def _begin(self) -> None:
        self._sampler = Sampler()
        self._bars = Bars.joined([])
        self._seq, self._source, self._newest_ns = 0, -1, np.iinfo(np.int64).min
        self._sources: set[int] = set()

    def bars(self, reader: Reader, last_seq: int) -> Bars:
        """All closed bars up to the store's event `last_seq` at least."""
        with self._lock:
            if reader.identity != self._store:  # another store stands at this home now
                self._begin()
                self._store = reader.identity
            if last_seq > self._seq:
                tape = reader.tape(*self._market, after_seq=self._seq)
                if self._seq and not self._follows(tape):
                    self._begin()
                    tape = reader.tape(*self._market)
                self._take(tape)
            return self._bars

    def _follows(self, tape: Tape) -> bool:
        sources = set(tape.source.tolist())
        if sources <= {self._source}:
            return True
        return len(sources) == 1 and not sources & self._sources and int(tape.ts_ns.min()) >= self._newest_ns

    def _take(self, tape: Tape) -> None:
        if len(tape) == 0:
            return
        self._bars = Bars.joined([self._bars, self._sampler.push(tape)])
        self._seq = max(self._seq, int(tape.seq.max()))
        self._source = int(tape.source[-1])
        self._sources |= set(np.unique(tape.source).tolist())
        self._newest_ns = max(self._newest_ns, int(tape.ts_ns.max()))


__all__ = ["History"]
