"""The rules that must be beaten, against answers worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.alarm_clock import AlarmClock
from models.climatology import HOUR_NS, Climatology
from models.prevalence import Prevalence
from models.spread_activity import SpreadActivity

MIDNIGHT_NS = 20_000 * 24 * HOUR_NS


def at(seconds: np.ndarray) -> pd.DataFrame:
    index = pd.Index(MIDNIGHT_NS + seconds * 1_000_000_000, name="bar_end_ns")
    return pd.DataFrame({"rv_60": np.ones(seconds.size)}, index=index)


def test_the_base_rate_is_said_at_every_bar() -> None:
    x = at(np.arange(8))
    assert (Prevalence().fit(x, np.arange(8) < 2).predict_proba(x) == [0.75, 0.25]).all()


def test_the_alarm_clock_rings_six_times_an_hour_and_loudest_on_the_hour() -> None:
    x = at(np.arange(1, 7201))
    p = AlarmClock().fit(x, np.arange(7200) % 10 == 0).predict_proba(x)[:, 1]
    levels, counts = np.unique(p, return_counts=True)
    np.testing.assert_allclose(levels, 0.1 * np.array([1, 1.001, 1.002, 1.003]))
    assert counts.tolist() == [7200 - 12, 8, 2, 2]
    assert np.flatnonzero(p == levels[-1]).tolist() == [3599, 7199]


def test_without_a_clock_it_never_rings() -> None:
    x = at(np.arange(1, 7201))
    rule = AlarmClock().fit(x, np.arange(7200) % 10 == 0)
    assert (rule.predict_proba(x.reset_index(drop=True))[:, 1] == 0.1).all()


def test_the_time_of_day_says_its_own_share_in_hours_seen_on_three_days() -> None:
    """Hours 9 and 10 of three days, hour 11 of two; half of hour 10 spikes, nothing else does."""
    hours = [24 * day + hour for day in range(3) for hour in (9, 10, 11) if (day, hour) != (2, 11)]
    seconds = np.concatenate([3600 * hour + np.arange(3600) for hour in hours])
    spike = (seconds // 3600 % 24 == 10) & (seconds % 2 == 0)
    rule = Climatology().fit(at(seconds), spike)
    rate = spike.mean()
    p = rule.predict_proba(at(3600 * np.array([24 * 9 + 9, 10, 11, 12])))[:, 1]
    np.testing.assert_allclose(p, [rate / 4, (0.5 * 3 + rate) / 4, rate, rate])
    assert rule.note_ == "2 of 24 hours were seen on 3 days or more; the base rate at the others"


@pytest.mark.parametrize("clocked", [True, False])
def test_one_day_has_no_time_of_day(clocked: bool) -> None:
    x = at(np.arange(0, 86_400, 60))
    x = x if clocked else x.reset_index(drop=True)
    spike = np.arange(len(x)) % 4 == 0
    rule = Climatology().fit(x, spike)
    assert (rule.predict_proba(x)[:, 1] == 0.25).all()
    assert rule.note_.endswith(": the base rate at every hour")


def test_a_wide_spread_and_fast_ticks_alarm_each_and_more_so_together() -> None:
    rng = np.random.default_rng(0)
    x = pd.DataFrame({"spread_60": rng.lognormal(0, 1, 500), "intensity_60": rng.lognormal(0, 1, 500)})
    rule = SpreadActivity().fit(x, rng.random(500) < 0.2)
    asked = pd.DataFrame({"spread_60": [1.0, 9, 1, 9, np.nan], "intensity_60": [1.0, 1, 9, 9, 9]})
    p = rule.predict_proba(asked)[:, 1]
    assert p[0] < min(p[1], p[2]) and max(p[1], p[2]) < p[3]
    assert p[4] == pytest.approx(p[2], rel=0.15)  # an unknown spread is a mean one


def test_without_quotes_the_activity_alone_decides_and_without_both_there_is_no_rule() -> None:
    x = pd.DataFrame({"spread_60": np.nan, "intensity_60": np.arange(1.0, 51), "other": np.arange(50.0)})
    y = np.arange(50) > 40
    p = SpreadActivity().fit(x, y).predict_proba(x)[:, 1]
    assert (np.diff(p) > 0).all()
    with pytest.raises(ValueError, match="neither spread_60 nor intensity_60 is there and varies"):
        SpreadActivity().fit(x[["other"]], y)
