"""What an alert rule would do: one model's parts, the sweep over θ, and the decision; kept by the training and the
question asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st

from core.config import Home, Settings
from core.evaluation import archive
from core.evaluation.combinations import Combination, combinations
from core.evaluation.decision import Decision, Stage, as_json, curve_of, decide, stage
from core.evaluation.policy import Aim, Rule, choose, given
from core.evaluation.sweep import Sweep, sweep
from core.evaluation.timeline import Happened, happened
from core.training import registry
from core.training.registry import Meta
from ui.evaluation_timeline import Timeline, timeline
from ui.loaders.evaluated import evaluated_ns, evaluation
from ui.loaders.homes import home

KEYS = {Aim: repr, Rule: repr}
"""How the caches tell apart what Streamlit cannot."""


@dataclass(frozen=True)
class Asked:
    """What is tried on which model: an aim or θ itself, cooldown in s, re-arming share."""

    training: str
    model: str
    aim: Aim | float
    cooldown_s: int
    rearm: float


@st.cache_resource(max_entries=2, ttl=3600, show_spinner=False)
def _rows(root: str, training: str, written: int) -> pd.DataFrame:
    return archive.load_rows(Home.resolve(root), training)


@st.cache_resource(max_entries=2, ttl=3600, show_spinner=False)
def _folds(root: str, training: str, written: int) -> pd.DataFrame | None:
    return archive.load_folds(Home.resolve(root), training)


@st.cache_resource(max_entries=16, ttl=3600, show_spinner=False)
def _stage(root: str, training: str, written: int, model: str) -> Stage:
    e, where = archive.load(Home.resolve(root), training), (root, training, written)
    return stage(e, _rows(*where), partial(_folds, *where), model)


@st.cache_resource(max_entries=32, ttl=3600, show_spinner=False)
def _sweep(root: str, training: str, written: int, model: str, cooldown_s: int, rearm: float) -> Sweep:
    return sweep(_stage(root, training, written, model).chosen, cooldown_s, rearm)


@st.cache_resource(max_entries=64, ttl=3600, show_spinner=False, hash_funcs=KEYS)
def _decision(root: str, written: int, asked: Asked, used: tuple[str, Rule] | None) -> Decision:
    where = root, asked.training, written
    e = evaluation(asked.training)
    assert e is not None  # its stage was read from it
    mine, aim = _stage(*where, asked.model), asked.aim
    if isinstance(aim, Aim):
        swept = _sweep(*where, asked.model, asked.cooldown_s, asked.rearm)
        made, choice = aim, choose(swept, aim, mine.chosen.name)
    else:
        made, choice = None, given(aim)
    theirs = None if used is None else (_stage(*where, used[0]), used[1])
    return decide(e, mine, made, choice, asked.cooldown_s, asked.rearm, theirs)


@st.cache_resource(max_entries=32, ttl=3600, show_spinner=False, hash_funcs=KEYS)
def _pairs(root: str, training: str, written: int, model: str, aim: Aim) -> list[Combination]:
    return combinations(_stage(root, training, written, model).chosen, aim)


def alert_pairs(training: str, model: str, aim: Aim) -> list[Combination]:
    """What the aim gives at other cooldowns and re-arming shares, best first. Shared: do not change it."""
    return _pairs(str(home().root), training, evaluated_ns(training), model, aim)


def alert_stage(training: str, model: str) -> Stage:
    """The parts of one model of an evaluated training. Shared: do not change it. Raises NotThere, BadInput."""
    return _stage(str(home().root), training, evaluated_ns(training), model)


def alert_sweep(asked: Asked) -> Sweep:
    """What the alarm does at each θ on the part that a rule is chosen on. Shared: do not change it."""
    where = str(home().root), asked.training, evaluated_ns(asked.training)
    return _sweep(*where, asked.model, asked.cooldown_s, asked.rearm)


def alert_decision(asked: Asked, champion: Meta, settings: Settings) -> Decision:
    """The rule that is asked for, what it does, and beside it the rule that `champion` is watched by.

    Raises NotThere where the training was not evaluated, BadInput where it leaks, NotEnough where it has no episode.
    """
    used = (champion.name, rule(champion, settings)) if champion.training == asked.training else None
    return _decision(str(home().root), evaluated_ns(asked.training), asked, used)


def in_use(champion: Meta, settings: Settings) -> Decision:
    """The rule in use as a decision that was made already. Raises as `alert_decision`."""
    now = rule(champion, settings)
    asked = Asked(champion.training, champion.name, now.theta, now.cooldown_s, now.rearm)
    return alert_decision(asked, champion, settings)


def exported(made: Decision) -> tuple[bytes, bytes]:
    """The decision with its curves as JSON, and its alerts on test as CSV."""
    on = alert_stage(made.training, made.model)
    return as_json(made, curve_of(on, made.rule)), on.ran(made.rule).table().to_csv(index=False).encode()


def rule(meta: Meta, settings: Settings) -> Rule:
    """By which rule `meta` alerts, or would."""
    return registry.rule_of(meta, settings)


@st.cache_resource(max_entries=32, ttl=3600, show_spinner=False, hash_funcs=KEYS)
def _did(root: str, training: str, written: int, model: str, rule: Rule) -> Happened:
    on = _stage(root, training, written, model).test
    return happened(
        on.seconds, on.p, theta=rule.theta, horizon_s=on.horizon_s, onset=False,
        cooldown_s=rule.cooldown_s, rearm=rule.rearm,
    )  # fmt: skip


def alerts_did(made: Decision) -> Happened:
    """Alerts and episodes of the decision on test. Shared: do not change it."""
    return _did(str(home().root), made.training, evaluated_ns(made.training), made.model, made.rule)


@st.cache_resource(max_entries=32, ttl=3600, show_spinner=False, hash_funcs=KEYS)
def _stretch(
    root: str, training: str, written: int, model: str, rule: Rule, window: tuple[int, int] | None
) -> Timeline | None:
    on = _stage(root, training, written, model).test
    return timeline(on.seconds.bar_end_ns, on.mid, on.p, _did(root, training, written, model, rule), window)


def alerts_line(made: Decision, window: tuple[int, int] | None) -> Timeline | None:
    """Price, forecast and alerts of the decision on test, of all or of one window in ns; None where no price is known
    there."""
    return _stretch(str(home().root), made.training, evaluated_ns(made.training), made.model, made.rule, window)


__all__ = [
    "Asked", "alert_decision", "alert_pairs", "alert_stage", "alert_sweep", "alerts_did", "alerts_line", "exported",
    "in_use", "rule",
]  # fmt: skip
