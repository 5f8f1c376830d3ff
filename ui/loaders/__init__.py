"""Cached reads of core. What changes with the store is keyed by its newest seq, so that a new tick invalidates it.

An error is never cached: Streamlit's caches keep returned values only.
"""

from ui.loaders.counted import Disk, disk, identity, quarantine
from ui.loaders.homes import feed_names, home, job, log_file, save, settings, store_file
from ui.loaders.market import (
    Counters,
    Said,
    counters,
    current_market,
    gaps,
    headline,
    last_ticks,
    live,
    markets,
    minutes,
    named_market,
    quarantined,
    said,
    shown,
    watched_elsewhere,
)
from ui.loaders.question import labelled, market_question, meter, threshold
from ui.loaders.trained import band_rule, champion, comparison, newest, offered, runs, sheet, stale, theta

__all__ = [
    "Counters",
    "Disk",
    "Said",
    "band_rule",
    "champion",
    "comparison",
    "counters",
    "current_market",
    "disk",
    "feed_names",
    "gaps",
    "headline",
    "home",
    "identity",
    "job",
    "labelled",
    "last_ticks",
    "live",
    "log_file",
    "market_question",
    "markets",
    "meter",
    "minutes",
    "named_market",
    "newest",
    "offered",
    "quarantine",
    "quarantined",
    "runs",
    "said",
    "save",
    "settings",
    "sheet",
    "shown",
    "stale",
    "store_file",
    "theta",
    "threshold",
    "watched_elsewhere",
]
