"""The progress bar of long work: drawn only where the work takes long, and gone when it has ended or failed."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from ui import parts


class Place:
    """What was drawn in the place of the bar, in order."""

    def __init__(self) -> None:
        self.drawn: list[tuple[float, str] | None] = []

    def progress(self, share: float, words: str) -> None:
        self.drawn.append((share, words))

    def empty(self) -> None:
        self.drawn.append(None)


class Clock(threading.Thread):
    """A timer that rings when the test says so."""

    def __init__(self, after_s: float, ring: Callable[[], None]) -> None:
        super().__init__()
        self.after_s, self.ring, self.cancelled = after_s, ring, False
        CLOCKS.append(self)

    def start(self) -> None:
        pass

    def cancel(self) -> None:
        self.cancelled = True


CLOCKS: list[Clock] = []


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    there = Place()
    monkeypatch.setattr(parts.st, "empty", lambda: there)
    monkeypatch.setattr(parts.threading, "Timer", Clock)
    return there


def test_work_that_ends_in_time_draws_no_bar(place: Place) -> None:
    with parts.stepping("Reading 10 events") as step:
        step(0.4, "Labelling 5 seconds")
    assert CLOCKS[-1].after_s == parts.PATIENCE_S and CLOCKS[-1].cancelled
    assert place.drawn == [None]
    CLOCKS[-1].ring()  # one that rang as the work ended
    assert place.drawn == [None]


def test_a_long_work_says_what_it_does_and_how_far_it_is(place: Place) -> None:
    with parts.stepping("Reading 10 events") as step:
        CLOCKS[-1].ring()
        step(0.4, "Labelling 5 seconds")
    assert place.drawn == [(0.0, "Reading 10 events"), (0.4, "Labelling 5 seconds"), None]


def test_a_work_that_fails_leaves_no_bar(place: Place) -> None:
    def fail() -> None:
        with parts.stepping("Reading 10 events") as step:
            step(0.4, "Labelling 5 seconds")
            CLOCKS[-1].ring()
            raise ValueError("no rows")

    with pytest.raises(ValueError, match="no rows"):
        fail()
    assert place.drawn == [(0.4, "Labelling 5 seconds"), None]
