"""Rows of the evaluation page's tables as text, made of one `Evaluation`. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.evaluation.record import Alerts, Estimate, Evaluation, Leakage, Meter
from ui.evidence import NO_INTERVAL, lead_of, named, of_kind, planted_lines, question_of, said
from ui.tables import Rows
from ui.text import market_name, plural, tau_cell
from ui.theme import MISSING, count, gain, lift, percent, score, utc

if TYPE_CHECKING:
    from core.evaluation.leakage import Planted


def meter_rows(meter: Meter) -> Rows:
    """What the seconds of each split come down to: trials that share nothing, and the few things that happened."""
    rows = [
        [
            e.split, "● enough" if e.enough else "▲ too few", count(e.rows), count(e.horizons), count(e.episodes),
            count(e.spikes), percent(e.spikes / e.rows) if e.rows else MISSING,
        ]
        for e in meter.splits
    ]  # fmt: skip
    return ["split", "evidence", "seconds", "independent horizons", "episodes", "spikes", "base rate"], rows


def judged_rows(e: Evaluation) -> Rows:
    """One row a model, best inside sessions first: scores pooled and within, what it adds, and its alerts."""
    base, inside = percent(e.base_rate), percent(e.models[0].within.base_rate)
    columns = [
        "model", f"inside sessions: AP\nbase rate {inside}", "lift", "over best baseline,\ninside sessions",
        f"pooled: AP\nbase rate {base}", "lift", "F1\nat θ", "caught at\n2 alerts/h", "false\nan hour",
    ]  # fmt: skip
    rows = []
    for m in e.models:
        best = m.name == e.best_within
        at = next((a for a in m.alerts if a.budget_per_h == 2 and not a.onset), None)
        rows.append(
            [
                named(m, e), said(m.within.ap, score), said(m.within.lift, lift),
                "is the best\nbaseline" if best else said(m.within.over_best, gain),
                said(m.ap, score), said(m.lift, lift), said(m.f1), _caught(at), _false(at),
            ]
        )  # fmt: skip
    return columns, rows


def _caught(at: Alerts | None) -> str:
    if at is None:
        return MISSING
    return f"{at.caught} of {at.episodes}\n{_ends(at.recall)}"


def _share(x: float | None) -> str:
    return MISSING if x is None else f"{100 * x:.0f} %"


def _false(at: Alerts | None) -> str:
    return MISSING if at is None else f"{at.false_per_h:.1f}\n{at.alerts - at.right} in {at.hours:.1f} h"


def alert_rows(e: Evaluation, budget_per_h: float, onset: bool) -> Rows:
    """What each model's alerts at one budget were worth: counted in alerts and episodes, never in rows."""
    found = [(m, a) for m in e.models for a in m.alerts if (a.budget_per_h, a.onset) == (budget_per_h, onset)]
    rows = [
        [
            named(m, e), score(a.theta), f"{a.alerts} in {a.hours:.1f} h", _caught(a),
            f"{a.right} of {a.alerts}\n{_ends(a.precision)}" if a.alerts else "no alert", f"{a.false_per_h:.1f}",
            MISSING if a.lead_s is None else f"{a.lead_s:.0f} s",
        ]
        for m, a in found
    ]  # fmt: skip
    columns = ["model", "θ", "alerts", "episodes caught", "alerts right", "false an hour", "median lead"]
    return columns, rows


def _ends(x: Estimate) -> str:
    """The interval of a share; none where all draws agree: that is no knowledge, but a lack of cases."""
    known = x.low is not None and x.high is not None and x.low < x.high
    return f"({_share(x.low)} to {_share(x.high)})" if known else NO_INTERVAL


def probability_rows(e: Evaluation) -> Rows:
    """Whether each model's probability means what it says."""
    rows = [
        [named(m, e), said(m.probability.brier_skill), f"{m.probability.ece:.3f}", f"{m.probability.log_loss:.3f}",
         f"{m.probability.brier:.4f}"]
        for m in e.models
    ]  # fmt: skip
    return ["model", "Brier skill", "ECE", "log loss", "Brier score"], rows


