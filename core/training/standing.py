"""Where each model of a running training stands: what the job says of itself, and what pages read while it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from core.evaluation.record import Estimate
from core.jobs import Job

if TYPE_CHECKING:
    from models import Model


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One model of a running training.

    validation : average precision there with its interval, known as soon as the model is fitted. That part stops the
        fit, bends the probabilities and chooses theta, so the figure flatters
    base_rate : of the validation part
    fold_lift : mean lift over the walk-forward folds
    test, test_base_rate : of the test part, which is scored once, when all models are fitted and the champion is chosen
    why : in a sentence, why it was left out
    """

    model: str
    title: str
    baseline: bool
    state: Literal["waiting", "fitting", "on folds", "fitted", "judged", "left out"] = "waiting"
    validation: Estimate | None = None
    base_rate: float | None = None
    fold_lift: float | None = None
    test: Estimate | None = None
    test_base_rate: float | None = None
    champion: bool = False
    seconds: float | None = None
    why: str = ""


Seen = Callable[[Sequence[Standing]], None]
"""Told all models of a training whenever one of them stands elsewhere."""


def unseen(_standings: Sequence[Standing]) -> None:
    """For callers that watch nothing."""


class Board:
    """The standings of one training; `put` changes one and tells of all."""

    def __init__(self, chosen: Sequence[Model], seen: Seen = unseen) -> None:
        self._rows = {m.NAME: Standing(model=m.NAME, title=m.TITLE, baseline=m.BASELINE) for m in chosen}
        self._seen = seen
        seen(tuple(self._rows.values()))

    def put(self, model: str, **changes: Any) -> None:
        """Change what is said of `model`."""
        self._rows[model] = msgspec.structs.replace(self._rows[model], **changes)
        self._seen(tuple(self._rows.values()))


def standings(job: Job) -> list[Standing]:
    """What the job said of its models, [] where it has not begun with them."""
    return msgspec.convert(job.fields.get("models", []), list[Standing])


__all__ = ["Board", "Seen", "Standing", "standings", "unseen"]
