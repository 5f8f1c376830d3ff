"""Rows of the pages' tables as text: (columns, rows) for `ui.shell.table`. Never calls streamlit."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from core.evaluation.drift import DriftTable
from core.evaluation.record import Fold, Meter
from core.ingestion.store import Quarantined
from core.ingestion.ticks import odd_quote
from core.training.folds import lifts, mean_lift
from core.training.registry import Meta, Training
from core.training.tuned import Tuned
from ui.text import market_name, tau_cell
from ui.theme import MISSING, bps, count, duration, lift, percent, price, prob, score, size, utc

Row = dict[str, Any]
Rows = tuple[list[str], list[list[str]]]


def _number(x: float | None, digits: int) -> str:
    return MISSING if x is None else f"{x:.{digits}f}"


def tick_rows(ticks: Sequence[Row]) -> Rows:
    """Newest first: exchange time (else ours), bid, ask, last trade, its taker's side, what is odd of the quotes."""
    now = time.time_ns()
    rows = [
        [
            utc(t["exch_ts_ns"] or t["local_ts_ns"], now, zone=False),
            price(t["bid"]),
            price(t["ask"]),
            price(t["price"]),
            t["side"] or MISSING,
            odd_quote(t["bid"], t["ask"]),
        ]
        for t in reversed(ticks)
    ]
    return ["UTC", "bid", "ask", "last trade", "taker", "quotes"], rows


def gap_rows(gaps: Sequence[Row], most: int = 12) -> Rows:
    """Newest first: when, how long, how it was seen, how many trades are missing, what became of it."""
    now = time.time_ns()
    rows = [
        [
            utc(g["from_ns"], now, zone=False),
            duration((g["to_ns"] - g["from_ns"]) / 1e9),
            g["seen"].replace("_", " "),
            _missing(g),
            g["state"],
            g["detail"],
        ]
        for g in sorted(gaps, key=lambda g: -g["from_ns"])[:most]
    ]
    return ["from, UTC", "for", "seen by", "trades missing", "state", "what is known"], rows


def _missing(gap: Row) -> str:
    if gap["missing"] is None:
        return "unknown"
    if gap["still_missing"] in (0, gap["missing"]):
        return count(gap["missing"])
    return f"{count(gap['still_missing'])} of {count(gap['missing'])}"


def quarantine_rows(frames: Sequence[Quarantined], most: int = 120) -> Rows:
    """Newest first: when it came, why it was refused, its size, and its first bytes as printable ASCII."""
    now = time.time_ns()
    rows = [[utc(f.local_ts_ns, now, zone=False), f.reason, size(len(f.frame)), inert(f.frame, most)] for f in frames]
    return ["received, UTC", "why", "size", "its first bytes"], rows


def inert(frame: bytes, most: int) -> str:
    """The first `most` bytes as text that can do nothing: what is no printable ASCII, and the backslash, is escaped.

    >>> inert(b'{"a":1}', 10), inert(b"\\x00\\xff<b>", 3)
    ('{"a":1}', '\\\\x00\\\\xff< ...')
    """
    text = "".join(chr(b) if 32 <= b < 127 and b != 92 else f"\\x{b:02x}" for b in frame[:most])
    return text + (" ..." if len(frame) > most else "")


def split_rows(meter: Meter) -> Rows:
    """Rows, spikes and base rate of each split."""
    rows = [
        [e.split, count(e.rows), count(e.spikes), percent(e.spikes / e.rows) if e.rows else MISSING]
        for e in meter.splits
    ]
    return ["split", "seconds", "spikes", "base rate"], rows


def evidence_rows(meter: Meter) -> Rows:
    """What the seconds of each split come down to: trials that share nothing, and the few things that happened."""
    rows = [
        [e.split, "● enough" if e.enough else "▲ too few", count(e.horizons), count(e.episodes), count(e.spikes)]
        for e in meter.splits
    ]
    return ["split", "evidence", "independent horizons", "episodes", "spikes"], rows


def run_rows(runs: Sequence[Training], champion: Meta | None, most: int = 30) -> Rows:
    """Trained models, newest first: when, model, market, question, scores, MLflow's run."""
    now = time.time_ns()
    rows = []
    for training in runs:
        for m in training.models:
            star = " ★" if champion is not None and m.name == champion.name else ""
            s = m.scores
            rows.append(
                [
                    utc(m.trained_ns, now, zone=False),
                    m.title + star,
                    market_name(m.venue, m.product),
                    f"{m.label}, leaky" if m.leaky else m.label,
                    tau_cell(m.tau_bps, m.tau_relative),
                    prob(s.pr_auc),
                    percent(s.base_rate),
                    lift(s.lift),
                    prob(s.f1),
                    m.run_id[:8] or MISSING,
                ]
            )
    columns = ["when, UTC", "model", "market", "label", "τ, bps or ×", "AP", "base rate", "lift", "F1", "MLflow run"]
    return columns, rows[:most]


