"""What an evaluation says: the one value that page, report, model card and MLflow are made of.

Scores are of the test part, which no fit, no tau, no calibration and no theta has seen. `low` and `high` are the ends
of 95 % intervals by block bootstrap. Times are ns UTC, volatility and tau in bps. `tau_relative` is the multiple of
slow volatility that tau is, None where it is in bps; tau_bps is then a median: of the training part, or of a fold.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from core.config import LabelName
from core.evaluation.scores import Scores


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A number and its interval; all three None where it does not exist, the ends alone where too little stands
    behind it."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One question of the leakage doctor. `passed` is None where it could not be asked; `detail` says the numbers."""

    name: str
    passed: bool | None
    detail: str


class Leakage(msgspec.Struct, frozen=True, kw_only=True):
    """The doctor's verdict: leaky when a check failed, undecided when a needed one could not be asked, else clean."""

    verdict: Literal["clean", "leaky", "undecided"]
    checks: tuple[Check, ...]

    @property
    def words(self) -> str:
        """The verdict as a reader of a score needs it.

        >>> Leakage(verdict="clean", checks=(Check(name="label", passed=True, detail=""),)).words
        'leakage: clean, 1 of 1 checks passed'
        """
        if not self.checks:
            return "leakage: not checked"
        passed = sum(check.passed is True for check in self.checks)
        return f"leakage: {self.verdict}, {passed} of {len(self.checks)} checks passed"


UNCHECKED = Leakage(verdict="undecided", checks=())


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """How much stands behind one split.

    rows -> horizons (rows that share no second of their horizon) -> episodes (runs of spikes, counted as one when
    closer than the horizon). `enough` is: at least 30 spikes and 5 episodes.
    """

    split: str
    rows: int
    spikes: int
    horizons: int
    episodes: int
    sessions: int
    first_ns: int
    last_ns: int
    hours: float
    enough: bool


class Meter(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a conclusion may be drawn at all, in words, and what is missing for one.

    hours_needed : of further capture until the test part holds enough, and until the interval of the AP has `width`;
        None where that cannot be told, 0 where it is so already.
    """

    splits: tuple[Evidence, ...]
    enough: bool
    sentence: str
    hours_needed: float | None
    width: float
    hours_to_width: float | None


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """95 % band of a precision-recall curve: `low` and `high` precision at each `recall`."""

    recall: list[float]
    low: list[float]
    high: list[float]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """One model inside one stretch of the test part: a session, cut at each full hour; or a day; or a regime.

    ap and lift are None where the stretch has one class only.
    """

    name: str
    kind: Literal["session", "day", "regime"]
    first_ns: int
    rows: int
    spikes: int
    base_rate: float
    ap: float | None
    lift: float | None


class Within(msgspec.Struct, frozen=True, kw_only=True):
    """How well a model tells seconds apart inside a session, where telling a busy session from a quiet one earns
    nothing.

    Each forecast is replaced by its rank among those of its session (cut at each full hour); sessions with one class
    only are left out. ap is the average precision of the ranks pooled, to be read against base_rate, that of the same
    rows. `over_base` is ap - base_rate, `over_best` the difference to the best baseline, both paired. None where no
    session has both classes.
    """

    sessions: int
    rows: int
    spikes: int
    base_rate: float | None
    ap: Estimate
    lift: Estimate
    over_base: Estimate
    over_best: Estimate


class Alerts(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts and episodes on test at one budget, hysteresis and cooldown applied; never counted in rows.

    theta keeps to the budget on validation with the most alerts; it is above every forecast where none does, and then
    nothing alerts. An alert at a catches the episode that starts at s when a < s <= a + H. `onset` leaves out the
    alerts raised while volatility is above tau or was in the last horizon. An alert whose horizon runs beyond its
    session is not counted, nor is an episode at a session's first second. `hours` are seconds with a forecast / 3600; a
    share without a denominator has no value. lead_s is the median time from the first catching alert to the episode's
    start.
    """

    budget_per_h: float
    onset: bool
    theta: float
    alerts: int
    right: int
    episodes: int
    caught: int
    hours: float
    recall: Estimate
    precision: Estimate
    false_per_h: float
    lead_s: float | None


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """One point of the reliability plot: rows whose forecast lies near `p`, and the share of them that were spikes.

    The forecasts lie between `least` and `most` (None in evaluations of before these were kept).
    """

    p: float
    share: float
    rows: int
    low: float
    high: float
    least: float | None = None
    most: float | None = None


class Probability(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a probability means what it says. brier_skill is against climatology: 1 - Brier / Brier(train base
    rate)."""

    brier: float
    brier_skill: Estimate
    log_loss: float
    ece: float
    bins: tuple[Bin, ...]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One model on the test part. `name` is the artifact's, `over_best` the paired difference of its AP to the best
    baseline's (none for that baseline itself), `over_base` that to the base rate."""

    name: str
    model: str
    title: str
    baseline: bool
    run_id: str
    theta: float
    scores: Scores
    validation_ap: float
    ap: Estimate
    lift: Estimate
    f1: Estimate
    over_base: Estimate
    over_best: Estimate
    band: Band
    within: Within
    alerts: tuple[Alerts, ...]
    probability: Probability
    calibration: str
    groups: tuple[Group, ...]


class Fold(msgspec.Struct, frozen=True, kw_only=True):
    """One walk-forward fold of one model: trained on what lies before, scored on [first_ns, last_ns]."""

    number: int
    model: str
    train_rows: int
    rows: int
    spikes: int
    first_ns: int
    last_ns: int
    tau_bps: float
    base_rate: float | None
    ap: float | None
    lift: float | None
    note: str = ""
    tau_relative: float | None = None


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A model that was asked for and could not be fitted, and why, in a sentence."""

    model: str
    title: str
    why: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said of the champion, in one sentence, and the word for it.

    "shown": it beats the best baseline inside sessions, interval above 0. "not shown": it does not. "no conclusion":
    too little evidence. "leaky": nothing may be said.
    """

    word: Literal["shown", "not shown", "no conclusion", "leaky"]
    sentence: str


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one training, on one test part. `models` are sorted, best AP within sessions first.

    best_baseline, best_within : names of the baselines with the highest AP on test, pooled and within sessions: the
    ones
        that `over_best` is against, so that a lucky choice among the baselines counts against the models
    """

    training: str
    run_id: str = ""
    made_ns: int
    label: LabelName
    horizon_s: int
    tau_bps: float
    quantile: float | None
    venue: str
    product: str
    fingerprint: str
    seed: int
    replicates: int
    block_s: int
    base_rate: float
    meter: Meter
    leakage: Leakage
    verdict: Verdict
    champion: str | None
    best_baseline: str | None
    best_within: str | None
    models: tuple[Judged, ...]
    folds: tuple[Fold, ...] = ()
    folds_note: str = ""
    missing: tuple[str, ...] = ()
    tau_relative: float | None = None
    left_out: tuple[LeftOut, ...] = ()
