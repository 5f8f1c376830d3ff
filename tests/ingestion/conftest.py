"""Events to store, and a small scripted exchange."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.ingestion.ticks import E8, Tick, Trade

START_NS = 1_764_546_971_000_000_000


@pytest.fixture(scope="session")
def tick() -> Callable[..., Tick]:
    """A tick number i of a quiet market; any field can be given."""

    def make(i: int, **given: Any) -> Tick:
        fields = {
            "venue": "coinbase",
            "product": "BTC-USD",
            "price": 85_000 * E8 + i * 1_000_000,
            "local_ts_ns": START_NS + i * 100_000_000,
            "bid": 85_000 * E8,
            "ask": 85_001 * E8,
        }
        return Tick(**(fields | given))

    return make


@pytest.fixture(scope="session")
def trade() -> Callable[..., Trade]:
    """The trade with an id; any field can be given."""

    def make(trade_id: int, **given: Any) -> Trade:
        fields = {
            "venue": "coinbase",
            "product": "BTC-USD",
            "price": 85_000 * E8,
            "size": E8 // 2,
            "trade_id": trade_id,
            "exch_ts_ns": START_NS + trade_id * 1_000_000,
        }
        return Trade(**(fields | given))

    return make
