"""The time machine in Chromium: keys, playing without a remount, a zoom that is kept, a link that shows the same."""

from __future__ import annotations

import pytest

from core.config import Home
from core.live.monitor import Monitor
from core.live.replay import stamp
from tests.browser.app import CHROMIUM, wait
from tests.browser.pages import cell, expect, opened, playwright
from tests.live.conftest import crown
from tests.live.market import START_S, fill, ticks

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A stored stretch with a model, and what a monitor said of its end."""
    made = Home(tmp_path_factory.mktemp("machine") / "home")
    fill(made, ticks(2400))
    crown(made, "zscore", 0.9)
    monitor = Monitor(made)
    monitor.step()
    monitor.close()
    return made


def seconds(clock: str) -> int:
    hours, minutes, rest = map(int, clock.split(":"))
    return 3600 * hours + 60 * minutes + rest


@pytest.mark.slow
def test_it_plays_steps_and_keeps_its_place(page: playwright.Page, server: str) -> None:
    opened(page, f"{server}/Time_machine")
    expect(page.get_by_text("equal to the bit").first).to_be_visible()
    plot, figure = page.locator(".st-key-replay .js-plotly-plot"), page.locator(".st-key-replay .live-figure")
    expect(plot).to_have_count(1)
    plot.evaluate("el => { el.dataset.same = 'yes' }")
    play = page.locator(".st-key-play button")

    def place() -> str:
        return cell(page, "Replayed")

    def drawn(more: int) -> None:
        n = int(figure.get_attribute("data-draws") or 0)
        wait(lambda: int(figure.get_attribute("data-draws") or 0) >= n + more, 30)

    def scale() -> str:
        return str(figure.evaluate("el => el._fullLayout.xaxis.range.join()"))

    before = place()
    page.keyboard.press("ArrowRight")
    wait(lambda: place() != before, 20)
    page.keyboard.press("k")
    expect(play).to_contain_text("Pause")
    before = place()
    drawn(8)
    wait(lambda: place() != before, 20)
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 400, box["y"] + 100)
    page.mouse.wheel(0, -400)
    drawn(2)
    zoomed = scale()
    drawn(8)
    assert scale() == zoomed, "the zoom was lost"
    play.click()
    expect(play).to_contain_text("Play")
    page.keyboard.press("k")  # the button has the focus: one press, not two
    expect(play).to_contain_text("Pause")
    page.keyboard.press("k")
    expect(play).to_contain_text("Play")
    stands = place()
    page.locator(".st-key-on_10 button").focus()
    page.keyboard.press("Space")  # presses the button that has the focus, and does not play
    wait(lambda: seconds(place()) == seconds(stands) + 10, 20)
    expect(play).to_contain_text("Play")
    wait(lambda: "paused" in page.locator(".tr-strip > div").first.inner_text(), 20)
    assert plot.get_attribute("data-same") == "yes", "the figure was mounted again"
    stands, link = place(), page.url
    assert "at=" in link and "speed=" in link
    line = page.locator(".st-key-time_line .line")
    expect(line.locator(".at")).to_have_text(stands)
    expect(line.locator("output, [role=status], [aria-live]")).to_have_count(0)  # it changes ten times a second
    opened(page, link)
    wait(lambda: place() == stands, 20)


@pytest.mark.slow
def test_a_drag_that_changes_nothing_or_is_called_off_lets_the_line_go_on(page: playwright.Page, server: str) -> None:
    opened(page, f"{server}/Time_machine?at={stamp((START_S + 1) * 10**9)}")
    line = page.locator(".st-key-time_line input")
    expect(line).to_have_value("0")
    line.evaluate("el => el.addEventListener('change', () => { el.dataset.changed = 'yes' })")

    def press_and_drag() -> dict[str, float]:
        line.scroll_into_view_if_needed()
        box: dict[str, float] = line.bounding_box()
        page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + 200, box["y"] + box["height"] / 2, steps=5)
        assert int(line.input_value()) > 100
        return box

    box = press_and_drag()
    page.mouse.move(box["x"] - 5, box["y"] + 60, steps=5)
    page.mouse.up()
    assert line.get_attribute("data-changed") is None
    page.locator(".st-key-on_10 button").click()
    expect(line).to_have_value("10")
    for event in ("pointercancel", "blur"):
        line.evaluate("el => { el.value = 500; el.dispatchEvent(new Event('input')) }")
        line.dispatch_event(event)
        expect(line).to_have_value("10")
    page.locator(".st-key-play button").click()
    expect(page.locator(".st-key-play button")).to_contain_text("Pause")
    press_and_drag()
    page.wait_for_timeout(500)  # the playing line is looked at ten times a second
    dragged = int(line.input_value())
    page.mouse.up()
    wait(lambda: seconds(cell(page, "Replayed")) - (START_S + 1) % 86_400 >= dragged > 100, 20)
    wait(lambda: int(line.input_value()) > dragged, 20)
