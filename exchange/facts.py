"""The stylised facts of a tape of ticks: what the simulator is calibrated to, measured alike on it and on recordings.

All of it is in-sample description of a finished tape; nothing here is a feature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import BadInput, NotEnough
from core.ingestion import recordings
from core.ingestion.ticks import E8, Tick
from exchange.simulator import raw_orders
from exchange.simulator.stream import BLOCK_S
from exchange.tape import SECOND_NS

Floats = NDArray[np.float64]
LAGS_S = (1, 10, 60)
QUANTILES = (0.05, 0.25, 0.50, 0.75, 0.95, 0.99)
WINDOW_S = 60
MAX_SILENCE_NS = 10 * SECOND_NS


@dataclass(frozen=True)
class Ticks:
    """Columns of one tape in the order of arrival: time (ns), last price, bid and ask (USD)."""

    ts_ns: NDArray[np.int64]
    price: Floats
    bid: Floats
    ask: Floats

    def sessions(self) -> list[Ticks]:
        """The stretches without a silence of more than 10 s."""
        cuts = np.flatnonzero(np.diff(self.ts_ns) > MAX_SILENCE_NS) + 1
        parts = np.split(np.arange(self.ts_ns.size), cuts)
        return [Ticks(self.ts_ns[p], self.price[p], self.bid[p], self.ask[p]) for p in parts]


@dataclass(frozen=True)
class Facts:
    """Names as in the table of docs/simulator.md; `zero_*` and `fano` are shares and ratios, `rv_60` in bps."""

    seconds: int
    zero_mid: float
    zero_price: float
    zero_second: float
    kurtosis: float
    acf_abs: tuple[float, ...]
    ticks_per_s: float
    fano: float
    rv_60: tuple[float, ...]
    spread_median_bps: float
    spread_mean_bps: float

    def rows(self) -> list[tuple[str, float]]:
        """(name, value) in the order of the table."""
        return [
            ("hours of one-second returns", self.seconds / 3600),
            ("share of tick-to-tick mid returns that are zero", self.zero_mid),
            ("share of tick-to-tick price returns that are zero", self.zero_price),
            ("share of one-second mid returns that are zero", self.zero_second),
            ("kurtosis of one-second log returns of mid (normal: 3)", self.kurtosis),
            *((f"autocorrelation of absolute one-second returns, lag {k} s", v) for k, v in zip(LAGS_S, self.acf_abs)),
            ("ticks a second, mean", self.ticks_per_s),
            ("ticks a second, variance / mean (Fano)", self.fano),
            *((f"60 s rv, bps, quantile {q:.0%}", v) for q, v in zip(QUANTILES, self.rv_60)),
            ("spread, bps, median", self.spread_median_bps),
            ("spread, bps, mean", self.spread_mean_bps),
        ]


def measure(ticks: Ticks) -> Facts:
    """The facts of `ticks`, session by session and pooled: no return, lag or window reaches across a silence of 10 s.

    One-second returns: last mid of each second, carried forward over empty seconds. `rv_60` is the square root of the
    sum of 60 squared one-second returns, at every second. Counts leave out a session's two partial seconds.
    A fact that this tape leaves open (all returns equal) is NaN. Raises NotEnough without a session of 60 returns.
    """
    sessions = ticks.sessions()
    per_session = [_one_second(s) for s in sessions]
    returns = [r for r, _ in per_session]
    longest = max(r.size for r in returns)
    if longest < WINDOW_S:
        raise NotEnough(
            f"the longest session has {longest} s, and the facts need {WINDOW_S}: choose a longer recording"
        )
    counts = np.concatenate([c for _, c in per_session])
    r = np.concatenate(returns)
    centred = r - r.mean()
    rv = np.concatenate([trailing_rv(x) for x in returns if x.size >= WINDOW_S])
    mid = (ticks.bid + ticks.ask) / 2
    spread = (ticks.ask - ticks.bid) / mid * 1e4
    return Facts(
        seconds=r.size,
        zero_mid=_share_zero([(s.bid + s.ask) for s in sessions]),
        zero_price=_share_zero([s.price for s in sessions]),
        zero_second=float(np.mean(r == 0)),
        kurtosis=_ratio(np.mean(centred**4), np.mean(centred**2) ** 2),
        acf_abs=tuple(_pooled_acf([np.abs(x) for x in returns], lag) for lag in LAGS_S),
        ticks_per_s=float(counts.mean()),
        fano=float(counts.var() / counts.mean()),
        rv_60=tuple(np.quantile(rv, QUANTILES).tolist()),
        spread_median_bps=float(np.median(spread)),
        spread_mean_bps=float(spread.mean()),
    )


def trailing_rv(r_bps: Floats, window_s: int = WINDOW_S) -> Floats:
    """Root of the sum of squares of each `window_s` consecutive returns; length n - window_s + 1, unit of `r_bps`."""
    total = np.concatenate([[0.0], np.cumsum(r_bps**2)])
    return np.sqrt(np.maximum(total[window_s:] - total[:-window_s], 0.0))


def simulated(product: str = "BTC-USD", seed: int = 0, hours: float = 24.0, mood: str = "market") -> Ticks:
    """The first `hours` of the simulator's tape as columns (one row a ticker, as the server sends it)."""
    blocks = list(islice(raw_orders(seed, product, mood), max(1, round(hours * 3600 / BLOCK_S))))
    orders = np.concatenate([b.orders for b in blocks])
    last = np.concatenate([b.matches[np.cumsum(b.orders[:, 6]) - 1, 0] for b in blocks])
    return Ticks(orders[:, 0] * 1_000, last / 100, orders[:, 2] / 100, orders[:, 3] / 100)


