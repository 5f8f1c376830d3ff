"""The evaluation page's panel of alerts: what a person would have got on the test part, on a price line."""

from __future__ import annotations

import streamlit as st

from core.evaluation.record import Evaluation
from ui import charts, loaders
from ui.evaluation_panels import figure
from ui.evaluation_rows import alert_rows
from ui.evidence import lead_of, named, of_kind, role_of
from ui.shell import block, fragment, kind, note, table
from ui.text import HELP, plural
from ui.theme import utc

BUDGETS = {1.0: "1 an hour", 2.0: "2 an hour", 6.0: "6 an hour"}
KINDS = {False: "all alerts", True: "onset only"}


@fragment()
def alerts(e: Evaluation) -> None:
    """Choose model, budget and stretch; see caught, missed and false alerts, and every model's counts below."""
    block("Alerts and episodes", "test split; counted in alerts and episodes, never in seconds")
    models = {m.name: m for m in e.models}
    sessions = of_kind(e.models[0], ("session",))
    with st.container(horizontal=True, vertical_alignment="bottom", key="alert_controls"):
        name = st.selectbox(
            "Model", list(models), format_func=lambda n: named(models[n], e), key="alert_model", width=240,
            index=list(models).index(lead_of(e).name),
        )  # fmt: skip
        budget = st.segmented_control(
            "Alerts at most",
            list(BUDGETS),
            format_func=BUDGETS.__getitem__,
            default=2.0,
            key="alert_budget",
            help=HELP["budget"],
        )
        onset = st.segmented_control(
            "Which", list(KINDS), format_func=KINDS.__getitem__, default=False, key="alert_kind", help=HELP["onset"]
        )
        stretch = st.selectbox(
            "Stretch", range(-1, len(sessions)), key="alert_stretch", width=300,
            format_func=lambda i: "whole test part" if i < 0 else
            f"{utc(sessions[i].first_ns, 1, zone=False)}, {plural(sessions[i].spikes, 'spike')}",
        )  # fmt: skip
    budget, onset = budget or 2.0, bool(onset)  # a second click on the chosen one takes the choice away
    model = models[name]
    at = loaders.alerts_of(model, budget, onset)
    if at is None:
        note("This evaluation has no alerts at that budget.")
        return
    window = loaders.window(sessions, stretch)
    line = loaders.line(e.training, name, budget, onset, window)
    if not loaders.happening(e.training, name, budget, onset).agrees(at):
        note("The alert rule has changed since this training was evaluated, so its line cannot be drawn: train again.")
    elif line is None:
        note("This stretch has no price to draw.")
    else:
        figure(charts.event_line(kind(), line, theta=at.theta, role=role_of(model, e), horizon_s=e.horizon_s), "events")
        note(
            "Bands: volatility at or above τ. ► caught, with its lead; ○ missed: no alert in the horizon before it; "
            "✕ false: no episode starts in its horizon. "
            "A session that begins inside an episode is drawn and not counted: no alert could have come earlier."
        )  # fmt: skip
    table(*alert_rows(e, budget, onset), key="alerts")
    note(
        f"θ is the lowest that keeps to {BUDGETS[budget]} on validation; test may see more or fewer. "
        + ("Onset: only alerts and episodes while volatility is not above τ already. " if onset else "")
        + ("The table counts the whole test part. " if window else "")
        + "A lead is the median of those caught. No interval where too few stretches hold an alert or an episode."
    )


__all__ = ["alerts"]
