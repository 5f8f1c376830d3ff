"""Arrays -> plotly Figure. Every figure starts from `base`; nothing here calls streamlit."""

from ui.charts.alerting import Curve, alert_curve
from ui.charts.base import base
from ui.charts.evaluation import ap_dots, pr_curves
from ui.charts.evaluation_detail import lift_dots, reliability
from ui.charts.events import event_line
from ui.charts.leaning import costs, parts
from ui.charts.ledger import gap_line
from ui.charts.market import market_now, mid_and_spread, ticks_per_minute
from ui.charts.monitor import monitor
from ui.charts.replayed import replayed, reveal
from ui.charts.spoken import spoken
from ui.charts.threshold import journey, signature, spikes

__all__ = [
    "Curve",
    "alert_curve",
    "ap_dots",
    "base",
    "costs",
    "event_line",
    "gap_line",
    "journey",
    "lift_dots",
    "market_now",
    "mid_and_spread",
    "monitor",
    "parts",
    "pr_curves",
    "reliability",
    "replayed",
    "reveal",
    "signature",
    "spikes",
    "spoken",
    "ticks_per_minute",
]
