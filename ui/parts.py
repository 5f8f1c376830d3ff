"""What pages are drawn with: boxes, strips, blocks, tables; and the box that errors end in."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx

from core.errors import TremorError

Level = Literal["ok", "warn", "bad", "idle", "alert"]
GLYPH: dict[str, str] = {"ok": "●", "warn": "▲", "bad": "■", "idle": "○", "alert": "◆"}
"""Colour never speaks alone: each level has a shape."""
PATIENCE_S = 0.5
"""Before a progress bar is drawn: what is done by then needs none."""


@dataclass(frozen=True)
class Cell:
    """One cell of a status strip or line: what it is, how it is, and one detail."""

    level: Level
    name: str
    value: str
    detail: str = ""
    share: float | None = None
    """How far a job is, 0 to 1."""


def kind() -> str:
    """ "light" or "dark", whichever the viewer has now."""
    return st.context.theme.type or "dark"


@contextmanager
def caught() -> Iterator[None]:
    """A TremorError raised inside is shown as one sentence; any other error is a bug and stays one."""
    try:
        yield
    except TremorError as error:
        box(str(error), "bad")


def working(words: str) -> AbstractContextManager[None]:
    """Say what is being done, and for how long, where it is not done within half a second and has no parts to count."""
    return st.spinner(f"{words} …", show_time=True)


@contextmanager
def stepping(words: str) -> Iterator[Callable[[float, str], None]]:
    """A progress bar for work on a long history, on the page only once it has taken half a second.

    The work calls what it is given with the share that is behind it and with what comes next.
    """
    place, at, lock = st.empty(), (0.0, words), threading.Lock()
    shown = ended = False

    def draw() -> None:
        nonlocal shown
        with lock:
            if not ended:
                shown = True
                place.progress(*at)

    def step(share: float, next_words: str) -> None:
        nonlocal at
        at = (share, next_words)
        if shown:
            draw()

    timer = add_script_run_ctx(threading.Timer(PATIENCE_S, draw))
    timer.start()
    try:
        yield step
    finally:
        timer.cancel()
        with lock:
            ended = True
        place.empty()


def fragment(run_every: float | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`st.fragment` whose errors end in the same box: a fragment's own rerun is outside of the page's."""

    def decorate(body: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(body)
        def guarded(*args: Any, **kwargs: Any) -> None:
            with caught():
                body(*args, **kwargs)

        return st.fragment(guarded, run_every=run_every)

    return decorate


def strip(cells: Sequence[Cell], key: str = "strip") -> None:
    """The status strip: four to six cells between two hairlines."""
    parts = []
    for cell in cells:
        tone = cell.level if cell.level in ("warn", "bad", "alert") else ""
        parts.append(
            f'<div role="listitem" data-cell="{escape(cell.name)}" data-level="{cell.level}">'
            f'<em><i class="{cell.level}" aria-hidden="true">{GLYPH[cell.level]}</i>{escape(cell.name)}</em>'
            f'<b class="{tone}">{escape(cell.value)}</b>'
            f'<span title="{escape(cell.detail)}">{escape(cell.detail)}</span></div>'
        )
    with st.container(key=key):
        label = 'role="list" aria-label="Status of this page"'  # no live region: it changes every second
        st.html(f'<div class="tr-strip" style="--cells:{len(cells)}" {label}>{"".join(parts)}</div>')


def line(cells: Sequence[Cell]) -> None:
    """The common status line: what matters on every page, a name and a value each, with how far a job is under it."""
    parts = []
    for cell in cells:
        tone = cell.level if cell.level in ("warn", "bad", "alert") else ""
        bar = ""
        if cell.share is not None:
            percent = round(100 * min(max(cell.share, 0.0), 1.0))
            bar = (
                f'<s role="progressbar" aria-label="{escape(cell.name)}" aria-valuemin="0" aria-valuemax="100"'
                f' aria-valuenow="{percent}"><u style="width:{percent}%"></u></s>'
            )
        parts.append(
            f'<div role="listitem" data-line="{escape(cell.name)}" data-level="{cell.level}">'
            f'<i class="{cell.level}" aria-hidden="true">{GLYPH[cell.level]}</i><em>{escape(cell.name)}</em> '
            f'<b class="{tone}" title="{escape(cell.detail)}">{escape(cell.value)}</b>{bar}</div>'
        )
    with st.container(key="line"):
        st.html(f'<div class="tr-line" role="list" aria-label="Status">{"".join(parts)}</div>')


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
    if "No ticks yet" in sentence:
        st.page_link(
            "app.py", label="Or load a sample day on Home", icon=":material/arrow_forward:", icon_position="right"
        )


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
    named = key.replace("_", " ")
    with st.container(key=key):
        st.html(
            f'<div class="tr-scroll"><table class="tr-table" aria-label="{escape(named)}">'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )


STATES = {"done": "done", "next": "next", "wait": "not yet"}


def step(number: int, state: Literal["done", "next", "wait"], title: str, sentence: str) -> None:
    """One line of the pipeline on the home page."""
    sign = "✓" if state == "done" else str(number)
    st.html(
        f'<div class="tr-step {state}" data-step="{number}" data-state="{state}">'
        f'<div class="tr-n {state}" role="img" aria-label="Step {number}, {STATES[state]}">{sign}</div>'
        f"<b>{escape(title)}</b><span>{escape(sentence)}</span></div>",
        width="stretch",
    )


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
    "step",
    "strip",
    "table",
]
