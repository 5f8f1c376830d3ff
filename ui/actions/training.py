"""Models are trained, tuned, explained, judged and compared."""

from __future__ import annotations

from collections.abc import Sequence

from core import jobs
from core.features.span import ALL, Span
from core.training import tracking
from core.training.folds import FOLDS
from ui import loaders
from ui.actions.common import told
from ui.theme import iso


def train(names: Sequence[str], folds: int = FOLDS, span: Span = ALL) -> None:
    """Train the models `names` on the settings' question and market."""
    argv = ["train", "--models", ",".join(names), "--folds", str(folds), *_range(span)]
    told(lambda: jobs.start(loaders.home(), "train", [*argv, *_asked()]))


def tune(name: str, trials: int, span: Span = ALL) -> None:
    """Try hyper-parameters of the model `name` on the settings' question and market."""
    argv = ["tune", "--model", name, "--trials", str(trials), *_range(span)]
    told(lambda: jobs.start(loaders.home(), "tune", [*argv, *_asked()]))


def _range(span: Span) -> list[str]:
    ends = {"--from": span.from_ns, "--to": span.to_ns}
    return [word for name, ns in ends.items() if ns is not None for word in (name, iso(ns))]


def explain(model: str, at: str = "") -> None:
    """Shuffle the features of the trained model `model`; take its forecast of the second `at`, UTC, apart as well."""
    argv = ["importance", "--model", model, *(["--at", at] if at else [])]
    told(lambda: jobs.start(loaders.home(), "importance", argv))


def start_mlflow() -> None:
    """Start MLflow's own pages on 127.0.0.1."""
    told(lambda: jobs.start(loaders.home(), "mlflow", ["mlflow"]))


def _asked() -> list[str]:
    """Question, threshold, seed and market as the options of a verb."""
    chosen, market = loaders.settings(), loaders.current_market()
    argv = ["--label", chosen.label, "--horizon", str(chosen.horizon_s), "--seed", str(chosen.seed)]
    if chosen.tau_relative is not None:
        argv += ["--tau-relative", repr(chosen.tau_relative)]
    else:
        argv += ["--quantile", repr(chosen.quantile)] if chosen.tau_bps is None else ["--tau", repr(chosen.tau_bps)]
    return argv if market is None else [*argv, "--venue", market.venue, "--product", market.product]


def close_runs() -> None:
    """End in MLflow the runs of a training or tuning that did not live to end them: a look at one file where there are
    none."""
    tracking.reconcile(loaders.home())


def compare(reference: str, current: str) -> None:
    """Compare two parts of the market's features."""

    def act() -> None:
        argv, market = ["drift", "--reference", reference, "--current", current], loaders.current_market()
        if market is not None:
            argv += ["--venue", market.venue, "--product", market.product]
        jobs.start(loaders.home(), "drift", argv)

    told(act)


def plant(leak: str) -> None:
    """Plant a leak into a copy of the pipeline, on the settings' question and market."""

    def act() -> None:
        argv, market = ["leakage", "--plant", leak], loaders.current_market()
        if market is not None:
            argv += ["--venue", market.venue, "--product", market.product]
        jobs.start(loaders.home(), "leakage", argv)

    told(act)


def report() -> None:
    """Write the report of the newest training: PDF, comparison and model card."""
    told(lambda: jobs.start(loaders.home(), "report", ["report"]))


__all__ = ["close_runs", "compare", "explain", "plant", "report", "start_mlflow", "train", "tune"]
