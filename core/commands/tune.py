"""`tune`: better hyper-parameters for one model, by trial on walk-forward folds before the test part."""

from __future__ import annotations

import argparse
import math
from typing import Any

import msgspec

from core import jobs
from core.commands.asked import MOST_FOLDS, chosen_seed, chosen_tau, question_options, refuse_beside, told
from core.config import Home, load_settings
from core.errors import BadInput

MOST_TRIALS = 1000


def register(sub: Any) -> None:
    tune = sub.add_parser("tune", help="try hyper-parameters of a model on folds before the test part")
    tune.add_argument("--model", required=True, metavar="NAME", help="which model, one with a SPACE")
    tune.add_argument("--trials", type=int, default=20, metavar="N", help="sets to try, the model's own first (20)")
    tune.add_argument("--timeout", type=float, default=math.inf, metavar="S", help="begin no trial later than this")
    tune.add_argument("--folds", type=int, default=5, metavar="N", help="walk-forward folds (5)")
    question_options(tune)
    tune.set_defaults(run=run_tune)


def run_tune(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Tune as the job "tune"; what was found, and whether trainings will use it. A stop leaves what was finished."""
    settings = load_settings(home)
    _refuse(args)
    with jobs.hold(home, "tune") as me:
        refuse_beside(home, "train")
        beat = told(me)
        beat(0.0, "reading ticks")
        import models
        from core.features.dataset import labelled
        from core.features.labels import asked_question
        from core.training.folds import mean_lift
        from core.training.tune import tune

        found = models.discover()
        if args.model not in found:
            can = [name for name, model in found.items() if hasattr(model, "SPACE")]
            raise BadInput(f"no model named {args.model}; {', '.join(can)} can be tuned")
        seed, asked = chosen_seed(args, settings), chosen_tau(args, settings)
        rows, tau = asked.on(labelled(home, asked_question(args, settings), args.venue, args.product))
        dataset = rows.at(tau)
        tuned = tune(
            home, dataset, found[args.model], trials=args.trials, seed=seed, quantile=asked.quantile, folds=args.folds,
            timeout_s=args.timeout, beat=beat,
        )  # fmt: skip
        me.end("done", tuned.sentence)
    said: dict[str, Any] = msgspec.to_builtins(tuned)
    trials = [
        {"trial": n, "lift": mean_lift([lift for lift in one.lifts if lift is not None])}
        | {f"lift_{i}": lift for i, lift in enumerate(one.lifts, 1)}
        | one.params
        for n, one in enumerate(tuned.trials, 1)
    ]
    return said | {"trials": trials, "sentence": tuned.sentence}


def _refuse(args: argparse.Namespace) -> None:
    if not 2 <= args.trials <= MOST_TRIALS:
        raise BadInput(f"{args.trials} trials: give a number from 2 to {MOST_TRIALS:,}")
    if not 2 <= args.folds <= MOST_FOLDS:
        raise BadInput(f"{args.folds} folds: a tuning takes from 2 to {MOST_FOLDS}")
    if not args.timeout > 0:
        raise BadInput(f"a timeout of {args.timeout:g} s: give seconds above 0")
