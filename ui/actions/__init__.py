"""What buttons and switches do: one call of core each. An error becomes the sentence that the page shows next.

Streamlit runs these before the page's own run (`on_click`, `on_change`), outside of the page's error box.
"""

from ui.actions.asked import ask, choose, choose_market, choose_theta, dial, reset_theta, use_rule, use_tau
from ui.actions.capture import import_path, import_upload, load_sample, start_capture, stop, stop_capture
from ui.actions.training import close_runs, compare, explain, plant, report, start_mlflow, train, tune
from ui.actions.watching import acknowledge, check_escrow, mute, start_monitor, take, watch

__all__ = [
    "acknowledge",
    "ask",
    "check_escrow",
    "choose",
    "choose_market",
    "choose_theta",
    "close_runs",
    "compare",
    "dial",
    "explain",
    "import_path",
    "import_upload",
    "load_sample",
    "mute",
    "plant",
    "report",
    "reset_theta",
    "start_capture",
    "start_mlflow",
    "start_monitor",
    "stop",
    "stop_capture",
    "take",
    "train",
    "tune",
    "use_rule",
    "use_tau",
    "watch",
]
