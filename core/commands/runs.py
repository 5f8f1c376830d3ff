"""`importance`, `compare`, `mlflow`: what models lean on, what tells two trainings apart, MLflow's own pages."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import msgspec

from core import jobs
from core.commands.asked import moment_ns, told
from core.config import Home


def register(sub: Any) -> None:
    importance = sub.add_parser("importance", help="what a trained model leans on: features shuffled in blocks")
    importance.add_argument("--model", required=True, metavar="NAME", help="a trained model, by its artifact or name")
    importance.add_argument("--at", metavar="ISO", help="and take its forecast of this second apart, UTC unless named")
    importance.set_defaults(run=run_importance)

    compare = sub.add_parser(
        "compare", help="two trainings side by side: what differs, and scores paired where they can"
    )
    compare.add_argument("a", metavar="A", help="a training's id, or one of its artifacts")
    compare.add_argument("b", metavar="B", help="another one")
    compare.set_defaults(run=run_compare)

    mlflow = sub.add_parser("mlflow", help="MLflow's own pages on the runs of this home, on 127.0.0.1, until stopped")
    mlflow.set_defaults(run=run_mlflow)


def run_importance(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Shuffle the features of the validation part, as the job "importance"; what that costs the model."""
    with jobs.hold(home, "importance") as me:
        from core.training.explain import explain, whole_second

        at_ns = None if args.at is None else whole_second(moment_ns(args.at, "at"))
        made = explain(home, args.model, at_ns, told(me))
        me.end("done", f"{len(made.groups)} groups of features of {made.name}", {"model": made.name})
    said: dict[str, Any] = msgspec.to_builtins(made)
    return said


def run_compare(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """What tells two trainings apart, and each shared model's score in both, with the paired difference."""
    from core.training.compare import compare, find

    said: dict[str, Any] = msgspec.to_builtins(compare(home, find(home, args.a), find(home, args.b)))
    return said


def run_mlflow(_args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Serve as the job "mlflow" until it is stopped."""
    with jobs.hold(home, "mlflow") as me:
        from core.training.mlflow_ui import serve

        print("MLflow's pages: the address is in data/jobs/mlflow.json once they answer", file=sys.stderr)
        serve(home, me)
    return {}
