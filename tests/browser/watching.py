"""Measurement: the live monitor watched in Chromium at some 20 ticks a second.

Ticks to the screen, memory of browser and server, remounts, zoom, hover, and typing that no refresh takes away:
`python -m tests.browser.watching --seconds 600` prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from playwright.sync_api import CDPSession, Page, sync_playwright

from core.config import Home, load_settings
from core.ingestion.store import Reader
from tests.browser.app import ARGS, CHROMIUM, App, market, serving

HISTORY_S = 1800
WARM_UP_S = 60
"""After it the figure is full and every cache has been used: memory is compared from there on."""
FIGURE = ".st-key-monitor .live-figure"

WATCH = """
() => {
  const box = document.querySelector('.st-key-monitor .live-figure');
  const log = { draws: [], unhovered: 0, hovered: 0, removed: 0, over: false };
  window.watched = log;
  const last = () => {
    const mid = box.data.find((line) => line.name === 'mid');
    const x = mid.x[mid.x.length - 1];
    return Date.parse(String(x).endsWith('Z') ? x : x + 'Z');
  };
  new MutationObserver(() => {
    log.draws.push([Date.now(), last()]);
    if (log.over) {
      const shown = box.querySelectorAll('.hoverlayer .legend, .hoverlayer .hovertext').length > 0;
      log[shown ? 'hovered' : 'unhovered'] += 1;
    }
  }).observe(box, { attributes: true, attributeFilter: ['data-draws'] });
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.removedNodes) {
      if (node === box || node.contains?.(box)) log.removed += 1;
    }
  }).observe(document.body, { childList: true, subtree: true });
  for (const it of ['h1', '.st-key-monitor .live-figure', '.st-key-stop_monitor button', '.st-key-ring']) {
    document.querySelector(it).dataset.same = 'yes';
  }
}
"""
SAME = """() => ['h1', '.st-key-monitor .live-figure', '.st-key-stop_monitor button', '.st-key-ring']
  .map((it) => document.querySelector(it)?.dataset.same === 'yes')"""


def heap_mb(session: CDPSession) -> float:
    """The page's JavaScript heap after a collection."""
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


def rss_mb(app: App) -> float:
    return float(psutil.Process(app.pid).memory_info().rss) / 1e6


def ranges(page: Page) -> list[Any]:
    return list(page.evaluate(f"() => document.querySelector('{FIGURE}').layout.xaxis.range.map(String)"))


