"""Rows of the log as columns, in the order in which they are to be read."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from core.ingestion.ticks import MISSING, SILENCE_NS, Ints, Tape


def matrix(rows: list[tuple[int | None, ...]], width: int) -> Ints:
    """Rows of a query as one table of whole numbers, MISSING for what is null."""
    flat = np.fromiter(
        (MISSING if value is None else value for value in chain.from_iterable(rows)), np.int64, len(rows) * width
    )
    return flat.reshape(-1, width)


def in_time(rows: Ints) -> Ints:
    """Rows of a tape (source in column 2, time in column 3), the stretches of all sources in the order of their begin.

    A stretch ends where a source's time passes the latest seen before by more than 10 s: a silence. What arrives late
    (trades asked for after an outage) lies behind that latest time and cuts nothing.
    """
    source, ts_ns = rows[:, 2], rows[:, 3]
    begins = np.flatnonzero(np.diff(source, prepend=-1))
    latest = (
        np.concatenate([np.maximum.accumulate(part) for part in np.split(ts_ns, begins[1:])]) if len(rows) else ts_ns
    )
    apart = np.flatnonzero(ts_ns[1:] - latest[:-1] > SILENCE_NS) + 1
    starts = np.union1d(begins, apart)
    order = np.argsort(ts_ns[starts], kind="stable")
    if (np.diff(order) > 0).all():
        return rows
    stretches = np.split(rows, starts[1:])
    return np.concatenate([stretches[i] for i in order])


def as_tape(rows: Ints, breaks: Sequence[int] = ()) -> Tape:
    """Rows of a tape's query, column by column; `breaks` are the seqs before which a gap ends a session."""
    columns: list[Ints] = [np.ascontiguousarray(column) for column in rows.T]
    seq, kind, source, ts_ns, price, bid, ask, bid_size, ask_size, size, side = columns
    kinds: NDArray[np.int8] = kind.astype(np.int8)
    sides: NDArray[np.int8] = side.astype(np.int8)
    marks = after_gap(seq, breaks) if breaks else None
    return Tape(seq, kinds, source.astype(np.int32), ts_ns, price, bid, ask, bid_size, ask_size, size, sides, marks)


def after_gap(seq: Ints, breaks: Sequence[int]) -> NDArray[np.bool_]:
    """The first event with each of the seqs in `breaks`, or a later one: the one given may have been held already."""
    order = np.argsort(seq, kind="stable")
    at = np.searchsorted(seq[order], np.array(breaks, np.int64))
    found = np.zeros(seq.size, np.bool_)
    found[order[at[at < seq.size]]] = True
    return found
