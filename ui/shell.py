"""What every page stands in: configuration, look, navigation, title row, the common status line."""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

import streamlit as st

from ui.parts import (
    GLYPH,
    Cell,
    Level,
    block,
    box,
    caught,
    code,
    empty,
    fragment,
    kind,
    line,
    note,
    step,
    strip,
    table,
)
from ui.state import Session
from ui.status import status_line
from ui.theme import css_tokens, palette
from ui.theme_watch import theme_watch

_HERE = Path(__file__).parent
PRINTED = {"light": "none", "dark": "invert(1) hue-rotate(180deg) brightness(1.08)"}
"""What makes a figure one for white paper: a dark one turns its lightness over and keeps its hues."""

GROUPS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Data",
        (
            ("pages/1_Live_capture.py", "Live capture", "sensors"),
            ("pages/2_Threshold_tuning.py", "Threshold tuning", "straighten"),
        ),
    ),
    (
        "Model",
        (("pages/3_Training.py", "Training", "model_training"), ("pages/4_Evaluation.py", "Evaluation", "fact_check")),
    ),
    (
        "Watch",
        (("pages/5_Drift.py", "Drift", "compare_arrows"), ("pages/6_Live_monitor.py", "Live monitor", "monitor_heart")),
    ),
)


@contextmanager
def open_page(title: str, sentence: str, market: str) -> Iterator[None]:
    """Set the page up and run its body; a TremorError raised in the body ends as one sentence on the page.

    Parameters
    ----------
    title : str
        The page's name, also of the browser's tab.
    sentence : str
        What the page decides, in one muted sentence beside the title.
    market : str
        The market that its numbers are of, in words; "" where there is none.
    """
    _settle(len(sys.modules))
    st.set_page_config(
        page_title=f"{title} · Tremor", page_icon="static/icon.svg", layout="wide", initial_sidebar_state=220
    )
    st.html(f"<style>:root{{{css_tokens()}--t-figure:{PRINTED[kind()]}}}{_css()}</style>")
    st.logo(_logo(kind()), size="large")
    _navigation()
    theme_watch()
    of = f'<p class="tr-market">{escape(market)}</p>' if market else ""
    st.html(f'<div class="tr-title"><h1>{escape(title)}</h1><p>{escape(sentence)}</p>{of}</div>')
    session = Session()
    status_line()
    if notice := session.heard():
        st.toast(notice)
    if refusal := session.refusal():
        box(refusal, "bad")
    with caught():
        yield


def _navigation() -> None:
    with st.sidebar, st.container(gap=None, key="navigation"):
        st.page_link("app.py", label="Home", icon=":material/home:", width="stretch")
        for group, pages in GROUPS:
            st.html(f'<div class="tr-group" role="heading" aria-level="2">{group}</div>')
            for path, label, icon in pages:
                st.page_link(path, label=label, icon=f":material/{icon}:", width="stretch")


@functools.cache
def _settle(_modules: int) -> None:
    """Take what lives now out of the garbage collector's sight, once for each time that modules were added.

    Streamlit collects all garbage after every run, also after each second's run of a fragment, and walks the whole heap
    for it: 100 ms with what this app imports, measured, and nothing once it is set aside.
    """
    gc.freeze()


@functools.cache
def _css() -> str:
    return (_HERE / "tremor.css").read_text(encoding="utf-8")


@functools.cache
def _logo(of: str) -> str:
    colours = palette(of)
    svg = (_HERE / "logo.svg").read_text(encoding="utf-8")
    return svg.replace("VOLATILITY", colours.vol).replace("TEXT", colours.text)


__all__ = [
    "GLYPH",
    "Cell",
    "Level",
    "block",
    "box",
    "caught",
    "code",
    "empty",
    "fragment",
    "kind",
    "line",
    "note",
    "open_page",
    "step",
    "strip",
    "table",
]
