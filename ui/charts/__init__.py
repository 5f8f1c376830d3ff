"""Arrays -> plotly Figure. Every figure starts from `base`; nothing here calls streamlit."""

from ui.charts.base import base
from ui.charts.evaluation import ap_dots, pr_curves
from ui.charts.ledger import gap_line
from ui.charts.market import market_now, mid_and_spread, monitor, ticks_per_minute
from ui.charts.threshold import hour

__all__ = [
    "ap_dots",
    "base",
    "gap_line",
    "hour",
    "market_now",
    "mid_and_spread",
    "monitor",
    "pr_curves",
    "ticks_per_minute",
]
