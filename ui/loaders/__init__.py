"""Cached reads of core. What changes with the store is keyed by its newest seq, so that a new tick invalidates it.

An error is never cached: Streamlit's caches keep returned values only.
"""

from ui.loaders.homes import feed_names, headline, home, job, log_file, save, settings, store_file
from ui.loaders.market import (
    Counters,
    Said,
    counters,
    current_market,
    gaps,
    last_ticks,
    live,
    markets,
    minutes,
    quarantined,
    said,
)
from ui.loaders.question import counts, labelled, market_question, threshold
from ui.loaders.trained import champion, comparison, newest, offered, runs, sheet, stale

__all__ = [
    "Counters",
    "Said",
    "champion",
    "comparison",
    "counters",
    "counts",
    "current_market",
    "feed_names",
    "gaps",
    "headline",
    "home",
    "job",
    "labelled",
    "last_ticks",
    "live",
    "log_file",
    "market_question",
    "markets",
    "minutes",
    "newest",
    "offered",
    "quarantined",
    "runs",
    "said",
    "save",
    "settings",
    "sheet",
    "stale",
    "store_file",
    "threshold",
]