def recorded(path: Path, product: str = "BTC-USD") -> Ticks:
    """The ticks of `product` in a recording, at the exchange's times where it has them, else those of receipt.

    Raises BadInput when it holds fewer than two ticks with bid and ask.
    """
    rows = [
        (tick.exch_ts_ns or tick.local_ts_ns or 0, tick.price / E8, tick.bid / E8, tick.ask / E8)
        for batch in recordings.read(path, product=product)
        for tick in batch.events
        if isinstance(tick, Tick) and tick.product == product and tick.bid is not None and tick.ask is not None
    ]
    if len(rows) < 2:
        raise BadInput(f"{path.name} holds {len(rows)} ticks of {product} with bid and ask: at least two are needed")
    ts_ns, price, bid, ask = zip(*rows)
    return Ticks(np.array(ts_ns, np.int64), np.array(price), np.array(bid), np.array(ask))


def compared(columns: dict[str, Facts]) -> list[dict[str, str | float | None]]:
    """A row for each fact: its name under `fact`, and under each title its value to four digits, None where open."""
    rows: list[dict[str, str | float | None]] = [{"fact": name} for name, _ in next(iter(columns.values())).rows()]
    for title, facts in columns.items():
        for row, (_, value) in zip(rows, facts.rows()):
            row[title] = float(f"{value:.4g}") if np.isfinite(value) else None
    return rows


def _one_second(ticks: Ticks) -> tuple[Floats, NDArray[np.int64]]:
    """One-second log returns of mid (bps) and ticks per whole second of one session."""
    second = ticks.ts_ns // SECOND_NS - ticks.ts_ns[0] // SECOND_NS
    counts = np.bincount(second)
    last = np.maximum(np.cumsum(counts) - 1, 0)
    mid = (ticks.bid + ticks.ask)[last] / 2
    return np.diff(np.log(mid)) * 1e4, counts[1:-1]


def _share_zero(series: Sequence[Floats]) -> float:
    steps = np.concatenate([np.diff(x) for x in series])
    return float(np.mean(steps == 0))


def _pooled_acf(series: Sequence[Floats], lag: int) -> float:
    """Autocorrelation at `lag` about the mean of all series together; pairs come from one series each."""
    joined = np.concatenate(series)
    mean, variance = joined.mean(), joined.var()
    pairs = [(x[lag:] - mean) * (x[:-lag] - mean) for x in series if x.size > lag]
    return _ratio(np.mean(np.concatenate(pairs)), variance)


def _ratio(over: np.floating, under: np.floating) -> float:
    return float(over / under) if under > 0 else float("nan")
