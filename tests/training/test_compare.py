"""Two trainings: what differs is named, and scores are paired on the same test rows only."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from core.config import Home
from core.errors import NotThere
from core.evaluation import archive
from core.features.dataset import Dataset
from core.training.compare import compare, find
from core.training.fit import train
from core.training.kept import Trained

Make = Callable[..., Dataset]


@pytest.mark.usefixtures("quick")
def test_the_same_rows_are_paired_and_what_differs_is_named(
    mlflow_home: Home, trained: list[Trained], make_dataset: Make
) -> None:
    again = train(mlflow_home, make_dataset(), ["logistic", "prevalence"], 6, folds=0)
    a, b = (find(mlflow_home, one[0].meta.training) for one in (trained, again))
    made = compare(mlflow_home, a, b)
    assert made.paired and made.why.startswith("Both are scored on the same 240 seconds")
    said = {d.what: (d.a, d.b) for d in made.differences}
    assert said == {"seed": (5, 6), "quantile": (0.9, None), "models": (["zscore", "xgboost"], ["prevalence"])}
    champions, logistic = made.pairs
    assert champions.title.startswith("champions: ") and logistic.title == "logistic"
    assert logistic.difference.value == 0 and logistic.a.value == logistic.b.value
    e = archive.load(mlflow_home, a.training)
    assert logistic.a == next(m.ap for m in e.models if m.model == "logistic")


@pytest.mark.parametrize(("change", "why"), [("spike", "another question"), ("bar_end_ns", "different seconds")])
def test_other_spikes_or_other_seconds_are_not_compared(
    mlflow_home: Home, trained: list[Trained], change: str, why: str
) -> None:
    import pyarrow as pa

    from core.ingestion.store import parquet

    a = find(mlflow_home, trained[0].meta.name)
    rows = archive.load_rows(mlflow_home, a.training)
    rows[change] = ~rows[change] if change == "spike" else rows[change] + 1
    parquet.write(pa.Table.from_pandas(rows, preserve_index=False), mlflow_home.evaluations / "other.parquet")
    (mlflow_home.evaluations / "other.json").write_bytes(archive.file(mlflow_home, a.training).read_bytes())
    made = compare(mlflow_home, a, msgspec.structs.replace(a, training="other"))
    assert not made.paired and why in made.why and made.differences == ()
    assert all(pair.difference.value is None and pair.a == pair.b for pair in made.pairs) and len(made.pairs) == 4


def test_what_is_not_there_is_named(mlflow_home: Home, trained: list[Trained]) -> None:
    for name in ("nothing", ""):
        with pytest.raises(NotThere, match="no training"):
            find(mlflow_home, name)
