"""Before the click: from when to when, which models, how many folds; what that is in rows, trials and time."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from core.evaluation.record import Meter
from core.features.bars import Bars
from core.features.span import ALL, Span, last_hours, sessions
from core.jobs import Job
from core.training.folds import FOLDS
from core.training.pace import spoken
from core.training.standing import standings
from ui import actions, loaders, text
from ui.shell import note
from ui.theme import duration, moment

WAYS = ("everything", "last hours", "sessions", "from, to")
LEAST_BARS = 121
"""Shorter sessions give no row: a window to fill and a horizon to watch."""
MOST_FOLDS = 20


def span_control(bars: Bars, running: bool) -> Span:
    """The range of the history that is chosen. Raises BadInput for one that is none."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="range"):
        way = st.selectbox("Range", WAYS, key="range_way", disabled=running, width=150)
        if len(bars) == 0 or way == "everything":
            return ALL
        if way == "last hours":
            hours = st.number_input(
                "Hours before the newest bar", 0.25, value=6.0, step=1.0, key="range_hours", disabled=running, width=200
            )  # fmt: skip
            return last_hours(bars, float(hours))
        if way == "sessions":
            return _sessions(bars, running)
        first, last = (_when(int(ns)) for ns in (bars.bar_end_ns[0] - 10**9, bars.bar_end_ns[-1]))
        begin = st.datetime_input("From, UTC", first, key="range_from", disabled=running, width=230)
        end = st.datetime_input("To, UTC", last, key="range_to", disabled=running, width=230)
        return Span(_ns(begin, down=True), _ns(end, down=False))


def _sessions(bars: Bars, running: bool) -> Span:
    found = [one for one in sessions(bars) if one[2] >= LEAST_BARS] or sessions(bars)

    def called(at: int) -> str:
        return moment(found[at][0])  # its begin alone: the session that is captured now grows, and the choice would end

    every = range(len(found))
    first = st.selectbox("First session", every, format_func=called, key="range_first", disabled=running, width=240)
    last = st.selectbox(
        "Last session", every, index=len(found) - 1, format_func=called, key="range_last", disabled=running, width=240
    )  # fmt: skip
    note(f"The last one ends at {moment(found[last][1])}, after {duration(found[last][2])}.")
    return Span(found[first][0], found[last][1])


def _when(ns: int) -> datetime:
    return datetime.fromtimestamp(ns // 10**9, UTC).replace(tzinfo=None)


def _ns(when: datetime | None, *, down: bool) -> int | None:
    """A chosen moment as ns. The control knows whole minutes: an end at 15:02 takes all of that minute with it."""
    if when is None:
        return None
    whole = int(when.replace(tzinfo=UTC, second=0, microsecond=0).timestamp())
    return (whole if down else whole + 60) * 10**9


def models_control(job: Job) -> tuple[list[str], int]:
    """The models that are chosen, and on how many folds they are tried; while a training runs, those of it."""
    running = job.running
    of_job = {one.model for one in standings(job)} if running else set()
    with st.container(horizontal=True, key="models"):
        chosen = [
            name
            for name, title in loaders.offered().items()
            if st.checkbox(title, value=not of_job or name in of_job, key=f"model_{name}", disabled=running)
        ]
    folds = st.number_input(
        "Walk-forward folds (0: none)", 0, MOST_FOLDS, int(job.fields.get("folds", FOLDS)) if running else FOLDS,
        key="folds_n", disabled=running, width=200,
        help="Each model is also trained on what lies before each of so many stretches, and scored on it. Where "
        "validation holds too little, they choose the champion.",
    )  # fmt: skip
    return chosen, int(folds)


def train_button(chosen: list[str], folds: int, span: Span, meter: Meter | None, tuning: Job) -> None:
    """The one primary button, and how long what it does takes here."""
    st.button(
        f"Train {text.plural(len(chosen), 'model')}", type="primary", key="train", on_click=actions.train,
        args=(chosen, folds, span), disabled=not chosen or not meter or tuning.running,
    )  # fmt: skip
    if tuning.running:
        note("A tuning runs: train when it has ended.")
    elif chosen and meter:
        takes = loaders.expected(chosen, sum(e.rows for e in meter.splits), folds)
        left = "the page may be left"
        note(
            f"About {spoken(takes)}, by what each step took here the last time; {left}."
            if takes is not None
            else f"How long it takes is known once these models were trained here; {left}."
        )


__all__ = ["models_control", "span_control", "train_button"]
