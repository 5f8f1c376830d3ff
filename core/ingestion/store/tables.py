"""Stored rows as Arrow tables: prices and sizes as float64 USD (e8 / 1e8), null where the source gives no value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from core.ingestion.ticks import E8, MISSING, Ints

MarketRows: TypeAlias = tuple[str, str, Ints]
"""venue, product, and rows of shape (n, 10): exch_ts_ns, local_ts_ns, price, bid, ask, bid_size, ask_size, side,
trade_id, size; MISSING where the source gives no value."""

EXPORT_COLUMNS = (
    "exch_ts_ns",
    "local_ts_ns",
    "price",
    "bid",
    "ask",
    "bid_size",
    "ask_size",
    "side",
    "trade_id",
    "venue",
    "product",
)
"""The columns of `export ticks`, in their order."""
TRADE_COLUMNS = ("exch_ts_ns", "local_ts_ns", "price", "size", "side", "trade_id", "venue", "product")
_ROW = ("exch_ts_ns", "local_ts_ns", "price", "bid", "ask", "bid_size", "ask_size", "side", "trade_id", "size")
_E8 = frozenset({"price", "bid", "ask", "bid_size", "ask_size", "size"})
_SIDES = pa.array(["sell", None, "buy"], pa.string())
_TYPES = {name: pa.float64() if name in _E8 else pa.int64() for name in _ROW} | {
    name: pa.string() for name in ("side", "venue", "product")
}


def ticks(markets: Sequence[MarketRows]) -> pa.Table:
    """Ticks of the markets, one after the other, with EXPORT_COLUMNS."""
    return _table(markets, EXPORT_COLUMNS)


def trades(markets: Sequence[MarketRows]) -> pa.Table:
    """Trades of the markets, one after the other, with TRADE_COLUMNS."""
    return _table(markets, TRADE_COLUMNS)


GAP_COLUMNS = (
    "venue", "product", "from_trade_id", "to_trade_id", "missing", "from_ns", "to_ns", "seen", "state", "still_missing",
    "opened_ns", "closed_ns", "detail",
)  # fmt: skip
"""The columns of `export gaps`. The trade ids are those before and after the gap; `missing` counts the trades between
them when it was found, `still_missing` those not stored by now; all null as long as they are unknown."""
_GAP_TEXTS = frozenset({"venue", "product", "seen", "state", "detail"})


def gaps(rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Rows of the gap ledger as a table with GAP_COLUMNS."""
    schema = pa.schema([(name, pa.string() if name in _GAP_TEXTS else pa.int64()) for name in GAP_COLUMNS])
    return pa.table([pa.array([row[i] for row in rows], field.type) for i, field in enumerate(schema)], schema=schema)


def _table(markets: Sequence[MarketRows], columns: Sequence[str]) -> pa.Table:
    schema = pa.schema([(name, _TYPES[name]) for name in columns])
    return pa.concat_tables(
        [schema.empty_table(), *(_market(*rows).select(list(columns)).cast(schema) for rows in markets)]
    )


def joined(parts: Sequence[Ints]) -> Ints:
    """The parts of a market's rows one after the other; none at all give no row."""
    return np.concatenate([np.empty((0, len(_ROW)), np.int64), *parts])


def _market(venue: str, product: str, values: Ints) -> pa.Table:
    columns: dict[str, pa.Array] = {}
    for name, column in zip(_ROW, values.T, strict=True):
        missing = column == MISSING
        if name == "side":
            columns[name] = _SIDES.take(pa.array(column + 1))
        else:
            columns[name] = pa.array(column / E8 if name in _E8 else column, _TYPES[name], mask=missing)
    columns["venue"] = pa.repeat(venue, len(values))
    columns["product"] = pa.repeat(product, len(values))
    return pa.table(columns)
