"""What can be trained: one file a model, found by itself.

A model is a module with

- `NAME` (in file names and on the command line), `TITLE` (for people), `ABOUT` (a sentence for people: what it does),
- `BASELINE` (a rule to be beaten), `DISTORTED` (its probability is a scale, or is of weighted classes: to be calibrated
  before it is read as a frequency),
- `build(seed, volatility)`: an unfitted estimator. `volatility` is the label's own trailing volatility column, in bps.

The estimator keeps scikit-learn's contract and six things more: `fit` takes `validation=(X, y)`,
`progress(done, of)`, and `target` with `tau`, the forward volatility in bps (n,) and the threshold that y says it
reaches, a number of bps or a `Multiple` (models that forecast volatility itself learn from both; without them, from y
alone); a missing value (NaN) in a feature is
welcome; columns it was not trained on are passed over; a training part with one class only is a ValueError with the
counts; rows are in the order of time, and an index named `bar_end_ns` says when they are, for rules of the clock; what
there is to say of a fit stands in `note_`, as a sentence, where there is something.
"""

from __future__ import annotations

import importlib
import io
import pkgutil
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Progress = Callable[[int, int], None]


class Multiple(NamedTuple):
    """A threshold that is another number of bps at each row: k times slow volatility, `scale` times a column of X."""

    k: float
    column: str
    scale: float


class Estimator(Protocol):
    """What `build` gives."""

    classes_: NDArray[Any]
    feature_names_in_: NDArray[Any]

    def fit(
        self,
        X: pd.DataFrame,
        y: NDArray[Any],
        validation: tuple[pd.DataFrame, NDArray[Any]] | None = None,
        progress: Progress | None = None,
        target: NDArray[np.float64] | None = None,
        tau: float | Multiple | None = None,
    ) -> Self: ...
    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.float64]: ...
    def get_params(self, deep: bool = True) -> dict[str, Any]: ...


class Model(Protocol):
    """A module of this folder."""

    NAME: str
    TITLE: str
    ABOUT: str
    BASELINE: bool
    DISTORTED: bool

    def build(self, seed: int, volatility: str) -> Estimator: ...


def discover() -> dict[str, Model]:
    """Every model of this folder by its NAME: baselines first, then in alphabetical order.

    Files whose name starts with an underscore are no models.
    """
    found: list[Any] = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_") and not module.ispkg
    ]
    return {model.NAME: model for model in sorted(found, key=lambda model: (not model.BASELINE, model.NAME))}


def calibrated(estimator: Estimator, calibration: tuple[float, float] | None) -> Estimator:
    """The fitted `estimator`, its log-odds bent by (slope, shift) where a calibration is given."""
    if calibration is None:
        return estimator
    from models._calibrated import Calibrated

    bent: Estimator = Calibrated(estimator, *calibration)
    return bent


def to_bytes(estimator: Estimator) -> tuple[str, bytes]:
    """The fitted `estimator` as (file suffix, content): XGBoost as ubj, which holds no code; the others by joblib."""
    save = getattr(estimator, "to_ubj", None)
    if save is not None:
        return ".ubj", save()
    import joblib

    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    return ".joblib", buffer.getvalue()


def from_bytes(suffix: str, content: bytes) -> Estimator:
    """What `to_bytes` wrote. A .joblib file runs code as it opens: compare its sha256 before calling this.

    Raises
    ------
    ValueError
        If the suffix is not one that `to_bytes` gives.
    """
    if suffix == ".ubj":
        from models.gradient_boosting import GradientBoosting

        return GradientBoosting.from_ubj(content)
    if suffix == ".joblib":
        import joblib

        loaded: Estimator = joblib.load(io.BytesIO(content))
        return loaded
    raise ValueError(f"a model file ends in .ubj or .joblib, not in {suffix!r}")
