"""How far the models of the newest training can be trusted."""

import streamlit as st

from ui import evaluation_panels as panels
from ui import evaluation_panels_leakage as leakage
from ui import loaders, shown, text
from ui.cells import evaluation_cells, verdict_cells
from ui.evaluation_panels_alerts import alerts
from ui.evaluation_panels_compare import side_by_side
from ui.evaluation_panels_reports import downloads
from ui.evidence import best_of
from ui.shell import box, empty, open_page, strip
from ui.state import Session

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
    Session().look(training.training)
    best = best_of(training, champion)
    found = loaders.evaluation(training.training)
    strip(verdict_cells(found) if found else evaluation_cells(training, best))
    if best.leaky:
        box(text.LEAKY, "bad", key="leaky")
    if stale := loaders.stale(best, settings, market):
        box(f"These scores answer another question: {stale}. Train again to see today's.", "warn", key="stale")
    if found is None:
        panels.plain(training, champion)
    else:
        panels.verdict(found)
        panels.scores(found)
        panels.curves(found, best)
        alerts(found)
        panels.calibration(found)
        panels.parts(found)
        leakage.checks(found)
    leakage.plant()
    if found is not None:
        downloads(found)
        side_by_side(found)
    panels.words()
