"""Choosing a rule for alerts: the fast sweep is the alarm itself, and each aim is kept where it can be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput, NotEnough
from core.evaluation.budget import theta_for_budget
from core.evaluation.combinations import combinations
from core.evaluation.evaluate import Seconds
from core.evaluation.events import Alarm, alerts_at, match
from core.evaluation.intervals import Blocks
from core.evaluation.policy import Aim, Choice, Ran, Rule, choose
from core.evaluation.sweep import Part, Sweep, sweep

SECOND = 1_000_000_000
H = 10
seeds, cooldowns, rearms = st.integers(0, 10_000), st.sampled_from([0, 3, 10, 40]), st.sampled_from([0.1, 0.5, 1.0])


def drawn(seed: int, n: int = 700, quiet: bool = False) -> Part:
    """Forecasts that wander and half know what comes, in three sessions with a hole; some seconds without a row."""
    rng = np.random.default_rng(seed)
    vol = np.exp(np.cumsum(rng.normal(0, 0.25, n)) % 3 - 1)
    seen = np.roll(vol, -int(rng.integers(0, H)))
    p = np.round(1 / (1 + np.exp(2 - seen - rng.normal(0, 0.7, n))), int(rng.integers(1, 3)))
    p[rng.random(n) < 0.02] = np.nan
    steps = np.where(rng.random(n) < 0.01, 30, 1)
    session = np.repeat([0, 4, 7], -(-n // 3))[:n]
    tau = np.full(n, np.inf) if quiet else np.where(session == 4, 2.5, 2.0)
    when = Seconds(np.cumsum(steps) * SECOND, session, vol, tau, np.arange(n))
    return Part("validation", when, p, np.full(n, 100.0), H)


@settings(max_examples=30)
@given(seeds, cooldowns, rearms)
def test_the_sweep_counts_what_the_alarm_run_at_each_theta_does(seed: int, cooldown_s: int, rearm: float) -> None:
    part = drawn(seed)
    made = sweep(part, cooldown_s, rearm)
    s = part.seconds
    assert (np.diff(made.theta) < 0).all() and 0 < made.theta[-1] <= made.theta[0] < 1
    assert made.silent > np.nanmax(part.p) >= made.theta[0]
    assert made.episodes == part.episodes > 0
    for k, theta in enumerate(made.theta.tolist()):
        raised = Alarm(theta, cooldown_s, rearm).push_all(s.bar_end_ns, s.session, part.p)
        m = match(s.bar_end_ns, s.session, raised, part.spans.start, H)
        counted = (raised.sum(), m.right.sum(), (m.alert & ~m.right).sum(), m.caught.sum())
        assert (made.alerts[k], made.right[k], made.false[k], made.caught[k]) == counted


@settings(max_examples=40)
@given(seeds, cooldowns, rearms, st.sampled_from([0.5, 2.0, 10.0, 60.0, 400.0]))
def test_a_budget_is_kept_where_it_is_chosen_and_is_that_of_the_evaluation(
    seed: int, cooldown_s: int, rearm: float, budget: float
) -> None:
    part = drawn(seed)
    made = sweep(part, cooldown_s, rearm)
    choice = choose(made, Aim(by="budget", value=budget), part.name)
    s = part.seconds
    raised = Alarm(choice.theta, cooldown_s, rearm).push_all(s.bar_end_ns, s.session, part.p)
    assert raised.sum() <= budget * part.hours
    below_one = np.minimum(part.p, math.nextafter(1, 0))
    same = theta_for_budget(s.bar_end_ns, s.session, below_one, budget_per_h=budget, cooldown_s=cooldown_s, rearm=rearm)
    assert choice.theta == (made.silent if choice.silent else same)
    quiet = Alarm(same, cooldown_s, rearm).push_all(s.bar_end_ns, s.session, below_one)
    assert choice.silent == (not quiet.any())


@settings(max_examples=40)
@given(seeds, cooldowns, rearms, st.sampled_from([0.05, 0.3, 0.5, 0.8, 1.0]))
def test_a_recall_floor_is_reached_by_the_highest_theta_that_can_or_the_best_possible_is_said(
    seed: int, cooldown_s: int, rearm: float, floor: float
) -> None:
    part = drawn(seed)
    made = sweep(part, cooldown_s, rearm)
    choice = choose(made, Aim(by="recall", value=floor), part.name)
    if not made.caught.any():
        assert choice.silent and not choice.met
        return
    at = int(np.flatnonzero(made.theta == choice.theta)[0])
    reaching = made.caught >= floor * made.episodes - 1e-9
    assert choice.met == bool(reaching.any())
    if choice.met:
        assert reaching[at] and not reaching[:at].any()
    else:
        assert made.caught[at] == made.caught.max() and (made.caught[:at] < made.caught[at]).all()
        assert f"the best possible is {100 * made.caught.max() / made.episodes:.0f} %" in choice.sentence


@settings(max_examples=40)
@given(seeds, cooldowns, st.sampled_from([1e-3, 0.05, 0.2, 1.0, 50.0]))
def test_no_theta_and_no_silence_is_cheaper_than_the_one_of_a_cost(seed: int, cooldown_s: int, ratio: float) -> None:
    part = drawn(seed)
    made = sweep(part, cooldown_s, 0.5)
    choice = choose(made, Aim(by="cost", value=ratio), part.name)
    costs = [*(ratio * made.false + made.episodes - made.caught), float(made.episodes)]
    told = Ran(part, Rule(theta=choice.theta, cooldown_s=cooldown_s, rearm=0.5)).outcome(
        Blocks(part.seconds.bar_end_ns, 5 * H, 5)
    )
    assert ratio * told.false + told.episodes - told.caught == pytest.approx(min(costs))
    assert ("silence is cheapest" in choice.sentence) == (told.alerts == 0)


def by_hand() -> Sweep:
    whole = np.array([[0, 0, 0, 0], [2, 1, 1, 1], [3, 2, 1, 2], [9, 3, 6, 3], [4, 1, 3, 1]])
    return Sweep(np.array([0.9, 0.7, 0.5, 0.3, 0.1]), *whole.T, episodes=4, hours=2.0, silent=0.91)


def test_each_aim_by_hand() -> None:
    s = by_hand()

    def made(by: str, value: float) -> Choice:
        return choose(s, Aim(by=by, value=value), "validation")  # type: ignore[arg-type]

    assert [made("budget", a).theta for a in (0.5, 1, 1.5, 4.5)] == [0.91, 0.7, 0.5, 0.3]  # 0.1 is below the break
    assert [made("recall", r).theta for r in (0.25, 0.5, 0.75)] == [0.7, 0.5, 0.3]
    assert (made("recall", 0.8).met, made("recall", 0.8).theta) == (False, 0.3)
    assert [made("cost", r).theta for r in (0.1, 0.5)] == [0.3, 0.5]
    assert made("cost", 2).theta == 0.91
    assert made("budget", 1.5).sentence == (
        "θ 0.5 keeps to 1.5 alerts an hour on validation: 3 alerts in 2.0 h, 2 of 4 episodes caught, 1 false."
    )
    for by, value in (("budget", 0), ("recall", 1.1), ("cost", -1), ("cost", math.nan)):
        with pytest.raises(BadInput, match=f"the {by} is"):
            made(by, value)


def test_without_an_episode_only_a_budget_can_be_asked_for() -> None:
    part = drawn(1, quiet=True)
    made = sweep(part, H, 0.5)
    assert np.isnan(made.recall).all()
    assert choose(made, Aim(by="budget", value=60), part.name).met
    with pytest.raises(NotEnough, match="validation has no episode"):
        choose(made, Aim(by="recall", value=0.5), part.name)
    same = Part("validation", part.seconds, np.full(part.p.size, 0.2), part.mid, H)
    silent = choose(sweep(same, H, 0.5), Aim(by="budget", value=60), part.name)
    assert silent.silent and silent.sentence.startswith("Nothing alerts: no θ that keeps to the budget raises an alert")
    nothing = Part("validation", part.seconds, np.zeros(part.p.size), part.mid, H)
    with pytest.raises(BadInput, match="is above 0"):
        sweep(nothing, H, 0.5)


@settings(max_examples=25)
@given(seeds, st.sampled_from([0.2, 0.4, 0.7]), cooldowns)
def test_an_outcome_is_what_the_evaluation_counts_with_rates_leads_and_a_row_an_alert(
    seed: int, theta: float, cooldown_s: int
) -> None:
    part = drawn(seed)
    s, blocks = part.seconds, Blocks(part.seconds.bar_end_ns, 5 * H, 40)
    ran = Ran(part, Rule(theta=theta, cooldown_s=cooldown_s, rearm=0.5))
    o = ran.outcome(blocks)
    same = alerts_at(
        s.bar_end_ns, s.session, s.trailing_bps, part.p, theta=theta, tau_bps=s.tau_bps, horizon_s=H,
        budget_per_h=1, onset=False, blocks=blocks, cooldown_s=cooldown_s,
    )  # fmt: skip
    assert (o.right + o.false, o.right, o.episodes, o.caught) == (same.alerts, same.right, same.episodes, same.caught)
    assert (o.recall, o.precision, o.lead_s, o.hours) == (same.recall, same.precision, same.lead_s, same.hours)
    assert o.alerts_per_h.value == pytest.approx(o.alerts / o.hours)
    if o.lead_s is not None:
        assert 0 < (o.lead_least_s or 0) <= o.lead_s <= (o.lead_most_s or 0) <= H
    for e in (o.alerts_per_h, o.false_per_h):
        if e.low is not None and e.value is not None and e.high is not None:
            assert 0 <= e.low <= e.value <= e.high
    rows = ran.table()
    assert len(rows) == o.alerts and (rows["outcome"] == "undecided").sum() == o.undecided
    assert rows["lead_s"].notna().sum() == (rows["outcome"] == "right").sum() == o.right
    assert (rows["p"] >= theta).all() and rows["bar_end_ns"].is_monotonic_increasing


def test_a_rule_differs_from_itself_by_nothing_and_from_another_by_what_both_count() -> None:
    part = drawn(5, 6000)
    blocks = Blocks(part.seconds.bar_end_ns, 5 * H, 100)
    eager, calm = (Ran(part, Rule(theta=t, cooldown_s=H, rearm=0.5)) for t in (0.3, 0.8))
    none = eager.less(eager, blocks)
    assert (none.alerts_per_h.value, none.alerts_per_h.low, none.alerts_per_h.high) == (0, 0, 0)
    d, a, b = eager.less(calm, blocks), eager.outcome(blocks), calm.outcome(blocks)
    assert d.alerts_per_h.value == pytest.approx((a.alerts - b.alerts) / a.hours)
    assert d.recall.value == pytest.approx((a.caught - b.caught) / a.episodes)
    assert d.alerts_per_h.low is not None and d.alerts_per_h.low > 0
    assert d.recall.high is not None and d.recall.high <= 1
    with pytest.raises(BadInput, match="same seconds"):
        eager.less(Ran(drawn(5, 5000), calm.rule), blocks)


@pytest.mark.parametrize("aim", [Aim(by="budget", value=20), Aim(by="recall", value=0.4), Aim(by="cost", value=0.05)])
def test_the_pairs_are_those_of_the_aim_itself_best_first(aim: Aim) -> None:
    part = drawn(11)
    pairs = combinations(part, aim)
    assert len({(c.cooldown_s, c.rearm) for c in pairs}) == len(pairs) == 12
    for c in pairs:
        ran = Ran(part, Rule(theta=c.theta, cooldown_s=c.cooldown_s, rearm=c.rearm))
        told = ran.outcome(Blocks(part.seconds.bar_end_ns, 5 * H, 5))
        assert (told.alerts_per_h.value, told.caught) == (pytest.approx(c.alerts_per_h), c.caught)
    worth = {
        "budget": [-c.caught for c in pairs], "recall": [not c.met for c in pairs],
        "cost": [round(aim.value * c.false_per_h * part.hours - c.caught, 9) for c in pairs],
    }[aim.by]  # fmt: skip
    assert worth == sorted(worth)
