"""Measurement: five browser sessions at once on one app, one capture, one monitor.

How long until what was asked for is on the screen, by kind of interaction:
`python -m tests.browser.sessions --rounds 6` prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Browser, Page, async_playwright

from core.config import Home
from tests.browser.app import ARGS, CHROMIUM, App, market, serving
from tests.browser.watching import FIGURE, HISTORY_S

SESSIONS = 5
BELOW = ".st-key-hour .live-figure"
"""The price under the dial."""
THINKS_S = 1.0
"""Between two interactions of a session."""
PAGES = {
    "Live capture": ".st-key-mid .js-plotly-plot",
    "Threshold tuning": ".st-key-at_tau",
    "Training": ".st-key-train button",
    "Evaluation": ".st-key-scores table",
    "Drift": ".st-key-compare button",
    "Alert tuning": ".st-key-compared table",
    "Live monitor": f"{FIGURE}[data-draws]",
    "Time machine": ".st-key-replay .live-figure[data-draws]",
    "Home": ".st-key-now .js-plotly-plot",
}
"""What must stand on a page when it is there."""

Took = dict[str, list[float]]


class Visitor:
    """One browser session and how long its interactions took, in seconds."""

    def __init__(self, page: Page, took: Took, alone: asyncio.Lock) -> None:
        self.page, self._took, self._alone = page, took, alone

    async def until(self, kind: str, began: float, true: str, arg: object = None) -> None:
        await self.page.wait_for_function(true, arg=arg, polling="raf", timeout=60_000)
        self._took[kind].append(time.monotonic() - began)
        await asyncio.sleep(THINKS_S)

    async def go(self, title: str) -> None:
        link = self.page.locator(".st-key-navigation").get_by_role("link", name=title, exact=True)
        began = time.monotonic()
        await link.click()
        there = """([title, mark]) => (title === 'Home' || document.querySelector('h1')?.innerText === title)
          && [...document.querySelectorAll(mark)].some((it) => !it.closest('[data-stale=true]'))"""
        await self.until("navigate", began, there, [title, PAGES[title]])

    async def dial(self, key: str) -> None:
        """One step of τ, until the price below has been drawn with the spikes it makes."""
        draws = int(await self.page.locator(f"{BELOW}[data-draws]").get_attribute("data-draws") or 0)
        await self.page.get_by_role("slider", name="Spike threshold").focus()
        began = time.monotonic()
        await self.page.keyboard.press(key)
        redrawn = f"(was) => Number(document.querySelector('{BELOW}')?.dataset.draws) > was"
        await self.until("dial", began, redrawn, draws)

    async def select(self) -> None:
        """One more baseline beside the champion, the first of those offered, and away with it again."""
        drawn = f"""([name, there]) =>
          document.querySelector('{FIGURE}')?.data?.some((l) => l.name === name) === there"""
        field = self.page.locator(".st-key-shadows input")
        # A list closes when the page scrolls: the scroll to it must be over before the click.
        await field.scroll_into_view_if_needed()
        await self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
        await field.click()
        title = await self.page.get_by_role("option").nth(1).inner_text()  # the first one is "Select all"
        await self.page.keyboard.type(title)
        began = time.monotonic()
        await self.page.keyboard.press("Enter")
        await self.until("select", began, drawn, [title, True])
        await field.focus()
        began = time.monotonic()
        await self.page.keyboard.press("Backspace")  # takes the last one away
        await self.until("select", began, drawn, [title, False])
        await self.page.keyboard.press("Escape")

    async def slide(self, key: str) -> None:
        """θ is one for all sessions: they take turns."""
        async with self._alone:
            slider = self.page.locator(".st-key-theta input[type=range], [class*=st-key-theta_] input[type=range]")
            await slider.focus()
            began = time.monotonic()
            await self.page.keyboard.press(key)
            at = float(await slider.input_value())
            line = f"""(at) => document.querySelector('{FIGURE}')?.layout?.shapes
              ?.some((s) => s.yref === 'y2' && Math.abs(s.y0 - at) < 1e-6)"""
            await self.until("slider", began, line, at)

    async def round(self, first: int, number: int) -> None:
        titles = list(PAGES)
        for title in titles[first:] + titles[:first]:
            await self.go(title)
            if title == "Threshold tuning":
                await self.dial("PageUp" if number % 2 else "PageDown")
            elif title == "Live monitor":
                await self.select()
                await self.slide("ArrowRight" if number % 2 else "ArrowLeft")


async def visitor(chromium: Browser, app: App, took: Took, alone: asyncio.Lock, errors: list[str]) -> Visitor:
    context = await chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    page = await context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(app.url)
    await page.wait_for_selector(PAGES["Home"], timeout=60_000)
    return Visitor(page, took, alone)


async def measure(app: App, rounds: int) -> dict[str, Any]:
    """Let five sessions go their rounds over all pages at the same time; a first round warms caches and is left out."""
    errors: list[str] = []
    load = []
    async with async_playwright() as play:
        chromium = await play.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        took: Took = defaultdict(list)
        alone = asyncio.Lock()
        visitors = [await visitor(chromium, app, took, alone, errors) for _ in range(SESSIONS)]
        for number in range(rounds + 1):
            await asyncio.gather(*(one.round(i, number) for i, one in enumerate(visitors)))
            load.append(os.getloadavg()[0])
            if number == 0:
                first = {kind: [round(s, 2) for s in seconds] for kind, seconds in took.items()}
                took.clear()
        await chromium.close()

    def said(seconds: list[float]) -> dict[str, float]:
        p50, p95 = np.percentile(seconds, [50, 95])
        return {"n": len(seconds), "p50": round(p50, 3), "p95": round(p95, 3), "max": round(max(seconds), 3)}

    everything = [s for seconds in took.values() for s in seconds]
    return {
        "sessions": SESSIONS,
        "load": [round(x, 1) for x in load],
        "first_round_max_s": {kind: max(seconds) for kind, seconds in first.items()},
        "all": said(everything),
        **{kind: said(seconds) for kind, seconds in sorted(took.items())},
        "errors": errors,
    }


def run(home: Home, rounds: int) -> dict[str, Any]:
    """Build a home, run market, monitor and app, and let the sessions in."""
    with market(home, HISTORY_S), serving(home) as app:
        return asyncio.run(measure(app, rounds))


if __name__ == "__main__":
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--rounds", type=int, default=6)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run(Home(Path(folder) / "home"), ask.parse_args().rounds), indent=1))
