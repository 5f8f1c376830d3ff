"""The curve over θ and the numbers of a decision: every extreme kept, the chosen point marked."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.evaluation.policy import Aim
from core.evaluation.record import Estimate
from core.evaluation.sweep import Sweep
from ui import charts
from ui.alert_decision import COLUMNS, curve_of, ends, per_hour, points, share, signed
from ui.charts.alerting import odds

BUDGET = Aim(by="budget", value=2.0)


def swept(n: int, episodes: int = 9) -> Sweep:
    rng = np.random.default_rng(n)
    theta = np.sort(rng.random(n))[::-1] * 0.6 + 1e-6
    alerts = rng.integers(0, 40, n)
    caught = rng.integers(0, episodes + 1, n)
    return Sweep(theta, alerts, caught, alerts - np.minimum(alerts, caught), caught, episodes, 4.0, 0.7)


@pytest.mark.parametrize("n", [1, 30, 2000])
def test_the_curve_is_short_and_keeps_the_highest_and_the_lowest(n: int) -> None:
    s = swept(n)
    c = curve_of(s, BUDGET)
    assert c.theta.size <= 4 * COLUMNS and (np.diff(c.theta) > 0).all()
    drawn = s.theta >= 1e-3 * s.theta[0]
    for kept, whole in ((c.alerts_per_h, s.alerts_per_h[drawn]), (c.recall, s.recall[drawn])):
        assert (kept.min(), kept.max()) == (whole.min(), whole.max())
    at = np.searchsorted(s.theta[::-1], c.theta)
    np.testing.assert_array_equal(c.alerts_per_h, s.alerts_per_h[::-1][at])
    assert (c.budget, c.floor) == (2.0, None)
    assert curve_of(s, Aim(by="recall", value=0.5)).floor == 0.5


@pytest.mark.parametrize("kind", ["dark", "light"])
@pytest.mark.parametrize("episodes", [0, 9])
def test_the_chosen_theta_the_one_in_use_and_what_came_on_test_are_marked(kind: str, episodes: int) -> None:
    curve = curve_of(swept(500, episodes), BUDGET)
    test = Estimate(value=3.0, low=1.0, high=6.0), Estimate(value=0.5 if episodes else None)
    f = charts.alert_curve(kind, curve, theta=0.3, used=0.1, test=test, role="forecast")
    said = [a.text for a in f.layout.annotations]
    assert "θ 0.30" in said and "in use 0.10" in said and "budget" in said and "floor" not in said
    marks = [d for d in f.data if d.mode == "markers"]
    assert len(marks) == 1 + bool(episodes) and marks[0].x[0] == pytest.approx(float(odds(0.3)))
    assert (marks[0].error_y.array[0], marks[0].error_y.arrayminus[0]) == (3.0, 2.0)
    low, high = f.layout.xaxis.range
    assert low < float(odds(0.1)) < float(odds(0.3)) < high
    assert 3 <= len(f.layout.xaxis.tickvals) <= 11
    json.loads(f.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_numbers_are_written_with_their_intervals_or_the_words_that_there_is_none() -> None:
    assert ends(Estimate(value=2.0, low=1.0, high=4.0), per_hour) == "(1.0 to 4.0)"
    assert ends(Estimate(value=0.0, low=0.0, high=0.0), share) == ends(Estimate(value=0.0), share) == "no interval"
    assert ends(Estimate(value=None), share) == ""
    assert [signed(per_hour)(x) for x in (1.24, -1.24, 0.01, None)] == ["+1.2", "−1.2", "0.0", "–"]
    assert [signed(points)(x) for x in (0.5, -0.5, 0.001)] == ["+50 pt", "−50 pt", "0 pt"]
