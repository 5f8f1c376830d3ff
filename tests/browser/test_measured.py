"""The two measurements of the running app, short: what they promise on a machine that has nothing else to do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from core import jobs
from core.config import Home
from tests.browser import app as running
from tests.browser.app import CHROMIUM, App

pytest.importorskip("playwright.sync_api")
from tests.browser import sessions, watching

pytestmark = [
    pytest.mark.browser, pytest.mark.slow, pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium"),
]  # fmt: skip


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, App]]:
    home = Home(tmp_path_factory.mktemp("live") / "home")
    with running.market(home, watching.HISTORY_S), running.serving(home) as app:
        yield home, app
    assert not any(jobs.read(home, name).running for name in ("capture", "monitor"))


def test_the_live_page_keeps_up_and_keeps_what_its_viewer_does(live: tuple[Home, App]) -> None:
    home, app = live
    found = watching.measure(home, 60, app)
    assert found["ticks_per_s"] >= 20
    assert found["bar_end_to_screen_s"]["p95"] <= 2
    assert (found["remounts"], found["page_redrawn"], found["errors"]) == (0, False, [])
    assert found["zoom_kept"] and found["hover_kept"] > 0.95
    assert found["typing_kept"] and found["slider_kept"]
    assert found["heap_growth"] <= 0.1 and found["rss_growth"] <= 0.1


def test_five_sessions_at_once_are_answered_in_time(live: tuple[Home, App]) -> None:
    _, app = live
    found = asyncio.run(sessions.measure(app, 2))
    assert found["errors"] == [] and found["all"]["n"] >= 2 * 5 * 10
    assert found["all"]["p95"] <= 1.5
