"""What became of the forecasts: each is graded once its horizon has passed, and the chain of their hashes is checked.

A forecast made at t is graded by the trailing volatility of its own estimator at t + horizon in the same session, which
is what a label is (`features.labels`). Where the session ended before, or the horizon touches a gap, there is no grade.
Only forecasts in escrow count: those written before their horizon was over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing

import msgspec
import numpy as np

from core.config import Home
from core.features.bars import SECOND_NS
from core.live.forecasts import FIELDS, Forecast, digest, readable, selected
from core.live.tail import Stretch

_TABLE = """CREATE TABLE IF NOT EXISTS grades (
    venue TEXT NOT NULL, product TEXT NOT NULL, bar_end_ns INTEGER NOT NULL, model TEXT NOT NULL,
    outcome_bps REAL, graded_ns INTEGER NOT NULL,
    PRIMARY KEY (venue, product, model, bar_end_ns)
) STRICT, WITHOUT ROWID"""
_KEY = "venue, product, model, bar_end_ns"


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the forecasts are those that were written. `broken` names the first row that is not, None where all are.

    rows are sealed ones; `unsealed` are older than the escrow. `head` is the last hash: kept elsewhere, it also tells
    whether the newest rows were cut off.
    """

    rows: int
    unsealed: int
    head: str
    broken: str | None

    @property
    def sentence(self) -> str:
        if self.broken:
            return f"Changed: {self.broken}. Nothing after it is vouched for."
        if not self.rows:
            return "No forecast is sealed yet."
        old = f" {self.unsealed:,} more are older than the escrow." if self.unsealed else ""
        return f"All {self.rows:,} forecasts are as they were written; the last hash is {self.head[:12]}.{old}"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """How one model has fared on the live market so far. Scores are None until both classes were seen.

    graded : forecasts in escrow with a probability whose outcome is known; spikes : of them; ungraded : whose session
    ended within their horizon; open : whose horizon is not over; late : written after it was.
    brier : mean of (p - outcome)^2; skill : 1 - brier / that of the share of spikes among the graded ones, which knows
    more than any forecast could at the time: a hard standard (Murphy 1973).
    """

    model: str
    graded: int
    spikes: int
    ungraded: int
    open: int
    late: int
    brier: float | None
    skill: float | None


class Grades:
    """The writer's side: the monitor's, one connection."""

    def __init__(self, home: Home) -> None:
        with readable(home):
            self._connection = sqlite3.connect(home.forecasts_db, timeout=10)
            self._connection.execute(_TABLE)
            self._connection.commit()

    def open(self, venue: str, product: str) -> list[Forecast]:
        """Forecasts with a probability that have no grade yet, oldest first."""
        rows = self._connection.execute(
            f"SELECT {', '.join(FIELDS)} FROM forecasts LEFT JOIN grades USING ({_KEY}) WHERE venue = ? AND product = ?"
            " AND p IS NOT NULL AND horizon_s IS NOT NULL AND graded_ns IS NULL ORDER BY bar_end_ns, model",
            (venue, product),
        ).fetchall()
        return [Forecast(**dict(zip(FIELDS, row, strict=True))) for row in rows]

    def append(self, graded: Sequence[tuple[Forecast, float | None]], now_ns: int) -> None:
        """Write (forecast, outcome in bps or None where there is none), in one commit."""
        with self._connection:
            self._connection.executemany(
                "INSERT OR IGNORE INTO grades VALUES (?, ?, ?, ?, ?, ?)",
                [(f.venue, f.product, f.bar_end_ns, f.model, outcome, now_ns) for f, outcome in graded],
            )

    def close(self) -> None:
        self._connection.close()


