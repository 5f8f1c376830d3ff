"""Screenshots of the app, for the README and for a look at every page: `python -m tests.browser.shots`.

Without --home it makes one: a sample day, τ, a training, a capture and a monitor, three to five minutes in all. With
--all DIR every page is shot, dark and light, 1440 and 420 px wide, as long as it is. Not a test: nothing is asserted.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from core import jobs
from core.__main__ import main as verb
from core.config import Home, change_settings, load_settings
from core.live import forecasts, pipeline
from core.training import registry
from ui.shell import GROUPS

ROOT = Path(__file__).resolve().parents[2]
README = (
    ("home", "", "dark"),
    ("threshold", "Threshold_tuning", "dark"),
    ("evaluation", "Evaluation", "light"),
    ("monitor", "Live_monitor", "dark"),
)
"""File in docs/screenshots, page, colour scheme."""
PAGES = ["", *(Path(path).stem.partition("_")[2] for _, group in GROUPS for path, *_ in group)]
TALLEST = 8000
HEAVY = 250_000
"""Bytes above which a picture is reduced to 256 colours."""
SETTLE_MS = 5_000
"""A figure is drawn after its page; nothing tells when the last one is."""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    asked.add_argument("--home", type=Path, help="an existing home; it is left as it is")
    asked.add_argument("--all", type=Path, metavar="DIR", help="every page into this folder, in place of the README's")
    args = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = Home(Path(folder) / "home")
        try:
            home = Home(args.home.resolve()) if args.home else _lively(made)
            with _served(home) as url, sync_playwright() as play:
                chromium = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
                if args.all:
                    _all(chromium, url, args.all)
                else:
                    _readme(chromium, url, ROOT / "docs" / "screenshots")
                chromium.close()
        finally:
            for name in ("monitor", "capture", "exchange"):
                jobs.stop(made, name)


def _lively(home: Home) -> Home:
    """A home with a sample day, a training, a capture, and a monitor with an hour of forecasts."""
    where = ["--home", str(home.root)]
    verb(["sample", *where])
    verb(["train", *where])
    best = registry.champion(home)
    assert best is not None
    change_settings(home, tau_bps=best.tau_bps)
    pipeline.start_capture(home, load_settings(home))
    pipeline.start_monitor(home, "embedded", "BTC-USD")
    until = time.monotonic() + 300
    while time.monotonic() < until and forecasts.table(home, "embedded", "BTC-USD", best.name, 0).num_rows < 3600:
        time.sleep(1)
    return home


def _readme(chromium: Browser, url: str, folder: Path) -> None:
    for name, page, scheme in README:
        _shoot(chromium, f"{url}/{page}", 1440, scheme, folder / f"{name}.png", whole=False)


def _all(chromium: Browser, url: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for page in PAGES:
        for scheme in ("dark", "light"):
            for width in (1440, 420):
                file = folder / f"{page or 'Home'}_{width}_{scheme}.png"
                _shoot(chromium, f"{url}/{page}", width, scheme, file, whole=True)


def _shoot(chromium: Browser, url: str, width: int, scheme: Any, file: Path, *, whole: bool) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(url)
    page.locator(".tr-line").wait_for(timeout=60_000)
    page.locator("[data-test-script-state=notRunning]").wait_for(timeout=60_000)
    page.wait_for_timeout(SETTLE_MS)
    if whole:
        height = page.locator("[data-testid=stMain]").evaluate("el => el.scrollHeight")
        page.set_viewport_size({"width": width, "height": min(height, TALLEST)})
        page.wait_for_timeout(SETTLE_MS // 2)
    page.screenshot(path=file)
    context.close()
    if file.stat().st_size > HEAVY:
        _reduced(Image.open(file).convert("RGB")).save(file, optimize=True)
    print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB", flush=True)


def _reduced(picture: Image.Image) -> Image.Image:
    """The picture in 256 colours: the most frequent ones as they are, the rest so that a small word keeps its own."""
    counted = sorted(picture.getcolors(picture.width * picture.height), reverse=True)
    exact = [channel for _, colour in counted[:128] for channel in colour]
    spread = picture.quantize(128, Image.Quantize.MAXCOVERAGE).getpalette()
    palette = Image.new("P", (1, 1))
    palette.putpalette((exact + spread)[: 3 * 256])
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


@contextmanager
def _served(home: Home) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"],
        cwd=ROOT, env=os.environ | {"TREMOR_HOME": str(home.root)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(300):
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        app.terminate()
        app.wait(10)


if __name__ == "__main__":
    main()
