"""Alerts: raised by the same rule as in the evaluation, kept with what became of them, and delivered elsewhere.

An alert at a is right when an episode (trailing volatility reaching tau) starts in (a, a + horizon], false when the
horizon passed without one, unknown when the session ended first. It is written before it is delivered.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.config import Home
from core.evaluation.events import Alarm, episodes
from core.features.bars import SECOND_NS, Bars
from core.features.labelled import shown
from core.live.forecasts import Forecast, readable
from core.live.tail import Stretch

Outcome = Literal["right", "false", "unknown"]
_TABLES = """
CREATE TABLE IF NOT EXISTS alerts (
    venue TEXT NOT NULL, product TEXT NOT NULL, bar_end_ns INTEGER NOT NULL, model TEXT NOT NULL, p REAL NOT NULL,
    theta REAL NOT NULL, tau_bps REAL NOT NULL, horizon_s INTEGER NOT NULL, mid REAL NOT NULL,
    raised_ns INTEGER NOT NULL, muted INTEGER NOT NULL, outcome TEXT, lead_s REAL, seen_ns INTEGER,
    PRIMARY KEY (venue, product, bar_end_ns)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deliveries (
    venue TEXT NOT NULL, product TEXT NOT NULL, bar_end_ns INTEGER NOT NULL, service TEXT NOT NULL,
    attempt INTEGER NOT NULL, at_ns INTEGER NOT NULL, delivered INTEGER NOT NULL
) STRICT;
"""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert of the champion. Times in ns UTC: the bar it was raised on, our clock then, when somebody said to have
    seen it (None: not yet). `muted` ones are kept and not delivered. lead_s is the time to the episode it caught."""

    venue: str
    product: str
    bar_end_ns: int
    model: str
    p: float
    theta: float
    tau_bps: float
    horizon_s: int
    mid: float
    raised_ns: int
    muted: bool = False
    outcome: Outcome | None = None
    lead_s: float | None = None
    seen_ns: int | None = None

    @property
    def sentence(self) -> str:
        """What is sent: no advice, the number and what it means."""
        return (
            f"{self.product}: P {self.p:.2f} that volatility of the next {self.horizon_s} s reaches "
            f"{shown(self.tau_bps)} bps (θ {self.theta:.2f}), mid {self.mid:,.2f}. A forecast by {self.model}, "
            "not advice."
        )


FIELDS: tuple[str, ...] = Alert.__struct_fields__


class Ledger:
    """The monitor's side: it writes alerts and their outcomes."""

    def __init__(self, home: Home) -> None:
        home.data.mkdir(parents=True, exist_ok=True)
        with readable(home):
            self._connection = sqlite3.connect(home.forecasts_db, timeout=10)
            self._connection.executescript(_TABLES)

    def append(self, alerts: Sequence[Alert]) -> list[Alert]:
        """Write those whose bar has none yet, in one commit; gives those that were new."""
        marks = ", ".join("?" * len(FIELDS))
        statement = f"INSERT OR IGNORE INTO alerts ({', '.join(FIELDS)}) VALUES ({marks})"
        with self._connection:
            return [a for a in alerts if self._connection.execute(statement, msgspec.structs.astuple(a)).rowcount]

    def open(self, venue: str, product: str) -> list[Alert]:
        """Alerts without an outcome, oldest first."""
        rows = self._connection.execute(
            f"SELECT {', '.join(FIELDS)} FROM alerts WHERE venue = ? AND product = ? AND outcome IS NULL"
            " ORDER BY bar_end_ns",
            (venue, product),
        ).fetchall()
        return [_alert(row) for row in rows]

    def last(self, venue: str, product: str, model: str) -> Alert | None:
        """The newest alert of one model on one market."""
        row = self._connection.execute(
            f"SELECT {', '.join(FIELDS)} FROM alerts WHERE venue = ? AND product = ? AND model = ?"
            " ORDER BY bar_end_ns DESC LIMIT 1",
            (venue, product, model),
        ).fetchone()
        return None if row is None else _alert(row)

    def settle(self, settled: Sequence[tuple[Alert, Outcome, float | None]]) -> None:
        """Write (alert, outcome, lead in s), in one commit."""
        with self._connection:
            self._connection.executemany(
                "UPDATE alerts SET outcome = ?, lead_s = ? WHERE venue = ? AND product = ? AND bar_end_ns = ?",
                [(outcome, lead_s, a.venue, a.product, a.bar_end_ns) for a, outcome, lead_s in settled],
            )

    def close(self) -> None:
        self._connection.close()


def delivered(home: Home, alert: Alert, service: str, attempt: int, at_ns: int, ok: bool) -> None:
    """Write one attempt to deliver; from any thread."""
    with readable(home), closing(sqlite3.connect(home.forecasts_db, timeout=10)) as connection, connection:
        connection.execute(
            "INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?)",
            (alert.venue, alert.product, alert.bar_end_ns, service, attempt, at_ns, ok),
        )


def raised(
    alarm: Alarm, forecasts: Sequence[Forecast], session: NDArray[np.int64], *, now_ns: int, muted: bool
) -> list[Alert]:
    """The alerts that the next forecasts raise; `alarm` carries on. Forecasts without a probability change nothing.

    session : of each forecast's bar
    """
    found = []
    for f, s in zip(forecasts, session, strict=True):
        if f.p is None or f.tau_bps is None or not alarm.push(f.bar_end_ns, int(s), f.p):
            continue
        found.append(
            Alert(
                venue=f.venue, product=f.product, bar_end_ns=f.bar_end_ns, model=f.model, p=f.p, theta=f.theta,
                tau_bps=f.tau_bps, horizon_s=f.horizon_s or 0, mid=f.mid, raised_ns=now_ns, muted=muted,
            )
        )  # fmt: skip
    return found


def resume(
    alarm: Alarm,
    last: Alert | None,
    bar_end_ns: NDArray[np.int64],
    p: NDArray[np.float64],
    stretch: Stretch,
    session: int,
) -> None:
    """Bring a new `alarm` to where an earlier monitor's stood: a restart rings no alert anew and keeps the cooldown.

    Parameters
    ----------
    last : the newest alert of the ledger
    bar_end_ns, p : the forecasts that the earlier monitor made (n,), oldest first
    stretch : bars that reach back to `last` where it is to count
    session : what the caller calls the session of the newest bar; sessions are counted up from where reading began
    """
    ends, sessions = stretch.bars.bar_end_ns, stretch.bars.session - stretch.bars.session[-1] + session
    at = np.searchsorted(ends, bar_end_ns).clip(max=ends.size - 1)
    known = ends[at] == bar_end_ns
    at, p = at[known], p[known]
    if not at.size:
        return
    now = sessions[at[-1]]
    here = sessions[at] == now
    begin = int(np.searchsorted(ends, last.bar_end_ns)) if last is not None else ends.size
    if last is None or begin == ends.size or ends[begin] != last.bar_end_ns or sessions[begin] != now:
        alarm.resume(int(now), None, bool((p[here] < alarm.theta).any()))
    else:
        since = here & (ends[at] > last.bar_end_ns)
        alarm.resume(int(now), last.bar_end_ns, bool((p[since] < alarm.low).any()))


def started(
    bars: Bars, trailing_bps: NDArray[np.float64], tau_bps: float | NDArray[np.float64], horizon_s: int
) -> NDArray[np.bool_]:
    """Where an episode starts, shape (n,), among the bars whose trailing volatility and τ are known: as among the rows
    of an evaluation, whose first one starts none.

    tau_bps : what trailing volatility is held against, one number or that of each bar (`labels.Threshold.standing`)
    """
    taus = np.broadcast_to(tau_bps, trailing_bps.shape)
    known = ~np.isnan(trailing_bps) & ~np.isnan(taus)
    starts = np.zeros(len(bars), dtype=np.bool_)
    if not known.any():
        return starts
    starts[known] = episodes(
        bars.bar_end_ns[known], bars.session[known], trailing_bps[known], tau_bps=taus[known], horizon_s=horizon_s
    ).start
    return starts


def settled(
    alerts: Sequence[Alert], stretch: Stretch, estimator: str, tau_bps: float | NDArray[np.float64]
) -> list[tuple[Alert, Outcome, float | None]]:
    """Those of the alerts of one model whose outcome is known from `stretch`: (alert, outcome, lead in s).

    It is known when the horizon is over, also of an alert that was right at once: where the session ends within the
    horizon no alert can be false any more, so none counts as right either (`events.match`).

    estimator : the label's own trailing volatility, such as "rv_60"
    tau_bps : what it is held against, one number or that of each bar of the stretch (`labels.Threshold.standing`)
    """
    if not len(stretch) or not alerts:
        return []
    ends, session, volatility = stretch.bars.bar_end_ns, stretch.bars.session, stretch.feature(estimator)
    starts = started(stretch.bars, volatility, tau_bps, alerts[0].horizon_s)
    found: list[tuple[Alert, Outcome, float | None]] = []
    for a in alerts:
        until = a.bar_end_ns + a.horizon_s * SECOND_NS
        if until > ends[-1]:
            continue
        begin, over = (int(i) for i in np.searchsorted(ends, (a.bar_end_ns, until)))
        if (ends[begin], ends[over]) != (a.bar_end_ns, until) or session[begin] != session[over]:
            found.append((a, "unknown", None))
            continue
        after = begin + 1 + np.flatnonzero(starts[begin + 1 : over + 1])
        if after.size:
            found.append((a, "right", float(ends[after[0]] - a.bar_end_ns) / SECOND_NS))
        else:
            found.append((a, "false", None))
    return found


def recent(home: Home, venue: str, product: str, most: int = 50, since_ns: int | None = None) -> list[Alert]:
    """The newest alerts of one market, newest first, and all those of bars after `since_ns`; [] before the first."""
    if not _there(home):
        return []
    with readable(home), closing(_reading(home)) as connection:
        rows = connection.execute(
            f"SELECT {', '.join(FIELDS)} FROM alerts WHERE venue = ? AND product = ? ORDER BY bar_end_ns DESC LIMIT"
            " max(?, (SELECT count(*) FROM alerts WHERE venue = ? AND product = ? AND bar_end_ns > ?))",
            (venue, product, most, venue, product, 2**62 if since_ns is None else since_ns),
        ).fetchall()
    return [_alert(row) for row in rows]


def deliveries(home: Home, venue: str, product: str, since_ns: int) -> list[tuple[int, str, int, bool]]:
    """(bar_end_ns, service, attempts, delivered) of the alerts raised on bars from `since_ns` on, a row a service."""
    if not _there(home):
        return []
    with readable(home), closing(_reading(home)) as connection:
        rows = connection.execute(
            "SELECT bar_end_ns, service, max(attempt), max(delivered) FROM deliveries"
            " WHERE venue = ? AND product = ? AND bar_end_ns >= ? GROUP BY bar_end_ns, service",
            (venue, product, since_ns),
        ).fetchall()
    return [(bar, service, attempts, bool(ok)) for bar, service, attempts, ok in rows]


def acknowledge(home: Home, venue: str, product: str, now_ns: int) -> int:
    """Mark all alerts of one market as seen; how many were not."""
    if not _there(home):
        return 0
    with readable(home), closing(sqlite3.connect(home.forecasts_db, timeout=10)) as connection, connection:
        return connection.execute(
            "UPDATE alerts SET seen_ns = ? WHERE venue = ? AND product = ? AND seen_ns IS NULL",
            (now_ns, venue, product),
        ).rowcount


def _alert(row: tuple[object, ...]) -> Alert:
    return msgspec.convert(dict(zip(FIELDS, row, strict=True)), Alert, strict=False)


def _there(home: Home) -> bool:
    if not home.forecasts_db.exists():
        return False
    with readable(home), closing(_reading(home)) as connection:
        return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'deliveries'").fetchone() is not None


def _reading(home: Home) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{home.forecasts_db}?mode=ro", uri=True, timeout=10)
