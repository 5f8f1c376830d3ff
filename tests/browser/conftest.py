"""Chromium, a page in it, and the app on the home of the module."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from core.config import Home
from tests.browser.app import ARGS, CHROMIUM, serving

playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[str]:
    """The app on the module's own `home`, as run.py starts it."""
    with serving(home) as app:
        yield app.url


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as play:
        chromium = play.chromium.launch(
            executable_path=str(CHROMIUM),
            args=ARGS,
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
