"""What is decided about the alerts of one model, as one record: the rule, what it was chosen for and on, and what it
does on test beside the rule in use."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
import pandas as pd

from core.errors import BadInput
from core.evaluation.evaluate import BLOCK_HORIZONS
from core.evaluation.intervals import Blocks
from core.evaluation.parts import Folds, chosen_on, model_of, part
from core.evaluation.policy import Aim, Choice, Difference, Outcome, Ran, Rule
from core.evaluation.record import Evaluation, Judged
from core.evaluation.sweep import Part, Sweep, sweep

STEPS = 300
"""Thetas that a curve is logged at, at most: three series of so many fit into one batch of MLflow (1,000 metrics)."""


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """The rule that the monitor runs, of which model, and what it does on test."""

    model: str
    title: str
    rule: Rule
    test: Outcome


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A rule for the alerts of `model`, what it was chosen for, and what it does.

    aim : None where theta was given. met, silent, sentence : as of `policy.Choice`; there : what the rule does where it
        was chosen; why : why there
    used : None where nothing is in use on this training; difference : test figures of this rule less those of `used`
    """

    training: str
    model: str
    title: str
    run_id: str
    label: str
    horizon_s: int
    tau_bps: float
    tau_relative: float | None
    venue: str
    product: str
    aim: Aim | None
    rule: Rule
    met: bool
    silent: bool
    sentence: str
    chosen_on: str
    why: str
    there: Outcome
    test: Outcome
    used: Used | None
    difference: Difference | None


@dataclass(frozen=True)
class Stage:
    """One model of one training with the parts that its alerts are chosen and shown on."""

    model: Judged
    chosen: Part
    why: str
    test: Part
    draws: Blocks

    def ran(self, rule: Rule) -> Ran:
        """The rule on test."""
        return Ran(self.test, rule)


def stage(e: Evaluation, rows: pd.DataFrame, folds: Folds, model: str) -> Stage:
    """The parts of the model named `model`.

    rows, folds : of `archive.load_rows`, and what gives those of `archive.load_folds`. Raises NotThere where the model
    is none of the training's, BadInput where the training leaks: no alert says anything then.
    """
    judged = model_of(e, model)
    if e.leakage.verdict == "leaky":
        failed = ", ".join(c.name.replace("_", " ") for c in e.leakage.checks if c.passed is False)
        raise BadInput(f"the training {e.training} leaks ({failed}): no θ chosen on it says anything of the future")
    chosen, why = chosen_on(e, rows, folds, model)
    test = part(e, rows, "test", model)
    return Stage(judged, chosen, why, test, _draws(e, test))


def decide(
    e: Evaluation,
    s: Stage,
    aim: Aim | None,
    choice: Choice,
    cooldown_s: int,
    rearm: float,
    used: tuple[Stage, Rule] | None = None,
) -> Decision:
    """A choice made on the part that is not test, shown on test.

    aim : what it was made for, at this cooldown and re-arming share; None where theta was `given`
    used : what is in use, on the same test part
    """
    taken = Rule(theta=choice.theta, cooldown_s=cooldown_s, rearm=rearm)
    mine = s.ran(taken)
    theirs = None if used is None else used[0].ran(used[1])
    return Decision(
        training=e.training, model=s.model.name, title=s.model.title, run_id=s.model.run_id, label=e.label,
        horizon_s=e.horizon_s, tau_bps=e.tau_bps, tau_relative=e.tau_relative, venue=e.venue, product=e.product,
        aim=aim, rule=taken, met=choice.met, silent=choice.silent,
        sentence=choice.sentence,
        chosen_on=s.chosen.name, why=s.why, there=Ran(s.chosen, taken).outcome(_draws(e, s.chosen)),
        test=mine.outcome(s.draws),
        used=None if used is None or theirs is None else Used(
            model=used[0].model.name, title=used[0].model.title, rule=used[1], test=theirs.outcome(s.draws)
        ),
        difference=None if theirs is None else mine.less(theirs, s.draws),
    )  # fmt: skip


def _draws(e: Evaluation, on: Part) -> Blocks:
    return Blocks(on.seconds.bar_end_ns, BLOCK_HORIZONS * e.horizon_s, max(e.replicates, 1), e.seed)


def curve_of(s: Stage, rule: Rule) -> Sweep:
    """The sweep of the part that a rule is chosen on at whole thousandths of theta, `STEPS` of them at most, up to its
    highest forecast."""
    top = min(int(np.ceil(1000 * np.nanmax(s.chosen.p))), 999)
    thousandths = np.unique(np.linspace(1, max(top, 1), STEPS).round())[::-1]
    return sweep(s.chosen, rule.cooldown_s, rule.rearm, thousandths / 1000)


def thousandths(curve: Sweep) -> list[int]:
    """The thetas of `curve_of` in thousandths."""
    return [round(1000 * theta) for theta in curve.theta.tolist()]


def series(curve: Sweep) -> dict[str, list[float]]:
    """The curves of a sweep by the names that they have in MLflow; recall only where there is an episode."""
    found = {"alerts.alerts_per_hour": curve.alerts_per_h, "alerts.false_per_hour": curve.false_per_h}
    found |= {"alerts.recall": curve.recall} if curve.episodes else {}
    return {name: values.tolist() for name, values in found.items()}


def as_json(made: Decision, curve: Sweep) -> bytes:
    """A decision and its curves for a file."""
    told = msgspec.to_builtins(made) | {"curve": {"theta_thousandths": thousandths(curve)} | series(curve)}
    return msgspec.json.format(msgspec.json.encode(told), indent=1)
