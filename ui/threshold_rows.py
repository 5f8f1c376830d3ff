"""Rows of the threshold page's tables as text: (columns, rows) for `ui.shell.table`. Never calls streamlit."""

from __future__ import annotations

import time
from collections.abc import Sequence

from core.features.estimators import Pair
from core.features.journey import Decision
from ui.tables import Rows
from ui.text import tau_cell
from ui.theme import MISSING, count, percent, prob, utc


def overlap_rows(pairs: Sequence[Pair]) -> Rows:
    """Whose spikes are whose, at the same percentile: of each pair how many it has, shares, and how much is common."""
    rows = [
        [
            f"{p.one}, {p.other}",
            count(p.n_one),
            count(p.n_other),
            count(p.both),
            percent(p.both / p.n_one) if p.n_one else MISSING,
            percent(p.both / p.n_other) if p.n_other else MISSING,
            prob(p.jaccard),
        ]
        for p in pairs
    ]
    return ["pair", "first", "second", "both", "of the first", "of the second", "Jaccard"], rows


def overlap_sentence(pairs: Sequence[Pair], label: str) -> str:
    """What the others find of the spikes of `label`."""
    found = [
        (other, n, p.both)
        for p in pairs
        for mine, other, n in ((p.one, p.other, p.n_one), (p.other, p.one, p.n_other))
        if mine == label and n
    ]
    if not found:
        return ""
    said = ", ".join(f"{other} finds {100 * both / n:.0f} %" for other, n, both in found)
    return f"Of {found[0][1]:,} {label} spikes {said}."


def journey_rows(decisions: Sequence[Decision], most: int = 50) -> Rows:
    """Decisions on τ, newest first: when, on what, what τ meant there, and why."""
    now = time.time_ns()
    rows = [
        [
            utc(d.decided_ns, now, zone=False),
            tau_cell(d.tau_bps, d.tau_relative, " bps"),
            f"P{d.percentile:.1f}",
            f"{d.label}, {d.horizon_s} s",
            count(d.size),
            " / ".join(count(n) for n in d.spikes.values()),
            " / ".join(count(n) for n in d.episodes.values()),
            d.why or MISSING,
        ]
        for d in list(reversed(decisions))[:most]
    ]
    return ["when, UTC", "τ", "percentile", "question", "rows", "spikes", "episodes", "why"], rows


__all__ = ["journey_rows", "overlap_rows", "overlap_sentence"]
