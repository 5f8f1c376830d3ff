"""What was trained and compared: small files, read anew when they changed on the disk."""

from __future__ import annotations

import functools

import streamlit as st

import models
from core.config import Home, Settings
from core.evaluation import drift
from core.evaluation.drift import DriftTable
from core.features.labels import Question, Threshold
from core.ingestion.store import Market
from core.training import registry
from core.training.registry import Meta, Training
from ui import text
from ui.loaders.homes import home


def _changed_ns(where: Home) -> int:
    """Changes whenever an artifact comes or goes."""
    return where.artifacts.stat().st_mtime_ns if where.artifacts.is_dir() else 0


@st.cache_data(max_entries=4, ttl=600, show_spinner=False)
def _runs(root: str, changed_ns: int) -> list[Training]:
    return registry.runs(Home.resolve(root))


def runs() -> list[Training]:
    """Past trainings, newest first."""
    where = home()
    return _runs(str(where.root), _changed_ns(where))


def newest() -> Training | None:
    """The newest training, None when nothing was trained."""
    return next(iter(runs()), None)


@functools.cache
def offered() -> dict[str, str]:
    """Models that can be trained: name -> title, the baseline first."""
    found = models.discover()
    return {name: module.TITLE for name, module in found.items()}


def champion() -> Meta | None:
    """The model that watches the market."""
    return registry.champion(home())


def band_rule(meta: Meta | None, settings: Settings, market: Market | None) -> Threshold:
    """What bands of a live figure mark: where trailing volatility is at or above the champion's τ, where that learned
    from `market`, else the settings'."""
    if meta is not None and market is not None and (meta.venue, meta.product) == (market.venue, market.product):
        return meta.asked
    return Threshold(Question(settings.label, settings.horizon_s), settings.tau_bps, settings.tau_relative)


def theta(meta: Meta, settings: Settings) -> float:
    """The alert probability in use: the user's where it was set for this very model, else the one of validation."""
    return settings.theta_for(meta.name, meta.theta)


def stale(meta: Meta, settings: Settings, market: Market | None) -> str | None:
    """Why `meta` answers another question than the settings ask of `market`, or None."""
    return registry.stale(meta, settings, market, text.market_name)


def shadows(meta: Meta) -> list[Meta]:
    """The baselines that were trained with `meta` on the same rows, best AP on test first."""
    beside = [m for run in runs() if run.training == meta.training for m in run.models]
    return sorted((m for m in beside if m.baseline and m.name != meta.name), key=lambda m: -m.scores.pr_auc)


def comparison() -> DriftTable | None:
    """The last drift comparison."""
    return drift.drift_table(home())


@st.cache_data(max_entries=2, ttl=600, show_spinner=False)
def _sheet(root: str, made_ns: int) -> str:
    return (Home.resolve(root).drift / drift.HTML).read_text(encoding="utf-8")


def sheet(made: DriftTable) -> str:
    """Evidently's page of the comparison `made`, 4 to 5 MB of HTML that needs nothing from outside."""
    return _sheet(str(home().root), made.made_ns)


__all__ = ["band_rule", "champion", "comparison", "newest", "offered", "runs", "shadows", "sheet", "stale", "theta"]
