"""Rows into the log, many a statement."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any

_WIDTH = 14
_NOTHING = (None,) * _WIDTH
_SIZES = (1, 8, 64, 512)
"""Rows a statement. At each statement the interpreter's lock is given away and waited for: with a row a statement, the
thread that stores and the one that reads the socket would wait for each other row by row."""
_COLUMNS = ", ".join(f"column{i + 1}" for i in range(_WIDTH))
_ROW = f"({', '.join('?' * _WIDTH)})"
_INSERTS = {
    n: f"INSERT INTO events SELECT NULL, {_COLUMNS} FROM (VALUES {', '.join([_ROW] * n)}) WHERE column1 IS NOT NULL"
    " ON CONFLICT DO NOTHING"
    for n in _SIZES
}
"""Not OR IGNORE, which would also swallow a row that breaks a rule of the table. The WHERE leaves out what fills up."""


def insert(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows of `events` without their seq, in their order; one whose digest is held already is left out."""
    for at in range(0, len(rows), _SIZES[-1]):
        part = rows[at : at + _SIZES[-1]]
        size = next(n for n in _SIZES if n >= len(part))
        connection.execute(_INSERTS[size], list(chain(*part, *[_NOTHING] * (size - len(part)))))
