"""What a trained model leans on, and one forecast taken apart: by the training for its champion, later for any model.

Later the rows are made again from the stored ticks of the training's range, and held against its fingerprint.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

import models
from core.config import Home
from core.errors import NotEnough, NotThere
from core.evaluation import importance
from core.evaluation.evaluate import BLOCK_HORIZONS
from core.evaluation.importance import Explained, Importance
from core.features.bars import SECOND_NS
from core.features.dataset import bars, label, table
from core.features.formulas import NAMES
from core.features.labels import Question
from core.features.span import Span
from core.features.windows import REACH, last_rebuild_ns
from core.ingestion.store import Reader
from core.training import registry
from core.training.pace import Beat

if TYPE_CHECKING:
    from core.features.bars import Bars
    from core.features.dataset import Dataset
    from core.training.registry import Meta
    from models import Estimator

KEPT = 12
"""Rows taken apart that are kept of a model; the oldest asked for makes room."""


def silent(_share: float, _message: str) -> None:
    """A beat for callers that watch nothing."""


def lean(name: str, estimator: Estimator, dataset: Dataset, seed: int = 0, beat: Beat = silent) -> Importance:
    """What a fitted and calibrated model leans on, in blocks as long as those of the bootstrap, and its forecasts of
    some rows of the test part (`telling`) taken apart. Raises NotEnough."""
    made = importance.permutation(
        name, dataset, lambda x: estimator.predict_proba(x)[:, 1], BLOCK_HORIZONS * dataset.question.horizon_s,
        seed=seed, beat=beat,
    )  # fmt: skip
    x, y = dataset.part("test")
    chosen = telling(y, estimator.predict_proba(x)[:, 1])
    at = list(chosen.values())
    apart = explained(estimator, x.iloc[at], list(chosen), [bool(y[i]) for i in at])
    return msgspec.structs.replace(made, explained=apart)


def kept_importance(home: Home, name: str, estimator: Estimator, dataset: Dataset, seed: int, beat: Beat) -> list[Path]:
    """Keep `lean` of a model; the files, none where validation is too short to tell."""
    try:
        return [importance.save(home, lean(name, estimator, dataset, seed, beat))]
    except NotEnough:
        return []


def telling(y: NDArray[np.bool_], p: NDArray[np.float64]) -> dict[str, int]:
    """Rows worth a look among spikes (n,) and their forecasts (n,): why, and where each stands.

    >>> telling(np.array([True, False, True, False]), np.array([0.9, 0.8, 0.1, 0.2]))
    {'highest forecast of a spike': 0, 'highest forecast without a spike': 1, 'spike with the lowest forecast': 2, \
'newest row': 3}
    """
    return {
        "highest forecast of a spike": int(np.argmax(np.where(y, p, -1.0))),
        "highest forecast without a spike": int(np.argmax(np.where(y, -1.0, p))),
        "spike with the lowest forecast": int(np.argmin(np.where(y, p, 2.0))),
        "newest row": len(y) - 1,
    }


def explained(
    estimator: Estimator, x: pd.DataFrame, why: Sequence[str], spike: Sequence[bool | None]
) -> tuple[Explained, ...]:
    """Forecasts of the rows x (n, k), whose index says when they are, taken apart; () where the model gives none."""
    parts = models.contributions(estimator, x)
    if parts is None:
        return ()
    names = tuple(str(name) for name in estimator.feature_names_in_)
    values = x[list(names)].to_numpy(dtype=np.float64)
    return tuple(
        Explained(
            bar_end_ns=int(x.index[i]), why=why[i], p=float(p), spike=spike[i], base=float(parts[i, -1]),
            features=names, values=tuple(float(v) if np.isfinite(v) else None for v in values[i]),
            adds=tuple(parts[i, :-1].tolist()),
        )
        for i, p in enumerate(estimator.predict_proba(x)[:, 1])
    )  # fmt: skip


def explain(home: Home, name: str, at_ns: int | None = None, beat: Beat = silent) -> Importance:
    """`lean` of the trained model `name`, kept where pages find it, with the forecast at `at_ns` taken apart as well.

    What is kept already is not made again.

    Raises
    ------
    NotThere
        If there is no such model, no bar that ends at `at_ns`, or the stored ticks are not those it was trained on.
    NotEnough
        If validation is too short to shuffle.
    Damaged
        If a file of it cannot be read.
    """
    beat(0.0, "reading ticks")
    estimator, meta = registry.load(home, name)
    with Reader(home) as reader:
        history = bars(reader, meta.venue, meta.product)
        unmended = reader.unmended(meta.venue, meta.product)
    made = importance.load(home, meta.name)
    if made is None:
        dataset = rows_of(meta, history, unmended)
        made = lean(meta.name, estimator, dataset, meta.seed, lambda share, said: beat(0.3 + 0.7 * share, said))
    if at_ns is not None:
        x = features_at(Span(meta.from_ns).of(history), at_ns)
        apart = explained(estimator, x, ["asked for"], [None])
        if not apart:
            raise NotThere(f"{meta.title} does not say what each feature adds: logistic and gradient boosting do")
        others = [one for one in made.explained if one.bar_end_ns != at_ns]
        made = msgspec.structs.replace(made, explained=(*apart, *others)[:KEPT])
    importance.save(home, made)
    return made


def rows_of(meta: Meta, history: Bars, unmended: NDArray[np.int64]) -> Dataset:
    """The rows that a model was trained on, made again from the bars of its market.

    Raises NotThere where they are not the same any more: a recording of that time was imported, or a gap repaired.
    """
    part = Span(meta.from_ns, meta.to_ns).of(history)
    rows = label(part, Question(meta.label, meta.horizon_s), meta.venue, meta.product, unmended)
    relative = meta.tau_relative
    dataset = rows.asked(relative is not None).at(meta.tau_bps if relative is None else relative)
    if dataset.fingerprint != meta.fingerprint and meta.to_ns is None:
        raise NotThere(
            f"{meta.name} was trained before ranges were kept, so its rows cannot be made again: train again"
        )
    if dataset.fingerprint != meta.fingerprint:
        raise NotThere(
            f"the ticks that {meta.name} was trained on are not the stored ones any more (fingerprint "
            f"{meta.fingerprint[:8]}, now {dataset.fingerprint[:8]}): train again"
        )
    return dataset


def features_at(history: Bars, at_ns: int) -> pd.DataFrame:
    """The features (1, k) of the bar that ends at `at_ns`, with the bits of the whole history. Raises NotThere.

    They are computed from where the kernel's sums are rebuilt, not from the first bar.
    """
    ends = history.bar_end_ns
    last = int(np.searchsorted(ends, at_ns))
    if last == len(history) or ends[last] != at_ns:
        second = np.datetime64(at_ns, "ns").astype("datetime64[s]")
        raise NotThere(f"no bar ends at {second} UTC: give a second of the stored ticks")
    first = max(0, int(np.searchsorted(ends, last_rebuild_ns(at_ns))) - REACH - 1)
    columns = table(history[first : last + 1])[:, -1:]
    return pd.DataFrame(columns.T, pd.Index([at_ns], name="bar_end_ns"), list(NAMES))


def whole_second(at_ns: int) -> int:
    """The end of the bar that a moment lies in, ns UTC."""
    return -(-at_ns // SECOND_NS) * SECOND_NS


__all__ = ["explain", "explained", "features_at", "kept_importance", "lean", "rows_of", "telling", "whole_second"]
