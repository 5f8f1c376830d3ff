"""The alerts of the shown market: what became of them, who was told, and a way to say that they were seen."""

from __future__ import annotations

import time
from html import escape

import streamlit as st

from core.ingestion.store import Market
from core.live.alerts import Alert
from ui import actions, loaders
from ui.alert_sound import alert_sound
from ui.shell import block, box, code, fragment, note, table
from ui.tables import Rows
from ui.text import plural
from ui.theme import MISSING, bps, score, utc

WORDS = {"right": "● right", "false": "○ false", "unknown": "– session ended", None: "◆ open"}
MUTES = {"15 min": 900, "1 h": 3600}


def alert_panel(market: Market, ticking: bool) -> None:
    """Newest first; mute, acknowledge, sound and where alerts are sent."""
    muted_until_ns = loaders.settings().muted_until_ns
    block("Alerts", "P has risen to θ; right when volatility reaches τ within the horizon, said when that is over")
    sound = st.toggle(
        "Ring when an alert comes", key="ring", help="This browser only, after a first click on the page."
    )

    @fragment(run_every=2.0 if ticking else None)
    def newest() -> None:
        found, sent = loaders.alerts(market)
        alert_sound(found[0].bar_end_ns if found else 0, sound)
        if not found:
            note("No alert yet.")
            return
        table(*alert_rows(found[:12], sent), text=(0, 3, 5, 6), key="alerts")
        unseen = sum(a.seen_ns is None for a in found)
        if unseen:
            note(f"{plural(unseen, 'alert')} not acknowledged.")

    newest()
    now = time.time_ns()
    if now < muted_until_ns:
        box(f"Muted until {utc(muted_until_ns, now)}: alerts are kept and not sent.", "warn", key="muted")
    with st.container(horizontal=True):
        st.button("Acknowledge all", key="acknowledge", on_click=actions.acknowledge)
        if now < muted_until_ns:
            st.button("Unmute", key="unmute", on_click=actions.mute, args=(0,))
        else:
            for words, seconds in MUTES.items():
                st.button(f"Mute {words}", key=f"mute_{seconds}", on_click=actions.mute, args=(seconds,))
    names, unread, path = loaders.sinks()
    to = f"Alerts are sent to {escape(', '.join(names))}." if names else "Alerts are sent nowhere but to this page."
    left = f" {plural(unread, 'line')} of it cannot be read." if unread else ""
    note(f"{to} Services are named in {code(path)}, one Apprise URL a line; it is never shown.{left}")


def alert_rows(alerts: list[Alert], sent: dict[int, list[tuple[str, int, bool]]]) -> Rows:
    """When, P against θ, what became of it, the lead, the price then, who was told, and whether somebody has seen
    it."""
    now = time.time_ns()
    rows = [
        [
            utc(a.bar_end_ns, now, zone=False),
            score(a.p),
            score(a.theta),
            WORDS[a.outcome],
            MISSING if a.lead_s is None else f"{a.lead_s:.0f} s",
            _told(a, sent.get(a.bar_end_ns, [])),
            "seen" if a.seen_ns else "",
        ]
        for a in alerts
    ]
    taus = {bps(a.tau_bps) for a in alerts}
    outcome = f"outcome, τ {taus.pop()} bps" if len(taus) == 1 else "outcome"
    return ["UTC", "P", "θ", outcome, "lead", "sent", ""], rows


def _told(alert: Alert, services: list[tuple[str, int, bool]]) -> str:
    if alert.muted:
        return "muted"
    words = [f"{name}{'' if ok else f', failed {attempts}×'}" for name, attempts, ok in services]
    return "; ".join(words) or MISSING


__all__ = ["alert_panel", "alert_rows"]
