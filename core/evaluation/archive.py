"""Where evaluations are kept: one JSON file a training below data/evaluations, and the rows behind its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pandas as pd

from core.config import Home, write_atomically
from core.errors import Damaged, NotThere
from core.evaluation.record import Evaluation

if TYPE_CHECKING:
    from pathlib import Path

    from core.evaluation.evaluate import Forecast
    from core.features.dataset import Dataset


def save(home: Home, evaluation: Evaluation, dataset: Dataset, forecasts: Sequence[Forecast]) -> None:
    """Write the evaluation and, beside it, the rows that its pictures of events are drawn from.

    Columns: bar_end_ns, session, split, mid, vol_bps (trailing), forward_vol_bps, spike, p of each model by its name,
    and slow_bps and standing_bps as `Labelled` has them.
    """
    import pyarrow as pa

    from core.ingestion.store import parquet

    kept = dataset.rows[dataset.rows["split"] != "train"]
    named = ("bar_end_ns", "session", "split", "mid", "forward_vol_bps", "spike", "slow_bps", "standing_bps")
    columns = kept[[name for name in named if name in kept]].assign(vol_bps=kept[dataset.question.trailing])
    test = (kept["split"] == "test").to_numpy()
    for f in forecasts:
        p = np.empty(len(kept))
        p[~test], p[test] = f.p_validation, f.p_test
        columns[f.name] = p
    home.evaluations.mkdir(parents=True, exist_ok=True)
    parquet.write(pa.Table.from_pandas(columns, preserve_index=False), _rows_file(home, evaluation.training))
    write_atomically(file(home, evaluation.training), msgspec.json.format(msgspec.json.encode(evaluation), indent=1))


def file(home: Home, training: str) -> Path:
    """Where the evaluation of a training is kept."""
    return home.evaluations / f"{training}.json"


def load(home: Home, training: str) -> Evaluation:
    """The evaluation of a training. Raises NotThere where none was kept, Damaged where it cannot be read."""
    path = file(home, training)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Evaluation)
    except FileNotFoundError:
        raise NotThere(f"the training {training} was not evaluated in this home: train again") from None
    except msgspec.MsgspecError as error:
        raise Damaged(f"{path} cannot be read ({error}): delete it and train again") from error


def load_rows(home: Home, training: str) -> pd.DataFrame:
    """The rows that `save` wrote, in the order of time. Raises NotThere."""
    from core.ingestion.store import parquet

    path = _rows_file(home, training)
    if not path.exists():
        raise NotThere(f"{path} is missing: train again")
    return pd.DataFrame([row for batch, _ in parquet.read(path, parquet.names(path)) for row in batch])


def _rows_file(home: Home, training: str) -> Path:
    return home.evaluations / f"{training}.parquet"
