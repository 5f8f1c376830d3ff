"""The report's pages: verdict and summary; curves and comparison; events; probability, groups, folds, data and
drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from core.evaluation.drift import DriftTable
from core.evaluation.record import Evaluation
from core.evaluation.reports import tables
from core.evaluation.reports.events_plot import draw, story, told
from core.evaluation.reports.plots import curves, dots, lifts, reliability
from core.evaluation.reports.sheet import BAD, BODY, HEIGHT, INNER, MARGIN, MUTED, OK, PAPER, SMALL, WARN, WIDTH, Paper
from core.evaluation.reports.words import (
    FEW_BLOCKS,
    count,
    lead,
    no_interval,
    number,
    plural,
    question,
    said,
    shifted,
    signed,
    title_of,
    traced,
    unit,
    utc,
    verdict,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BUDGET_PER_H: Final = 2.0
"""Alerts an hour whose alerts are drawn on the time line."""
LEAKY: Final = "LEAKY: no score here says anything of the future"
GLYPHS: Final = {"shown": ("●", OK), "not shown": ("○", MUTED), "no conclusion": ("▲", WARN), "leaky": ("■", BAD)}


def report(e: Evaluation, rows: pd.DataFrame, drift: DriftTable | None) -> list[Figure]:
    """All pages. rows : as `archive.load_rows` gives them; drift : the home's last comparison, None where there is
    none."""
    paper = Paper(
        f"Tremor, model evaluation: {e.venue} {e.product}, training {e.training}, evaluated {utc(e.made_ns)}",
        traced(e), LEAKY if e.leakage.verdict == "leaky" else "",
    )  # fmt: skip
    _verdict(paper, e)
    paper.page()
    _comparison(paper, e)
    _events(paper, e, rows)
    paper.room(HEIGHT / 2)
    _probability(paper, e)
    _groups(paper, e)
    _folds(paper, e)
    _data(paper, e, drift)
    return paper.finished()


def comparison(e: Evaluation) -> Figure:
    """The picture of all models: average precision with its interval, inside sessions and pooled, beside the base
    rate."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tall = 1.35 + 0.3 * len(e.models) + (0.35 if e.leakage.verdict == "leaky" else 0)
    figure = Figure(figsize=(10.7, tall), dpi=150, facecolor=PAPER)
    FigureCanvasAgg(figure)
    for n, inside in enumerate((True, False)):
        axes = figure.add_axes((0.215 + 0.41 * n, 0.5 / tall, 0.345, 0.3 * len(e.models) / tall), facecolor=PAPER)
        dots(axes, e, inside=inside, room=150 * (n == 0), size=9)
    low = 0.12 / tall
    figure.text(0.012, low, f"{question(e)}  {traced(e)}", fontsize=7, color=MUTED)
    top = 1 - 0.24 / tall
    if e.leakage.verdict == "leaky":
        figure.text(0.012, top - 0.1 / tall, LEAKY, fontsize=18, color=BAD, fontweight="bold")
        top -= 0.4 / tall
    note = " Hollow: no interval, too few blocks hold a spike." if no_interval(e) else ""
    figure.text(0.012, top, f"Average precision on the test part, 95 % interval; {e.leakage.words}.{note}", fontsize=9)
    return figure


def _verdict(paper: Paper, e: Evaluation) -> None:
    paper.text("Can this forecast be trusted?", 17, bold=True, after=4)
    paper.text(question(e), 10.5, after=12)
    mark, colour = GLYPHS[e.verdict.word]
    paper.text(f"{mark} {e.verdict.word.capitalize()}", 17, colour, bold=True, after=2)
    paper.text(verdict(e), 10.5, after=8)
    paper.text(f"{unit(e)} {e.leakage.words.capitalize()}.", after=2)
    if why := no_interval(e):
        paper.text(why, SMALL, MUTED, after=2)

    paper.block(
        "Evidence",
        "Neighbouring seconds share nearly all of their horizon: what counts is how often something "
        "happened. At least 30 spikes and 5 episodes are needed in the test part.",
    )
    paper.table(tables.evidence(e))
    paper.text(f"{e.meter.sentence} {_hours(e)}".strip())

    paper.block("Leakage", _leakage(e))
    paper.table(tables.checks(e))

    paper.block("Where the numbers come from", needs=paper.needs(tables.identity(e)))
    paper.table(tables.identity(e))


