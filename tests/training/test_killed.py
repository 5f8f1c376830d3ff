"""A training that is stopped or killed while it logs leaves no run that reads as running, and calls nobody."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.config import EXPERIMENT, REPOSITORY, Home
from core.errors import Damaged
from core.features.dataset import Dataset
from core.training import tracking
from core.training.kept import Trained

CHILD = """
import pickle, signal, socket, sys, time
from pathlib import Path

called = []
connect = socket.socket.connect
def watched(self, address):
    called.append(address)
    return connect(self, address)
socket.socket.connect = watched
socket.getaddrinfo = lambda *a, **k: called.append(a) or (_ for _ in ()).throw(OSError("no network here"))

def ended(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, ended)

from core.config import Home
from core.training import fit, tracking

def waits(*_):
    print("logging", called, flush=True)
    time.sleep(120)
tracking._log_model = waits
fit.train(Home(Path(sys.argv[1])), pickle.loads(Path(sys.argv[2]).read_bytes()), ["zscore"])
"""


def statuses(home: Home) -> dict[str, str]:
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=home.mlflow_uri)
    found = client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])
    return {run.info.run_id: run.info.status for run in found}


def start(home: Home, dataset: Dataset, folder: Path) -> tuple[subprocess.Popen[str], str]:
    """A training that has opened its run and waits, and what it had called by then. Told nothing of telemetry."""
    (folder / "dataset").write_bytes(pickle.dumps(dataset))
    quiet = ("DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY", "PYTEST_CURRENT_TEST", "PYTEST_VERSION", "CI")
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home.root), str(folder / "dataset")],
        cwd=REPOSITORY, env={k: v for k, v in os.environ.items() if k not in quiet}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    return child, child.stdout.readline().strip()


@pytest.mark.parametrize(
    "way",
    [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)],  # in one process: tests/training/test_fit
)
def test_no_run_is_left_running(
    way: signal.Signals, mlflow_home: Home, trained: list[Trained], make_dataset: Callable[..., Dataset], tmp_path: Path
) -> None:
    before = statuses(mlflow_home)
    child, said = start(mlflow_home, make_dataset(), tmp_path)
    try:
        assert said == "logging []", "it called somebody, or never came as far as logging"
        new = statuses(mlflow_home).keys() - before.keys()
        assert len(new) == 2, "the training's run and the first model's"
        assert {statuses(mlflow_home)[run] for run in new} == {"RUNNING"}
        assert tracking.reconcile(mlflow_home) == 0, "a living training is left alone"
        assert {statuses(mlflow_home)[run] for run in new} == {"RUNNING"}
        child.send_signal(way)
        child.wait(30)
    finally:
        child.kill()
        child.communicate()
    assert tracking.reconcile(mlflow_home) == (2 if way is signal.SIGKILL else 0)
    after = statuses(mlflow_home)
    assert {after[run] for run in new} == {"KILLED"} and "RUNNING" not in after.values()
    assert {run: after[run] for run in before} == before, "runs of others are left alone"
    assert tracking.reconcile(mlflow_home) == 0
    assert not (mlflow_home.artifacts / tracking.OPEN).exists()


def test_reconcile_does_not_import_mlflow_when_nothing_is_open(home: Home) -> None:
    code = (
        "import sys; from pathlib import Path; from core.config import Home; from core.training import tracking;"
        "print(tracking.reconcile(Home(Path(sys.argv[1]))), 'mlflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(home.root)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "False"]


def test_setting_up_twice_gives_the_same_experiment_below_the_home(mlflow_home: Home) -> None:
    import mlflow

    experiment = mlflow.MlflowClient(tracking_uri=mlflow_home.mlflow_uri).get_experiment_by_name(EXPERIMENT)
    assert tracking.set_up(mlflow_home) == tracking.set_up(mlflow_home) == experiment.experiment_id
    assert experiment.artifact_location == mlflow_home.mlflow_artifacts.as_uri()


def test_a_deleted_experiment_is_restored(mlflow_home: Home) -> None:
    import mlflow

    client: Any = mlflow.MlflowClient(tracking_uri=mlflow_home.mlflow_uri)
    number = tracking.set_up(mlflow_home)
    client.delete_experiment(number)
    assert tracking.set_up(mlflow_home) == number
    assert client.get_experiment(number).lifecycle_stage == "active"


def test_a_damaged_note_of_an_open_training_is_named(home: Home) -> None:
    home.artifacts.mkdir(parents=True)
    (home.artifacts / tracking.OPEN).write_text('{"pid": ')
    with pytest.raises(Damaged, match="cannot be read"):
        tracking.reconcile(home)
