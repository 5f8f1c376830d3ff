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
from ui.loaders.question import labelled, market_question, meter, stored, threshold
from ui.loaders.trained import band_rule, champion, comparison, newest, offered, runs, sheet, stale, theta
from ui.loaders.trainings import Summary, compared, expected, leaning, summary
from ui.loaders.watched import alerts, fared, sinks

__all__ = [
    "Counters",
    "Disk",
    "Said",
    "Summary",
    "alerts",
    "alerts_of",
    "band_rule",
    "champion",
    "compared",
    "comparison",
    "counters",
    "current_market",
    "disk",
    "evaluated",
    "evaluation",
    "expected",
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
    "leaning",
    "line",
    "live",
    "log_file",
    "market_question",
    "markets",
    "meter",
    "minutes",
    "named_market",
    "newest",
    "offered",
    "papers",
    "planted",
    "quarantine",
    "quarantined",
    "runs",
    "said",
    "save",
    "settings",
    "sheet",
    "shown",
    "sinks",
    "stale",
    "store_file",
    "stored",
    "summary",
    "tested",
    "theta",
    "threshold",
    "watched_elsewhere",
    "window",
]
