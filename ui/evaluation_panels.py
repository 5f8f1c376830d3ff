"""The evaluation page's panels, in the order a person reads them: what may be said, scores, curves, calibration,
parts."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from core.evaluation.record import Evaluation
from core.jobs import Job
from core.training.registry import Meta, Training
from ui import actions, charts, loaders, text
from ui.cells import VERDICT_LEVEL
from ui.evaluation_rows import fold_rows, group_rows, judged_rows, meter_rows, probability_rows
from ui.evidence import (
    best_of,
    curve_lines,
    lead_of,
    lift_lines,
    lines_of,
    pooled_lines,
    question_of,
    role_of,
    summary,
    why_no_interval,
    within_lines,
)
from ui.live_figure import live_figure
from ui.shell import block, box, fragment, kind, note, table
from ui.tables import confusion_rows, score_rows
from ui.text import FIGURES, market_name
from ui.theme import duration, prob, score, utc

TERMS = (
    "within", "ap", "base_rate", "lift", "interval", "precision", "recall", "f1", "theta", "budget", "episode", "onset",
    "lead", "horizons", "brier", "ece", "log_loss", "purge",
)  # fmt: skip


def figure(drawn: go.Figure, key: str) -> None:
    """A figure of ours, with what it shows in words."""
    live_figure(drawn, key=key, label=FIGURES[key], zoom=False)


def progress(job: Job, stop: str) -> None:
    """How far a running job is, with a button to stop it; the page is drawn anew when it ends."""

    @fragment(run_every=1.0 if job.running else None)
    def watch() -> None:
        now = loaders.job(job.name)
        if now.running:
            st.progress(min(max(now.progress, 0.0), 1.0), text=now.message or "starting")
            if st.button(stop, key=f"stop_{job.name}"):
                actions.stop(job.name)
                st.rerun()
        elif job.running:
            st.rerun()

    watch()


def plain(training: Training, champion: Meta | None) -> None:
    """The scores of a training that was made before evaluations existed."""
    box(
        "This training was made before evaluations existed: its scores have no intervals, no alerts and no verdict. "
        "Train again to get them.",
        "warn",
        key="before",
    )
    best = best_of(training, champion)
    left, right = st.columns([3, 2], gap="large")
    with left:
        block(
            "Precision and recall",
            f"test split, {market_name(training.venue, training.product)}, "
            f"τ {text.tau(training.tau_bps, training.tau_relative)} over the next {training.horizon_s} s",
        )
        figure(charts.pr_curves(kind(), lines_of(training, champion)), "pr")
    with right:
        confusion(best)
        block("Average precision", "test split; the line is an alert at random")
        figure(charts.ap_dots(kind(), lines_of(training, champion)), "ap")
    block("All models", "every score with the rows and spikes behind it")
    table(*score_rows(training, champion), key="scores")
    note(summary(best))
    if best.missing:
        note(text.left_out(best.missing))
    block("Leakage")
    box(text.sentence(best.leakage.words) + " No verdict is implied.", "idle", key="leakage")


def confusion(best: Meta) -> None:
    """What θ did on test."""
    block(f"At θ {score(best.scores.theta)}", f"{best.title}, the best F1 on validation, counted on test")
    table(*confusion_rows(best), key="confusion")


def verdict(e: Evaluation) -> None:
    """What may be said of the champion, and what stands behind it."""
    box(e.verdict.sentence, VERDICT_LEVEL[e.verdict.word], key="verdict")
    block("Evidence", "rows are many; independent horizons are the trials, episodes are what happened")
    table(*meter_rows(e.meter), text=(0, 1), key="evidence")
    test, meter = e.meter.splits[-1], e.meter
    said = [] if meter.sentence == e.verdict.sentence else [meter.sentence]
    if meter.hours_to_width:
        more = duration(3600 * meter.hours_to_width)
        said.append(f"An interval of the AP {prob(meter.width)} wide takes about {more} more of capture.")
    elif meter.hours_to_width is None and not meter.enough:
        said.append("How long until the AP's interval is narrow cannot be told: it has none yet.")
    said.append(
        f"Test: {test.hours:.1f} h in {text.plural(test.sessions, 'session')}, {utc(test.first_ns, 1)} to "
        f"{utc(test.last_ns, 1)}."
    )
    note(" ".join(said))


def scores(e: Evaluation) -> None:
    """All models, sorted."""
    block("All models", f"test split, {market_name(e.venue, e.product)}, {question_of(e)}")
    lead = lead_of(e)
    at = next((i for i, m in enumerate(e.models) if m.name == lead.name), None)
    table(*judged_rows(e), strong=at, key="scores")
    best = next((m.title for m in e.models if m.name == e.best_within), None)
    best_said = (
        f"The best baseline inside sessions is {best}. " if best else "No baseline was trained to compare with. "
    )
    note(
        "Sorted by the score inside sessions: a pooled score is mostly the ability to tell a busy hour from a quiet "
        f"one. {best_said}In brackets: 95 % intervals. Caught and false are counts of alerts, all of them, on test. "
        + why_no_interval(e)
    )
    if e.missing:
        note(text.left_out(e.missing))


def curves(e: Evaluation, best: Meta) -> None:
    """Precision over recall with the champion's band, what θ did, and average precision inside sessions and pooled."""
    lead, lines = lead_of(e), curve_lines(e)
    left, right = st.columns([3, 2], gap="large")
    with left:
        band = "shaded: its 95 % band" if lead.band.recall else "no band: too few spikes for one"
        block("Precision and recall", f"pooled, test split; dot: θ {score(lead.theta)} of {lead.title}, {band}")
        figure(charts.pr_curves(kind(), lines), "pr")
        if len(lines) < len(e.models):
            note(f"Drawn: the champion, the best baselines and the next best, {len(lines)} of {len(e.models)} models.")
    with right:
        confusion(best)
        note(
            f"Seconds, not alerts: at this θ precision is {prob(best.scores.precision)}, recall "
            f"{prob(best.scores.recall)}, F1 {prob(best.scores.f1)}."
        )
    left, right = st.columns(2, gap="large")
    with left:
        block("Average precision inside sessions", "bar: 95 % interval; line: an alert at random")
        figure(charts.ap_dots(kind(), within_lines(e), what="average precision of ranks, inside sessions"), "ap_within")
    with right:
        block("Average precision, pooled", "flatters: it also tells busy hours from quiet ones")
        figure(charts.ap_dots(kind(), pooled_lines(e)), "ap")


