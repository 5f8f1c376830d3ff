"""What tests read from a page and do on it, in Chromium."""

from __future__ import annotations

import pytest

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
expect.set_options(timeout=20_000)  # as the pages themselves: the first one waits for a server that has just begun


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


def press_when_enabled(page: playwright.Page, key: str) -> None:
    button = page.locator(f".st-key-{key} button")
    expect(button).to_be_enabled()
    button.click()
