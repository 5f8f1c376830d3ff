"""A small dataset with a known answer, and one MLflow home for all tests here: a new database takes up to 20 s."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import numpy as np
import pandas as pd
import pytest

from core.__main__ import parser
from core.config import EXPERIMENT, Home
from core.errors import BadInput
from core.evaluation.record import UNCHECKED
from core.features.dataset import Dataset
from core.features.journey import Decision
from core.features.labels import Question
from core.ingestion.store import Writer
from core.ingestion.ticks import Tick
from core.training.fit import train
from core.training.kept import Trained
from core.training.standing import Standing

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


def decided(tau_bps: float, why: str, product: str = "BTC-USD") -> Decision:
    n = dict.fromkeys(("train", "validation", "test"), 100)
    return Decision(
        decided_ns=1_795_500_000 * SECOND_NS, venue="coinbase", product=product, label="rv", horizon_s=60,
        tau_bps=tau_bps, percentile=91.25, rows=n, spikes=n, episodes=n, first_ns=1, last_ns=2, why=why,
    )  # fmt: skip


DECISIONS = (decided(5.0, "too low"), decided(8.7, "one in ten"), decided(8.7, "of another market", "ETH-USD"))
"""The journey of `mlflow_home` before it is trained in."""


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


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings without the doctor and without a report, which other tests are about: both take seconds."""

    def none(*_: object) -> NoReturn:
        raise BadInput("no report in this test")

    monkeypatch.setattr("core.evaluation.leakage.examine", lambda *_, **__: UNCHECKED)
    monkeypatch.setattr("core.evaluation.reports.write", none)


@pytest.fixture(scope="session")
def told() -> list[tuple[float, str]]:
    """What the training of `trained` said on its way."""
    return []


@pytest.fixture(scope="session")
def seen() -> list[Sequence[Standing]]:
    """Where its models stood on its way."""
    return []


@pytest.fixture(scope="session")
def trained(mlflow_home: Home, told: list[tuple[float, str]], seen: list[Sequence[Standing]]) -> list[Trained]:
    """Three models, one of each way to be kept, trained once on `make()` with seed 5; tests/contracts has them all."""
    mlflow_home.journey_file.parent.mkdir(parents=True, exist_ok=True)
    mlflow_home.journey_file.write_bytes(b"".join(msgspec.json.encode(d) + b"\n" for d in DECISIONS))
    return train(
        mlflow_home, make(), ("xgboost", "zscore", "logistic"), 5,
        lambda share, message: told.append((share, message)), quantile=0.9, seen=seen.append,
    )  # fmt: skip


START_NS = 1_760_000_000 * 10**9
FEW = ["zscore", "logistic", "xgboost"]
MODEL_KEYS = "name pr_auc base_rate lift f1 precision recall theta n_rows n_spikes run_id".split()


def ticks(seconds: int, product: str = "BTC-USD", start_ns: int = START_NS) -> list[Tick]:
    """One tick a second whose volatility breathes every ten minutes, so that every split has spikes."""
    rng = np.random.default_rng(1)
    sd = 0.4e-4 * np.exp(0.8 * np.sin(np.arange(seconds) * 2 * np.pi / 600))
    price = 91_000 * np.exp(np.cumsum(rng.normal(0, sd)))
    return [
        Tick(
            venue="coinbase", product=product, price=int(p * 1e8), bid=int(p * 1e8) - 10**6, ask=int(p * 1e8) + 10**6,
            exch_ts_ns=start_ns + i * 10**9, trade_id=i + 1,
        )
        for i, p in enumerate(price)
    ]  # fmt: skip


@pytest.fixture(scope="session")
def filled(mlflow_home: Home) -> Home:
    with Writer(mlflow_home) as writer:
        writer.append(writer.source("import", "made up"), ticks(5400))
    return mlflow_home


def run(home: Home, *argv: str) -> dict[str, Any]:
    args: argparse.Namespace = parser().parse_args([*argv, "--home", str(home.root)])
    result: dict[str, Any] = json.loads(json.dumps(args.run(args, home), allow_nan=False))
    return result


def named(result: dict[str, Any], model: str) -> dict[str, Any]:
    """What a training said of one model."""
    return next(m for m in result["models"] if m["name"] == model)


@pytest.fixture(scope="session")
def result(filled: Home) -> dict[str, Any]:
    return run(filled, "train", "--quantile", "0.8", "--seed", "3", "--models", ",".join(reversed(FEW)))


def runs_of(home: Home) -> list[Any]:
    """The runs that MLflow has of a home."""
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=home.mlflow_uri)
    return client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])
