"""What is asked: market, question, τ and θ."""

from __future__ import annotations

from typing import Any

from core import jobs
from core.config import Settings
from core.evaluation.policy import Rule
from core.features.dataset import Labelled
from ui import loaders, text
from ui.actions.common import told
from ui.state import Session
from ui.threshold_dial import Bins, released


def choose(setting: str, key: str) -> None:
    """Save the widget `key`'s value as `setting`."""
    value = Session().chosen(key)
    if value is not None and value != "":
        told(lambda: loaders.save(**{setting: value}))


NO_RULE: dict[str, Any] = {"theta": None, "theta_model": "", "cooldown_s": None, "rearm": Settings().rearm}
"""Alerts as a training leaves them."""
FORGOTTEN: dict[str, Any] = {"tau_bps": None, "tau_relative": None, **NO_RULE}
"""What belongs to one market: volatility of another one is of another size."""


def choose_market(setting: str, key: str) -> None:
    """Save feed or product; where that names another market than before, its τ and θ are forgotten.

    They stay where the new name is the market that was shown already, since they were chosen on it.
    """
    value = Session().chosen(key)
    if value is None or value == "":
        return

    def act() -> None:
        before = loaders.settings()
        after = before.replace(**{setting: value})
        old, new, seen = loaders.named_market(before), loaders.named_market(after), loaders.current_market()
        kept = old == new or (seen is not None and new == (seen.venue, seen.product))
        loaders.save(**{setting: value}, **({} if kept else FORGOTTEN))

    told(act)


def choose_theta(model: str, key: str) -> None:
    """Save the alert probability for `model`: another champion's is another, with the cooldown it was chosen at."""
    value = Session().chosen(key)

    def act() -> None:
        same = loaders.settings().theta_model in ("", model)
        loaders.save(**({} if same else NO_RULE) | {"theta": value, "theta_model": model})

    if value is not None:
        told(act)


def reset_theta() -> None:
    """Alert again by the rule that a training leaves: θ of validation, the horizon as cooldown, half the odds."""
    Session().drop("theta")
    told(lambda: loaders.save(**NO_RULE))


def use_rule(model: str, rule: Rule) -> None:
    """Alert by `rule` with `model`, the champion, and log it and its curves to the model's run in MLflow."""

    def act() -> None:
        loaders.save(theta=rule.theta, theta_model=model, cooldown_s=rule.cooldown_s, rearm=rule.rearm)
        numbers = ["--theta", repr(rule.theta), "--cooldown", str(rule.cooldown_s), "--rearm", repr(rule.rearm)]
        jobs.start(loaders.home(), "theta", ["theta", "--model", model, *numbers, "--log"])

    told(act)


def dial(bins: Bins, key: str, basis: str) -> None:
    """Remember where the dial `key` was left, for as long as `basis` holds."""
    Session().dial(basis, released(bins, key))


def use_tau(rows: Labelled, tau: float, why: str) -> None:
    """Make `tau`, in what the rows have it in, the threshold that training and the monitor use, and keep why."""

    def act() -> None:
        loaders.decide(rows, tau, why)
        Session().say(f"τ is {text.tau(*(None, tau) if rows.relative else (tau,))} now.")

    told(act)


def ask(setting: str, key: str) -> None:
    """Change the question (label or horizon): the old τ is of another volatility, so it is forgotten."""
    value = Session().chosen(key)

    def act() -> None:
        if value is not None and value != getattr(loaders.settings(), setting):
            loaders.save(**{setting: value}, tau_bps=None, tau_relative=None)

    told(act)


__all__ = ["FORGOTTEN", "ask", "choose", "choose_market", "choose_theta", "dial", "reset_theta", "use_rule", "use_tau"]
