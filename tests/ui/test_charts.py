"""Figures: gaps are drawn and not bridged, moving axes have no explicit range, values stand at their lines."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from core.evaluation.timeline import axis
from ui import charts
from ui.charts.evaluation import Line
from ui.evaluation_timeline import series
from ui.frames import broken, gaps, spans
from ui.theme import palette

S = 1_000_000_000
NS = (1_795_500_000 + np.r_[np.arange(300), np.arange(360, 700)]).astype(np.int64) * S
MID = 90_000 + np.cumsum(np.random.default_rng(0).normal(0, 1, NS.size))


def monitor(kind: str = "dark", p_now: float | None = 0.3):
    p = np.full(NS.size, 0.2)
    t, (mid, drawn) = broken(NS, MID, p)
    hot = np.zeros(NS.size, bool)
    hot[100:130] = True
    return charts.monitor(
        kind, t, mid, drawn, spans=spans(NS, hot), gaps=gaps(NS), theta=0.5, horizon_s=60, p_now=p_now
    )


def texts(figure) -> list[str]:
    return [a.text for a in figure.layout.annotations]


@pytest.mark.parametrize("kind", ["dark", "light"])
def test_the_monitor_draws_spikes_gaps_theta_and_tags(kind: str) -> None:
    f = monitor(kind)
    said = texts(f)
    for text in ("spike", "θ 0.50", "0.30", f"{MID[-1]:,.2f}", "UTC", "mid, USD", "P(spike in the next 60 s)"):
        assert text in said
    assert any(t.startswith("gap") for t in said)
    assert [s.type for s in f.layout.shapes] == ["rect", "line"]
    lines = [d for d in f.data if d.mode == "lines"]
    assert all(d.connectgaps is False and np.isnan(np.array(d.y, float)).sum() == 1 for d in lines)
    assert f.layout.paper_bgcolor == palette(kind).bg


def test_a_zoom_can_live_because_no_moving_axis_has_a_range() -> None:
    f = monitor()
    assert f.layout.uirevision == "live"
    assert f.layout.xaxis.range is None
    assert f.layout.yaxis.range is None


def test_without_a_present_forecast_no_probability_is_tagged() -> None:
    assert not {"0.20", "0.30"} & set(texts(monitor(p_now=None)))


def test_a_silent_feeds_price_has_the_colour_of_a_gap() -> None:
    t, (mid, drawn) = broken(NS, MID, np.full(NS.size, 0.2))
    f = charts.monitor("dark", t, mid, drawn, spans=[], gaps=[], theta=0.5, horizon_s=60, p_now=None, current=False)
    assert [a.bgcolor for a in f.layout.annotations if a.text == f"{MID[-1]:,.2f}"] == [palette("dark").gap]


def whole(kind: str = "dark", **changes):
    rng = np.random.default_rng(3)
    vol, tau, p, shadow = 5 + rng.random(NS.size), np.full(NS.size, 8.7), np.full(NS.size, 0.2), np.full(NS.size, 0.1)
    tau[600:] = changes.pop("tau", 8.7)
    t, (mid, p, vol, tau, shadow) = broken(NS, MID, p, vol, tau, shadow)
    doubt = np.isin(np.arange(NS.size), [50, 51, 52, 400])
    return charts.monitor(
        kind, t, mid, p, spans=[], gaps=gaps(NS), theta=0.5, horizon_s=60, vol_bps=vol, tau_bps=tau,
        shadows={"EWMA": shadow, "z-score rule": shadow / 2}, doubted=spans(NS, doubt), **({"p_now": 0.2} | changes),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["dark", "light"])
def test_volatility_stands_with_tau_between_price_and_forecast_and_shadows_are_dotted(kind: str) -> None:
    f, c = whole(kind), palette(kind)
    said = texts(f)
    for text in ("τ 8.7", "EWMA", "z-score rule", "volatility of the last 60 s, bps", "θ 0.50", "0.20"):
        assert said.count(text) == 1
    lines = {d.name: d for d in f.data if d.mode == "lines"}
    assert {name: (d.yaxis or "y") for name, d in lines.items()} == {
        "mid": "y", "volatility": "y5", "τ": "y5", "P": "y2", "EWMA": "y2", "z-score rule": "y2",
    }  # fmt: skip
    assert [lines[n].line.dash for n in ("EWMA", "z-score rule", "P")] == ["dot", "dot", "solid"]
    assert (lines["τ"].line.color, lines["EWMA"].line.color) == (c.tau, c.baseline)
    hatched = [d.yaxis for d in f.data if d.name == "gap"]
    assert sorted(hatched) == ["y3", "y4", "y6"], "a gap is hatched in every row"
    tops = [f.layout[axis].domain for axis in ("yaxis", "yaxis5", "yaxis2")]
    assert all(upper[0] > lower[1] for upper, lower in itertools.pairwise(tops))


def test_tau_is_a_line_of_its_own_where_it_changes_from_bar_to_bar() -> None:
    one, many = (next(d for d in whole(tau=tau).data if d.name == "τ") for tau in (8.7, 12.0))
    assert (len(one.y), len(many.y)) == (2, NS.size + 1)
    assert "τ 12" in texts(whole(tau=12.0)) and many.y[-1] == 12.0


def test_a_stretch_that_is_not_trusted_is_marked_at_the_foot_of_the_forecast() -> None:
    f = whole()
    marks = [s for s in f.layout.shapes if s.yref == "y2 domain"]
    assert [(s.x0, s.x1) for s in marks] == [
        (str(a), str(b)) for a, b in spans(NS, np.isin(np.arange(NS.size), [50, 51, 52, 400]))
    ]
    assert texts(f).count("not trusted") == 2


def test_names_of_shadows_do_not_lie_on_one_another() -> None:
    ends = [a for a in whole().layout.annotations if a.text in ("EWMA", "z-score rule")]
    assert len({a.xshift for a in ends}) == 2


def test_a_figure_travels_as_json_without_nan() -> None:
    json.loads(monitor().to_json(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


LINES = [
    Line("z-score rule", "baseline", 0.15, 0.1, [0, 0.5, 1], [0.3, 0.2, 0.1], (0.5, 0.2), 0.4),
    Line("logistic", "forecast", 0.3, 0.1, [0, 0.5, 1], [0.6, 0.4, 0.1], (0.5, 0.4), 0.5, True),
    Line("gradient boosting", "challenger", 0.29, 0.1, [0, 0.5, 1], [0.6, 0.39, 0.1], None, 0.6),
]


def test_pr_curves_name_each_model_once_and_show_the_operating_point_exactly() -> None:
    f = charts.pr_curves("dark", LINES)
    said = texts(f)
    assert sum("logistic ★ 0.30" in t for t in said) == 1
    assert any("base rate" in t for t in said)
    points = {(d.x[0], d.y[0]) for d in f.data if d.mode == "markers"}
    assert points == {(0.5, 0.2), (0.5, 0.4)}
    names = [a for a in f.layout.annotations if "base rate" not in a.text]
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            assert abs(a.x - b.x) > 0.3 or abs(a.y - b.y) > 0.05, f"{a.text} lies on {b.text}"


def test_ap_is_a_dot_beside_the_base_rate() -> None:
    f = charts.ap_dots("light", LINES)
    assert {d.type for d in f.data} == {"scatter"}
    assert sorted(d.x[0] for d in f.data) == [0.15, 0.29, 0.3]
    assert "base rate 0.10" in texts(f)


@pytest.mark.parametrize("kind", ["dark", "light"])
def test_the_ledger_has_a_lane_a_state_with_its_word_and_hatch(kind: str) -> None:
    def gap(state: str, a: int, b: int, missing: int | None = 3) -> dict[str, object]:
        return {"state": state, "seen": "trade_id", "from_ns": a, "to_ns": b, "missing": missing}

    hour = 3600 * 10**9
    rows = [gap("repaired", hour, hour), gap("open", 2 * hour, 3 * hour, None), gap("open", 4 * hour, 5 * hour)]
    f = charts.gap_line(kind, rows, 0, 10 * hour)
    assert {a.text for a in f.layout.annotations} == {"UTC", "open 2", "unrepairable 0", "repaired 1"}
    bars = {bar.name: bar for bar in f.data}
    assert set(bars) == {"open", "repaired"}
    assert bars["open"].marker.pattern.shape == "/"
    assert list(bars["open"].x) == [3_600_000, 3_600_000]
    assert bars["repaired"].x[0] == 10 * 3_600_000 / 250, "however short, it is seen"
    assert "trades missing: unknown" in bars["open"].customdata[0]
    assert charts.gap_line(kind, [], 0, hour).data == ()


@pytest.mark.parametrize("kind", ["dark", "light"])
def test_spikes_are_one_trace_and_tau_stands_at_its_line(kind: str) -> None:
    on = axis(NS)
    line = series(on, NS, MID)
    bands = [(float(a), float(a) + 2) for a in range(0, 600, 5)]
    f = charts.spikes(kind, line, line, 8.66, bands, gaps=on.gaps, ticks=([0.0], ["09:00"]), end=float(on.at_s[-1]))
    assert len(f.data) == 6  # bands and gaps on both rows, two lines
    assert [len(d.x) for d in f.data if d.name == "spike"] == [5 * len(bands)] * 2
    assert f.layout.shapes[0].y0 == 8.66
    assert {"τ 8.7", "mid, USD", "bps", "UTC"} <= set(texts(f)) and any(t.startswith("gap 61 s") for t in texts(f))
    lines = [d for d in f.data if d.name in ("mid", "volatility")]
    assert all(d.connectgaps is False and np.isnan(np.array(d.y, float)).any() for d in lines)


def test_the_signature_and_the_journey_draw_what_they_are_given() -> None:
    f = charts.signature("dark", (1, 60, 300), np.array([3.0, 4.0, np.nan]), 60)
    assert f.data[0].x == (1, 60, 300) and f.layout.xaxis.type == "log" and "bps a 60 s" in texts(f)
    f = charts.journey("dark", [NS[0], NS[-1]], [8.7, 3.0], ["first", "second"])
    assert (f.data[0].y, f.data[0].customdata) == ((8.7, 3.0), ("first", "second"))
    assert {"τ, bps; 2 decided; UTC", "τ 3.0"} == set(texts(f))
