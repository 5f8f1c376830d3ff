"""What scores on real recordings must look like: near 1 for the leaky label, and for that one only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import models
from core.config import Home
from core.evaluation.scores import Scores, score
from core.features.dataset import build
from core.features.labels import Question

RECORDINGS = (
    "btcusd_ticks_2025-12.parquet",
    "btcusd_ticks_2026-04.parquet",
    "coinbase_advanced_btcusd_2026-04-04_15min.ndjson.gz",
)


BLIND = ("prevalence", "alarm_clock", "climatology")
"""Rules that look at no feature: on a few hours their average precision is the base rate."""


@pytest.fixture(scope="module")
def recorded(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    from core.ingestion.importing import import_files

    home = Home(tmp_path_factory.mktemp("recorded"))
    import_files(home, [shared / name for name in RECORDINGS], None, None, lambda *_: None)
    return home


def scores(home: Home, label: str) -> tuple[dict[str, Scores], dict[str, int]]:
    """The test scores of every model, and how many different probabilities it gives there."""
    dataset = build(home, Question(label, 60), quantile=0.95)  # type: ignore[arg-type]
    (x, y), (x_val, y_val), (x_test, y_test) = (dataset.part(split) for split in ("train", "validation", "test"))
    found, distinct = {}, {}
    for name, model in models.discover().items():
        estimator = model.build(0, dataset.question.trailing)
        estimator.fit(x, y, validation=(x_val, y_val), target=dataset.volatility("train"), tau=dataset.tau_bps)
        p_val, p = (estimator.predict_proba(part)[:, 1] for part in (x_val, x_test))
        found[name], distinct[name] = score(name, y_val, p_val, y_test, p), np.unique(p).size
    return found, distinct


@pytest.mark.parametrize("label", ["rv", "tick_std"])
def test_no_model_is_too_good_to_be_true_and_each_ranks_the_rows(recorded: Home, label: str) -> None:
    found, distinct = scores(recorded, label)
    for name, s in found.items():
        if name in BLIND:
            assert s.pr_auc == pytest.approx(s.base_rate, abs=0.01), name
            continue
        assert s.base_rate < s.pr_auc <= 0.90, name
        assert distinct[name] >= 100, f"{name} tells {distinct[name]} probabilities apart"


def test_the_leaky_label_is_seen_in_the_z_score(recorded: Home) -> None:
    assert scores(recorded, "next_row")[0]["zscore"].pr_auc >= 0.95
