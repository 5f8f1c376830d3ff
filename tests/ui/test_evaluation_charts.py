"""Figures of an evaluation: intervals and bands are drawn where they exist, and only there."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from core.evaluation.evaluate import evaluate
from core.evaluation.record import Bin, Estimate, Evaluation
from tests.pages.evaluated import CLEAN, forecasts, market
from ui import charts
from ui.evaluation_rows import compared_rows, fold_rows, group_rows, judged_rows
from ui.evidence import (
    comparable,
    compared_lines,
    curve_lines,
    lift_lines,
    pooled_lines,
    said,
    why_no_interval,
    within_lines,
)


@pytest.fixture(scope="module")
def e() -> Evaluation:
    rows = market(400)
    return evaluate(
        rows, forecasts(rows, "t", 1.0), training="t", leakage=CLEAN, champion="logistic-t", replicates=60
    )  # fmt: skip


def texts(figure) -> list[str]:
    return [a.text for a in figure.layout.annotations]


def test_the_champions_band_lies_below_its_curve_and_no_other_has_one(e: Evaluation) -> None:
    f = charts.pr_curves("dark", curve_lines(e))
    bands = [d for d in f.data if d.fill == "toself"]
    assert [d.name for d in bands] == ["logistic ★, 95 % band"]
    assert f.data[0] is bands[0], "drawn first, so below"
    assert sum(d.mode == "markers" for d in f.data) == 1, "the operating point of the champion"


def test_many_models_are_not_all_drawn_but_the_ones_spoken_of_are(e: Evaluation) -> None:
    many = tuple(msgspec.structs.replace(e.models[0], name=f"other{i}", title=f"other {i}") for i in range(9))
    crowd = msgspec.structs.replace(e, models=(*e.models, *many))
    drawn = [line.title for line in curve_lines(crowd)]
    assert len(drawn) == 5
    assert {"logistic", "z-score rule"} <= set(drawn)
    assert len(pooled_lines(crowd)) == 12


def test_a_dot_has_its_interval_or_none(e: Evaluation) -> None:
    lines = within_lines(e)
    f = charts.ap_dots("light", lines)
    assert all(d.error_x.array[0] >= 0 and d.error_x.arrayminus[0] >= 0 for d in f.data)
    assert any(" to " in t for t in texts(f))
    bare = charts.ap_dots("light", [replace(line, low=None, high=None) for line in lines])
    assert all(d.error_x.array is None for d in bare.data)
    assert not any(" to " in t for t in texts(bare))


@pytest.mark.parametrize("kind", ["dark", "light"])
def test_reliability_has_its_diagonal_and_room_for_its_intervals(kind: str) -> None:
    bins = [Bin(p=0.1, share=0.05, rows=100, low=0.01, high=0.2), Bin(p=0.4, share=0.5, rows=100, low=0.3, high=0.7)]
    f = charts.reliability(kind, bins, "forecast")
    diagonal, points = f.data
    assert list(diagonal.x) == list(diagonal.y)
    assert f.layout.xaxis.range == f.layout.yaxis.range
    assert f.layout.yaxis.range[1] >= 0.7
    assert list(points.error_y.array) == pytest.approx([0.15, 0.2])
    assert list(points.error_y.arrayminus) == pytest.approx([0.04, 0.2])


def test_sessions_have_a_lift_each_and_a_line_of_no_skill(e: Evaluation) -> None:
    names, about, lifts = lift_lines(e)
    f = charts.lift_dots("dark", names, about, lifts)
    assert len(names) == len(about) == sum(g.kind == "session" for g in e.models[0].groups)
    assert len({d.marker.symbol for d in f.data}) == len(lifts) == 2
    assert "1: no skill" in texts(f)


def test_tables_are_as_wide_as_their_heads(e: Evaluation) -> None:
    other = msgspec.structs.replace(e, fingerprint="another", training="other")
    for columns, rows in (judged_rows(e), group_rows(e), fold_rows(e), compared_rows(e, other)):
        assert all(len(row) == len(columns) for row in rows)
    assert "not comparable" in comparable(e, other)
    assert "can be compared" in comparable(e, e)
    assert [line.role for line in compared_lines(e, other)] == ["forecast", "challenger"]


def test_a_number_never_stands_without_its_interval_or_the_reason(e: Evaluation) -> None:
    assert said(Estimate(value=0.5, low=0.4, high=0.6)) == "0.50\n(0.40 to 0.60)"
    assert said(Estimate(value=0.5)) == "0.50\nno interval"
    assert said(Estimate(value=None)) == "–"
    assert why_no_interval(e) == ""
    bare = tuple(msgspec.structs.replace(m, ap=Estimate(value=0.5)) for m in e.models)
    assert "No interval: " in why_no_interval(msgspec.structs.replace(e, models=bare))
