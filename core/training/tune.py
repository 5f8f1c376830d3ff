"""Hyper-parameters by trial, on the walk-forward folds alone: the test part is not looked at.

Trials are proposed by Optuna's tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for hyper-parameter
optimization") with a seed of its own for each, so that a tuning that was stopped goes on as if it had not been. The
first trial is the model's own parameters; what beats them by less than the standard error over folds is not used.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from core.config import Home, write_atomically
from core.errors import BadInput, NotEnough
from core.features.bars import SECOND_NS
from core.training import tracking
from core.training.folds import FEWEST, FOLDS, before_test, walk_forward
from core.training.pace import Beat
from core.training.tuned import Trial, Tuned, comparable, digest, file_of, lift_of, question_of, read

if TYPE_CHECKING:
    from core.features.dataset import Dataset
    from models import Model

TRIALS = 20
STARTUP = 8
"""Trials at random, the first included, before the estimator proposes."""
Space = Mapping[str, Any]


def tune(
    home: Home,
    dataset: Dataset,
    model: Model,
    *,
    trials: int = TRIALS,
    seed: int = 0,
    quantile: float | None = None,
    folds: int = FOLDS,
    timeout_s: float = math.inf,
    beat: Beat = lambda _share, _message: None,
    clock: Callable[[], float] = time.monotonic,
) -> Tuned:
    """Try hyper-parameters of `model` on the folds of `dataset`, and keep what was found after every trial.

    Parameters
    ----------
    model : a module of `models` with a SPACE: name -> (low, high, whether evenly in logs), whole numbers where both
        ends are, or a list of choices
    trials : in all, the model's own parameters first; those that an earlier tuning of the same rows, seed and space has
        made are not made again
    quantile : as for `walk_forward`
    timeout_s : no trial begins later than this after the first

    Raises
    ------
    BadInput
        If the model has no SPACE.
    NotEnough
        If fewer than two folds give the model's own parameters a score.
    """
    space: Space = getattr(model, "SPACE", {})
    if not space:
        raise BadInput(f"{model.TITLE} has nothing to tune: models/*.py with a SPACE can be tuned")
    if trials < 2 or folds < FEWEST:
        raise BadInput(f"{trials} trials on {folds} folds: a tuning takes 2 trials and {FEWEST} folds at least")
    asked = question_of(dataset, quantile)
    path = file_of(home, model.NAME, asked)
    told = asked | {
        "model": model.NAME, "title": model.TITLE, "fingerprint": dataset.fingerprint, "space": digest(space),
        "seed": seed, "folds": folds, "asked": trials,
        "until_ns": int(before_test(dataset)["bar_end_ns"].iloc[-1]) + dataset.question.horizon_s * SECOND_NS,
    }  # fmt: skip
    before = read(path)
    if before is not None and any(getattr(before, k) != v for k, v in told.items() if k != "asked"):
        before = None
    tried = list(before.trials) if before is not None else []
    if before is not None and len(tried) >= trials:
        return before

    def trial(params: dict[str, Any], said: str, done: int) -> Trial:
        found = walk_forward(
            dataset, [model], seed, quantile=quantile, folds=folds, params={model.NAME: params},
            beat=lambda share, _: beat((done + share) / trials, said),
        )  # fmt: skip
        return Trial(params=params, aps=tuple(fold.ap for fold in found), lifts=tuple(fold.lift for fold in found))

    beat(len(tried) / trials, "opening MLflow (the first time takes about 20 s)")
    with tracking.recording(home) as experiment:
        tags = {"tuning": model.NAME, "fingerprint": dataset.fingerprint, "label": dataset.question.label}
        parent = tracking.begin(experiment, f"tune {model.NAME}", tags)
        began, result = clock(), None
        while len(tried) < trials and (result is None or clock() - began < timeout_s):
            n = len(tried)
            best = f", best lift {result.lift:.2f}" if result else ""
            params = propose(space, _own(model, space), tried, seed)
            one = trial(params, f"trial {n + 1} of {trials}{best}", n)
            tried.append(one)
            if len(comparable(tried[0], tried[0])) < FEWEST:
                raise NotEnough(
                    f"{model.TITLE} has a score on fewer than {FEWEST} of {len(one.lifts)} folds, too few to tune on: "
                    "capture more, or lower τ"
                )
            result = _found(told, tried, parent)
            write_atomically(path, msgspec.json.format(msgspec.json.encode(result), indent=1))
            child = tracking.begin(experiment, f"trial {n + 1}", tags, parent)
            tracking.finish(child, params=params, metrics=_metrics(one, tried[0]), tags={}, files=[])
        assert result is not None
        tracking.finish(
            parent, params=told | {"trials": len(tried)} | {f"best.{k}": v for k, v in result.params.items()},
            metrics={"lift": result.lift, "own_lift": result.own_lift, "gain": result.gain, "error": result.error},
            tags={"used": str(result.used)}, files=[path],
        )  # fmt: skip
    beat(1.0, f"{len(tried)} trials, best lift {result.lift:.2f}")
    return result


def propose(space: Space, own: Mapping[str, Any], tried: Sequence[Trial], seed: int) -> dict[str, Any]:
    """The hyper-parameters to try next: the model's own, then some at random, then what Optuna expects most of.

    The same `tried` and `seed` give the same answer, whatever happened in between.
    """
    if not tried:
        return dict(own)
    import optuna
    from optuna.trial import TrialState, create_trial

    optuna.logging.set_verbosity(logging.WARNING)
    dimensions = {name: _dimension(limits) for name, limits in space.items()}
    sampler = optuna.samplers.TPESampler(n_startup_trials=STARTUP, seed=(seed * 1_000_003 + len(tried)) % 2**32)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for one in tried:
        value = math.log(lift_of(one, tried[0])) if comparable(one, tried[0]) else None
        state = TrialState.FAIL if value is None else TrialState.COMPLETE
        study.add_trial(create_trial(state=state, value=value, params=one.params, distributions=dimensions))
    return dict(study.ask(dimensions).params)


def _found(told: Mapping[str, Any], tried: Sequence[Trial], run_id: str) -> Tuned:
    own = tried[0]
    best = max((one for one in tried if comparable(one, own)), key=lambda one: lift_of(one, own))
    # paired: what differs from fold to fold in both says nothing of the one against the other
    gains = np.log(comparable(best, own)) - np.log(comparable(own, own))
    gain, error = float(gains.mean()), float(gains.std(ddof=1) / math.sqrt(gains.size))
    return Tuned(
        **told, made_ns=time.time_ns(), run_id=run_id, trials=tuple(tried), params=best.params,
        lift=lift_of(best, own), own_lift=lift_of(own, own), gain=gain, error=error, used=gain > error,
    )  # fmt: skip


def _own(model: Model, space: Space) -> dict[str, Any]:
    params = model.build(0, "").get_params()
    return {name: params[name] for name in space}


def _dimension(limits: Any) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(limits, list):
        return CategoricalDistribution(limits)
    low, high, log = limits
    whole = isinstance(low, int) and isinstance(high, int)
    return IntDistribution(low, high, log=log) if whole else FloatDistribution(low, high, log=log)


def _metrics(one: Trial, own: Trial) -> dict[str, float]:
    scored = {f"lift_{n}": lift for n, lift in enumerate(one.lifts, 1) if lift is not None}
    scored |= {f"ap_{n}": ap for n, ap in enumerate(one.aps, 1) if ap is not None}
    return scored | ({"lift": lift_of(one, own)} if comparable(one, own) else {})
