"""How long a training takes: what each of its steps took the last time on this home, and how far the present one is.

Nothing here is a constant of some other machine: a step that was never timed makes the sum unknown. Reading, examining,
fitting, folds and judging are taken to go with the number of rows, what MLflow is told with the number of models.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from core.config import Home, write_atomically

Beat = Callable[[float, str], None]
"""Told how far the work is: a share of 1, and what is being done."""


class Timed(msgspec.Struct, frozen=True, kw_only=True):
    """What one step took the last time: seconds, and its size: what it went through; 0 where that does not matter."""

    seconds: float
    size: int = 0

    def at(self, size: int) -> float:
        """Seconds to expect of so large a step."""
        return self.seconds * size / self.size if self.size else self.seconds


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a training: its name among the timed ones, and its size, in rows or in models."""

    name: str
    size: int = 0


def pace(home: Home) -> dict[str, Timed]:
    """What each step took the last time on this home; {} before any training, and where the file cannot be read: it
    only tells how long the next one takes, and is written anew by it."""
    try:
        return msgspec.json.decode((home.data / "pace.json").read_bytes(), type=dict[str, Timed])
    except (FileNotFoundError, msgspec.MsgspecError):
        return {}


def remember(home: Home, timed: Mapping[str, Timed]) -> None:
    """Put what was timed in the place of what is known of these steps."""
    known = pace(home) | dict(timed)
    write_atomically(home.data / "pace.json", msgspec.json.format(msgspec.json.encode(known), indent=1))


def expected(known: Mapping[str, Timed], steps: Sequence[Step]) -> float | None:
    """Seconds that the steps take together, None where one of them was never timed.

    >>> expected({"read": Timed(seconds=2.0, size=100), "open": Timed(seconds=1.0)},
    ...          [Step(name="read", size=300), Step(name="open")])
    7.0
    """
    if any(step.name not in known for step in steps):
        return None
    return sum(known[step.name].at(step.size) for step in steps)


def steps_of(names: Sequence[str], rows: int, folds: int) -> list[Step]:
    """The steps of a training of the models `names` on so many labelled rows, in their order."""
    steps = [Step(name="read", size=rows), Step(name="examine", size=rows)]
    for name in names:
        steps += [Step(name=f"fit {name}", size=rows)]
        steps += [Step(name=f"folds {name}", size=rows * folds)] if folds else []
    return [
        *steps, Step(name="judge", size=rows * len(names)), Step(name="importance", size=rows), Step(name="open"),
        Step(name="log", size=len(names)), Step(name="report", size=len(names)),
    ]  # fmt: skip


class Course:
    """How far a training is. `doing` times one step after the other; `left_s` is what the rest takes by measurement.

    beat : told the share of the whole, by expected seconds (a step never timed weighs as much as the mean of the timed
        ones), and a few words with the time left where it is known
    known : what the steps took before; what is timed on the way takes its place
    """

    def __init__(
        self, steps: Sequence[Step], known: Mapping[str, Timed], beat: Beat,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._rest = list(steps)
        self._known = dict(known)
        self._beat, self._clock = beat, clock
        self._done, self._share = 0.0, 0.0
        self.timed: dict[str, Timed] = {}

    def left_s(self, spent: float = 0.0) -> float | None:
        """Seconds that the running and the coming steps still take, `spent` of the running one; None if unknown."""
        whole = expected(self._known, self._rest)
        if whole is None:
            return None
        running = self._known[self._rest[0].name].at(self._rest[0].size) if self._rest else 0.0
        return whole - min(spent, running)

    @contextmanager
    def doing(self, name: str) -> Iterator[Beat]:
        """Run one step; gives the beat of its own share and words. It is timed if it ends without an error."""
        while self._rest and self._rest[0].name != name:  # steps that were not needed
            self._rest.pop(0)
        step = self._rest[0] if self._rest else Step(name=name)
        started = self._clock()
        weight = self._weight(step)
        coming = sum(self._weight(other) for other in self._rest[1:])

        def told(share: float, message: str) -> None:
            done = self._done + share * weight
            total = self._done + weight + coming
            self._share = max(self._share, done / total if total else 0.0)
            self._beat(self._share, message + said(self.left_s(self._clock() - started)))

        yield told
        self.timed[name] = self._known[name] = Timed(seconds=round(self._clock() - started, 3), size=step.size)
        self._done += weight
        if self._rest:
            self._rest.pop(0)

    def end(self, message: str) -> None:
        """Say that all is done."""
        self._beat(1.0, message)

    def _weight(self, step: Step) -> float:
        if step.name in self._known:
            return self._known[step.name].at(step.size)
        timed = [self._known[s.name].at(s.size) for s in self._rest if s.name in self._known]
        return sum(timed) / len(timed) if timed else 1.0


def said(left_s: float | None) -> str:
    """How long it still takes, behind a comma; "" where that is unknown.

    >>> said(70.4), said(0.2), said(None)
    (', 1 min 10 s left', ', 1 s left', '')
    """
    if left_s is None:
        return ""
    return f", {spoken(left_s)} left"


def spoken(seconds: float) -> str:
    """A stretch of time as it is said: whole seconds, and minutes from one on; 1 s at least.

    >>> spoken(70.4), spoken(0.2)
    ('1 min 10 s', '1 s')
    """
    whole = max(1, round(seconds))
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


__all__ = ["Course", "Step", "Timed", "expected", "pace", "remember", "said", "spoken", "steps_of"]
