"""The cockpit of θ: choose a rule by what it costs, see it on test beside the one in use, look at its alerts."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.config import ALERTS_PER_H, Settings
from core.evaluation.combinations import THETAS
from core.evaluation.decision import Decision
from core.evaluation.policy import Aim
from core.evaluation.record import Evaluation
from core.features.bars import SECOND_NS
from core.jobs import Job
from core.training.registry import Meta
from ui import actions, charts, loaders
from ui.alert_decision import compared_rows, cost, curve_of, few, pair_rows, same
from ui.evaluation_panels import figure, progress
from ui.evidence import named, role_of
from ui.loaders import Asked
from ui.shell import block, box, caught, code, fragment, kind, note, table
from ui.state import Session
from ui.text import HELP, bands, plural, tau
from ui.theme import MISSING, score, utc

AIMS = {"budget": "a budget of alerts", "recall": "a share to catch", "cost": "the cost of a miss"}
LOOKS = {"caught": ("caught", "caught"), "missed": ("missed", "missed"), "false alert": ("false alert", "false alerts")}
AROUND_S = 900
"""Seconds drawn to each side of what is looked at."""


@fragment()
def cockpit(e: Evaluation, champion: Meta, settings: Settings) -> None:
    """Everything below the strip: controls, curve, comparison, history, files."""
    asked, aim = _controls(e, champion, settings)
    made = loaders.alert_decision(asked, champion, settings)
    left, right = st.columns([3, 1.15], gap="large")
    model = next(m for m in e.models if m.name == asked.model)
    with left:
        block(f"{named(model, e)} over θ", f"{made.chosen_on}; diamonds: what the chosen θ did on test, 95 % intervals")
        used = made.used if made.used is not None and made.used.model == made.model else None
        drawn = charts.alert_curve(
            kind(),
            curve_of(loaders.alert_sweep(asked), aim),
            theta=made.rule.theta,
            used=None if used is None or used.rule.theta == made.rule.theta else used.rule.theta,
            test=(made.test.alerts_per_h, made.test.recall),
            role=role_of(model, e),
        )
        figure(drawn, "alert_curve")
    with right, st.container(key="at_theta"):
        _chosen(made, champion)
    if same(made):
        block("The rule in use", "95 % intervals")
    else:
        block("Tried against in use", "95 % intervals; a difference is paired: both rules on the same stretches")
    table(*compared_rows(made), key="compared")
    note(f"All alerts count, also those raised while an episode is on: they come late, and are false. {few(made)}")
    with caught():
        _pairs(made, aim, _basis(champion, settings))
        _history(e, made)
    _files(made)


def _controls(e: Evaluation, champion: Meta, settings: Settings) -> tuple[Asked, Aim]:
    """Model, aim, cooldown and hysteresis; τ is set elsewhere."""
    models = {m.name: m for m in e.models}
    now, session, basis = loaders.rule(champion, settings), Session(), _basis(champion, settings)
    cooldown, share = session.taken_pair(basis) or (now.cooldown_s, now.rearm)
    basis += f" {cooldown} {share}"
    with st.container(horizontal=True, vertical_alignment="bottom", key="alert_controls"):
        model = st.selectbox(
            "Model", list(models), format_func=lambda n: named(models[n], e), key="tuned_model", width=230,
            index=list(models).index(champion.name),
        )  # fmt: skip
        by = st.segmented_control("Choose θ by", list(AIMS), format_func=AIMS.__getitem__, default="budget", key="aim")
        session.hold("aim_budget", "aim_recall", "aim_cost")
        by = by or "budget"  # a second click on the chosen one takes the choice away
        if by == "budget":
            value = st.number_input(
                "Alerts an hour, at most", 0.1, 60.0, ALERTS_PER_H, 0.5, format="%.1f", key="aim_budget", width=180
            )
        elif by == "recall":
            value = st.number_input("Episodes caught, %, at least", 1, 100, 50, 5, key="aim_recall", width=200) / 100
        else:
            value = 1 / st.number_input(
                "One miss costs, in false alerts", 1, 1000, 10, 1, key="aim_cost", width=210, help=HELP["miss"]
            )
        cooldown_s = st.number_input(
            "Cooldown, s", 0, 86_400, cooldown, 10, key=session.anew("cooldown", basis), width=130,
            help=HELP["cooldown"],
        )  # fmt: skip
        rearm = st.number_input(
            "Re-arming share", min(0.05, share), 1.0, share, 0.05, key=session.anew("rearm", basis), width=130,
            help=HELP["rearm"],
        )  # fmt: skip
    aim = Aim(by=by, value=float(value))
    return Asked(e.training, model, aim, int(cooldown_s), round(float(rearm), 4)), aim


def _basis(champion: Meta, settings: Settings) -> str:
    """What cooldown and re-arming share begin at hangs on it."""
    now = loaders.rule(champion, settings)
    return f"{champion.name} {now.cooldown_s} {now.rearm}"


def _pairs(made: Decision, aim: Aim, basis: str) -> None:
    """Whether another cooldown or re-arming share would do better where the rule is chosen."""
    pairs = loaders.alert_pairs(made.training, made.model, aim)
    best = pairs[0]
    said = f"best on {made.chosen_on}: {best.cooldown_s} s, {best.rearm:g}"
    with st.expander(f"Other cooldowns and re-arming shares ({said})"):
        table(*pair_rows(pairs), key="pairs")
        note(
            f"On {made.chosen_on}, each at the best of {THETAS} θ. The best of {len(pairs)} on "
            f"{plural(best.episodes, 'episode')} flatters: take it for a reason, not for its row."
        )
        st.button(
            f"Try {best.cooldown_s} s, {best.rearm:g}", key="take_pair", on_click=Session().take_pair,
            args=(basis, best.cooldown_s, best.rearm), disabled=best.silent,
        )  # fmt: skip


def _chosen(made: Decision, champion: Meta) -> None:
    """The rule, what it costs, and the button that takes it."""
    usable = not made.silent
    block("This rule", f"cooldown {made.rule.cooldown_s} s, re-arms below {made.rule.rearm:g} × the odds of θ")
    st.metric("θ", score(made.rule.theta) if usable else MISSING, help=HELP["theta"])
    box(made.sentence, "ok" if made.met and usable else "warn", key="choice")
    note(f"On test: {cost(made.test)}.")
    mine = made.model == champion.name
    logging = loaders.job("theta").running
    if st.button(
        "Use this rule", type="primary", width="stretch", key="use_rule",
        disabled=not (usable and mine) or same(made) or logging,
    ):  # fmt: skip
        actions.use_rule(made.model, made.rule)
        Session().say(f"θ is {score(made.rule.theta)} now, cooldown {made.rule.cooldown_s} s.")
        st.rerun()
    if not mine:
        note("The monitor runs the champion: this model's rule can be compared, and used once it is champion.")
    elif same(made):
        note("This is the rule in use.")
    elif usable:
        note("The monitor follows within a second. The champion does not become stale.")
    note(made.why)


def _history(e: Evaluation, made: Decision) -> None:
    """The alerts on the test part, one by one or as a whole."""
    block("Caught, missed and false", f"test part; {bands(e.horizon_s, tau(e.tau_bps, e.tau_relative))}")
    did = loaders.alerts_did(made)
    moments = did.moments
    with st.container(horizontal=True, vertical_alignment="bottom", key="history_controls"):
        look = st.segmented_control(
            "Look at", ["all", *LOOKS], key="look", default="all",
            format_func=lambda k: "whole test part" if k == "all" else plural(len(moments[k]), *LOOKS[k]),
        )  # fmt: skip
        look = look or "all"
        at, window = None, None
        if look != "all" and len(moments[look]):
            at = _stepped(moments[look].size, f"{made.training} {made.model} {made.rule} {look}")
            moment = int(moments[look][at])
            window = moment - AROUND_S * SECOND_NS, moment + AROUND_S * SECOND_NS
    if look != "all" and at is None:
        note(f"{'No false alert' if look == 'false alert' else f'Nothing {look}'} on test with this rule.")
        return
    if at is not None:
        note(f"{look.capitalize()} {at + 1} of {moments[look].size}: {utc(int(moments[look][at]), 1)}, 15 min around.")
    line = loaders.alerts_line(made, window)
    if line is None:
        note("This stretch has no price to draw.")
        return
    model = next(m for m in e.models if m.name == made.model)
    figure(
        charts.event_line(kind(), line, theta=made.rule.theta, role=role_of(model, e), horizon_s=e.horizon_s),
        "alert_history",
    )
    note(
        "► caught, with its lead; ○ missed: no alert in the horizon before it; ✕ false: no episode starts in its "
        "horizon; □ undecided: its session ends first."
    )


def _stepped(n: int, basis: str) -> int:
    """Which of n moments is looked at, with the buttons to the one before and after."""
    session = Session()
    at = min(session.place("history", basis), n - 1)
    st.button(
        "← Previous", key="history_previous", disabled=at == 0, on_click=session.put, args=("history", basis, at - 1)
    )
    st.button("Next →", key="history_next", disabled=at == n - 1, on_click=session.put, args=("history", basis, at + 1))
    return at


def _files(made: Decision) -> None:
    block("Take it along", "what was decided with its curves, and every alert on test")
    decision, alerts = loaders.exported(made)
    with st.container(horizontal=True, key="downloads"):
        st.download_button(
            "Download decision", decision, "tremor_alert_rule.json", "application/json", key="download_rule",
            on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Download alerts", alerts, "tremor_alerts_test.csv", "text/csv", key="download_alerts", on_click="ignore"
        )


def logging(job: Job) -> None:
    """How far the rule in use has come to MLflow."""
    if job.running:
        note("The rule is in use. Its curves are being logged to MLflow.")
    progress(job, "Stop logging")
    if job.state in ("failed", "died"):
        box(f"The last rule was not logged to MLflow: {job.message}", "warn", key="theta_failed")
    elif job.state == "done":
        metrics = f"Metrics {code('alerts.recall')} and others, step = θ in thousandths."
        note(f"MLflow: {escape(job.message)}. {metrics}")


__all__ = ["cockpit", "logging"]
