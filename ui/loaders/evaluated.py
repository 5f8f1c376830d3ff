"""Evaluations of trainings and the rows behind their pictures; a training's are written once, so they are kept by its
id and by when its file was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from core.config import Home
from core.errors import Damaged, NotThere
from core.evaluation import archive, probability, reports
from core.evaluation import timeline as core_timeline
from core.evaluation.evaluate import Seconds
from core.evaluation.record import Alerts, Bin, Estimate, Evaluation, Group, Judged
from core.evaluation.timeline import Happened, happened
from core.training.registry import Meta, Training
from ui.evaluation_timeline import Timeline, timeline
from ui.loaders.homes import home
from ui.loaders.trained import runs

if TYPE_CHECKING:
    from core.evaluation.leakage import Planted

Values = NDArray[np.float64]
LAST_NS = 2**63 - 1


@dataclass(frozen=True)
class Tested:
    """The test part of a training: its seconds, and price and forecasts on them (NaN where a second has no row)."""

    seconds: Seconds
    mid: Values
    rows: pd.DataFrame

    def p(self, model: str) -> Values:
        """Forecasts of the trained model `model` on the seconds."""
        return self.seconds.spread(self.rows[model].to_numpy())


def evaluated_ns(training: str) -> int:
    """When the evaluation of a training was written; 0 where there is none."""
    path = archive.file(home(), training)
    return path.stat().st_mtime_ns if path.exists() else 0


@st.cache_resource(max_entries=6, ttl=3600, show_spinner=False)
def _evaluation(root: str, training: str, written_ns: int) -> Evaluation:
    return archive.load(Home.resolve(root), training)


def evaluation(training: str) -> Evaluation | None:
    """What is known of a training; None where it was made before evaluations existed. Shared: do not change it.

    Raises Damaged.
    """
    try:
        return _evaluation(str(home().root), training, evaluated_ns(training))
    except NotThere:
        return None


def scored(champion: Meta) -> Estimate:
    """The champion's pooled average precision on test; without its interval where no evaluation can be read."""
    try:
        judged = evaluation(champion.training)
    except Damaged:
        judged = None
    of = next((m.ap for m in judged.models if m.name == champion.name), None) if judged else None
    return of or Estimate(value=champion.scores.pr_auc)


def evaluated(besides: str) -> list[Training]:
    """Past trainings that have an evaluation, without the training `besides`, newest first."""
    where = home()
    return [t for t in runs() if t.training != besides and archive.file(where, t.training).exists()]


@st.cache_resource(max_entries=3, ttl=3600, show_spinner=False)
def _tested(root: str, training: str, written_ns: int) -> Tested:
    where = Home.resolve(root)
    rows = archive.load_rows(where, training)
    test = core_timeline.tested(archive.load(where, training), rows)
    rows = rows[rows["split"] == "test"]
    return Tested(test, test.spread(rows["mid"].to_numpy()), rows)


def tested(training: str) -> Tested:
    """The test part of an evaluated training. Shared: do not change it. Raises NotThere."""
    return _tested(str(home().root), training, evaluated_ns(training))


@st.cache_resource(max_entries=24, ttl=3600, show_spinner=False)
def _happened(root: str, training: str, written_ns: int, model: str, budget_per_h: float, onset: bool) -> Happened:
    of = _evaluation(root, training, written_ns)
    test = _tested(root, training, written_ns)
    at = alerts_of(next(m for m in of.models if m.name == model), budget_per_h, onset)
    assert at is not None
    return happened(test.seconds, test.p(model), theta=at.theta, horizon_s=of.horizon_s, onset=onset)


def happening(training: str, model: str, budget_per_h: float, onset: bool) -> Happened:
    """The alerts of one model at one budget and what became of them. Shared: do not change it. Raises NotThere."""
    return _happened(str(home().root), training, evaluated_ns(training), model, budget_per_h, onset)


def window(sessions: Sequence[Group], at: int) -> tuple[int, int] | None:
    """From when to when the session `at` goes, ns, up to the next one; None, which is all, for -1."""
    if at < 0:
        return None
    following = sessions[at + 1].first_ns - 1 if at + 1 < len(sessions) else LAST_NS
    return sessions[at].first_ns, following


@st.cache_resource(max_entries=24, ttl=3600, show_spinner=False)
def _line(
    root: str, training: str, written_ns: int, model: str, budget_per_h: float, onset: bool,
    window: tuple[int, int] | None,
) -> Timeline | None:  # fmt: skip
    test = _tested(root, training, written_ns)
    did = _happened(root, training, written_ns, model, budget_per_h, onset)
    return timeline(test.seconds.bar_end_ns, test.mid, test.p(model), did, window)


def line(
    training: str, model: str, budget_per_h: float, onset: bool, window: tuple[int, int] | None
) -> Timeline | None:
    """Price, forecast and alerts placed for a figure, of all or of one `window`; None where no price is known there.

    Raises NotThere.
    """
    return _line(str(home().root), training, evaluated_ns(training), model, budget_per_h, onset, window)


def meant(model: Meta, p: float) -> Bin | None:
    """The test rows that `model` gave a probability of the size of `p`; None where too little is known of those."""
    of = evaluation(model.training)
    judged = None if of is None else next((m for m in of.models if m.name == model.name), None)
    return None if judged is None else probability.meant(judged.probability.bins, p, model.horizon_s)


def planted(name: str) -> Planted | None:
    """What was last planted under this name, None when nothing was. Raises Damaged."""
    path = home().leakage / f"{name}.json"
    return _planted(str(home().root), name, path.stat().st_mtime_ns) if path.exists() else None


@st.cache_resource(max_entries=7, ttl=3600, show_spinner=False)
def _planted(root: str, name: str, written_ns: int) -> Planted | None:
    from core.evaluation.leakage import read_planted  # it brings scipy, which no other page needs

    return read_planted(Home.resolve(root), name)


@dataclass(frozen=True)
class Papers:
    """The report of one training as files for a reader."""

    pdf: bytes
    png: bytes
    card: bytes


def papers(training: str) -> Papers | None:
    """The report that was kept with a training; None where none was made."""
    where = home()
    try:
        written = reports.find(where, training)
    except NotThere:
        return None
    return _papers(str(where.root), training, tuple(path.stat().st_mtime_ns for path in written.files))


@st.cache_resource(max_entries=2, ttl=3600, show_spinner=False)
def _papers(root: str, training: str, written_ns: tuple[int, ...]) -> Papers:
    written = reports.find(Home.resolve(root), training)
    return Papers(*(path.read_bytes() for path in written.files))


def alerts_of(model: Judged, budget_per_h: float, onset: bool) -> Alerts | None:
    """The counts of one model at one budget; None where the evaluation has none."""
    return next((a for a in model.alerts if (a.budget_per_h, a.onset) == (budget_per_h, onset)), None)


__all__ = [
    "Papers",
    "Tested",
    "alerts_of",
    "evaluated",
    "evaluated_ns",
    "evaluation",
    "happening",
    "line",
    "meant",
    "papers",
    "planted",
    "tested",
    "window",
]
