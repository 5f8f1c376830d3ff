"""Tapes and bars for tests: made by hand or at random, seeded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.features.bars import COLUMNS, SECOND_NS, Bars
from core.ingestion.ticks import HEARTBEAT, MISSING, TICK, TRADE, Tape

START_S = 1_700_000_000


def tape(events: Sequence[dict[str, float]], source: int = 1) -> Tape:
    """Events in the order of arrival: `t` seconds after START_S, and bid, ask, price, size, ... in whole units."""

    def column(name: str) -> np.ndarray:
        return np.array([MISSING if name not in e else round(e[name] * 1e8) for e in events], dtype=np.int64)

    n = len(events)
    return Tape(
        seq=np.arange(1, n + 1),
        kind=np.array([e.get("kind", TICK) for e in events], dtype=np.int8),
        source=np.array([e.get("source", source) for e in events], dtype=np.int32),
        ts_ns=np.array([START_S * SECOND_NS + round(e["t"] * 1e9) for e in events], dtype=np.int64),
        price=column("price"),
        bid=column("bid"),
        ask=column("ask"),
        bid_size=column("bid_size"),
        ask_size=column("ask_size"),
        size=column("size"),
        side=np.array([e.get("side", 0) for e in events], dtype=np.int8),
        after_gap=np.array([e.get("gap", False) for e in events], dtype=np.bool_),
    )


def quote(t: float, mid: float, spread: float = 0.02, **more: float) -> dict[str, float]:
    return {"t": t, "price": mid, "bid": mid - spread / 2, "ask": mid + spread / 2, **more}


def trade(t: float, price: float, size: float, side: int, **more: float) -> dict[str, float]:
    return {"t": t, "kind": TRADE, "price": price, "size": size, "side": side, **more}


def beat(t: float, **more: float) -> dict[str, float]:
    return {"t": t, "kind": HEARTBEAT, **more}


def random_tape(seed: int, n: int = 400, sizes: bool = True, trades: bool = True, beats: bool = True) -> Tape:
    """A random walk of quotes with trades, heartbeats, events out of order, silences, gaps and a second source."""
    rng = np.random.default_rng(seed)
    t, mid, source = 0.0, 91_000.0, 1
    events: list[dict[str, float]] = []
    for _ in range(n):
        t += float(rng.exponential(0.3))
        if rng.random() < 0.01:
            t += float(rng.uniform(3, 30))
        if rng.random() < 0.003:
            source += 1
        mid += float(rng.normal(0, 3)) * (rng.random() < 0.6)
        when = t - float(rng.exponential(0.4)) * (rng.random() < 0.1)
        more: dict[str, float] = {"source": source}
        if rng.random() < 0.005:
            more["gap"] = True
        kind = rng.random()
        if trades and kind < 0.3:
            events.append(trade(when, mid, float(rng.exponential(0.1)) + 1e-6, int(rng.choice([-1, 1])), **more))
        elif beats and kind < 0.4:
            events.append(beat(when, **more))
        else:
            if sizes:
                more |= {"bid_size": float(rng.exponential(1)), "ask_size": float(rng.exponential(1))}
            events.append(quote(when, round(mid, 2), round(float(rng.exponential(0.5)), 2), **more))
    return tape(events)


def bars(n: int, seed: int = 0, breaks: Sequence[int] = (), start_s: int = START_S, scale: float = 1e-4) -> Bars:
    """Bars with plausible columns; a session begins at 0 and at each of `breaks`."""
    rng = np.random.default_rng(seed)
    values = np.zeros((n, len(COLUMNS)))
    r = rng.normal(0, scale, n) * rng.choice([0, 1, 5], n, p=[0.4, 0.5, 0.1])
    close = 91_000 * np.exp(np.cumsum(r))
    session = np.zeros(n, dtype=np.int64)
    session[[b for b in breaks if b < n]] = 1
    session = np.cumsum(session)
    r[np.flatnonzero(np.diff(session, prepend=-1))] = np.nan
    put = Bars.column
    values[:, put("r")] = r
    for name in ("open", "close"):
        values[:, put(name)] = close
    values[:, put("high")] = close * (1 + np.abs(rng.normal(0, scale, n)))
    values[:, put("low")] = close * (1 - np.abs(rng.normal(0, scale, n)))
    ticks = rng.poisson(3, n)
    for name in ("n_ticks", "n_r", "n_quotes", "n_sizes", "n_trades"):
        values[:, put(name)] = ticks
    for name in ("sum_r", "sum_imbalance", "signed_volume"):
        values[:, put(name)] = rng.normal(0, scale, n) * (ticks > 0)
    for name in ("sum_r2", "sum_spread_bps", "volume"):
        values[:, put(name)] = np.where(ticks > 0, np.abs(values[:, put("signed_volume")]) + rng.random(n) * scale, 0)
    end = (start_s + 1 + np.arange(n) + 30 * session) * SECOND_NS
    return Bars(end, session, values)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal to the bit (NaN equal to NaN)."""
    return (
        a.shape == b.shape
        and a.dtype == b.dtype
        and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()
    )