def score_rows(training: Training, champion: Meta | None) -> Rows:
    """One row a model of one training, best AP first; every score with the rows and spikes behind it."""
    rows = []
    for m in sorted(training.models, key=lambda m: -m.scores.pr_auc):
        s = m.scores
        star = " ★" if champion is not None and m.name == champion.name else ""
        rows.append(
            [
                m.title + star,
                prob(s.pr_auc),
                percent(s.base_rate),
                lift(s.lift),
                prob(s.f1),
                prob(s.precision),
                prob(s.recall),
                score(s.theta),
                count(s.n_rows),
                count(s.n_spikes),
            ]
        )
    return ["model", "AP", "base rate", "lift", "F1", "precision", "recall", "θ", "rows", "spikes"], rows


def confusion_rows(meta: Meta) -> Rows:
    """What θ did on the test split."""
    s = meta.scores
    return ["", "alert", "no alert", "seconds"], [
        ["spike", count(s.tp), count(s.fn), count(s.tp + s.fn)],
        ["no spike", count(s.fp), count(s.tn), count(s.fp + s.tn)],
        ["seconds", count(s.tp + s.fp), count(s.fn + s.tn), count(s.n_rows)],
    ]


def drift_rows(made: DriftTable, *, moved: bool) -> Rows:
    """One row a feature that moved (or did not), farthest from its threshold first."""
    ordered = sorted((f for f in made.features if f.moved == moved), key=lambda f: -abs((f.value or 0.0) - f.threshold))
    rows = [
        [
            "▲ moved" if f.moved else "● as before",
            f.feature,
            f.statistic,
            _number(f.value, 3),
            _number(f.threshold, 3),
            bps(f.reference_median),
            bps(f.current_median),
        ]
        for f in ordered
    ]
    return ["verdict", "feature", "statistic", "value", "threshold", "median, reference", "median, current"], rows


def fold_rows(folds: Sequence[Fold]) -> Rows:
    """The folds of one training: what each was trained on and scored on. Base rate and τ are the same for all
    models."""
    now = time.time_ns()
    rows = [
        [
            str(f.number),
            utc(f.first_ns, now, zone=False),
            count(f.train_rows),
            count(f.rows),
            count(f.spikes),
            percent(f.base_rate),
            tau_cell(f.tau_bps, f.tau_relative),
        ]
        for f in {f.number: f for f in folds}.values()
    ]
    return ["fold", "scored from, UTC", "trained on", "scored on", "spikes", "base rate", "τ, bps or ×"], rows


def fold_lift_rows(folds: Sequence[Fold], titles: dict[str, str], champion: str) -> Rows:
    """One row a model, best mean lift first: mean, lowest and highest lift, and the lift on each fold."""
    numbers = sorted({f.number for f in folds})
    found = []
    for model in dict.fromkeys(f.model for f in folds):
        mine = {f.number: f.lift for f in folds if f.model == model}
        values = lifts(folds, model)
        mean = mean_lift(values)
        found.append(
            (
                -(mean or 0.0),
                [
                    titles.get(model, model) + (" ★" if model == champion else ""),
                    lift(mean),
                    f"{lift(min(values))} to {lift(max(values))}" if values else MISSING,
                    *(lift(mine.get(n)) for n in numbers),
                ],
            )
        )
    columns = ["model", "mean lift", "lowest to highest", *(f"fold {n}" for n in numbers)]
    return columns, [row for _, row in sorted(found, key=lambda pair: pair[0])]


def tuning_rows(tunings: Sequence[Tuned]) -> Rows:
    """One row a tuned model: when, trials, mean lift of its own parameters and of the best, the gain and its error."""
    now = time.time_ns()
    rows = [
        [
            t.title,
            "in use" if t.used else "own parameters",
            utc(t.made_ns, now, zone=False),
            f"{len(t.trials)} of {t.asked}",
            lift(t.own_lift),
            lift(t.lift),
            f"{100 * math.expm1(t.gain):+.0f} ± {100 * math.expm1(t.error):.0f} %".replace("-", "−"),
        ]
        for t in tunings
    ]
    return ["model", "next training", "when, UTC", "trials", "own lift", "best lift", "gain"], rows


__all__ = [
    "Rows",
    "confusion_rows",
    "drift_rows",
    "evidence_rows",
    "fold_lift_rows",
    "fold_rows",
    "gap_rows",
    "run_rows",
    "score_rows",
    "split_rows",
    "tick_rows",
    "tuning_rows",
]
