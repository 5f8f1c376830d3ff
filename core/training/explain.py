"""What a trained model leans on, asked for after its training: its rows are made again from the stored ticks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.config import Home
from core.errors import NotEnough, NotThere
from core.evaluation import importance
from core.evaluation.evaluate import BLOCK_HORIZONS
from core.evaluation.importance import Importance
from core.features.dataset import bars, label
from core.features.labels import Question
from core.features.span import Span
from core.ingestion.store import Reader
from core.training import registry
from core.training.pace import Beat

if TYPE_CHECKING:
    from core.features.dataset import Dataset
    from core.training.registry import Meta
    from models import Estimator


def silent(_share: float, _message: str) -> None:
    """A beat for callers that watch nothing."""


def rows_of(home: Home, meta: Meta) -> Dataset:
    """The rows that a model was trained on, made again from the stored ticks of its range.

    Raises NotThere where they are not the same any more: a recording of that time was imported, or a gap repaired.
    """
    with Reader(home) as reader:
        history = Span(meta.from_ns, meta.to_ns).of(bars(reader, meta.venue, meta.product))
        unmended = reader.unmended(meta.venue, meta.product)
    rows = label(history, Question(meta.label, meta.horizon_s), meta.venue, meta.product, unmended)
    dataset = rows.at(meta.tau_bps)
    if dataset.fingerprint != meta.fingerprint:
        raise NotThere(
            f"the ticks that {meta.name} was trained on are not the stored ones any more (fingerprint "
            f"{meta.fingerprint[:8]}, now {dataset.fingerprint[:8]}): train again"
        )
    return dataset


def lean(name: str, estimator: Estimator, dataset: Dataset, seed: int = 0, beat: Beat = silent) -> Importance:
    """What a fitted and calibrated model leans on; blocks are those of the bootstrap. Raises NotEnough."""
    return importance.permutation(
        name, dataset, lambda x: estimator.predict_proba(x)[:, 1], BLOCK_HORIZONS * dataset.question.horizon_s,
        seed=seed, beat=beat,
    )  # fmt: skip


def kept_importance(home: Home, name: str, estimator: Estimator, dataset: Dataset, seed: int, beat: Beat) -> list[Path]:
    """Keep `lean` of a model; the files, none where validation is too short to tell."""
    try:
        return [importance.save(home, lean(name, estimator, dataset, seed, beat))]
    except NotEnough:
        return []


def explain(home: Home, name: str, beat: Beat = silent) -> Importance:
    """`lean` of the trained model `name`, kept where pages find it. Raises NotThere, NotEnough, Damaged."""
    beat(0.0, "reading ticks")
    estimator, meta = registry.load(home, name)
    dataset = rows_of(home, meta)
    made = lean(meta.name, estimator, dataset, meta.seed, lambda share, said: beat(0.3 + 0.7 * share, said))
    importance.save(home, made)
    return made


__all__ = ["explain", "kept_importance", "lean", "rows_of"]