def to_screen(home: Home, draws: list[list[float]]) -> dict[str, Any]:
    """Seconds until what happened was drawn: of ticks from their receipt, of bars from the end of their second.

    A tick is drawn with the bar it lies in, so that up to a second of its time passes before the bar can close.
    """
    at, last = (np.array(side) for side in zip(*draws, strict=True))
    with Reader(home) as reader:
        (of,) = reader.markets()
        newest = reader.last_ticks(of.venue, of.product, int(100 * (last[-1] - last[0]) / 1000) + 1000)
    made, received = (newest[name].to_numpy() for name in ("exch_ts_ns", "local_ts_ns"))
    ends_ms = (made // 10**9 + 1) * 1000
    inside = (ends_ms > last[0]) & (ends_ms <= last[-1])
    ends_ms, made_ms, received_ms = ends_ms[inside], made[inside] / 1e6, received[inside] / 1e6
    shown_ms = at[np.searchsorted(last, ends_ms)]
    behind_ms = float(np.median(received_ms - made_ms))
    bars, first = np.unique(ends_ms, return_index=True)
    ticks, of_bars = (shown_ms - received_ms) / 1000, (shown_ms[first] - bars - behind_ms) / 1000

    def said(s: Any) -> dict[str, float]:
        return {f"p{q}": round(float(np.percentile(s, q)), 3) for q in (50, 95, 99)} | {"max": round(float(s.max()), 3)}

    rate = float(ticks.size / ((last[-1] - last[0]) / 1000))
    return {"ticks_per_s": round(rate, 1), "bar_end_to_screen_s": said(of_bars), "tick_to_screen_s": said(ticks)}


def measure(home: Home, seconds: float, port: App) -> dict[str, Any]:
    """Watch the monitor of a running market for `seconds` after the warm-up."""
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        page = chromium.new_page(viewport={"width": 1440, "height": 1000}, color_scheme="dark")
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{port.url}/Live_monitor")
        page.wait_for_selector(f"{FIGURE}[data-draws]", timeout=60_000)
        page.wait_for_timeout(WARM_UP_S * 1000)
        session = page.context.new_cdp_session(page)
        session.send("HeapProfiler.enable")
        page.evaluate(WATCH)
        box = page.locator(FIGURE).bounding_box()
        assert box is not None
        x, y = box["x"] + 0.9 * box["width"], box["y"] + 0.2 * box["height"]  # behind the gap, and long in the figure
        page.mouse.move(x, y)
        page.mouse.wheel(0, -300)
        page.wait_for_timeout(1500)
        zoomed = ranges(page)
        for step in range(50):  # a pointer that comes to rest over the figure
            page.mouse.move(x + step % 5, y)
            page.wait_for_timeout(200)
            if page.locator(f"{FIGURE} .hoverlayer .legend").count():
                break
        page.evaluate("() => { window.watched.over = true }")
        heap, rss, load = [heap_mb(session)], [rss_mb(port)], [os.getloadavg()[0]]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            page.wait_for_timeout(max(min(30.0, end - time.monotonic()), 1.0) * 1000)
            heap.append(heap_mb(session))
            rss.append(rss_mb(port))
            load.append(os.getloadavg()[0])
        page.evaluate("() => { window.watched.over = false }")
        kept = ranges(page) == zoomed
        log, same = page.evaluate("() => window.watched"), page.evaluate(SAME)
        typed = typing(page)
        theta = sliding(page, home)
        chromium.close()
    hovers = log["hovered"] + log["unhovered"]
    return {
        "seconds": seconds,
        "load": {"least": round(min(load), 2), "mean": round(float(np.mean(load)), 2), "most": round(max(load), 2)},
        **to_screen(home, log["draws"]),
        "draws": len(log["draws"]),
        "remounts": log["removed"] + (not same[1]),
        "page_redrawn": not all(same),
        "zoom_kept": kept,
        "hover_kept": round(log["hovered"] / hovers, 3) if hovers else None,
        "typing_kept": typed,
        "slider_kept": theta,
        "heap_mb": [round(mb, 1) for mb in heap],
        "heap_growth": growth(heap),
        "rss_mb": [round(mb) for mb in rss],
        "rss_growth": growth(rss),
        "errors": errors,
    }


def growth(mb: list[float]) -> float:
    """How much larger the last third of the samples is than the first, by their medians."""
    third = max(len(mb) // 3, 1)
    return round(float(np.median(mb[-third:]) / np.median(mb[:third]) - 1), 4)


def typing(page: Page) -> bool:
    """Whether slow typing into a field stands there whole, refreshes notwithstanding."""
    field = page.locator(".st-key-shadows input")
    field.click()
    for letter in "ewm":
        page.keyboard.type(letter)
        page.wait_for_timeout(1300)
    held = field.input_value() == "ewm" and field.evaluate("el => document.activeElement === el")
    page.keyboard.press("Enter")
    page.wait_for_timeout(3000)
    chosen = page.locator(".st-key-shadows [data-tag]").all_inner_texts()
    return bool(held) and any("EWMA" in text for text in chosen)


def sliding(page: Page, home: Home) -> bool:
    """Whether steps of θ by the keyboard, a refresh between each two, all arrive."""
    slider = page.locator(".st-key-theta input[type=range]")
    slider.focus()
    before = float(slider.input_value())
    for _ in range(5):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(700)
    page.wait_for_timeout(2000)
    now, saved = float(slider.input_value()), load_settings(home).theta
    return abs(now - before - 0.005) < 1e-9 and saved is not None and abs(saved - now) < 1e-9


def run(home: Home, seconds: float) -> dict[str, Any]:
    """Build a home, run market, monitor and app, and watch."""
    with market(home, HISTORY_S), serving(home) as app:
        return measure(home, seconds, app)


if __name__ == "__main__":
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--seconds", type=float, default=600)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run(Home(Path(folder) / "home"), ask.parse_args().seconds), indent=1))
