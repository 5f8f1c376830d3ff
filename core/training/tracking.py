"""The MLflow adapter: one run a trained model, in a SQLite file of this home, without a word to the outside.

MLflow takes 5 s to import and its first database up to 20 s to create, so nothing here is called by a page, except
`reconcile`, which imports it only when a run was left open.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import psutil

from core.config import EXPERIMENT, Home, write_atomically
from core.errors import Damaged, NotThere

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from models import Estimator

OPEN = ".runs_open.json"
"""Beside the artifacts for as long as runs may be open in MLflow: who opened them."""
OWNER = "tremor.owner"
"""The tag that says which process opened a run."""


class _Owner(msgspec.Struct, frozen=True):
    pid: int
    created: float

    @property
    def tag(self) -> str:
        return f"{self.pid}:{self.created:.2f}"

    @property
    def alive(self) -> bool:
        """Whether that very process, not one that was given its number later, still runs."""
        try:
            process = psutil.Process(self.pid)
            return process.create_time() == self.created and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def set_up(home: Home) -> str:
    """Create the MLflow database and the experiment where they do not exist yet; the experiment's id.

    The first time takes up to 20 s, later ones well under one (after MLflow's own import).
    """
    client = _client(home)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        home.mlflow_artifacts.mkdir(parents=True, exist_ok=True)
        return str(client.create_experiment(EXPERIMENT, artifact_location=home.mlflow_artifacts.as_uri()))
    if experiment.lifecycle_stage != "active":
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)


def reconcile(home: Home) -> int:
    """End as KILLED the runs that a dead training left open; how many there were.

    Costs one look at a file that is missing unless a training is logging right now or died while it was.
    """
    path = home.artifacts / OPEN
    try:
        owner = msgspec.json.decode(path.read_bytes(), type=_Owner)
    except FileNotFoundError:
        return 0
    except msgspec.MsgspecError as error:
        raise Damaged(f"{path} cannot be read ({error}): delete it") from error
    if owner.alive:
        return 0
    ended = _end(home, owner, "KILLED")
    path.unlink(missing_ok=True)
    return ended


@contextmanager
def recording(home: Home) -> Iterator[str]:
    """Runs may be opened while the block runs; none is left open when it ends. Gives the experiment's id.

    After a kill -9 nothing here runs any more: the note that it leaves beside the artifacts lets `reconcile` end them.
    """
    reconcile(home)
    experiment = set_up(home)
    me = _Owner(os.getpid(), psutil.Process().create_time())
    path = home.artifacts / OPEN
    write_atomically(path, msgspec.json.encode(me))
    try:
        yield experiment
    except BaseException as error:
        _end(home, me, "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        path.unlink(missing_ok=True)
        raise
    path.unlink(missing_ok=True)


def begin(experiment: str, name: str, tags: dict[str, str], parent: str | None = None) -> str:
    """Open a run inside a `recording` block; its id. `parent` is the run that it is shown below."""
    import mlflow

    owner = _Owner(os.getpid(), psutil.Process().create_time()).tag
    below = {} if parent is None else {"mlflow.parentRunId": parent}
    run = mlflow.MlflowClient().create_run(experiment, run_name=name, tags=tags | {OWNER: owner} | below)
    return str(run.info.run_id)


def log(
    experiment: str,
    name: str,
    estimator: Estimator,
    sample: pd.DataFrame,
    *,
    params: dict[str, Any],
    metrics: dict[str, float],
    tags: dict[str, str],
    figure: Figure,
    curve: dict[str, Any],
    parent: str | None = None,
) -> str:
    """One finished run with everything in it, inside a `recording` block; its run id.

    `sample` is some rows (n, k) of the features: the model's signature is made of it and of what the model says to it.
    Loaded as pyfunc, every model answers with its predict_proba, (n, 2).
    `curve` becomes pr_curve.json, `figure` pr_curve.png; `parent` is the run that this one is shown below.
    """
    import mlflow
    from mlflow.models import infer_signature

    run_id = begin(experiment, name, tags, parent)
    # not a with block: that would end an interrupted run as FAILED before `recording` can end it as KILLED
    mlflow.start_run(run_id=run_id)
    mlflow.log_params(params)
    mlflow.log_metrics(metrics)
    mlflow.log_figure(figure, "pr_curve.png", save_kwargs={"dpi": 100})
    mlflow.log_dict(curve, "pr_curve.json")
    _log_model(estimator, infer_signature(sample, estimator.predict_proba(sample)))
    mlflow.end_run()
    return run_id


def finish(
    run_id: str,
    *,
    params: dict[str, Any],
    metrics: dict[str, float],
    tags: dict[str, str],
    files: Sequence[Path],
    objects: dict[str, Any] | None = None,
) -> None:
    """Fill a run that `begin` opened with files of the home, and with `objects` as JSON by their names; finish it."""
    import mlflow

    mlflow.start_run(run_id=run_id)
    mlflow.log_params(params)
    mlflow.log_metrics(metrics)
    mlflow.set_tags(tags)
    for file in files:
        mlflow.log_artifact(str(file))
    for name, value in (objects or {}).items():
        mlflow.log_text(json.dumps(value, indent=1), name)
    mlflow.end_run()


def log_curves(
    home: Home, run_id: str, thousandths: Sequence[int], curves: Mapping[str, Sequence[float]], tags: Mapping[str, str]
) -> None:
    """Add curves over theta and what was decided on them to a run that is finished already, in one batch.

    Parameters
    ----------
    thousandths : (k,) theta in thousandths, the step of each value
    curves : (k,) values by the name of their metric; 1,000 values in all at most. What was logged before under a name
        stays in its history, with an older timestamp
    tags : replace those of the same name. "alerts.logged_ms", which is added, is the timestamp of these values

    Raises
    ------
    NotThere
        If this home's MLflow has no such run.
    """
    if not home.mlflow_db.exists():
        raise NotThere(f"{home.mlflow_db} is missing: train again to have a run to log to")
    client = _client(home)
    from mlflow.entities import Metric, RunTag
    from mlflow.exceptions import MlflowException

    now_ms = time.time_ns() // 1_000_000
    values = [
        Metric(name, value, now_ms, step)
        for name, curve in curves.items()
        for step, value in zip(thousandths, curve, strict=True)
    ]
    said = {**tags, "alerts.logged_ms": str(now_ms)}
    try:
        client.log_batch(run_id, metrics=values, tags=[RunTag(name, value) for name, value in said.items()])
    except MlflowException as error:
        raise NotThere(f"MLflow has no run {run_id or '(its id is empty)'} to log to ({error})") from error


def _log_model(estimator: Estimator, signature: Any) -> None:
    """As skops, which unlike pickle runs no code when it is read; trees are XGBoost's own ubj inside it.

    Not by MLflow's XGBoost flavour: as pyfunc that answers with labels, and has no option for probabilities.
    """
    import mlflow
    import skops.io  # type: ignore[import-untyped]

    trusted = skops.io.get_untrusted_types(data=skops.io.dumps(estimator))  # made by us a moment ago
    needs = ["xgboost-cpu"] if hasattr(estimator, "to_ubj") else []
    mlflow.sklearn.log_model(
        estimator, name="model", signature=signature, pyfunc_predict_fn="predict_proba", serialization_format="skops",
        skops_trusted_types=trusted, pip_requirements=_versions("scikit-learn", "skops", "numpy", "pandas", *needs),
    )  # fmt: skip


def _end(home: Home, owner: _Owner, status: str) -> int:
    """Give every run of `owner` that still reads as running the end `status`; how many."""
    import mlflow

    client = _client(home)
    while mlflow.active_run() is not None:
        mlflow.end_run(status)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return 0
    query = f"attributes.status = 'RUNNING' and tags.`{OWNER}` = '{owner.tag}'"
    left: Sequence[Any] = client.search_runs([experiment.experiment_id], filter_string=query)
    for run in left:
        client.set_terminated(run.info.run_id, status=status)
    return len(left)


def _client(home: Home) -> Any:
    """MLflow on this home's own files: quiet, and without telemetry."""
    os.environ |= {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow

    logging.getLogger("alembic").setLevel(logging.WARNING)
    home.root.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(home.mlflow_uri)
    return mlflow.MlflowClient(tracking_uri=home.mlflow_uri)


def _versions(*packages: str) -> list[str]:
    return [f"{package}=={version(package)}" for package in packages]
