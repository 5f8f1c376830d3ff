"""A store filled with a seeded random walk, one tick a second and some silences."""

from __future__ import annotations

import numpy as np

from core.config import Home
from core.ingestion.store import Writer
from core.ingestion.ticks import E8, Tick

START_S = 1_700_003_840  # a multiple of 4,096: where running sums are rebuilt


def ticks(n: int, seed: int = 0, start_s: int = START_S, silences: tuple[int, ...] = ()) -> list[Tick]:
    """Two ticks a second for n seconds; after each second of `silences` comes a silence of 40 s."""
    rng = np.random.default_rng(seed)
    volatility = np.exp(np.cumsum(rng.normal(0, 0.05, n)).clip(-1.5, 1.5))
    mids = 91_000 + np.cumsum(rng.normal(0, 2, n) * volatility)
    made, late = [], 0
    for i in range(n):
        late += 40 * (i in silences)
        for half in (0.2, 0.7):
            mid = round(mids[i] * 100 + half) / 100
            made.append(
                Tick(
                    venue="coinbase",
                    product="BTC-USD",
                    price=round(mid * E8),
                    bid=round((mid - 0.01) * E8),
                    ask=round((mid + 0.01) * E8),
                    bid_size=int(rng.integers(1, E8)),
                    ask_size=int(rng.integers(1, E8)),
                    exch_ts_ns=int((start_s + i + late + half) * 10**9),
                )
            )
    return made


def fill(home: Home, made: list[Tick], name: str = "made up") -> None:
    with Writer(home) as writer:
        writer.append(writer.source("import", name), made)
