"""Rows into the log, many a statement."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

_ROW = "(NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_AT_ONCE = (128, 16, 1)
"""Rows a statement. Between two statements the interpreter's lock is taken, and waited for: with a row a statement, the
thread that stores and the one that reads the socket would wait for each other row by row."""
_INSERTS = {n: f"INSERT INTO events VALUES {', '.join([_ROW] * n)} ON CONFLICT DO NOTHING" for n in _AT_ONCE}
"""Not OR IGNORE, which would also swallow a row that breaks a rule of the table."""


def insert(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows of `events` without their seq, in their order; one whose digest is held already is left out."""
    at = 0
    for n in _AT_ONCE:
        while len(rows) - at >= n:
            connection.execute(_INSERTS[n], list(chain.from_iterable(rows[at : at + n])))
            at += n