def _hours(e: Evaluation) -> str:
    width = f"an interval of the AP {e.meter.width:.2f} wide"
    if e.meter.hours_to_width is None:
        return f"Hours until {width} cannot be told: there is no interval yet."
    if e.meter.hours_to_width == 0:
        return f"The test part gives {width} or narrower."
    more = number(e.meter.hours_to_width, 1 if e.meter.hours_to_width < 10 else 0)
    return f"For {width} about {more} more hours of capture are needed."


def _leakage(e: Evaluation) -> str:
    sentence = {
        "clean": "Clean: every check that looks for the future in the inputs was asked and passed.",
        "leaky": "Leaky: the future, or the test part, is in what the models learned from. Do not use these scores.",
        "undecided": "Undecided: no check failed, but not all could be asked. A clean bill is not claimed.",
    }[e.leakage.verdict]
    passed = sum(c.passed is True for c in e.leakage.checks)
    return f"{sentence} {passed} of {len(e.leakage.checks)} passed."


def _comparison(paper: Paper, e: Evaluation) -> None:
    paper.block(
        "Precision and recall",
        "All alert probabilities of the test part at once. The circle is θ as validation chose it; the shade is the "
        "95 % band; dotted are baselines and the base rate.",
    )  # fmt: skip
    side = 260.0
    drawn = curves(paper.axes(MARGIN + 30, side, side), e)
    paper.y += side + 34
    m, notes = lead(e), []
    if len(drawn) < len(e.models):
        notes.append(
            f"{len(drawn)} of {len(e.models)} curves are drawn: the model shown, the best baselines, the next best."
        )
    if not m.band.recall:
        notes.append(f"No band: {FEW_BLOCKS}.")
    if notes:
        paper.text(" ".join(notes), SMALL, MUTED, after=0)

    paper.block(
        "Average precision, pooled and inside sessions",
        "Pooled, a model earns by telling a busy day from a quiet one. Inside sessions (cut at each full hour) only "
        "telling seconds apart counts, and the verdict speaks of that. A dot without a line, hollow, has no interval.",
        needs=20 + 17 * len(e.models),
    )  # fmt: skip
    high = 17.0 * len(e.models)
    for n, inside in enumerate((True, False)):
        dots(paper.axes(MARGIN + 130 + 200 * n, 165, high, paper.y + 12), e, inside=inside, room=124 * (n == 0))
    paper.y += high + 32
    every = tables.models(e)
    paper.block("All models, best inside sessions first", needs=paper.needs(every))
    paper.table(every)
    paper.text(
        f"Differences are paired. The best baseline is the best on test: pooled {title_of(e, e.best_baseline)}, inside "
        f"sessions {title_of(e, e.best_within)}. {no_interval(e)}", SMALL, MUTED,
    )  # fmt: skip


def _events(paper: Paper, e: Evaluation, rows: pd.DataFrame) -> None:
    model = lead(e)
    at = next((a for a in model.alerts if a.budget_per_h == BUDGET_PER_H and not a.onset), None)
    paper.block(
        "Events on the test part",
        f"Shaded: episodes of volatility at τ or above. Alerts of {model.title} at a budget of {BUDGET_PER_H:g} an "
        "hour: ◆ caught an episode (the line leads to its start), ○ an episode missed, × a false alert, ◇ not decided.",
        needs=328,
    )  # fmt: skip
    did = None if at is None else story(e, rows, at)
    if at is None or did is None:
        paper.text(
            "No time line: the kept rows are missing, or the alert rule was another when they were counted. Train "
            "again to see it.", colour=MUTED,
        )  # fmt: skip
    else:
        x, width, top = MARGIN + 52, INNER - 52 - 34, paper.y + 12
        price, marks, p = (paper.axes(x, width, h, top + dy) for h, dy in ((110, 0), (40, 122), (82, 180)))
        draw(price, marks, p, e, did, at)
        paper.y = top + 180 + 82 + 26
        paper.text(told(did, at), BODY)
    paper.block(
        f"Operating points of {model.title}",
        "θ is chosen on validation for each budget, with hysteresis and a cooldown of one horizon. An alert is right "
        "when an episode starts within the horizon after it. Onset only: while volatility is not up already.",
        needs=paper.needs(tables.budgets(e)),
    )  # fmt: skip
    paper.table(tables.budgets(e), empty="No alerts were judged.")
    if not any(a.episodes for a in model.alerts):
        paper.text("No episode starts inside the test part, so nothing could be caught.", colour=MUTED)
    every = tables.alerts(e, BUDGET_PER_H)
    paper.block(f"All models at {BUDGET_PER_H:g} alerts an hour", needs=paper.needs(every))
    paper.table(every, empty="No alerts were judged.")


