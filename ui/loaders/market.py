"""Reads of the tick store for the market that the settings name."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.config import Home, Settings
from core.errors import TremorError
from core.ingestion import capture
from core.ingestion.store import Market, Reader
from core.jobs import Job
from core.live import forecasts, pipeline
from core.live.tail import Stretch, Tail
from ui import text
from ui.loaders.homes import home, job, settings

Row = dict[str, Any]
T = TypeVar("T")
FRESH_S = 3
"""A forecast older than this (by our clock) is not the present one: the monitor makes four rounds a second."""
KEEP_S = 900
"""Seconds of market that live figures show."""


def markets() -> list[Market]:
    """All markets of the store; a cheap look, so never cached."""
    return Reader(home()).markets()


def current_market() -> Market | None:
    """The market that all pages show: the settings' own, else the one with the most ticks; None in an empty store."""
    return pipeline.market_of(markets(), settings())


def shown() -> str:
    """The shown market in words, for the head of a page: "" where there is none, or where reading it fails."""
    try:
        market = current_market()
    except TremorError:
        return ""  # the page's body reads it again and says why
    return "" if market is None else text.market_name(market.venue, market.product)


def headline() -> str:
    """The home page's title: the shown market's product (else the settings') and the horizon; plain where unknown."""
    try:
        chosen, market = settings(), current_market()
    except TremorError:
        return "Tremor"  # the page's body reads them again and says why
    return f"{market.product if market else chosen.product}, next {chosen.horizon_s} seconds"


def named_market(chosen: Settings) -> tuple[str, str]:
    """Venue and product that `chosen` names, whether the store holds ticks of it or not."""
    return pipeline.venue_of(chosen.feed), chosen.product


def watched_elsewhere(monitor: Job, market: Market) -> str:
    """The market in words that the running monitor watches where that is not `market`; else ""."""
    watched = monitor.fields.get("venue", market.venue), monitor.fields.get("product", market.product)
    return text.market_name(*watched) if monitor.running and watched != (market.venue, market.product) else ""


@st.cache_resource(max_entries=32, ttl=60, show_spinner=False)
def _once(key: tuple[Hashable, ...], _build: Callable[[], Any]) -> Any:
    return _build()


def once(key: tuple[Hashable, ...], build: Callable[[], T]) -> T:
    """What `build` gives; `key` names all that it depends on. Built once for all viewers: do not change it."""
    built: T = _once(key, build)
    return built


@dataclass
class _Shared:
    """One market's tail, for all sessions: whoever comes first reads what is new."""

    tail: Tail
    lock: threading.Lock


@st.cache_resource(max_entries=8, ttl=3600, show_spinner=False)
def _shared(root: str, venue: str, product: str) -> _Shared:
    return _Shared(Tail(venue, product, KEEP_S), threading.Lock())


def live(market: Market) -> Stretch:
    """The last 15 minutes of `market` as bars with their features."""
    where = home()
    shared = _shared(str(where.root), market.venue, market.product)
    with shared.lock:
        shared.tail.advance(Reader(where), market)
        return shared.tail.kept


@dataclass(frozen=True)
class Said:
    """Forecasts of one model, oldest first: bar ends (ns) and probabilities, NaN while warming up.

    `fresh`: the newest was made in the last seconds of our clock, so that it may stand as the present one. `doubts`:
    (bar end, why) of those that should not be trusted.
    """

    bar_end_ns: NDArray[np.int64]
    p: NDArray[np.float64]
    fresh: bool
    doubts: tuple[tuple[int, str], ...] = ()


def said(market: Market, model: str, from_ns: int) -> Said:
    """What `model` forecast on `market` for bars that ended at `from_ns` or later."""
    made = forecasts.table(home(), market.venue, market.product, model, from_ns)
    if made.num_rows == 0:
        return Said(np.empty(0, np.int64), np.empty(0), False)
    newest_ns = made["made_ns"][-1].as_py()
    ends, p = made["bar_end_ns"].to_numpy(), made["p"].to_numpy().astype(np.float64)
    doubts = tuple((int(ends[i]), why) for i, why in enumerate(made["doubt"].to_pylist()) if why is not None)
    return Said(ends, p, time.time_ns() - newest_ns < FRESH_S * 10**9, doubts)


