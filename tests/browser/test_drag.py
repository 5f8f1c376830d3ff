"""How the threshold dial keeps up with a pointer at 1,000,000 labelled rows, measured on the page itself.

Run alone, `python -m tests.browser.test_drag [--home DIR]` prints the numbers as one JSON object; a home that is named
is filled once and used again.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest

from core.config import Home
from core.features.windows import CORE_S
from core.ingestion import importing
from tests.browser.app import CHROMIUM, ROOT, listens, wait
from tests.browser.pages import playwright

ROWS = 1_000_000
WIDTHS = (1440, 420)
DRAG_S = 4.0
FRAME_MS, REDRAWN_MS = 17.0, 1000.0
"""What the dial must hold at the 95th percentile while it is dragged, and from each release to the last change."""
LOADED_S = 240
"""Until a million rows are read and labelled for the first time."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium"),
]

WATCH = """() => {
  window.frames_ms = []; window.dragging = false; window.released = null; window.changed = 0;
  let last = null;
  const tick = (now) => {
    if (window.dragging && last !== null) window.frames_ms.push(now - last);
    last = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  document.addEventListener('pointerup', () => { window.released = performance.now(); }, true);
  const main = document.querySelector('[data-testid=stMain]');
  new MutationObserver(() => { window.changed = performance.now(); })
    .observe(main, { subtree: true, childList: true, characterData: true, attributes: true });
}"""
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"


def million(home: Home) -> None:
    """Fill `home` with one session of a seeded market, one tick a second, that gives `ROWS` labelled rows."""
    if home.ticks_db.exists():
        return
    rng = np.random.default_rng(0)
    n = ROWS + CORE_S + 200  # the windows of the first rows, the horizon of the last, two purges
    slow, fast = (np.cumsum(rng.normal(0, s, n)) for s in (0.004, 0.02))
    fast -= pd.Series(fast).rolling(600, min_periods=1).mean().to_numpy()
    volatility = 0.4e-4 * np.exp(np.sin(slow) + 1.5 * np.tanh(fast))
    mid = 90_000 * np.exp(np.cumsum(volatility * rng.normal(0, 1, n)))
    at_ns = (1_700_000_000 + np.arange(n)) * 10**9
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ticks.csv"
        ticks = {"exch_ts_ns": at_ns, "price": mid.round(2), "bid": (mid - 0.5).round(2), "ask": (mid + 0.5).round(2)}
        pd.DataFrame(ticks).to_csv(path, index=False)
        importing.import_files(home, [path], venue="synthetic", product="BTC-USD")


@contextmanager
def served(home: Home) -> Iterator[tuple[str, psutil.Process]]:
    """The app on a free port; the page's address and the server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", "127.0.0.1",
         "--server.port", str(port), "--server.headless", "true"],
        cwd=ROOT, env=os.environ | {"TREMOR_HOME": str(home.root)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait(lambda: listens(port), 30)
        yield f"http://127.0.0.1:{port}/Threshold_tuning", psutil.Process(app.pid)
    finally:
        app.terminate()
        app.wait(10)


def measured(home: Home) -> dict[str, Any]:
    """Frame times while dragging and the time from release to the last change on the page, in ms, at each width."""
    found: dict[str, Any] = {"rows": 0, "widths": {}}
    with served(home) as (url, server), playwright.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        for width in WIDTHS:
            page = chromium.new_page(viewport={"width": width, "height": 1000})
            page.goto(url)
            page.locator(".dial tbody tr").first.wait_for(timeout=LOADED_S * 1000)
            settled(page)
            found["rows"] = rows_of(page)
            page.evaluate(WATCH)
            found["widths"][width] = dragged(page) | released(page, server)
            page.close()
        chromium.close()
    return found | {"load_1min": os.getloadavg()[0]}


def rows_of(page: Any) -> int:
    """Seconds of all splits, as the dial has them."""
    cells = page.locator(".dial td.seconds").all_text_contents()
    return sum(int(cell.replace(",", "")) for cell in cells)


def settled(page: Any) -> None:
    page.wait_for_selector(IDLE)
    page.wait_for_timeout(1500)


def plot(page: Any) -> dict[str, float]:
    """Where the dial is, in the middle of the window if it was not in it."""
    page.locator(".dial .plot").scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    box: dict[str, float] = page.locator(".dial .plot").bounding_box()
    return box


def dragged(page: Any) -> dict[str, float]:
    """Drag there and back for `DRAG_S`; the deltas of requestAnimationFrame."""
    box = plot(page)
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.5, y)
    page.mouse.down()
    page.wait_for_timeout(200)
    page.evaluate("window.frames_ms = []; window.dragging = true")
    begun = page.evaluate("performance.now()")
    share = 0.0
    while page.evaluate("performance.now()") - begun < DRAG_S * 1000:
        share += 0.004
        page.mouse.move(box["x"] + box["width"] * (0.5 + 0.3 * np.sin(2 * np.pi * share)), y)
    page.evaluate("window.dragging = false")
    frames = np.array(page.evaluate("window.frames_ms"))
    page.mouse.up()
    settled(page)
    p50, p95 = np.percentile(frames, [50, 95])
    return {"frames": frames.size, "p50_ms": round(p50, 1), "p95_ms": round(p95, 1), "max_ms": round(frames.max(), 1)}


def released(page: Any, server: psutil.Process) -> dict[str, Any]:
    """From release to the last change, with the newest hour in the chart below and with all rows; and what one release
    costs the server, ms of processor time, which a busy machine does not stretch."""
    before = sum(server.cpu_times()[:2])
    hour = redrawn(page, 5)
    spent = (sum(server.cpu_times()[:2]) - before) * 1000 / len(hour)
    page.locator(".st-key-stretch").get_by_text("everything").click()
    settled(page)
    return {"redrawn_ms": hour, "redrawn_all_rows_ms": redrawn(page, 3), "server_cpu_ms": round(spent)}


def redrawn(page: Any, times: int) -> list[float]:
    """Release the handle at `times` places; from each to the last change of anything on the page."""
    box = plot(page)
    y, took = box["y"] + box["height"] / 2, []
    for i in range(times):
        page.mouse.move(box["x"] + box["width"] * 0.5, y)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * (0.55 + 0.06 * i), y, steps=5)
        before = page.locator(".st-key-hour .annotation-text").all_text_contents()
        page.mouse.up()
        settled(page)
        assert page.locator(".st-key-hour .annotation-text").all_text_contents() != before, "the chart shows the old τ"
        took.append(round(page.evaluate("window.changed - window.released"), 1))
    return took


def test_the_dial_keeps_up_with_a_pointer_at_a_million_rows(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    million(home)
    found = measured(home)
    assert found["rows"] >= 0.999 * ROWS
    for width in found["widths"].values():
        assert width["frames"] > 100
        assert width["p95_ms"] <= FRAME_MS, found
        assert max(width["redrawn_ms"] + width["redrawn_all_rows_ms"]) <= REDRAWN_MS, found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="where the million rows are kept (a temporary folder)")
    given = parser.parse_args().home
    with tempfile.TemporaryDirectory() as folder:
        where = Home((given or Path(folder) / "home").resolve())
        million(where)
        print(json.dumps(measured(where), indent=1))