def outcomes(
    forecasts: Sequence[Forecast], stretch: Stretch, estimator: dict[str, str]
) -> list[tuple[Forecast, float | None]]:
    """Those of the forecasts whose horizon is over in `stretch`, each with its outcome in bps.

    Parameters
    ----------
    forecasts : with their horizons
    stretch : bars with features that reach back to the oldest forecast
    estimator : of each model's label, the feature that measures it backwards ("rv_60")

    Returns
    -------
    None for an outcome where the session ended within the horizon or the bar itself is not in the stretch.
    """
    if not len(stretch):
        return []
    ends, session = stretch.bars.bar_end_ns, stretch.bars.session
    found: list[tuple[Forecast, float | None]] = []
    for f in forecasts:
        assert f.horizon_s is not None
        until = f.bar_end_ns + f.horizon_s * SECOND_NS
        if until > ends[-1]:
            continue
        begin, end = (int(np.searchsorted(ends, at)) for at in (f.bar_end_ns, until))
        whole = ends[begin] == f.bar_end_ns and ends[end] == until and session[begin] == session[end]
        value = float(stretch.feature(estimator[f.model])[end]) if whole and f.model in estimator else np.nan
        found.append((f, None if np.isnan(value) else value))
    return found


def verify(home: Home) -> Chain:
    """Walk the chain of hashes from the first forecast to the last. Raises Damaged when the file cannot be read."""
    if not home.forecasts_db.exists():
        return Chain(rows=0, unsealed=0, head="", broken=None)
    with readable(home), closing(_reading(home)) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(forecasts)")}
        if "hash" not in columns:
            return Chain(rows=0, unsealed=_count(connection, "1"), head="", broken=None)
        unsealed = _count(connection, "seq IS NULL")
        before, expected, broken = "", 1, None
        rows = 0
        for *fields, seq, sealed in connection.execute(
            f"SELECT {selected(connection)}, seq, hash FROM forecasts WHERE seq IS NOT NULL ORDER BY seq"
        ):
            f = Forecast(**dict(zip(FIELDS, fields, strict=True)))
            rows += 1
            if broken is None and (seq != expected or digest(before, f) != sealed):
                what = f"forecast {expected:,} is missing" if seq != expected else "was changed after it was written"
                broken = f"forecast {seq:,}, {f.model} at bar {f.bar_end_ns}: {what}"
            before, expected = sealed, seq + 1
    return Chain(rows=rows, unsealed=unsealed, head=before, broken=broken)


def records(home: Home, venue: str, product: str, since_ns: int = 0) -> list[Record]:
    """How each model has fared on one market on the bars from `since_ns` on, by name."""
    if not home.forecasts_db.exists():
        return []
    with readable(home), closing(_reading(home)) as connection:
        there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "grades" not in there:
            return []
        rows = connection.execute(
            "SELECT model, count(*) FILTER (WHERE late), count(*) FILTER (WHERE NOT late AND graded_ns IS NULL),"
            " count(*) FILTER (WHERE NOT late AND graded_ns IS NOT NULL AND outcome_bps IS NULL),"
            " count(*) FILTER (WHERE NOT late AND outcome_bps IS NOT NULL),"
            " count(*) FILTER (WHERE NOT late AND outcome_bps >= tau_bps),"
            " avg((p - (outcome_bps >= tau_bps)) * (p - (outcome_bps >= tau_bps)))"
            "   FILTER (WHERE NOT late AND outcome_bps IS NOT NULL)"
            f" FROM (SELECT *, seen_ns >= bar_end_ns + horizon_s * {SECOND_NS} AS late FROM forecasts"
            f"       LEFT JOIN grades USING ({_KEY})"
            "       WHERE venue = ? AND product = ? AND bar_end_ns >= ? AND p IS NOT NULL AND horizon_s IS NOT NULL)"
            " GROUP BY model ORDER BY model",
            (venue, product, since_ns),
        ).fetchall()
    return [_record(*row) for row in rows]


def _record(model: str, late: int, still_open: int, ungraded: int, n: int, spikes: int, brier: float | None) -> Record:
    rate = spikes / n if n else 0.0
    skill = 1 - brier / (rate * (1 - rate)) if brier is not None and 0 < spikes < n else None
    return Record(
        model=model, graded=n, spikes=spikes, ungraded=ungraded, open=still_open, late=late, brier=brier, skill=skill
    )


def _reading(home: Home) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{home.forecasts_db}?mode=ro", uri=True, timeout=10)


def _count(connection: sqlite3.Connection, where: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM forecasts WHERE {where}").fetchone()[0])


__all__ = ["Chain", "Grades", "Record", "outcomes", "records", "verify"]