@st.cache_data(max_entries=16, ttl=600, show_spinner=False)
def _minutes(root: str, venue: str, product: str, n: int, last_seq: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return Reader(Home.resolve(root)).per_minute(venue, product, n)


def minutes(market: Market, n: int = 360) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start (ns) and ticks of each of the last `n` minutes, oldest first.

    Minutes before the market's first tick are left out, but for one hour: the first bars would be as wide as a wall.
    """
    start, ticks = _minutes(str(home().root), market.venue, market.product, n, market.last_seq)
    first = min(int(np.searchsorted(start, market.first_ns - 60 * 10**9)), max(start.size - 60, 0))
    return start[first:], ticks[first:]


@st.cache_data(max_entries=8, ttl=600, show_spinner=False)
def _last_ticks(root: str, venue: str, product: str, n: int, last_seq: int) -> list[Row]:
    return Reader(Home.resolve(root)).last_ticks(venue, product, n).to_pylist()


def last_ticks(market: Market, n: int = 20) -> list[Row]:
    """The newest `n` ticks, oldest first, with the export's columns; None where the source gives no value."""
    return _last_ticks(str(home().root), market.venue, market.product, n, market.last_seq)


def gaps(market: Market) -> list[Row]:
    """The market's gap ledger, oldest first; read anew, since a repair changes it without a new event."""
    return Reader(home()).gaps(market.venue, market.product).to_pylist()


def missing(market: Market) -> list[tuple[int, int]]:
    """Where trades or quotes of the market are missing: (from_ns, to_ns) of each gap that is not repaired."""
    return [(int(a), int(b)) for a, b in Reader(home()).unmended(market.venue, market.product)]


def quarantined() -> int:
    """Frames that no parser accepted."""
    return Reader(home()).quarantined()


@dataclass(frozen=True)
class Counters:
    """What the running capture says of itself; None where it has not said it (yet).

    `last_tick_age_s` and `behind_s` are of the market that the pages show, and None where the capture does not record
    that one (`here` is False); everything else is of the capture.
    """

    running: bool
    state: str
    message: str
    since_ns: int
    ticks_per_s: float | None
    last_tick_age_s: float | None
    lag_s: float | None
    reconnects: int | None
    quarantined: int | None
    stored: int | None
    behind_s: float | None
    """How far the market's own time is behind the clock: hours for a simulated market that is catching up."""
    here: bool = True
    venue: str = ""
    products: tuple[str, ...] = ()
    heard_age_s: float | None = None
    """Age of the newest tick of any product that the capture records."""
    trouble: str = ""
    """Why it cannot store what comes, or seal what is old."""
    odd_quotes: int = 0


def counters() -> Counters:
    """The capture's live counters, held against the market that the pages show."""
    said = job("capture")
    market = current_market()
    captures = capture.status(home())
    own = [one for one in captures if market and one["venue"] == market.venue and market.product in one["products"]]
    fields = next(iter([*own, *captures]), {})
    venue, products = str(fields.get("venue") or ""), tuple(fields.get("products") or ())
    here = market is not None and market.venue == venue and market.product in products
    now_ns = time.time_ns()

    def number(name: str) -> float | None:
        value = fields.get(name)
        return float(value) if isinstance(value, (int, float)) else None

    heard = number("last_tick_age_s")
    return Counters(
        running=said.running,
        state=said.state,
        message=said.message,
        since_ns=said.started_ns,
        ticks_per_s=number("ticks_per_s"),
        last_tick_age_s=_age_s(market, heard, products, now_ns) if here and market is not None else None,
        lag_s=number("lag_s"),
        reconnects=fields.get("reconnects"),
        quarantined=fields.get("quarantined"),
        stored=fields.get("stored"),
        behind_s=(now_ns - market.last_ns) / 1e9 if here and market is not None else None,
        here=here,
        venue=venue,
        products=products,
        heard_age_s=heard,
        trouble=str(fields.get("trouble") or ""),
        odd_quotes=int(fields.get("odd_quotes") or 0),
    )


def _age_s(market: Market, heard_s: float | None, products: tuple[str, ...], now_ns: int) -> float | None:
    """Seconds since the newest tick of `market` was received, by our clock; None where there was none.

    The capture's own word is of all its products together: where it records several, the receipt of the newest stored
    tick of this one counts.
    """
    if heard_s is None or len(products) == 1:
        return heard_s
    received_ns = last_ticks(market, 1)[-1]["local_ts_ns"] if market.ticks else None
    return None if received_ns is None else max((now_ns - received_ns) / 1e9, heard_s)


__all__ = [
    "KEEP_S",
    "Counters",
    "counters",
    "current_market",
    "gaps",
    "headline",
    "last_ticks",
    "live",
    "markets",
    "minutes",
    "missing",
    "named_market",
    "once",
    "quarantined",
    "said",
    "shown",
    "watched_elsewhere",
]