def group_rows(e: Evaluation) -> Rows:
    """Days and regimes: what each holds, and AP with its lift of the champion and of the best baseline."""
    lead = lead_of(e)
    best = next((m for m in e.models if m.name == e.best_within and m.name != lead.name), None)
    shown = [lead, *([best] if best else [])]
    rows = []
    for i, g in enumerate(of_kind(lead, ("day", "regime"))):
        mine = [of_kind(m, ("day", "regime"))[i] for m in shown]
        rows.append(
            [
                f"{g.name} hours" if g.kind == "regime" else g.name, count(g.rows), count(g.spikes),
                percent(g.base_rate),
                *(MISSING if x.ap is None else f"{score(x.ap)}, {lift(x.lift)}" for x in mine),
            ]
        )  # fmt: skip
    return ["day or regime", "seconds", "spikes", "base rate", *(f"{m.title}:\nAP, lift" for m in shown)], rows


def fold_rows(e: Evaluation) -> Rows:
    """One row a walk-forward fold: when it was tested, on what, and each model's AP with its lift."""
    models = list(dict.fromkeys(f.model for f in e.folds))
    titles = {m.model: m.title for m in e.models}
    rows = []
    for number in sorted({f.number for f in e.folds}):
        mine = {f.model: f for f in e.folds if f.number == number}
        f = next(iter(mine.values()))
        rows.append(
            [
                str(number), f"{utc(f.first_ns, 1, zone=False)} to {utc(f.last_ns, 1, zone=False)}",
                count(f.train_rows),
                count(f.rows), count(f.spikes), tau_cell(f.tau_bps, f.tau_relative), percent(f.base_rate),
                *(_fold_score(mine[m].ap, mine[m].lift, mine[m].note) if m in mine else MISSING for m in models),
            ]
        )  # fmt: skip
    columns = ["fold", "tested, UTC", "trained on", "seconds", "spikes", "τ, bps or ×", "base rate"]
    return [*columns, *(f"{titles.get(m, m)}:\nAP, lift" for m in models)], rows


def _fold_score(ap: float | None, times: float | None, why: str) -> str:
    return why or MISSING if ap is None else f"{score(ap)}, {lift(times)}"


def check_rows(leakage: Leakage) -> Rows:
    """The doctor's checks, each with its answer and its numbers."""
    word = {True: "● passed", False: "■ failed", None: "○ not asked"}
    return ["check", "answer", "what it saw"], [
        [check.name.replace("_", " "), word[check.passed], check.detail] for check in leakage.checks
    ]


def planted_rows(planted: Planted) -> Rows:
    """Each model's average precision with the leak and without it."""
    leaking, honest = planted_lines(planted)
    rows = [
        [a.title, score(a.pr_auc), percent(a.base_rate), score(b.pr_auc), percent(b.base_rate)]
        for a, b in zip(leaking, honest, strict=True)
    ]
    return ["model", "AP with the leak", "base rate", "AP honest", "base rate"], rows


def compared_rows(a: Evaluation, b: Evaluation) -> Rows:
    """Two trainings side by side, line by line."""

    def column(e: Evaluation) -> list[str]:
        lead, test = lead_of(e), e.meter.splits[-1]
        return [
            market_name(e.venue, e.product), question_of(e), f"{e.fingerprint[:8]}",
            f"{count(test.rows)} seconds, {plural(test.episodes, 'episode')}", percent(e.base_rate), e.verdict.word,
            f"{lead.title}{' ★' if lead.name == e.champion else ''}", said(lead.within.ap, score),
            said(lead.within.lift, lift),
            said(lead.within.over_best, gain), said(lead.ap, score),
            said(lead.lift, lift), e.leakage.words.split(": ")[1],
        ]  # fmt: skip

    names = [
        "market", "question", "data fingerprint", "test part", "base rate", "verdict", "champion",
        "AP inside sessions", "lift inside sessions", "over best baseline, inside", "AP pooled", "lift pooled",
        "leakage",
    ]  # fmt: skip
    return ["", f"this run, {a.training}", f"other run, {b.training}"], [
        list(r) for r in zip(names, column(a), column(b))
    ]


__all__ = [
    "alert_rows", "check_rows", "compared_rows", "fold_rows", "group_rows", "judged_rows", "meter_rows", "planted_rows",
    "probability_rows",
]  # fmt: skip
