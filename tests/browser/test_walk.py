"""A newcomer's walk through the app in Chromium: from an empty home to a live forecast, with numbers read on each
page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import models
from core import jobs
from core.config import Home, load_settings
from core.features import journey
from core.ingestion.store import Reader
from core.training import registry
from tests.browser.app import CHROMIUM, wait
from tests.browser.pages import cell, choose, expect, opened, playwright, press, press_when_enabled, rows, settled

FEW = ("har", "zscore", "logistic", "xgboost")
"""Models that are trained: enough for a comparison."""
PAGES = (
    "", "Live_capture", "Threshold_tuning", "Training", "Evaluation", "Drift", "Alert_tuning", "Live_monitor",
    "Time_machine",
)  # fmt: skip
ENOUGH_MARKET_S = 3 * 3600
"""Captured before training: three hours of the simulated market, about 36 s at 300x."""

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = Home(tmp_path_factory.mktemp("walk") / "home")
    yield made
    for name in ("monitor", "train", "drift", "capture", "exchange"):
        jobs.stop(made, name)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_by_its_deep_link_with_an_empty_home(page: playwright.Page, server: str, name: str) -> None:
    opened(page, f"{server}/{name}")
    assert page.locator(".st-key-navigation").first.is_visible()


def test_1_capture(page: playwright.Page, server: str, home: Home) -> None:
    opened(page, f"{server}/Live_capture")
    choose(page, "speed", "300x")
    press(page, "start_capture")
    expect(page.locator(".st-key-stop_capture button")).to_be_visible(timeout=60_000)
    wait(lambda: captured_s(home) > ENOUGH_MARKET_S, 120)
    settled(page)
    wait(lambda: re.fullmatch(r"[\d.,]+", cell(page, "Ticks a second")), 10)
    assert float(cell(page, "Ticks a second").replace(",", "")) > 100
    assert cell(page, "Quarantined") == "0"
    ticks = rows(page, "last_ticks")
    assert len(ticks) == 20
    prices = [float(c.replace(",", "")) for row in ticks for c in row[1:3]]
    assert all(10_000 < p < 1_000_000 for p in prices)
    expect(page.locator(".st-key-mid .js-plotly-plot")).to_have_count(1)


def captured_s(home: Home) -> float:
    return sum((m.last_ns - m.first_ns) / 1e9 for m in Reader(home).markets())


def test_2_threshold(page: playwright.Page, server: str, home: Home) -> None:
    opened(page, f"{server}/Threshold_tuning")
    dial = page.get_by_role("slider", name="Spike threshold")
    before = float(dial.get_attribute("aria-valuenow") or "nan")
    page.get_by_role("button", name="P90", exact=True).click()
    wait(lambda: dial.get_attribute("aria-valuenow") != str(before), 10)
    box = dial.bounding_box()
    assert box is not None
    dial.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("PageUp")
    typed = page.get_by_label("or a percentile such as P96.5")
    typed.fill("nonsense")
    typed.press("Enter")
    expect(page.locator(".dial .how")).to_contain_text("not a threshold")
    typed.fill("P90")
    typed.press("Enter")
    page.locator(".st-key-at_tau").scroll_into_view_if_needed()
    expect(page.locator(".st-key-use_tau button")).to_be_enabled()
    settled(page)
    page.locator(".st-key-why input").fill("one second in ten")
    press_when_enabled(page, "use_tau")
    wait(lambda: load_settings(home).tau_bps is not None, 20)
    tau = load_settings(home).tau_bps
    assert tau is not None
    assert tau == pytest.approx(float(dial.get_attribute("aria-valuenow") or "nan"), rel=0.06)

    def counted() -> list[list[str]]:
        return [text.split("\t") for text in page.locator(".dial tbody tr").all_inner_texts()]

    splits: list[list[str]] = []

    def all_counted() -> bool:
        splits[:] = counted()  # while the page is drawn anew both dials may stand on it, or none
        return len(splits) == 3 and all(len(row) > 2 and row[2].strip() for row in splits)

    wait(all_counted, 20)
    seconds = [int(row[1].replace(",", "")) for row in splits]
    spikes = [int(row[2].replace(",", "")) for row in splits]
    assert [row[0] for row in splits] == ["train", "validation", "test"]
    assert 0.08 < spikes[0] / seconds[0] < 0.12
    assert min(spikes) > 0
    (decided,) = journey.read(home)
    # the market goes on: its counts are those of the click
    assert (decided.why, decided.tau_bps) == ("one second in ten", tau)
    assert 0.08 < decided.spikes["train"] / decided.rows["train"] < 0.12 and min(decided.spikes.values()) > 0
    assert [row[-1] for row in rows(page, "journey")] == ["one second in ten"]


def test_3_train(page: playwright.Page, server: str, home: Home) -> None:
    opened(page, f"{server}/Training")
    assert [row[0] for row in rows(page, "plan")][:3] == ["train", "validation", "test"]
    for name in models.discover():
        if name not in FEW:
            page.locator(f".st-key-model_{name} label").click()
    expect(page.locator(".st-key-train button")).to_have_text(f"Train {len(FEW)} models")
    press(page, "train")
    expect(page.locator(".st-key-stop_train button")).to_be_visible(timeout=20_000)
    opened(page, server)  # a running job is on every page, also on one that is opened anew
    expect(page.locator("[data-line=Job] b")).to_contain_text("training")
    expect(page.locator("[data-line=Job] [role=progressbar]")).to_have_count(1)
    opened(page, f"{server}/Training")
    expect(page.locator(".st-key-standings tbody tr")).to_have_count(len(FEW), timeout=120_000)
    wait(lambda: len(registry.artifacts(home)) == len(FEW), 400)
    expect(page.locator(".st-key-train button")).to_be_visible(timeout=30_000)
    assert len(rows(page, "runs")) == 1 and "★" in rows(page, "runs")[0][1]
    assert len(rows(page, "of_training")) == len(FEW)


def test_4_evaluation(page: playwright.Page, server: str, home: Home) -> None:
    opened(page, f"{server}/Evaluation")
    table = rows(page, "scores")
    made = {m.title: m.scores for m in registry.artifacts(home)}
    assert len(table) == len(made) >= 3
    for row in table:
        scores = made[row[0].replace("★", "").removesuffix(", baseline").strip()]
        pooled = float(row[4].split("\n")[0])
        assert pooled == pytest.approx(scores.pr_auc, abs=0.006)
        assert re.search(r"\(.* to .*\)|no interval", row[4])
        assert scores.base_rate / 2 < scores.pr_auc < 0.95
    test = next(row for row in rows(page, "evidence") if row[0] == "test")
    counted = [int(c.replace(",", "")) for c in test if re.fullmatch(r"[\d,]+", c)]
    assert {scores.n_rows, scores.n_spikes} <= set(counted)
    assert page.locator(".st-key-verdict").is_visible()
    for figure in ("ap", "ap_within", "events", "reliability", "sessions"):
        expect(page.locator(f".st-key-{figure} .js-plotly-plot")).to_have_count(1)
    page.locator(".st-key-alert_kind").get_by_text("onset only").click()
    expect(page.locator(".st-key-events .js-plotly-plot")).to_have_count(1)
    settled(page)
    assert page.locator(".st-key-pr .js-plotly-plot").count() == 1
    printed_whole(page)
    assert (
        sum(int(c.replace(",", "")) for row in rows(page, "confusion") for c in row if re.fullmatch(r"[\d,]+", c)) > 0
    )


def printed_whole(page: playwright.Page) -> None:
    """On paper: white, nothing to press, and no figure or table wider than the sheet."""
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 700, "height": 900})
    for gone in ("stSidebar", "stHeader", "stButton"):
        assert page.locator(f"[data-testid={gone}]:visible").count() == 0
    ink = page.locator("h1").first.evaluate("el => getComputedStyle(el).color")
    assert max(map(int, re.findall(r"\d+", ink)[:3])) < 60, f"the ink is {ink}"
    for figure in page.locator(".live-figure").all():
        drawn = figure.locator(".main-svg").first.evaluate("el => el.getBoundingClientRect().right")
        assert drawn <= 700, "a figure is cut"
    page.emulate_media(media="screen", color_scheme="dark")
    page.set_viewport_size({"width": 1440, "height": 900})


def test_5_drift(page: playwright.Page, server: str) -> None:
    opened(page, f"{server}/Drift")
    press(page, "compare")
    expect(page.locator(".st-key-sheet iframe")).to_be_visible(timeout=120_000)
    compared = rows(page, "drift_table") if page.locator(".st-key-drift_table").count() else []
    compared += rows(page, "drift_others") if page.locator(".st-key-drift_others").is_visible() else []
    assert len(compared) >= 5
    assert all(re.search(r"\d", "".join(row[1:])) for row in compared)
    with page.expect_download() as download:
        press(page, "download")
    assert Path(download.value.path()).stat().st_size > 100_000


def test_6_monitor_and_stop(page: playwright.Page, server: str, home: Home) -> None:
    opened(page, f"{server}/Live_monitor")
    press(page, "start_monitor")
    wait(lambda: re.fullmatch(r"[01]\.\d+", cell(page, "P(spike)")), 60)
    assert 0 <= float(cell(page, "P(spike)")) <= 1
    assert float(cell(page, "Volatility now").split()[0]) >= 0
    figure = page.locator(".st-key-monitor .js-plotly-plot")
    expect(figure).to_have_count(1)
    figure.evaluate("el => { el.dataset.same = 'yes' }")
    last = cell(page, "Last bar")
    wait(lambda: cell(page, "Last bar") != last, 20)
    assert figure.get_attribute("data-same") == "yes", "the figure was mounted again"
    jobs.stop(home, "capture")
    jobs.stop(home, "exchange")
    wait(lambda: "no data" in cell(page, "P(spike)").lower(), 60)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_by_its_deep_link_with_a_filled_home(page: playwright.Page, server: str, name: str) -> None:
    opened(page, f"{server}/{name}")
    listed = page.locator(".tr-line [role=listitem]")
    expect(listed).to_have_count(6)
    assert all(re.search(r"\S", one.locator("b").inner_text()) for one in listed.all())
    for width in (1440, 420):
        page.set_viewport_size({"width": width, "height": 900})
        settled(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"the page scrolls sideways: {wide} px at {width}"
    columns = page.locator(".tr-line").evaluate("el => getComputedStyle(el).gridTemplateColumns.split(' ').length")
    assert columns == 2
    for figure in page.locator(".live-figure").all():
        assert re.search(r"\. .*\d", figure.get_attribute("aria-label") or ""), "a figure without its numbers in words"
