"""A small dataset with a known answer, and one MLflow home for all tests here: a new database takes up to 20 s."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.config import Home
from core.features.dataset import Dataset
from core.features.labels import Question
from core.training.fit import train
from core.training.kept import Trained

SECOND_NS = 1_000_000_000
Make = Callable[..., Dataset]


def make(
    label: str = "rv", *, rows: int = 1200, tau_bps: float = 8.7, tau_relative: float | None = None, seed: int = 0,
    quiet: str = "",
) -> Dataset:  # fmt: skip
    """Volatility that wanders, and spikes that follow it; `quiet` names a split that is left without a spike."""
    rng = np.random.default_rng(seed)
    level = np.exp(0.5 * np.sin(np.arange(rows) / 40) + rng.normal(0, 0.2, rows))
    split = np.repeat(["train", "validation", "test"], [rows * 6 // 10, rows * 2 // 10, rows - rows * 8 // 10])
    forward = 6 * level * rng.lognormal(0, 0.2, rows)
    forward[split == quiet] = 0.1
    columns = {name: level * rng.lognormal(0, 0.1, rows) for name in ("rv_60", "tick_std_60", "bipower_60", "range_60")}
    columns |= {name: level * rng.lognormal(0, 0.1, rows) for name in ("intensity_60", "ewma_11", "rms_3600")}
    columns["rms_1"] = np.abs(rng.normal(0, level))
    frame = pd.DataFrame(
        {"bar_end_ns": (1_760_000_000 + np.arange(rows)) * SECOND_NS, "session": 0, "mid": 91_000.0}
        | columns
        | {"rv_300": np.where(np.arange(rows) < 240, np.nan, level), "forward_vol_bps": forward, "split": split}
    )
    slow = np.sqrt(60) * columns["rms_3600"]
    frame = frame.assign(slow_bps=slow, standing_bps=np.append(slow[:60], slow[:-60]))
    taus = tau_bps if tau_relative is None else tau_relative * slow
    frame["spike"] = forward >= taus
    return Dataset(
        frame, (*columns, "rv_300"), ("spread_60", "flow_60"), Question(label, 60), float(np.median(taus)),
        "coinbase", "BTC-USD", f"f{seed:015d}", tau_relative,
    )  # type: ignore[arg-type]  # fmt: skip


@pytest.fixture(scope="session")
def make_dataset() -> Make:
    return make


@pytest.fixture(scope="session")
def mlflow_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose MLflow database exists."""
    from core.training import tracking

    home = Home(Path(tmp_path_factory.mktemp("mlflow")) / "home")
    tracking.set_up(home)
    return home


@pytest.fixture(scope="session")
def told() -> list[tuple[float, str]]:
    """What the training of `trained` said on its way."""
    return []


@pytest.fixture(scope="session")
def trained(mlflow_home: Home, told: list[tuple[float, str]]) -> list[Trained]:
    """All models, trained once on `make()` with seed 5."""
    return train(mlflow_home, make(), (), 5, lambda share, message: told.append((share, message)), quantile=0.9)
