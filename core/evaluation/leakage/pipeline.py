"""A pipeline as a value: the steps from bars to a fitted model, each of which a leak can sit in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.features.bars import Bars
from core.features.dataset import Dataset, Labelled, label, table
from core.features.labels import Question
from core.features.steps import HONEST, Steps

if TYPE_CHECKING:
    from models import Estimator

Floats = NDArray[np.float64]


def as_it_is(dataset: Dataset) -> Dataset:
    """The dataset whose parts the models are given, unchanged: they scale inside their own fit."""
    return dataset


def fitted(model: str, dataset: Dataset, seed: int) -> Estimator:
    """The model fitted as a training fits it: on the training part, with the validation part to stop by."""
    import models

    (x, y), validation = dataset.part("train"), dataset.part("validation")
    return models.discover()[model].build(seed, dataset.question.trailing).fit(x, y, validation=validation)


@dataclass(frozen=True)
class Pipeline:
    """What stands between bars and a score. As it is made by default, it is that of every training.

    steps : of `dataset.label`, which is called with them: features, label, parts
    given, quantile : tau as a number, else as that quantile of the training part
    relative : whether tau is a multiple of slow volatility, else it is in bps
    tau : (labelled rows, quantile) -> threshold; not asked where one is `given`
    inputs : the dataset -> the one whose `part` gives the models their columns
    fit : (model, dataset, seed) -> fitted estimator
    """

    question: Question
    given: float | None = None
    quantile: float = 0.95
    relative: bool = False
    steps: Steps = HONEST
    tau: Callable[[Labelled, float], float] = Labelled.tau_of
    inputs: Callable[[Dataset], Dataset] = as_it_is
    fit: Callable[[str, Dataset, int], Estimator] = fitted

    def features(self, history: Bars) -> Floats:
        """What the models would see of each bar, shape (k, n)."""
        return self.steps.features(table(history), history)

    def forward(self, history: Bars) -> Floats:
        """Forward volatility of each bar in bps, shape (n,); NaN where there is none."""
        return self.steps.forward(self.question, table(history), history.bar_end_ns, history.session)

    def labelled(self, history: Bars, unmended: NDArray[np.int64] | None = None) -> Labelled:
        """The labelled rows. Raises NotEnough."""
        return label(history, self.question, "", "", unmended, self.steps).asked(self.relative)

    def threshold(self, rows: Labelled) -> float:
        """tau, in bps or as a multiple."""
        return self.tau(rows, self.quantile) if self.given is None else self.given

    def dataset(self, rows: Labelled, tau: float | None = None) -> Dataset:
        """What the models are given, at the pipeline's own threshold or another. Raises NotEnough for one class."""
        return self.inputs(rows.at(self.threshold(rows) if tau is None else tau))
