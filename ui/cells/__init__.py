"""The cells of the pages' status strips: what is said of a state, in one value and one detail. Nothing here draws."""

from ui.cells.alerting import tuning_cells
from ui.cells.feed import STALE_S, capture_cells, job_level, no_data
from ui.cells.models import (
    VERDICT_LEVEL,
    champion_cell,
    compared_here,
    drift_cell,
    drift_cells,
    evaluation_cells,
    question_cells,
    training_cells,
    verdict_cells,
)
from ui.cells.watch import home_cells, monitor_cells

__all__ = [
    "STALE_S",
    "VERDICT_LEVEL",
    "capture_cells",
    "champion_cell",
    "compared_here",
    "drift_cell",
    "drift_cells",
    "evaluation_cells",
    "home_cells",
    "job_level",
    "monitor_cells",
    "no_data",
    "question_cells",
    "training_cells",
    "tuning_cells",
    "verdict_cells",
]
