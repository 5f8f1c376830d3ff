"""The training page's figures and rows: signs in words, twins named, the rest of the features as one bar."""

from __future__ import annotations

import pytest

from core.evaluation.importance import Explained, Group, Importance
from core.evaluation.record import Estimate
from core.training.compare import Compared, Difference, Pair
from core.training.standing import Standing
from ui import charts
from ui.charts.leaning import Cost, Part
from ui.theme import palette
from ui.training_rows import cost_lines, difference_rows, pair_rows, part_lines, standing_rows


def texts(figure) -> list[str]:
    return [a.text for a in figure.layout.annotations]


@pytest.mark.parametrize("kind", ["dark", "light"])
def test_what_costs_most_stands_on_top_with_its_spread_and_zero_is_a_line(kind: str) -> None:
    f = charts.costs(kind, [Cost("rv 60 s", 0.2, 0.1, 0.3, "more"), Cost("jump", -0.01, -0.02, 0.0)])
    top = max(f.data, key=lambda dot: dot.y[0])
    assert top.x[0] == 0.2 and top.error_x.array[0] == pytest.approx(0.1) and "more" in top.hovertemplate
    assert "rv 60 s  <b>+0.200</b> (+0.100 to +0.300)" in texts(f) and "jump  <b>−0.010</b> (−0.020 to 0.000)" in texts(
        f
    )
    assert f.layout.shapes[0].x0 == 0 and f.layout.xaxis.range[0] < -0.02 and f.layout.xaxis.range[1] > 0.3
    assert charts.costs(kind, []).data == ()


@pytest.mark.parametrize("kind", ["dark", "light"])
def test_a_part_has_its_sign_in_words_and_in_colour(kind: str) -> None:
    c = palette(kind)
    f = charts.parts(kind, [Part("rv 60 s = 8.1", 0.75), Part("flow 10 s = −0.2", -0.1)])
    (bars,) = f.data
    assert list(bars.x) == [-0.1, 0.75] and list(bars.marker.color) == [c.vol, c.spike]
    assert "rv 60 s = 8.1  <b>+0.75</b>" in texts(f) and "flow 10 s = −0.2  <b>−0.10</b>" in texts(f)


def test_twins_are_named_and_a_forecast_keeps_its_strongest_parts() -> None:
    cost = Estimate(value=0.05, low=0.01, high=0.09)
    group = Group(features=("rv_30", "rv_60", "range_60", "ewma_22", "ret_10"), ap=cost, log_loss=cost)
    made = Importance(
        name="m", fingerprint="f", ap=0.3, base_rate=0.1, log_loss=0.2, rows=9, blocks=3, block_s=3, repeats=5,
        groups=(group,) * 12,
    )  # fmt: skip
    lines = cost_lines(made)
    assert len(lines) == 10 and lines[0].features == "rv 30, 60 s; range 60 s and 2 more"
    assert "ewma 22 s" in lines[0].about and "log loss +0.05" in lines[0].about
    row = Explained(
        bar_end_ns=1, why="", p=0.5, spike=None, base=0.0, features=tuple(f"rv_{n}" for n in range(12)),
        values=(None, -1.5, *range(10)), adds=(-3.0, 2.0, *([0.1] * 10)),
    )  # fmt: skip
    parts = part_lines(row)
    assert [part.feature for part in parts[:2]] == ["rv 0 s = –", "rv 1 s = −1.5"]
    assert parts[-1].feature == "3 other features" and sum(p.adds for p in parts) == pytest.approx(0.0)
    assert len(part_lines(row, 12)) == 12


def test_differences_and_pairs_say_what_each_run_has() -> None:
    named = [
        Difference(what="tau_bps", a=8.7123456, b=None), Difference(what="features", a=["rv_10", "rv_60"], b=[]),
        Difference(what="train rows", a=12000, b=900), Difference(what="logistic: C", a=0.5, b=0.001),
        Difference(what="fingerprint", a="0123456789abcdef", b="f" * 16), Difference(what="to_ns", a=10**18, b=None),
    ]  # fmt: skip
    pairs = (Pair(title="HAR", a=Estimate(value=0.2), b=Estimate(value=None), difference=Estimate(value=None)),)
    made = Compared(a="a", b="b", differences=tuple(named), paired=False, why="", pairs=pairs)
    assert [row[1:] for row in difference_rows(made)[1]] == [
        ["8.712", "–"], ["rv 10, 60 s", "–"], ["12,000", "900"], ["0.5", "0.001"], ["01234567", "ffffffff"],
        ["9 Sep 01:46:40", "–"],
    ]  # fmt: skip
    assert pair_rows(made)[1] == [["HAR", "0.20, no interval", "–", "–"]]


def test_a_model_that_waits_has_no_numbers() -> None:
    (row,) = standing_rows([Standing(model="har", title="HAR", baseline=True)])[1]
    assert row == ["HAR, baseline", "○ waiting", "–", "–", "–", "–", "–", "–"]
