"""`theta`: when to alert. A rule for a budget, a recall floor or a cost, chosen before test and shown on it."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from core import jobs
from core.config import ALERTS_PER_H, Home, change_settings, load_settings, write_atomically
from core.errors import BadInput, NotThere

if TYPE_CHECKING:
    from core.evaluation.decision import Decision, Stage
    from core.training.registry import Meta


def register(sub: Any) -> None:
    theta = sub.add_parser("theta", help="choose when to alert: a budget, a recall floor or a cost")
    theta.add_argument("--model", metavar="NAME", help="a trained model (the champion)")
    aim = theta.add_mutually_exclusive_group()
    aim.add_argument("--budget", type=float, metavar="A", help=f"alerts an hour at most ({ALERTS_PER_H:g})")
    aim.add_argument("--recall", type=float, metavar="R", help="catch this share of the episodes at least, 0 to 1")
    aim.add_argument("--cost", type=float, metavar="RATIO", help="a false alert costs RATIO times a missed episode")
    aim.add_argument("--theta", type=float, metavar="P", help="no choice: this θ")
    theta.add_argument("--cooldown", type=int, metavar="S", help="seconds from an alert to the next (the rule in use)")
    theta.add_argument("--rearm", type=float, metavar="X", help="share of θ's odds that re-arms (the rule in use)")
    theta.add_argument(
        "--follow", action="store_true", help="choose cooldown and re-arming share too, of twelve pairs of them"
    )
    theta.add_argument("--use", action="store_true", help="make it the champion's rule, and log it to MLflow")
    theta.add_argument("--log", action="store_true", help="log it and its curves to the model's run in MLflow")
    theta.add_argument(
        "--out", type=Path, metavar="FILE", help="FILE.json: the decision and its curves; FILE.csv: alerts on test"
    )
    theta.set_defaults(run=run_theta)


def run_theta(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Choose, show on test beside the rule in use, and as asked use, log and write it.

    Raises NotThere without a champion or an evaluation, BadInput where the training leaks, the number is no aim, or a
    rule is to be used that the monitor cannot run.
    """
    if args.out is not None and args.out.suffix not in (".json", ".csv"):
        raise BadInput(f"{args.out.name}: the file's name must end in .json (the decision) or .csv (the alerts)")
    from core.evaluation.decision import as_json, curve_of, series, thousandths

    meta, champion, stage, made = _decided(args, home)
    result: dict[str, Any] = msgspec.to_builtins(made) | {"in_use": False, "logged": None, "note": "", "out": None}
    if not (args.use or args.log or args.out):
        return result
    curve = curve_of(stage, made.rule)
    if args.use or args.log:
        with jobs.hold(home, "theta") as me:
            if args.use:
                use(home, meta, champion, made)
                result["in_use"] = True
            me.beat(0.2, "logging to MLflow")
            from core.training import tracking

            try:
                tracking.log_curves(home, made.run_id, thousandths(curve), series(curve), tags(made))
            except NotThere as why:
                if args.log:
                    raise
                result["note"] = f"in use, and not logged: {why}"
            else:
                result["logged"] = made.run_id
            me.end("done", result["note"] or f"logged to the run {made.run_id[:8]} of {made.title}")
    if args.out is not None:
        result["out"] = str(args.out)
        table = args.out.suffix == ".csv"
        content = stage.ran(made.rule).table().to_csv(index=False).encode() if table else as_json(made, curve)
        write_atomically(args.out, content)
    return result


def _decided(args: argparse.Namespace, home: Home) -> tuple[Meta, Meta | None, Stage, Decision]:
    from core.evaluation import archive
    from core.evaluation.combinations import combinations
    from core.evaluation.decision import decide, stage
    from core.evaluation.policy import Aim, choose, given
    from core.evaluation.sweep import sweep
    from core.training import registry

    champion, settings = registry.champion(home), load_settings(home)
    if args.model is None and champion is None:
        raise NotThere("there is no champion in this home: train first, or name a trained model with --model")
    meta = champion if args.model is None else registry.find(home, args.model)
    assert meta is not None
    e = archive.load(home, meta.training)
    rows, folds = archive.load_rows(home, meta.training), partial(archive.load_folds, home, meta.training)
    mine = stage(e, rows, folds, meta.name)
    now = registry.rule_of(meta, settings)
    cooldown_s = now.cooldown_s if args.cooldown is None else args.cooldown
    rearm = now.rearm if args.rearm is None else args.rearm
    asked = {"budget": args.budget, "recall": args.recall, "cost": args.cost}
    aims = [Aim(by=by, value=value) for by, value in asked.items() if value is not None]  # type: ignore[arg-type]
    aim = args.theta if args.theta is not None else aims[0] if aims else Aim(by="budget", value=ALERTS_PER_H)
    if args.follow:
        if not isinstance(aim, Aim) or (args.cooldown, args.rearm) != (None, None):
            raise BadInput("--follow chooses cooldown and re-arming share: leave out --theta, --cooldown and --rearm")
        best = combinations(mine.chosen, aim)[0]
        cooldown_s, rearm = best.cooldown_s, best.rearm
    used = None
    if champion is not None and champion.training == meta.training:
        theirs = mine if champion.name == meta.name else stage(e, rows, folds, champion.name)
        used = theirs, registry.rule_of(champion, settings)
    aimed = aim if isinstance(aim, Aim) else None
    if isinstance(aim, Aim):
        choice = choose(sweep(mine.chosen, cooldown_s, rearm), aim, mine.chosen.name)
    else:
        choice = given(aim)
    return meta, champion, mine, decide(e, mine, aimed, choice, cooldown_s, rearm, used)


def use(home: Home, meta: Meta, champion: Meta | None, made: Decision) -> None:
    """Save the rule as the monitor's. Raises BadInput where that cannot run it."""
    if champion is None or champion.name != meta.name:
        runs = "there is no champion" if champion is None else f"the monitor runs {champion.name}"
        raise BadInput(f"{runs}, not {meta.name}: make that the champion first, then use its rule")
    if made.silent:
        raise BadInput(f"nothing to use: {made.sentence}")
    change_settings(
        home, theta=made.rule.theta, theta_model=meta.name, cooldown_s=made.rule.cooldown_s, rearm=made.rule.rearm
    )


def tags(made: Decision) -> dict[str, str]:
    """What is decided as tags of a run; the part that the logged curves are of among them."""
    rule, test = made.rule, made.test
    return {
        "alerts.theta": repr(rule.theta), "alerts.cooldown_s": str(rule.cooldown_s), "alerts.rearm": repr(rule.rearm),
        "alerts.aim": "theta given" if made.aim is None else f"{made.aim.by} {made.aim.value:g}",
        "alerts.chosen_on": made.chosen_on, "alerts.sentence": made.sentence,
        "alerts.test": f"{test.alerts} alerts in {test.hours:.2f} h, {test.caught} of {test.episodes} episodes caught, "
        f"{test.false} false",
    }  # fmt: skip