def calibration(e: Evaluation) -> None:
    """Whether a probability means what it says."""
    lead = lead_of(e)
    left, right = st.columns([2, 3], gap="large")
    with left:
        block("Calibration", f"{lead.title}, test split; bars: 95 % intervals")
        figure(charts.reliability(kind(), lead.probability.bins, role_of(lead, e)), "reliability")
    with right:
        block("Does a probability mean what it says", "Brier skill against the base rate of train, 0 is no skill")
        table(*probability_rows(e), key="probability")
        note(f"{lead.title}: {lead.calibration} ECE and log loss are sums over the test split and have no interval.")


def parts(e: Evaluation) -> None:
    """Whether the score holds in each session, day, regime and fold."""
    block("Session by session", "lift inside each, cut at full hours; a session has too few spikes for an interval")
    names, about, lifts = lift_lines(e)
    figure(charts.lift_dots(kind(), names, about, lifts), "sessions")
    silent = sum(v is None for v in lifts[0].lifts) if lifts else 0
    if silent:
        note(f"{silent} of {text.plural(len(names), 'session')} hold one class only: no score exists there.")
    block("By day and regime", "regimes: terciles in train of the volatility of 300 s")
    table(*group_rows(e), key="groups")
    block("Folds", "each trained on what lies before it")
    if e.folds:
        table(*fold_rows(e), text=(0, 1), key="folds")
    if e.folds_note or not e.folds:
        note(e.folds_note or "No walk-forward folds were made: this training has one split in time.")


def words() -> None:
    """What the words mean."""
    with st.expander("What the words mean"):
        for term in TERMS:
            note(text.HELP[term])


__all__ = ["calibration", "confusion", "curves", "figure", "parts", "plain", "progress", "scores", "verdict", "words"]
