"""How long a training takes is measured, or it is not said."""

from __future__ import annotations

import pytest

from core.config import Home
from core.training.pace import Course, Step, Timed, expected, pace, remember, steps_of

KNOWN = {"examine": Timed(seconds=4.0, size=100), "fit a": Timed(seconds=10.0, size=100), "open": Timed(seconds=6.0)}
STEPS = [Step(name="examine", size=200), Step(name="fit a", size=200), Step(name="open")]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_steps_of_a_training_name_each_model_and_its_folds() -> None:
    names = [step.name for step in steps_of(["a", "b"], 100, 3)]
    assert names == "read,examine,fit a,folds a,fit b,folds b,judge,importance,open,log,report".split(",")
    assert {s.name: s.size for s in steps_of(["a", "b"], 100, 3)}["folds a"] == 300
    assert "folds a" not in [step.name for step in steps_of(["a"], 100, 0)]


def test_what_is_expected_goes_with_the_size_and_is_unknown_where_a_step_was_never_timed() -> None:
    assert expected(KNOWN, STEPS) == 8 + 20 + 6
    assert expected(KNOWN, [*STEPS, Step(name="fit b", size=1)]) is None


def test_shares_follow_the_expected_seconds_and_the_time_left_falls() -> None:
    told: list[tuple[float, str]] = []
    clock = Clock()
    course = Course(STEPS, KNOWN, lambda *said: told.append(said), clock)
    with course.doing("examine") as step:
        clock.now = 2.0
        step(0.5, "half")
        clock.now = 12.0  # it took longer than expected
    with course.doing("fit a") as step:
        step(0.0, "fitting")
        clock.now = 50.0
        step(0.9, "slow")
    with course.doing("open") as step:
        step(0.0, "opening")
    course.end("done")
    assert [said for _, said in told] == ["half, 32 s left", "fitting, 26 s left", "slow, 6 s left", "opening, 6 s left", "done"]  # fmt: skip  # noqa: E501
    assert [share for share, _ in told] == pytest.approx([4 / 34, 8 / 34, 26 / 34, 28 / 34, 1])
    assert course.timed["examine"] == Timed(seconds=12.0, size=200) and course.timed["fit a"].seconds == 38.0


def test_without_a_measurement_no_time_is_said_and_a_step_that_fails_is_not_timed() -> None:
    told: list[tuple[float, str]] = []
    course = Course([Step(name="fit a"), Step(name="folds a"), Step(name="open")], {}, lambda *said: told.append(said))
    with pytest.raises(ZeroDivisionError), course.doing("fit a") as step:
        step(1 / 0, "fitting")
    with course.doing("open") as step:  # the folds of a model that is left out are passed over
        step(1.0, "opening")
    assert told == [(1.0, "opening")] and list(course.timed) == ["open"]


def test_what_was_timed_is_kept_a_step_each(home: Home) -> None:
    assert pace(home) == {}
    remember(home, KNOWN)
    remember(home, {"open": Timed(seconds=1.0)})
    assert pace(home) == KNOWN | {"open": Timed(seconds=1.0)}
    (home.data / "pace.json").write_text("[")
    assert pace(home) == {}, "it only tells how long a training takes, and stops none"
