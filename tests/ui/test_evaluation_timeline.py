"""The time line of alerts: it draws what is counted, keeps every extreme, and bridges no gap."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluation.evaluate import seconds
from core.evaluation.events import alerts_at
from core.evaluation.intervals import Blocks
from core.evaluation.timeline import Happened, axis, happened, line
from tests.pages.evaluated import HORIZON_S, forecasts, market
from ui import charts
from ui.evaluation_timeline import COLUMNS, Timeline, ticks, timeline

S = 1_000_000_000
START = 1_795_500_000
steps = st.lists(st.sampled_from([1, 1, 1, 1, 1, 2, 5, 900, 200_000]), min_size=2, max_size=200)


def clock(given_steps: list[int]) -> np.ndarray:
    return (START + np.cumsum(given_steps)).astype(np.int64) * S


@given(steps)
def test_time_never_runs_back_and_a_second_is_a_second_inside_a_stretch(given_steps: list[int]) -> None:
    ns = clock(given_steps)
    on = axis(ns)
    places = on.place(ns)
    apart = np.diff(ns) / S
    assert (np.diff(places) >= 0).all()
    assert np.diff(places)[apart <= 2] == pytest.approx(apart[apart <= 2])
    assert len(on.gaps) == int((apart > 2).sum())
    assert [s for _, _, s in on.gaps] == pytest.approx(apart[apart > 2])
    observed = float(apart[apart <= 2].sum())
    assert sum(b - a for a, b, _ in on.gaps) <= 0.25 * observed + 1e-6


@given(steps)
def test_ticks_are_few_apart_and_inside(given_steps: list[int]) -> None:
    on = axis(clock(given_steps))
    places, texts = ticks(on)
    assert len(places) == len(texts)
    assert len(places) <= 11
    assert all(0 <= p <= on.at_s[-1] for p in places)
    assert places == sorted(places)


@settings(max_examples=30)
@given(st.integers(3000, 20_000), st.integers(0, 50))
def test_a_thinned_line_keeps_its_extremes_and_has_few_points(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ns = clock([1] * (n // 2) + [5000] + [1] * (n - n // 2))
    values = rng.normal(0, 1, ns.size)
    values[rng.random(ns.size) < 0.05] = np.nan
    x, y = line(axis(ns), ns, values, COLUMNS)
    known = y[np.isfinite(y)]
    assert known.size <= 960
    assert (known.min(), known.max()) == (np.nanmin(values), np.nanmax(values))
    assert int(np.isnan(y).sum()) == 1, "the line breaks once, at the gap"
    assert (np.diff(x) >= 0).all()


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.booleans(), st.floats(0.05, 0.95))
def test_what_is_drawn_is_what_is_counted(seed: int, onset: bool, theta: float) -> None:
    rng = np.random.default_rng(seed)
    rows = market(int(rng.integers(150, 900)), rows=1500, seed=seed)
    test = seconds(rows, "test")
    p = test.spread(rng.random(test.at.size) ** 2)
    did = happened(test, p, theta=theta, horizon_s=HORIZON_S, onset=onset)
    counted = alerts_at(
        test.bar_end_ns, test.session, test.trailing_bps, p, theta=theta, tau_bps=rows.tau_bps, horizon_s=HORIZON_S,
        budget_per_h=2, onset=onset, blocks=Blocks(test.bar_end_ns, 300, 5),
    )  # fmt: skip
    caught = np.isfinite(did.lead_s)
    assert (did.start_ns.size, int(caught.sum())) == (counted.episodes, counted.caught)
    assert did.wrong_ns.size == counted.alerts - counted.right
    assert (float(np.median(did.lead_s[caught])) if caught.any() else None) == counted.lead_s
    assert (did.lead_s[caught] <= HORIZON_S).all()
    assert did.agrees(counted)
    assert not did.agrees(msgspec.structs.replace(counted, alerts=counted.alerts + 1))


def made(window: tuple[int, int] | None = None) -> tuple[Timeline, Happened]:
    rows = market(400)
    test = seconds(rows, "test")
    f = forecasts(rows, "t", 1.0)[1]
    p = test.spread(f.p_test)
    did = happened(test, p, theta=f.scores.theta, horizon_s=HORIZON_S, onset=False)
    mid = test.spread(rows.rows.loc[rows.rows["split"] == "test", "mid"].to_numpy())
    drawn = timeline(test.bar_end_ns, mid, p, did, window)
    assert drawn is not None
    return drawn, did


@pytest.mark.parametrize("kind", ["dark", "light"])
def test_each_mark_has_a_form_and_a_word_and_the_gap_its_true_length(kind: str) -> None:
    drawn, did = made()
    caught = int(np.isfinite(did.lead_s).sum())
    assert len(drawn.caught) == caught > 0
    marks = {100.0: "then", 200.0: "then", 300.0: "then"}
    drawn = replace(drawn, missed=[100.0], wrong=[200.0, 300.0], undecided=[300.0], said=drawn.said | marks)
    f = charts.event_line(kind, drawn, theta=0.4, role="forecast", horizon_s=HORIZON_S)
    assert set(f.layout.yaxis3.ticktext) == {f"caught {caught}", "missed 1", "false alert 2", "undecided 1"}
    forms = {d.name: d.marker.symbol for d in f.data if d.mode == "markers"}
    assert len(set(forms.values())) == len(forms) == 4
    assert any(a.text.startswith("gap 31 min") for a in f.layout.annotations)
    assert sum(s.type == "rect" for s in f.layout.shapes) == len(did.spans)
    assert sum(len(d.x) for d in f.data if d.mode == "lines" and d.name in ("mid", "P")) <= 2000
    json.loads(f.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_a_window_shows_its_own_stretch_only() -> None:
    _, did = made()
    first = int(did.start_ns[0]) - 200 * S
    drawn, _ = made((first, first + 600 * S))
    assert drawn.end <= 600
    assert len(drawn.bands) < len(did.spans)
    assert all(0 <= at <= drawn.end for at in drawn.missed)
    assert len(drawn.missed) + len(drawn.caught) == sum(first <= s <= first + 600 * S for s in did.start_ns.tolist())


def test_nothing_is_drawn_where_no_price_is_known() -> None:
    _, did = made()
    test = seconds(market(400), "test")
    nothing = np.full(test.bar_end_ns.size, np.nan)
    assert timeline(test.bar_end_ns, nothing, nothing, did) is None
