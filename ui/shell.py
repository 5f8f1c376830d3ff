"""What every page stands in: configuration, look, navigation, title row, status strip, the box that errors end in."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from core.errors import TremorError
from ui.state import Session
from ui.theme import css_tokens, palette
from ui.theme_watch import theme_watch

_HERE = Path(__file__).parent
Level = Literal["ok", "warn", "bad", "idle", "alert"]
GLYPH: dict[str, str] = {"ok": "●", "warn": "▲", "bad": "■", "idle": "○", "alert": "◆"}
"""Colour never speaks alone: each level has a shape."""

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
        (
            ("pages/5_Drift.py", "Drift", "compare_arrows"),
            ("pages/7_Alert_tuning.py", "Alert tuning", "notifications"),
            ("pages/6_Live_monitor.py", "Live monitor", "monitor_heart"),
            ("pages/8_Time_machine.py", "Time machine", "history"),
        ),
    ),
)


@dataclass(frozen=True)
class Cell:
    """One cell of a status strip: what it is, how it is, and one detail."""

    level: Level
    name: str
    value: str
    detail: str = ""


def kind() -> str:
    """ "light" or "dark", whichever the viewer has now."""
    return st.context.theme.type or "dark"


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
    st.set_page_config(
        page_title=f"{title} · Tremor", page_icon="static/icon.svg", layout="wide", initial_sidebar_state=220
    )
    st.html(f"<style>:root{{{css_tokens()}}}{_css()}</style>")
    st.logo(_logo(kind()), size="large")
    _navigation()
    theme_watch()
    of = f'<p class="tr-market">{escape(market)}</p>' if market else ""
    st.html(f'<div class="tr-title"><h1>{escape(title)}</h1><p>{escape(sentence)}</p>{of}</div>')
    session = Session()
    if notice := session.heard():
        st.toast(notice)
    if refusal := session.refusal():
        box(refusal, "bad")
    with caught():
        yield


@contextmanager
def caught() -> Iterator[None]:
    """A TremorError raised inside is shown as one sentence; any other error is a bug and stays one."""
    try:
        yield
    except TremorError as error:
        box(str(error), "bad")


def fragment(run_every: float | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`st.fragment` whose errors end in the same box: a fragment's own rerun is outside of the page's."""

    def decorate(body: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(body)
        def guarded(*args: Any, **kwargs: Any) -> None:
            with caught():
                body(*args, **kwargs)

        return st.fragment(guarded, run_every=run_every)

    return decorate


def strip(cells: Sequence[Cell], key: str = "strip", *, quiet: bool = False) -> None:
    """The status strip: four to six cells between two hairlines. A `quiet` one, which changes several times a second,
    is not read out by itself."""
    parts = []
    for cell in cells:
        tone = cell.level if cell.level in ("warn", "bad", "alert") else ""
        parts.append(
            f'<div data-cell="{escape(cell.name)}" data-level="{cell.level}">'
            f'<em><i class="{cell.level}" aria-hidden="true">{GLYPH[cell.level]}</i>{escape(cell.name)}</em>'
            f'<b class="{tone}">{escape(cell.value)}</b>'
            f'<span title="{escape(cell.detail)}">{escape(cell.detail)}</span></div>'
        )
    role = "group" if quiet else "status"
    with st.container(key=key):
        st.html(f'<div class="tr-strip" style="--cells:{len(cells)}" role="{role}">{"".join(parts)}</div>')


def block(title: str, context: str = "") -> None:
    """A block's title with its context in muted on the same line."""
    st.html(f'<h2 class="tr-block">{escape(title)} <span>{escape(context)}</span></h2>')


def note(text: str) -> None:
    """A muted sentence; it may hold <b> of our own, never a user's text unescaped."""
    st.html(f'<div class="tr-note">{text}</div>')


def code(text: object) -> str:
    """A path, an id or a command, for a `note`."""
    return f"<code>{escape(str(text))}</code>"


def box(sentence: str, level: Level = "idle", key: str | None = None) -> None:
    """One sentence in a box: what is missing and the one step, or what failed and the remedy."""
    sentence = _sentence(sentence)
    role = "alert" if level == "bad" else "note"
    with st.container(key=key):
        st.html(
            f'<div class="tr-box {level}" role="{role}" data-box="{level}">'
            f'<i aria-hidden="true">{GLYPH[level]}</i>{escape(sentence)}</div>'
        )


def _sentence(text: str) -> str:
    """Core's errors begin with a small letter, as on a command line; a page begins a sentence with a capital."""
    first = text.split(" ", 1)[0].rstrip(":,")
    return text[:1].upper() + text[1:] if first.isascii() and first.isalpha() else text


def empty(sentence: str, page: str | None = None, label: str = "") -> None:
    """An empty state: what is missing, why it matters, and the one step, as a button where it is on another page."""
    box(sentence, "idle", key="empty")
    if page is not None and st.button(label, type="primary", key="empty_step"):
        st.switch_page(page)


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    text: Sequence[int] = (0,),
    strong: int | None = None,
    key: str,
) -> None:
    """A small table between hairlines: the columns in `text` to the left, numbers to the right; cells are strings."""
    left = set(text)
    head = "".join(f'<th class="{"t" if i in left else ""}">{escape(c)}</th>' for i, c in enumerate(columns))
    body = "".join(
        f'<tr class="{"strong" if n == strong else ""}">'
        + "".join(f'<td class="{"t" if i in left else ""}">{escape(str(c))}</td>' for i, c in enumerate(row))
        + "</tr>"
        for n, row in enumerate(rows)
    )
    with st.container(key=key):
        st.html(
            f'<div class="tr-scroll"><table class="tr-table"><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )


def step(number: int, state: Literal["done", "next", "wait"], title: str, sentence: str) -> None:
    """One line of the pipeline on the home page."""
    sign = "✓" if state == "done" else str(number)
    st.html(
        f'<div class="tr-step {state}" data-step="{number}" data-state="{state}"><div class="tr-n {state}">{sign}</div>'
        f"<b>{escape(title)}</b><span>{escape(sentence)}</span></div>",
        width="stretch",
    )


def _navigation() -> None:
    with st.sidebar, st.container(gap=None, key="navigation"):
        st.page_link("app.py", label="Home", icon=":material/home:", width="stretch")
        for group, pages in GROUPS:
            st.html(f'<div class="tr-group">{group}</div>')
            for path, label, icon in pages:
                st.page_link(path, label=label, icon=f":material/{icon}:", width="stretch")


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
    "block",
    "box",
    "caught",
    "code",
    "empty",
    "fragment",
    "kind",
    "note",
    "open_page",
    "step",
    "strip",
    "table",
]
