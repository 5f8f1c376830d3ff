"""Which market the page shows, and why, where that is not the one that the settings name."""

from __future__ import annotations

import streamlit as st

from core.config import Settings
from core.ingestion.store import Market
from ui import loaders
from ui.loaders import Counters
from ui.shell import box
from ui.text import market_name

CAPTURE = "pages/1_Live_capture.py"


def why_shown(settings: Settings, market: Market | None, now: Counters) -> str | None:
    """One sentence where `market` is not the one that the settings name; None where it is, or where there is none."""
    named = loaders.named_market(settings)
    if market is None or named == (market.venue, market.product):
        return None
    wanted, seen = market_name(*named), market_name(market.venue, market.product)
    coming = not now.venue or (now.venue == named[0] and named[1] in now.products)  # no word yet: it has just started
    if now.running and coming:
        return f"No tick of {wanted} has come yet, so this page still shows {seen}."
    return f"There are no ticks of {wanted} in this home, so this page shows {seen}: capture or import it."


def explain(settings: Settings, market: Market | None, *, link: bool = True) -> None:
    """Say which market is shown where the settings name another, with a link to the capture page."""
    sentence = why_shown(settings, market, loaders.counters())
    if sentence is None:
        return
    box(sentence, "warn", key="shown_market")
    if link:
        st.page_link(CAPTURE, label="Open capture", icon=":material/arrow_forward:", icon_position="right")


def follow(drawn: Market | None) -> None:
    """In a fragment: draw the whole page anew where another market is shown than the one it was drawn for."""
    now = loaders.current_market()
    before, after = ((m.venue, m.product) if m is not None else None for m in (drawn, now))
    if before != after:
        st.rerun()


__all__ = ["explain", "follow", "why_shown"]
