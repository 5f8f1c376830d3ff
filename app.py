"""Home: the pipeline at a glance, what is ready, what to do next."""

import streamlit as st

from ui import charts, home_panels, loaders, shown, text
from ui.cells import home_cells, no_data
from ui.evidence import lines_of, pooled_lines
from ui.live_figure import live_figure
from ui.pipeline import Facts, steps
from ui.shell import block, caught, fragment, kind, note, open_page, strip, table
from ui.state import Session
from ui.tables import evidence_rows
from ui.text import market_name, sentence
from ui.theme import moment, price
from ui.view import view

with open_page(loaders.headline(), "one spike threshold, one champion, one live forecast", loaders.shown()):
    settings, champion, runs = loaders.settings(), loaders.champion(), loaders.runs()
    drawn = loaders.current_market()
    stale = champion and loaders.stale(champion, settings, drawn)
    capturing = loaders.job("capture").running

    def facts() -> Facts:
        return Facts(
            loaders.current_market(),
            settings,
            loaders.job("capture"),
            loaders.job("monitor"),
            loaders.job("train"),
            champion,
            stale,
            loaders.comparison(),
            len(loaders.offered()),
            bool(runs) and Session().looked(runs[0].training),
            loaders.job("sample"),
            loaders.job("drift"),
            loaders.scored(champion) if champion else None,
        )

    @fragment(run_every=2.0 if capturing else None)
    def status() -> None:
        shown.follow(drawn)
        strip(home_cells(facts(), loaders.counters()))

    status()
    shown.explain(settings, drawn)

    home_panels.sample(loaders.job("sample"))
    home_panels.path(steps(facts()))
    if drawn is None and not runs:
        home_panels.newcomer()
        st.stop()

    left, right = st.columns([3, 2], gap="large")
    with left:

        @fragment(run_every=1.0 if capturing else None)
        def now() -> None:
            market = loaders.current_market()
            rule = loaders.band_rule(champion, settings, market)
            seen = None if market is None else view(loaders.live(market), rule=rule)
            if market is None or seen is None:
                block("Market now", "nothing captured yet")
                return
            at_tau = text.tau(seen.last_tau_bps, rule.tau_relative, "now")
            has = rule.tau_bps or rule.tau_relative
            spikes = text.bands(rule.question.horizon_s, at_tau) if has else "no τ yet, so no spikes"
            at = f"mid {price(seen.last_mid)} USD, {moment(seen.last_ns)}"
            why = no_data(loaders.counters())
            said = at if why is None else f"no data, {why}. Last seen: {at}"
            block("Market now", f"{market_name(market.venue, market.product)}, {said}; {spikes}")
            figure = charts.market_now(kind(), seen.t, seen.mid, spans=seen.spikes, gaps=seen.gaps, current=why is None)
            live_figure(figure, key="now", label="Mid price of the last 15 minutes with spikes and gaps")

        now()
        judged = None
        with caught():
            judged = loaders.evaluation(runs[0].training) if runs else None
            block("What the evidence says", "how much happened in each split, and what may be concluded")
            if judged is not None:
                table(*evidence_rows(judged.meter), text=(0, 1), key="evidence")
                note(judged.verdict.sentence)
            if runs:
                note(sentence(runs[0].models[0].leakage.words))
            else:
                note("No evidence yet: nothing was trained.")
    with right, caught():
        if runs:
            of = market_name(runs[0].venue, runs[0].product)
            block("Scores", f"average precision on the test split, {of}")
            lines = lines_of(runs[0], champion) if judged is None else pooled_lines(judged)
            live_figure(charts.ap_dots(kind(), lines), key="ap", label=text.FIGURES["ap"], zoom=False)
