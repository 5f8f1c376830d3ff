"""What stands behind the training page: how long a training takes, past ones in a line each, two of them compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.config import Home
from core.errors import Damaged, NotThere
from core.evaluation import archive, importance
from core.evaluation.importance import Importance
from core.evaluation.record import Estimate
from core.training import compare as sides
from core.training import pace
from core.training.compare import Compared
from core.training.registry import Training
from ui.evidence import lead_of
from ui.loaders.homes import home


def expected(names: Sequence[str], rows: int, folds: int) -> float | None:
    """Seconds that a training takes by what its steps took here before, None where one was never timed. Raises
    Damaged."""
    return pace.expected(pace.pace(home()), pace.steps_of(names, rows, folds))


@dataclass(frozen=True)
class Summary:
    """A past training in a line: the model that leads it, pooled AP with its interval, base rate, what may be said."""

    title: str
    name: str
    ap: Estimate
    base_rate: float
    verdict: str
    left_out: int


def summary(training: Training) -> Summary:
    """The line of a past training; one without an evaluation that can be read has its best on
    validation, and no interval."""
    path = archive.file(home(), training.training)
    return _summary(str(home().root), training, path.stat().st_mtime_ns if path.exists() else 0)


@st.cache_data(max_entries=1024, ttl=3600, show_spinner=False, hash_funcs={Training: lambda t: t.training})
def _summary(root: str, training: Training, written_ns: int) -> Summary:
    try:
        e = archive.load(Home.resolve(root), training.training)
    except (NotThere, Damaged) as why:
        best = max(training.models, key=lambda m: m.validation.pr_auc)
        ap = Estimate(value=best.scores.pr_auc)
        word = "not evaluated" if isinstance(why, NotThere) else "evaluation damaged"
        return Summary(best.title, best.name, ap, best.scores.base_rate, word, 0)
    if not e.models:
        return Summary("", "", Estimate(value=None), e.base_rate, e.verdict.word, len(e.left_out))
    lead = lead_of(e)
    return Summary(lead.title, lead.name, lead.ap, e.base_rate, e.verdict.word, len(e.left_out))


def leaning(name: str) -> Importance | None:
    """What a trained model leans on, None where nobody has asked. Raises Damaged."""
    return importance.load(home(), name)


def compared(a: Training, b: Training) -> Compared | None:
    """Two trainings held against each other, None where one was not evaluated. Raises Damaged."""
    written = [archive.file(home(), t.training) for t in (a, b)]
    if not all(path.exists() for path in written):
        return None
    return _compared(str(home().root), a, b, tuple(path.stat().st_mtime_ns for path in written))


@st.cache_data(max_entries=16, ttl=3600, show_spinner=False, hash_funcs={Training: lambda t: t.training})
def _compared(root: str, a: Training, b: Training, written_ns: tuple[int, ...]) -> Compared:
    return sides.compare(Home.resolve(root), a, b)


__all__ = ["Summary", "compared", "expected", "leaning", "summary"]
