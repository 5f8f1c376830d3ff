"""The Evidently adapter on small parts; one browser run proves that its page needs nothing from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.config import REPOSITORY, Home
from core.errors import BadInput, Damaged, NotEnough
from core.evaluation import drift
from core.evaluation.drift import DriftTable, compare, drift_table

CHROMIUM = Path("/usr/bin/chromium")


def side(rows: int, seed: int, scale: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "bar_end_ns": np.arange(rows) * 10**9 + seed,
            "rv_60": rng.lognormal(0, 1, rows) * scale,
            "ret_60": rng.normal(0, 1, rows),
            "flow_60": np.nan,
            "flat": 1.0,
        }
    )
    frame.loc[5, "ret_60"] = np.inf
    frame.loc[6:30, "ret_60"] = np.nan
    return frame


FEATURES = ("rv_60", "ret_60", "flow_60", "flat")


def compared(home: Home, reference: pd.DataFrame, current: pd.DataFrame) -> DriftTable:
    return compare(
        home, reference, current, FEATURES, names=("train", "test"), fingerprint="f00d", venue="coinbase",
        product="BTC-USD", beat=lambda *_: None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, DriftTable]:
    home = Home(tmp_path_factory.mktemp("drift"))
    return home, compared(home, side(2000, 1), side(1500, 2, scale=3.0))


def test_a_tripled_volatility_has_moved_and_noise_has_not(made: tuple[Home, DriftTable]) -> None:
    rows = {row.feature: row for row in made[1].features}
    assert rows["rv_60"].moved and rows["rv_60"].current_median > 2 * rows["rv_60"].reference_median
    assert not rows["ret_60"].moved and not rows["flat"].moved
    assert made[1].moved == 1


def test_the_table_agrees_with_evidently_s_own_count(made: tuple[Home, DriftTable]) -> None:
    home, table = made
    report = json.loads((home.drift / "report.json").read_bytes())
    (count,) = (m["value"]["count"] for m in report["metrics"] if m["config"]["type"].endswith("DriftedColumnsCount"))
    assert table.moved == count
    assert any(m["config"]["type"].endswith(":RowCount") for m in report["metrics"]), "the summary preset is there"


def test_small_parts_are_judged_by_p_values_that_are_low_when_moved(home: Home) -> None:
    table = compared(home, side(300, 1), side(200, 2, scale=3.0))
    rows = {row.feature: row for row in table.features}
    assert rows["rv_60"].statistic.endswith("p_value") and rows["rv_60"].value is not None
    assert rows["rv_60"].value < rows["rv_60"].threshold and rows["rv_60"].moved and not rows["ret_60"].moved


def test_the_reader_gives_what_was_written_and_from_what(made: tuple[Home, DriftTable]) -> None:
    home, table = made
    assert drift_table(home) == table
    assert (table.fingerprint, table.left_out) == ("f00d", ("flow_60",))
    assert (table.reference.name, table.reference.rows, table.current.rows) == ("train", 2000, 1500)
    assert table.reference.first_ns == 1 and table.reference.last_ns == 1999 * 10**9 + 1
    assert "Evidently's default test" in table.note


def test_no_comparison_is_none_and_a_broken_one_is_said(home: Home) -> None:
    assert drift_table(home) is None
    home.drift.mkdir(parents=True)
    (home.drift / "table.json").write_text("{}")
    with pytest.raises(Damaged, match="compare again"):
        drift_table(home)


def test_too_few_rows_or_no_common_feature_is_refused(home: Home) -> None:
    with pytest.raises(NotEnough, match="the test part has 49 rows, a comparison needs 50"):
        compared(home, side(100, 1), side(49, 2))
    empty = side(100, 1)
    empty[list(FEATURES)] = np.nan
    with pytest.raises(NotEnough, match="none of the 4 features is there in both parts"):
        compared(home, side(100, 1), empty)


@pytest.mark.parametrize(
    ("reference", "current", "shares"),
    [(100, 50, (100, 50)), (60_000, 9_000, (16_000, 9_000)), (60_000, 60_000, (12_500, 12_500))],
)
def test_rows_are_bounded_and_none_is_wasted(reference: int, current: int, shares: tuple[int, int]) -> None:
    assert (drift._share(reference, current), drift._share(current, reference)) == shares
    assert sum(shares) <= drift.SAMPLE_ROWS


def test_a_sample_is_the_same_for_a_seed_and_keeps_the_order_of_time() -> None:
    rows = pd.DataFrame({"a": np.arange(1000.0)})
    first, again, other = (drift._sample(rows, 100, seed)["a"].to_numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (np.diff(first) > 0).all() and (first != other).any()


@pytest.mark.parametrize(
    "planted",
    [
        '<script src="https://cdn.example/x.js"></script>',
        "<link rel='stylesheet' href='//fonts.example/a.css'>",
        "<img alt='' src=\"http://example/x.png\">",
        "<style>@import url(https://fonts.example/a.css);</style>",
    ],
)
def test_a_page_that_loads_from_outside_is_not_kept(planted: str) -> None:
    page = f"<html><head></head><body>{planted}</body></html>"
    with pytest.raises(Damaged, match="from the internet"):
        drift._alone(page)
    assert "Content-Security-Policy" in drift._alone(page.replace(planted, '<a href="https://example/">a link</a>'))


def test_the_parts_of_a_dataset_and_the_last_hour() -> None:
    from core.features.bars import Bars

    with pytest.raises(BadInput, match="no part yesterday: there is train, validation, test, last"):
        drift.part(None, Bars.joined([]), "yesterday")  # type: ignore[arg-type]
    assert len(drift.part(None, Bars.joined([]), "last", drift.LONGEST_S)) == 0  # type: ignore[arg-type]
    for seconds in (0, -5, 10**12, 10**30):
        with pytest.raises(BadInput, match=f"the last {seconds} seconds cannot be compared: give a number from 1 to"):
            drift.part(None, Bars.joined([]), "last", seconds)  # type: ignore[arg-type]
        with pytest.raises(BadInput):
            drift.part(None, Bars.joined([]), "test", seconds)  # type: ignore[arg-type]


def test_evidently_calls_nobody(tmp_path: Path) -> None:
    """In a process that was told nothing of telemetry, without a network, and in which every connection is noted."""
    code = """
import socket, sys
called = []
socket.socket.connect = lambda self, address: called.append(address)
socket.getaddrinfo = lambda *a, **k: called.append(a) or []
import numpy as np, pandas as pd
from pathlib import Path
from core.config import Home
from core.evaluation.drift import compare
rng = np.random.default_rng(0)
side = pd.DataFrame({"bar_end_ns": range(60), "rv_60": rng.random(60)})
compare(Home(Path(sys.argv[1])), side, side, ["rv_60"], names=("train", "test"), fingerprint="", venue="", product="",
        beat=lambda *_: None)
print(called)
"""
    env = {k: v for k, v in os.environ.items() if k != "DO_NOT_TRACK"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=REPOSITORY, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium")
def test_the_page_draws_itself_without_asking_anybody(made: tuple[Home, DriftTable]) -> None:
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    said: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.goto((made[0].drift / "report.html").as_uri())
        page.get_by_text("rv_60").first.wait_for(timeout=20_000)
        browser.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert said == []
