"""The cells of the common status line, and what figures say in words."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import Settings
from core.ingestion.store import Market
from core.jobs import Job
from tests.ui.test_charts import LINES, monitor
from tests.ui.test_words import counters
from ui import charts
from ui.cells.common import common_cells, job_cell, left_s
from ui.charts import spoken
from ui.parts import Cell

S = 1_000_000_000
NOW = 1_795_500_000 * S
MARKET = Market("embedded", "BTC-USD", 10, 10, 0, NOW, 1)
NO_JOB = Job(name="train")


def cells(missing: list[tuple[int, int]], market: Market | None = MARKET) -> dict[str, Cell]:
    made = common_cells(counters(), market, missing, Settings(), None, None, None, NO_JOB, NOW)
    return {cell.name: cell for cell in made}


def test_the_line_has_its_six_cells_in_one_order() -> None:
    assert [*cells([])] == ["Feed", "Open gaps, 24 h", "Model", "τ", "θ", "Job"]
    assert cells([])["τ"].value == "not set, P95"
    assert cells([])["θ"].value == "–"


@pytest.mark.parametrize(
    ("ago_s", "level", "value"), [(60, "warn", "1, 48 s"), (7200, "idle", "1, 48 s"), (90_000, "ok", "none")]
)
def test_a_gap_warns_for_an_hour_and_counts_for_a_day(ago_s: int, level: str, value: str) -> None:
    end = NOW - ago_s * S
    gaps = cells([(end - 48 * S, end)])["Open gaps, 24 h"]
    assert (gaps.level, gaps.value) == (level, value)


def test_without_ticks_no_gap_is_claimed_or_denied() -> None:
    assert cells([], None)["Open gaps"].value == "–"


@given(share=st.floats(0, 1), passed_s=st.integers(0, 10_000))
def test_the_time_left_is_what_the_pace_so_far_gives(share: float, passed_s: int) -> None:
    job = Job(name="train", state="running", progress=share, started_ns=NOW - passed_s * S)
    left = left_s(job, NOW)
    if share < 0.05:
        assert left is None
    else:
        assert left is not None
        assert left == pytest.approx(passed_s / share - passed_s, abs=1e-3)


def test_a_job_says_what_it_is_how_far_and_how_long() -> None:
    running = Job(name="train", state="running", progress=0.4, started_ns=NOW - 20 * S)
    assert job_cell(running, NOW).value == "training 40 %, 30 s left"
    assert job_cell(running, NOW).share == 0.4
    assert job_cell(Job(name="train", state="starting", started_ns=NOW), NOW).value == "training starts"
    assert job_cell(Job(name="drift", state="died"), NOW) == Cell("bad", "Job", "comparison failed", "")


def test_figures_say_their_main_numbers_and_nothing_of_what_is_only_drawn() -> None:
    said = spoken(monitor())
    assert "mid: last 8" in said
    assert "P: last 0.20" in said
    for label in ("θ 0.50", "gap 60 s", "spike"):
        assert label in said
    assert "UTC" not in said
    assert "nan" not in said
    assert "logistic ★ at θ: 0.40." in spoken(charts.pr_curves("dark", LINES))
    assert "base rate 0.10" in spoken(charts.ap_dots("dark", LINES))


def test_a_figure_of_nothing_says_nothing() -> None:
    assert spoken(go.Figure()) == ""
    assert spoken(go.Figure(go.Scatter(name="mid", x=[1, 2], y=[np.nan, np.nan]))) == ""


def test_marks_in_a_lane_are_counted_and_names_down_the_side_are_read_with_their_values() -> None:
    lane = go.Scatter(name="missed", mode="markers", x=[1, 5, 9], y=[1, 1, 1])
    assert spoken(go.Figure(lane)) == "missed: 3."
    gaps = go.Bar(name="open", orientation="h", y=[0, 0], x=[5, 7])
    assert spoken(go.Figure(gaps)) == "open: 2." and spoken(go.Figure(gaps.update(x=[5], y=[2]))) == "open: 1."
    even = go.Bar(name="ticks a minute", x=[1, 2], y=[1, 1])
    assert spoken(go.Figure(even)) == "ticks a minute: last 1, from 1 to 1."
    dots = go.Scatter(mode="markers", x=[0.21, 0.15], y=["boosting", "z-score"])
    assert spoken(go.Figure(dots)) == "boosting 0.21, z-score 0.15."