def _probability(paper: Paper, e: Evaluation) -> None:
    m = lead(e)
    quality = m.probability
    paper.block(
        f"Probability: does P mean what it says? {m.title}",
        "Rows in bins of equal number by forecast; the lines are 95 % intervals; above the dotted line the forecast "
        "is too low. Brier skill is against always forecasting the training part's base rate: 0 is no better.",
    )  # fmt: skip
    if quality.bins:
        side = 190.0
        top = paper.y
        reliability(paper.axes(MARGIN + 34, side, side), quality.bins)
        x = MARGIN + 34 + side + 26
        paper.y = top + 4
        for text in (
            f"Brier skill {said(quality.brier_skill, signed)}", f"expected calibration error {quality.ece:.3f}",
            f"log loss {quality.log_loss:.3f}", f"Brier score {quality.brier:.3f}", m.calibration,
            f"{plural(len(quality.bins), 'point')} of {count(min(b.rows for b in quality.bins))} to "
            f"{count(max(b.rows for b in quality.bins))} rows" if len(quality.bins) > 1 else "",
        ):  # fmt: skip
            if text:
                paper.text(text, x=x, room=WIDTH - MARGIN - x, after=4)
        paper.y = top + side + 36
    else:
        paper.text("No reliability plot: the evaluation has no bins of forecasts.", colour=MUTED)
    paper.table(tables.probabilities(e))
    if why := shifted(e):
        paper.text(why, SMALL, MUTED)


def _groups(paper: Paper, e: Evaluation) -> None:
    m = lead(e)
    sessions = [g for g in m.groups if g.kind == "session"]
    best = next((x for x in e.models if x.name == e.best_within and x.name != m.name), None)
    against = f" Open dots: {best.title}, the best baseline." if best else ""
    paper.block(
        "Sessions, days and regimes",
        f"Lift of {m.title} (filled) in each session of the test part.{against} Sessions with one class only have no "
        "score. Regimes are the thirds of the volatility of 300 s in the training part.",
        needs=150,
    )  # fmt: skip
    if any(g.lift is not None for g in sessions):
        named = {(g.kind, g.name): g.lift for g in best.groups} if best else {}
        theirs = [named.get((g.kind, g.name)) for g in sessions] if best else None
        axes = paper.axes(MARGIN + 24, INNER - 24 - 60, 90, paper.y + 4)
        lifts(axes, [utc(g.first_ns)[5:16] for g in sessions], [g.lift for g in sessions], theirs)
        axes.text(
            1.01, 1, "1: no skill", color=MUTED, fontsize=SMALL, va="center", transform=axes.get_yaxis_transform()
        )
        paper.y += 90 + 26
    else:
        paper.text("No picture: no session holds both spikes and calm seconds.", colour=MUTED)
    paper.table(tables.groups(e), empty="No stretch of the test part was judged on its own.")


def _folds(paper: Paper, e: Evaluation) -> None:
    table = tables.folds(e)
    paper.block("Walk-forward folds", e.folds_note, needs=paper.needs(table, 6.5))
    paper.table(
        table, size=6.5,
        empty="No folds in this evaluation: everything above rests on one split in time, and on one test part.",
    )  # fmt: skip


def _data(paper: Paper, e: Evaluation, drift: DriftTable | None) -> None:
    paper.block("Data and drift")
    train, test = e.meter.splits[0], e.meter.splits[-1]
    paper.text(
        f"{e.venue} {e.product}, {count(sum(s.rows for s in e.meter.splits))} rows of one second from "
        f"{utc(train.first_ns)} to {utc(test.last_ns)}, split in time: train, validation, test. Fingerprint "
        f"{e.fingerprint}." + (f" Features this data lacks: {', '.join(e.missing)}." if e.missing else "")
    )
    if drift is None:
        paper.text("Drift: the features were not compared yet (python -m core drift).", colour=MUTED)
        return
    other = "" if drift.fingerprint == e.fingerprint else f" These are other data ({drift.fingerprint})."
    paper.text(
        f"Drift: {drift.moved} of {len(drift.features)} features moved from {drift.reference.name} "
        f"({count(drift.reference.rows)} rows) to {drift.current.name} ({count(drift.current.rows)} rows), compared "
        f"{utc(drift.made_ns)}.{other} {drift.note}"
    )
    paper.table(tables.drift(drift), size=6.5)
