"""Who may write: each writer of the log takes the next number, and only the newest may commit.

The file lock keeps a second writer out. It cannot take a pen out of a hand: a writer that was stopped, whose lock file
was deleted or lay on a network disk that forgot it, may wake up and go on. The number, read inside the transaction,
refuses what it still wants to write.
"""

from __future__ import annotations

import os
import sqlite3
import time

from core.errors import Busy

TABLE = """
CREATE TABLE IF NOT EXISTS writer (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL,
    pid INTEGER NOT NULL,
    who TEXT NOT NULL,
    opened_ns INTEGER NOT NULL
) STRICT
"""


def take(connection: sqlite3.Connection, who: str) -> int:
    """The next writer's number; from its commit on, all earlier ones are refused."""
    connection.execute(TABLE)
    (number,) = connection.execute(
        "INSERT INTO writer VALUES (1, 1, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " number = number + 1, pid = excluded.pid, who = excluded.who, opened_ns = excluded.opened_ns RETURNING number",
        (os.getpid(), who, time.time_ns()),
    ).fetchone()
    return int(number)


def check(connection: sqlite3.Connection, number: int) -> None:
    """Inside a write transaction: raise Busy when another writer has begun since `number` was taken."""
    newest, pid, who = connection.execute("SELECT number, pid, who FROM writer").fetchone()
    if newest != number:
        raise Busy(f"{who} (process {pid}) has taken this home's tick store over: this one stops writing", pid)
