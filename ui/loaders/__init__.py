"""Cached reads of core. What changes with the store is keyed by its newest seq, so that a new tick invalidates it.

An error is never cached: Streamlit's caches keep returned values only.
"""

from ui.loaders.counted import Disk, disk, identity, quarantine
from ui.loaders.evaluated import alerts_of, evaluated, evaluation, happening, line, papers, planted, tested, window
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
from ui.loaders.replayed import agreed, models_of, replayed, stretches
from ui.loaders.trained import band_rule, champion, comparison, newest, offered, runs, sheet, stale, theta
from ui.loaders.watched import alerts, fared, sinks

__all__ = [
    "Counters",
    "Disk",
    "Said",
    "agreed",
    "alerts",
    "alerts_of",
    "band_rule",
    "champion",
    "comparison",
    "counters",
    "current_market",
    "disk",
    "evaluated",
    "evaluation",
    "fared",
    "feed_names",
    "gaps",
    "happening",
    "headline",
    "home",
    "identity",
    "job",
    "labelled",
    "last_ticks",
    "line",
    "live",
    "log_file",
    "market_question",
    "markets",
    "meter",
    "minutes",
    "models_of",
    "named_market",
    "newest",
    "offered",
    "papers",
    "planted",
    "quarantine",
    "quarantined",
    "replayed",
    "runs",
    "said",
    "save",
    "settings",
    "sheet",
    "shown",
    "sinks",
    "stale",
    "store_file",
    "stretches",
    "tested",
    "theta",
    "threshold",
    "watched_elsewhere",
    "window",
]
