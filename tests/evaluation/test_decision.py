"""From an evaluated training to a rule: where it is chosen, that test has no say in it, and what is said of it."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pandas as pd
import pytest

from core.config import ALERTS_PER_H, Home
from core.errors import BadInput, NotThere
from core.evaluation import archive
from core.evaluation.budget import theta_to_begin_with
from core.evaluation.decision import STEPS, Decision, Stage, as_json, curve_of, decide, series, stage, thousandths
from core.evaluation.intervals import Blocks
from core.evaluation.parts import FOLDS
from core.evaluation.policy import Aim, Ran, Rule, choose, given
from core.evaluation.record import Evaluation
from core.evaluation.sweep import sweep
from tests.pages.evaluated import LEAKY, evaluated

MODEL = "logistic-t1"
AIM = Aim(by="budget", value=6.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evaluation, pd.DataFrame]:
    home = Home(tmp_path_factory.mktemp("decided") / "home")
    e = evaluated(home)
    return e, archive.load_rows(home, "t1")


def unasked() -> pd.DataFrame:
    """Where validation holds enough, nothing asks for the folds."""
    pytest.fail("the folds were asked for")


def decided(e: Evaluation, s: Stage, aim: Aim) -> Decision:
    return decide(e, s, aim, choose(sweep(s.chosen, 60, 0.5), aim, s.chosen.name), 60, 0.5)


def folds_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The test rows, as if they had been scored in two folds; the second with a tau of its own."""
    late = rows[rows["split"] == "test"].drop(columns="split")
    fold = np.repeat([1, 2], [len(late) // 2, len(late) - len(late) // 2])
    return late.assign(fold=fold, tau=np.where(fold == 1, 5.0, 6.0))


def test_a_rule_is_chosen_on_validation_and_test_has_no_say(made: tuple[Evaluation, pd.DataFrame]) -> None:
    e, rows = made
    s = stage(e, rows, unasked, MODEL)
    assert (s.chosen.name, s.test.name) == ("validation", "test")
    assert s.why == f"Validation holds {s.chosen.episodes} episodes in {s.chosen.hours:.1f} h: θ is chosen on it."
    other = rows.copy()
    test = other["split"] == "test"
    rng = np.random.default_rng(0)
    other.loc[test, MODEL] = rng.random(int(test.sum()))
    other.loc[test, ["vol_bps", "forward_vol_bps"]] = 9.0
    moved = stage(e, other, unasked, MODEL)
    for aim in (AIM, Aim(by="recall", value=0.5), Aim(by="cost", value=0.1)):
        a, b = (decided(e, x, aim) for x in (s, moved))
        assert (a.rule, a.sentence, a.there) == (b.rule, b.sentence, b.there)
        assert a.test != b.test


def test_alerts_begin_with_a_theta_that_keeps_to_the_budget(made: tuple[Evaluation, pd.DataFrame]) -> None:
    e, rows = made
    s = stage(e, rows, unasked, MODEL)
    p = rows.loc[rows["split"] == "validation", MODEL].to_numpy()
    theta = theta_to_begin_with(s.model, p)
    there = sweep(s.chosen, e.horizon_s, 0.5, np.array([theta]))
    assert 0 < there.alerts_per_h[0] <= ALERTS_PER_H and theta != s.model.theta
    assert theta_to_begin_with(s.model, 0.9 * theta * p / p.max()) == s.model.theta, "no alert fits: the best F1's"


def test_where_validation_holds_too_little_folds_take_its_place(made: tuple[Evaluation, pd.DataFrame]) -> None:
    e, rows = made
    quiet = rows.copy()
    quiet.loc[quiet["split"] == "validation", ["vol_bps", "forward_vol_bps"]] = 1.0
    folds = folds_of(rows)
    s = stage(e, quiet, lambda: folds, MODEL)
    assert s.chosen.name == FOLDS and "fewer than 5: θ is chosen on the walk-forward folds" in s.why
    assert np.unique(s.chosen.seconds.session).size == 3  # a hole in the first one or the second, and the cut
    taus = s.chosen.seconds.tau_bps
    assert set(taus.tolist()) == {5.0, 6.0} and (np.diff(taus) >= 0).all()
    assert s.chosen.hours == pytest.approx(len(folds) / 3600)
    assert "no forecasts of folds were kept" in stage(e, quiet, lambda: None, MODEL).why
    assert (
        "the folds hold no more" in stage(e, quiet, lambda: folds.assign(vol_bps=1.0, forward_vol_bps=1.0), MODEL).why
    )
    unsaid = folds.assign(**{MODEL: np.nan})
    assert stage(e, quiet, lambda: unsaid, MODEL).chosen.name == "validation"


def test_a_relative_tau_is_another_number_at_each_second(made: tuple[Evaluation, pd.DataFrame]) -> None:
    e, rows = made
    slow = np.where(rows["session"] == 0, 2.0, 4.0)
    relative = msgspec.structs.replace(e, tau_relative=1.5)
    s = stage(relative, rows.assign(slow_bps=slow, standing_bps=slow + 1), unasked, MODEL)
    test = s.test.seconds
    at = np.zeros(test.bar_end_ns.size, bool)
    at[test.at] = True
    assert set(test.tau_bps[at & (test.session == 1)]) == {7.5} and set(test.tau_bps[~at]) == {3.0, 6.0}
    assert s.test.episodes == int(s.test.spans.start.sum()) > 0


def test_the_rule_in_use_stands_beside_it_on_the_same_rows(made: tuple[Evaluation, pd.DataFrame]) -> None:
    e, rows = made
    s, champion = stage(e, rows, unasked, "xgboost-t1"), stage(e, rows, unasked, MODEL)
    used = Rule(theta=0.2, cooldown_s=60, rearm=0.5)
    choice = choose(sweep(s.chosen, 30, 1.0), AIM, "validation")
    d = decide(e, s, AIM, choice, 30, 1.0, (champion, used))
    assert d.used is not None and d.difference is not None
    assert (d.used.model, d.used.rule) == (MODEL, used)
    assert d.used.test == Ran(champion.test, used).outcome(champion.draws)
    assert d.difference.alerts_per_h.value == pytest.approx((d.test.alerts - d.used.test.alerts) / d.test.hours)
    assert (d.rule.cooldown_s, d.rule.rearm, d.aim, d.chosen_on) == (30, 1.0, AIM, "validation")
    plain = decide(e, s, None, given(0.25), 30, 1.0)
    assert (plain.rule.theta, plain.aim, plain.sentence) == (0.25, None, "θ 0.25 was given.")
    assert plain.used is plain.difference is None
    with pytest.raises(BadInput, match="θ is 1: "):
        given(1.0)


def test_a_leaky_training_and_a_model_that_is_not_there_are_refused(made: tuple[Evaluation, pd.DataFrame]) -> None:
    e, rows = made
    with pytest.raises(BadInput, match="leaks \\(label interval\\): no θ"):
        stage(msgspec.structs.replace(e, leakage=LEAKY), rows, unasked, MODEL)
    with pytest.raises(NotThere, match="has no model nobody; it has"):
        stage(e, rows, unasked, "nobody")
    with pytest.raises(NotThere, match="were kept"):
        stage(e, rows.drop(columns=MODEL), unasked, MODEL)


def test_curves_are_at_whole_thousandths_and_fit_into_one_batch(made: tuple[Evaluation, pd.DataFrame]) -> None:
    e, rows = made
    s = stage(e, rows, unasked, MODEL)
    d = decided(e, s, AIM)
    curve = curve_of(s, d.rule)
    steps, curves = thousandths(curve), series(curve)
    assert len(set(steps)) == len(steps) <= STEPS and min(steps) >= 1 and max(steps) <= 999
    assert sum(map(len, curves.values())) <= 1000
    at = steps.index(steps[len(steps) // 2])
    told = Ran(s.chosen, Rule(theta=steps[at] / 1000, cooldown_s=60, rearm=0.5)).outcome(
        Blocks(s.chosen.seconds.bar_end_ns, 300, 5)
    )
    assert curves["alerts.alerts_per_hour"][at] == pytest.approx(told.alerts / told.hours)
    assert curves["alerts.recall"][at] == told.recall.value
    kept = json.loads(as_json(d, curve))
    assert kept["rule"] == {"theta": d.rule.theta, "cooldown_s": 60, "rearm": 0.5}
    assert kept["curve"]["theta_thousandths"] == steps and len(kept["curve"]["alerts.recall"]) == len(steps)
