"""A newcomer's walk through the app in Chromium: from an empty home to a live forecast, with numbers read on each
page."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import models
from core import jobs
from core.config import Home, load_settings
from core.ingestion.store import Reader
from core.training import registry

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
PAGES = ("", "Live_capture", "Threshold_tuning", "Training", "Evaluation", "Drift", "Live_monitor")
ENOUGH_MARKET_S = 3 * 3600
"""Captured before training: three hours of the simulated market, about 36 s at 300x."""

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium")]
playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=20_000)  # as the pages themselves: the first one waits for a server that has just begun


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = Home(tmp_path_factory.mktemp("walk") / "home")
    yield made
    for name in ("monitor", "train", "drift", "capture", "exchange"):
        jobs.stop(made, name)


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[str]:
    """The app on a free port with an empty home, as run.py starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = home.root.with_suffix(".log")
    with open(log, "wb") as out:
        app = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", "127.0.0.1",
             "--server.port", str(port), "--server.headless", "true"],
            cwd=ROOT, env=os.environ | {"TREMOR_HOME": str(home.root)}, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        wait(lambda: listens(port), 30)
        yield f"http://127.0.0.1:{port}"
    finally:
        app.terminate()
        app.wait(10)
        said = log.read_text(errors="replace")
    assert "Traceback" not in said, said[-3000:]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait(true: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds:.0f} s"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as play:
        chromium = play.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: playwright.Browser) -> Iterator[playwright.Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    context.set_default_timeout(20_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    context.close()
    assert errors == []
    outside = [url for url in asked if not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:|about:", url)]
    assert outside == [], "the page asked the internet"


def opened(page: playwright.Page, url: str) -> None:
    """The page has drawn itself to its end, and no error stands on it."""
    page.goto(url)
    settled(page)


def settled(page: playwright.Page) -> None:
    expect(page.locator("h1").first).to_be_visible()
    expect(page.locator("[data-testid=stStatusWidget]")).to_have_count(0)
    assert page.locator("[data-testid=stException]").count() == 0


def cell(page: playwright.Page, name: str) -> str:
    """The value of one cell of the status strip."""
    found = page.locator(".tr-strip > div").filter(has=page.locator("em", has_text=name)).locator("b").first
    return found.inner_text()


def rows(page: playwright.Page, key: str) -> list[list[str]]:
    """The body of one of the app's tables, cell by cell."""
    table = page.locator(f".st-key-{key}")
    expect(table).to_be_visible()
    return [[c.inner_text() for c in row.locator("th, td").all()] for row in table.locator("tbody tr").all()]


def choose(page: playwright.Page, key: str, option: str) -> None:
    page.locator(f".st-key-{key} input").click()
    page.get_by_role("option", name=option, exact=True).click()


def press(page: playwright.Page, key: str) -> None:
    page.locator(f".st-key-{key} button").click()


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
    assert page.locator(".st-key-mid .js-plotly-plot").count() == 1


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
    page.locator(".st-key-at_tau").scroll_into_view_if_needed()
    press_when_enabled(page, "use_tau")
    wait(lambda: load_settings(home).tau_bps is not None, 20)
    tau = load_settings(home).tau_bps
    assert tau is not None
    assert tau == pytest.approx(float(dial.get_attribute("aria-valuenow") or "nan"), rel=0.06)
    wait(lambda: all("\t" in r.inner_text() for r in page.locator(".dial tbody tr").all()), 20)  # the new dial's
    splits = [r.inner_text().split("\t") for r in page.locator(".dial tbody tr").all()]
    seconds = [int(row[1].replace(",", "")) for row in splits]
    spikes = [int(row[2].replace(",", "")) for row in splits]
    assert [row[0] for row in splits] == ["train", "validation", "test"]
    assert 0.08 < spikes[0] / seconds[0] < 0.12
    assert min(spikes) > 0


def press_when_enabled(page: playwright.Page, key: str) -> None:
    button = page.locator(f".st-key-{key} button")
    expect(button).to_be_enabled()
    button.click()


def test_3_train(page: playwright.Page, server: str, home: Home) -> None:
    opened(page, f"{server}/Training")
    assert [row[0] for row in rows(page, "splits")][:3] == ["train", "validation", "test"]
    press(page, "train")
    expect(page.locator(".st-key-stop_train button")).to_be_visible(timeout=20_000)
    opened(page, server)  # a running job is on every page, also on one that is opened anew
    expect(page.locator("[data-line=Job] b")).to_contain_text("training")
    expect(page.locator("[data-line=Job] [role=progressbar]")).to_have_count(1)
    opened(page, f"{server}/Training")
    wait(lambda: len(registry.artifacts(home)) == len(models.discover()), 400)
    expect(page.locator(".st-key-train button")).to_be_visible(timeout=30_000)
    assert len(rows(page, "runs")) == len(models.discover())
    assert any("★" in c for row in rows(page, "runs") for c in row)


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
