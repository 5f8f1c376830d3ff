"""How far the models of the newest training can be trusted."""

import streamlit as st

from ui import charts, loaders, shown, text
from ui.cells import evaluation_cells
from ui.evidence import best_of, lines_of, summary
from ui.shell import block, box, empty, kind, note, open_page, strip, table
from ui.tables import confusion_rows, score_rows
from ui.theme import bps, prob

title, sentence = "Evaluation", "how far the scores can be trusted, and at what probability to alert"
with open_page(title, sentence, loaders.shown()):
    settings, training, champion = loaders.settings(), loaders.newest(), loaders.champion()
    market = loaders.current_market()
    shown.explain(settings, market)
    if training is None:
        empty(
            "No scores yet. They exist once models are trained and tried on the test split.",
            "pages/3_Training.py",
            "Open training",
        )
        st.stop()
    best = best_of(training, champion)
    strip(evaluation_cells(training, best))
    if best.leaky:
        box(text.LEAKY, "bad", key="leaky")
    if stale := loaders.stale(best, settings, market):
        box(f"These scores answer another question: {stale}. Train again to see today's.", "warn", key="stale")
    left, right = st.columns([3, 2], gap="large")
    with left:
        block(
            "Precision and recall",
            f"test split, {text.market_name(training.venue, training.product)}, "
            f"τ {bps(training.tau_bps)} bps over the next {training.horizon_s} s",
        )
        figure = charts.pr_curves(kind(), lines_of(training, champion))
        st.plotly_chart(figure, theme=None, config={"displayModeBar": False}, key="pr")
    with right:
        block(f"At θ {prob(best.theta)}", f"{best.title}, chosen on validation, counted on test")
        table(*confusion_rows(best), key="confusion")
        block("Average precision", "test split; the line is an alert at random")
        st.plotly_chart(
            charts.ap_dots(kind(), lines_of(training, champion)), theme=None, config={"displayModeBar": False}, key="ap"
        )
    block("All models", "every score with the rows and spikes behind it")
    table(*score_rows(training, champion), key="scores")
    note(summary(best))
    if best.missing:
        note(text.left_out(best.missing))
    block("Leakage", "not yet checked")
    box("Leakage: not yet checked. No verdict exists for these scores, and none is implied.", "idle", key="leakage")
    with st.expander("What the words mean"):
        for term in ("ap", "base_rate", "lift", "precision", "recall", "f1", "theta", "purge"):
            note(text.HELP[term])
