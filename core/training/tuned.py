"""What tunings found: one JSON file a model, question and market below data/tuned."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from core.config import Home, LabelName, Settings
from core.errors import Damaged
from core.training.folds import mean_lift

if TYPE_CHECKING:
    from core.features.dataset import Dataset
    from models import Model


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One set of hyper-parameters with its average precision and lift on each fold, None where the fold gives none."""

    params: dict[str, Any]
    aps: tuple[float | None, ...]
    lifts: tuple[float | None, ...]


class Tuned(msgspec.Struct, frozen=True, kw_only=True):
    """What a tuning found, and what it was done on. The first of `trials` are the model's own parameters.

    asked : trials that were to be made
    until_ns : the last second that a label of its rows reads; a test part that begins before it was tuned on
    gain, error : mean over folds of log(best lift / own lift), and its standard error
    used : whether a training takes `params`: the gain is above its standard error
    """

    model: str
    title: str
    label: LabelName
    horizon_s: int
    venue: str
    product: str
    tau_bps: float
    quantile: float | None
    fingerprint: str
    space: str
    seed: int
    folds: int
    asked: int
    until_ns: int
    made_ns: int
    run_id: str = ""
    trials: tuple[Trial, ...]
    params: dict[str, Any]
    lift: float
    own_lift: float
    gain: float
    error: float
    used: bool
    tau_relative: float | None = None

    @property
    def sentence(self) -> str:
        """What a training does with it, and why."""
        tried = f"{len(self.trials)} trials on {len(comparable(self.trials[0], self.trials[0]))} folds"
        if self.params == self.trials[0].params:
            return f"Tuned by {tried}: none beat its own parameters, mean lift {self.own_lift:.2f}."
        gained = f"mean lift {self.own_lift:.2f} to {self.lift:.2f}, a gain of {_percent(self.gain)} % with a standard "
        gained += f"error of {_percent(self.error)} %"
        if self.used:
            return f"Tuned by {tried}: {gained}."
        return f"Tuned by {tried}, and not used: {gained}. Its own parameters stay."


def usable(home: Home, model: Model, dataset: Dataset, quantile: float | None) -> Tuned | None:
    """The last tuning of `model` on the question and the market of `dataset`, whatever rows it had.

    None without one, and where it was of another SPACE than the model has today, or saw rows that are in the test part
    now. Raises Damaged.
    """
    found = read(file_of(home, model.NAME, question_of(dataset, quantile)))
    first = int(dataset.rows.loc[dataset.rows["split"] == "test", "bar_end_ns"].iloc[0])
    if found is None or found.space != digest(getattr(model, "SPACE", {})) or found.until_ns >= first:
        return None
    return found


def tunings(home: Home, settings: Settings, venue: str, product: str) -> list[Tuned]:
    """The tunings of this home on the question that the settings ask of a market, newest first. Raises Damaged."""
    found = [tuned for path in _folder(home).glob("*.json") if (tuned := read(path)) is not None]
    number = settings.tau_bps if settings.tau_relative is None else settings.tau_relative
    relative, quantile = settings.tau_relative is not None, settings.quantile if number is None else None
    asked = (settings.label, settings.horizon_s, venue, product, relative, quantile, number)

    def of(t: Tuned) -> tuple[Any, ...]:
        number = t.tau_bps if t.tau_relative is None else t.tau_relative
        relative = t.tau_relative is not None
        return t.label, t.horizon_s, t.venue, t.product, relative, t.quantile, None if t.quantile else number

    return sorted((t for t in found if of(t) == asked), key=lambda t: -t.made_ns)


def comparable(one: Trial, own: Trial) -> list[float]:
    """Lifts of `one` on the folds that the own parameters have a score on; [] where it lacks one of them."""
    both = [a for a, b in zip(one.lifts, own.lifts, strict=True) if b is not None]
    known = [lift for lift in both if lift is not None]
    return known if len(known) == len(both) else []


def lift_of(one: Trial, own: Trial) -> float:
    """Mean lift on those folds, NaN where there is none."""
    return mean_lift(comparable(one, own)) or math.nan


def question_of(dataset: Dataset, quantile: float | None) -> dict[str, Any]:
    """What a tuning answers: question, market and threshold."""
    question = dataset.question
    return {
        "label": question.label, "horizon_s": question.horizon_s, "venue": dataset.venue, "product": dataset.product,
        "quantile": quantile, "tau_bps": float(dataset.tau_bps), "tau_relative": dataset.tau_relative,
    }  # fmt: skip


def digest(of: Any) -> str:
    """Twelve characters that change with `of`."""
    return hashlib.sha256(repr(of).encode()).hexdigest()[:12]


def _folder(home: Home) -> Path:
    return home.data / "tuned"


def file_of(home: Home, model: str, question: Mapping[str, Any]) -> Path:
    """One a model, question and market; tau is part of the question only where no quantile gives it."""
    relative = question["tau_relative"] is not None
    asked = {k: v for k, v in question.items() if not k.startswith("tau_")}
    if relative:  # as bps it is a median of the rows, and no part of the question
        asked["relative"] = True
    if question["quantile"] is None:
        asked["tau_bps"] = question["tau_relative"] if relative else question["tau_bps"]
    return _folder(home) / f"{model}-{digest(asked)}.json"


def read(path: Path) -> Tuned | None:
    """The tuning kept there, None where there is none. Raises Damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Tuned)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise Damaged(f"{path} cannot be read ({error}): delete it and tune again") from error


def _percent(log_ratio: float) -> str:
    return f"{100 * math.expm1(log_ratio):.1f}"
