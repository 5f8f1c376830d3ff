"""Labelled rows of the market that the settings name: what the threshold is set on and what models are trained on."""

from __future__ import annotations

import streamlit as st

from core.config import Home, Settings
from core.evaluation import evidence
from core.evaluation.evaluate import stood_on
from core.evaluation.record import Meter
from core.features import dataset
from core.features.dataset import Labelled
from core.features.labels import Question
from core.ingestion.store import Market, Reader
from ui.loaders.history import History
from ui.loaders.homes import home


@st.cache_resource(max_entries=4, ttl=3600, show_spinner=False)
def _history(root: str, venue: str, product: str) -> History:
    return History(venue, product)


@st.cache_resource(max_entries=4, ttl=3600, show_spinner=False)
def _labelled(root: str, venue: str, product: str, question: Question, last_seq: int) -> Labelled:
    reader = Reader(Home.resolve(root))
    bars = _history(root, venue, product).bars(reader, last_seq)
    return dataset.label(bars, question, venue, product, reader.unmended(venue, product))


def market_question(settings: Settings) -> Question:
    """The question that the settings ask. Raises BadInput."""
    return Question(settings.label, settings.horizon_s)


def labelled(market: Market, question: Question, relative: bool = False) -> Labelled:
    """The rows of `market` that τ is set on, in bps or as a multiple of slow volatility, with their forward volatility
    and split. Shared: do not change it. Raises NotEnough."""
    rows = _labelled(str(home().root), market.venue, market.product, question, market.last_seq)
    return rows.asked(relative)


def threshold(rows: Labelled, settings: Settings) -> float:
    """τ that the settings ask for, in bps or as a multiple, as `rows` have it."""
    return rows.threshold(settings)


def meter(rows: Labelled, tau: float) -> Meter:
    """What stands behind each split at `tau`, also where training would refuse it, and whether that is enough."""
    return evidence.meter(stood_on(rows.rows, rows.spikes(tau), rows.question.horizon_s))


__all__ = ["labelled", "market_question", "meter", "threshold"]
