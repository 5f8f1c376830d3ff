"""The cells of the pages' status strips: what is said of a state, in one value and one detail. Nothing here draws."""

from ui.cells.feed import STALE_S, capture_cells, feed_silent, job_level
from ui.cells.models import champion_cell, drift_cell, drift_cells, evaluation_cells, question_cells, training_cells
from ui.cells.watch import home_cells, monitor_cells

__all__ = [
    "STALE_S",
    "capture_cells",
    "champion_cell",
    "drift_cell",
    "drift_cells",
    "evaluation_cells",
    "feed_silent",
    "home_cells",
    "job_level",
    "monitor_cells",
    "question_cells",
    "training_cells",
]
