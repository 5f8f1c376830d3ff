"""Labelled rows of the market that the settings name: what the threshold is set on and what models are trained on."""

from __future__ import annotations

import time

import streamlit as st

from core.config import Home, Settings
from core.evaluation import evidence
from core.evaluation.evaluate import stood_on
from core.evaluation.record import Meter
from core.features import dataset, estimators
from core.features import journey as decided
from core.features.bars import Bars
from core.features.dataset import Labelled
from core.features.estimators import Ranked, Signature
from core.features.journey import Advice, Decision
from core.features.labels import Question
from core.features.span import ALL, Span
from core.ingestion.store import Market, Reader
from ui.consequence import Backdrop, Distribution, backdrop, distribution_of, stretch_of
from ui.loaders.history import History
from ui.loaders.homes import home
from ui.parts import stepping, working
from ui.text import plural


@st.cache_resource(max_entries=4, ttl=3600, show_spinner=False)
def _history(root: str, venue: str, product: str) -> History:
    return History(venue, product)


def history_of(where: Home, venue: str, product: str) -> History:
    """All bars of one market, for all sessions: whoever asks first reads what is new."""
    return _history(str(where.root), venue, product)


@st.cache_resource(max_entries=4, ttl=3600, show_spinner=False)
def _labelled(root: str, venue: str, product: str, question: Question, span: Span, last_seq: int) -> Labelled:
    reader = Reader(Home.resolve(root))
    bars = span.of(_history(root, venue, product).bars(reader, last_seq))
    return dataset.label(bars, question, venue, product, reader.unmended(venue, product))


def market_question(settings: Settings) -> Question:
    """The question that the settings ask. Raises BadInput."""
    return Question(settings.label, settings.horizon_s)


@st.cache_resource(max_entries=2, ttl=3600, show_spinner=False)
def _relative(digest: str, question: Question, _rows: Labelled) -> Labelled:
    return _rows.asked(True)


def labelled(market: Market, question: Question, relative: bool = False, span: Span = ALL) -> Labelled:
    """The rows of `market`, all or those of a `span`, that τ is set on: in bps or as a multiple of slow volatility.

    With their forward volatility and split. Shared: do not change it. Raises NotEnough.
    """
    with stepping(f"Reading {plural(market.ticks + market.trades, 'event')}") as step:
        seconds = len(history_of(home(), market.venue, market.product).bars(Reader(home()), market.last_seq))
        step(0.4, f"Labelling {plural(seconds, 'second')}")
        rows = _labelled(str(home().root), market.venue, market.product, question, span, market.last_seq)
        return _relative(rows.digest, question, rows) if relative else rows


@st.cache_resource(max_entries=4, ttl=3600, show_spinner=False)
def _distribution(digest: str, question: Question, relative: bool, _rows: Labelled) -> Distribution:
    return distribution_of(_rows)


def distribution(rows: Labelled) -> Distribution:
    """What τ is set on, binned for the dial. Shared: do not change it. Raises NotEnough where nothing has moved."""
    return _distribution(rows.digest, rows.question, rows.relative, rows)


@st.cache_resource(max_entries=4, ttl=3600, show_spinner=False)
def _everything(digest: str, question: Question, relative: bool, _rows: Labelled) -> Backdrop:
    return backdrop(_rows, *stretch_of(_rows, 0.0, "everything"))


def stretch(rows: Labelled, tau: float, which: str) -> Backdrop:
    """One of `consequence.STRETCHES` as lines. Shared: do not change it."""
    if which == "everything":
        return _everything(rows.digest, rows.question, rows.relative, rows)
    return backdrop(rows, *stretch_of(rows, tau, which))


@st.cache_resource(max_entries=4, ttl=3600, show_spinner=False)
def _signature(digest: str, horizon_s: int, _history: Bars) -> Signature:
    return estimators.signature(_history, horizon_s)


def signature(rows: Labelled, market: Market) -> Signature:
    """The volatility signature of `market`. Raises NotEnough."""
    return _signature(rows.digest, rows.question.horizon_s, stored(market))


@st.cache_resource(max_entries=4, ttl=3600, show_spinner=False)
def _ranked(digest: str, question: Question, relative: bool, _rows: Labelled) -> Ranked:
    return estimators.ranked(_rows)


def ranked(rows: Labelled) -> Ranked:
    """The forward volatility of the three estimators on the same rows. Shared: do not change it."""
    return _ranked(rows.digest, rows.question, rows.relative, rows)


def journey(market: Market) -> list[Decision]:
    """The decisions on the threshold of `market`, oldest first; read anew, since the command line writes there too."""
    return decided.of_market(decided.read(home()), market.venue, market.product)


def advice(decisions: list[Decision], rows: Labelled, settings: Settings) -> Advice | None:
    """What has become of the saved threshold since it was decided; None where all is well, or where `rows` are in
    another scale."""
    in_use = settings.tau_relative if rows.relative else settings.tau_bps
    then = decided.behind(decisions, rows, in_use)
    return decided.advice(then, rows) if then else None


def decide(rows: Labelled, tau: float, why: str) -> None:
    """Make `tau` the threshold of the question of `rows`, and keep why. Raises BadInput, Damaged, Busy."""
    decided.decide(home(), rows, tau, why, time.time_ns())


def stored(market: Market) -> Bars:
    """All bars of `market`. Shared: do not change them."""
    root = str(home().root)
    with working(f"Reading {plural(market.ticks + market.trades, 'event')}"):
        return _history(root, market.venue, market.product).bars(Reader(Home.resolve(root)), market.last_seq)


def threshold(rows: Labelled, settings: Settings) -> float:
    """τ that the settings ask for, in bps or as a multiple, as `rows` have it."""
    return rows.threshold(settings)


def meter(rows: Labelled, tau: float) -> Meter:
    """What stands behind each split at `tau`, also where training would refuse it, and whether that is enough."""
    return evidence.meter(stood_on(rows.rows, rows.spikes(tau), rows.question.horizon_s))


__all__ = [
    "advice",
    "decide",
    "distribution",
    "history_of",
    "journey",
    "labelled",
    "market_question",
    "meter",
    "ranked",
    "signature",
    "stored",
    "stretch",
    "threshold",
]
