"""Gradient-boosted trees (XGBoost), shallow and slow, stopped by the validation part."""

from __future__ import annotations

import json
import os
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models._columns import TwoClass, both, usable

NAME = "xgboost"
TITLE = "gradient boosting"
BASELINE = False
DISTORTED = True
ABOUT = "Grows many small decision trees, each on the errors of those before it."

# Must be set before the first import of xgboost: its waiting threads otherwise spin, 19 s for 0.9 s on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


class GradientBoosting(TwoClass):
    """XGBClassifier with balanced weights (scale_pos_weight = rows without / rows with a spike).

    Parameters
    ----------
    rounds : trees at most
    floor : trees at least. The validation part may hold a single event: where its average precision is best is then a
        matter of luck, often after a handful of trees, which give whole hours the same few probabilities.
    patience : rounds without a better average precision on validation before it stops; never fewer than `floor`
    depth, rate, rows, columns, penalty, least : max_depth, learning_rate, subsample, colsample_bytree, reg_lambda,
        min_child_weight of XGBoost. Shallow, and strongly held back: neighbouring rows are the same minute and
        neighbouring windows say nearly the same, so that a leaf of 20 rows may be one moment. (On blocks held out
        within the training parts of two recordings, these beat a lighter penalty with more columns, and depth 2 beat
        3.)
    seed : of the row and column samples; one thread, so the same seed gives the same trees

    Attributes
    ----------
    stopping_ : str
        What decided the number of trees, as a sentence.
    rounds_ : int
        Trees in use.
    """

    def __init__(
        self,
        rounds: int = 400,
        floor: int = 50,
        patience: int = 60,
        depth: int = 2,
        rate: float = 0.05,
        rows: float = 0.5,
        columns: float = 0.3,
        penalty: float = 50.0,
        least: float = 100.0,
        seed: int = 0,
    ) -> None:
        self.rounds = rounds
        self.floor = floor
        self.patience = patience
        self.depth = depth
        self.rate = rate
        self.rows = rows
        self.columns = columns
        self.penalty = penalty
        self.least = least
        self.seed = seed

    def fit(
        self, X: Any, y: Any, validation: Any = None, progress: Any = None, target: Any = None, tau: Any = None
    ) -> Self:
        """Grow trees on X (n, k), y (n,); stop early on `validation` when it holds both classes.

        `progress(round, rounds)` is called after each tree. Raises ValueError for one class.
        """
        import xgboost

        values, spike = self._learn(X, y)
        steer = usable(validation, self.classes_)
        # min_child_weight counts weighted rows: kept within what a small training part can give
        least = min(self.least, spike.size / 50)
        self.model_ = xgboost.XGBClassifier(
            n_estimators=self.rounds, max_depth=self.depth, learning_rate=self.rate, subsample=self.rows,
            colsample_bytree=self.columns, reg_lambda=self.penalty, min_child_weight=least,
            scale_pos_weight=float((~spike).sum() / spike.sum()), tree_method="hist", n_jobs=1, random_state=self.seed,
            eval_metric="aucpr", early_stopping_rounds=max(self.patience, self.floor) if steer else None,
            callbacks=[_told(progress, self.rounds)] if progress is not None else None,
        )  # fmt: skip
        held_out = [(self._take(validation[0]), np.asarray(validation[1]) == self.classes_[1])] if steer else None
        self.model_.fit(values, spike.astype(int), eval_set=held_out, verbose=False)
        self.model_.set_params(callbacks=None)
        if hasattr(self, "feature_names_in_"):
            self.model_.get_booster().feature_names = [str(name) for name in self.feature_names_in_]
        if steer:
            best = int(self.model_.best_iteration) + 1
            self.rounds_ = min(max(best, self.floor), self.rounds)
            # what XGBoost itself forecasts with, also after it is saved and loaded
            self.model_.get_booster().best_iteration = self.rounds_ - 1
            self.stopping_ = f"best average precision on validation after {best} of {self.rounds} rounds" + (
                f"; {self.rounds_} are used, the least" if best < self.rounds_ else ""
            )
        else:
            self.rounds_ = self.rounds
            why = "no validation part" if validation is None else "a validation part with one class only"
            self.stopping_ = f"no early stopping: {why}; all {self.rounds} rounds are used"
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """P of (no spike, spike), (n, 2), as if both classes were equally common (balanced weights)."""
        values = self._take(X)
        spike = np.asarray(self.model_.predict_proba(values), dtype=np.float64)[:, 1]
        return both(spike)

    def __getstate__(self) -> dict[str, Any]:
        """Trees as ubj, XGBoost's format for keeping; its own pickles are for one version only."""
        fitted = hasattr(self, "model_") and hasattr(self, "stopping_")
        return {"ubj": self.to_ubj()} if fitted else dict(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "ubj" in state:
            self.__dict__.update(self.from_ubj(state["ubj"]).__dict__)
        else:
            super().__setstate__(state)

    def to_ubj(self) -> bytes:
        """The fitted model as XGBoost's binary JSON, with columns, classes and parameters in its attributes."""
        booster = self.model_.get_booster()
        about = {
            "params": self.get_params(), "classes": self.classes_.tolist(), "n_features": int(self.n_features_in_),
            "names": [str(name) for name in self.feature_names_in_] if hasattr(self, "feature_names_in_") else None,
            "rounds": self.rounds_, "stopping": self.stopping_,
        }  # fmt: skip
        booster.set_attr(tremor=json.dumps(about))
        return bytes(booster.save_raw("ubj"))

    @classmethod
    def from_ubj(cls, content: bytes) -> Self:
        """What `to_ubj` wrote. Raises ValueError when the content was not written by it."""
        import xgboost

        model = xgboost.XGBClassifier()
        try:
            model.load_model(bytearray(content))
            about = json.loads(model.get_booster().attr("tremor") or "null")
        except xgboost.core.XGBoostError as error:
            raise ValueError(f"{len(content):,} bytes that XGBoost cannot read as a model") from error
        if about is None:
            raise ValueError("an XGBoost model that was not saved by this program: its columns are not known")
        new = cls(**about["params"])
        new.model_, new.classes_, new.n_features_in_ = model, np.asarray(about["classes"]), about["n_features"]
        new.rounds_, new.stopping_ = about["rounds"], about["stopping"]
        if about["names"] is not None:
            new.feature_names_in_ = np.asarray(about["names"], dtype=object)
        return new


def _told(progress: Any, rounds: int) -> Any:
    """An XGBoost callback that reports each round."""
    from xgboost.callback import TrainingCallback

    class Told(TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            progress(epoch + 1, rounds)
            return False

    return Told()


def build(seed: int, volatility: str) -> GradientBoosting:  # noqa: ARG001
    """An unfitted model; `volatility` is not used, all columns are."""
    return GradientBoosting(seed=seed)


SPACE = {
    "depth": (1, 5, False),
    "rate": (0.01, 0.2, True),
    "rows": (0.3, 1.0, False),
    "columns": (0.1, 1.0, False),
    "penalty": (1.0, 300.0, True),
    "least": (5.0, 500.0, True),
}
"""What can be tuned: (lowest, highest, evenly in logs) of each."""
