"""What is forecast: volatility strictly after t, and whether it reaches tau.

A row at t is labelled by the bars ending in (t, t + horizon]: forward volatility is the trailing estimator of the row
one horizon later in the same session, so window and horizon share every bit of their arithmetic and none of their bars.
Where the session ends within the horizon there is no label, nor where the horizon touches a gap that is not repaired.
tau is a number of bps, or a multiple of slow volatility: of the trailing hour's, known at t.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.config import LEAKY_LABELS, LabelName, Settings
from core.errors import BadInput
from core.features import formulas
from core.features.bars import SECOND_NS
from core.features.windows import CORE_S, WINDOWS_S

Floats = NDArray[np.float64]

TITLES: dict[str, str] = {
    "rv": "realised volatility of the next {h} s",
    "tick_std": "tick-to-tick standard deviation over the next {h} s",
    "bipower": "bipower variation of the next {h} s",
    "next_row": "trailing {h} s tick-to-tick standard deviation, one row later (leaky)",
}
LEAKY_WHY = (
    "next_row is leaky: its label is the trailing volatility one row later, and all but one of that window's seconds "
    "are already in the features. A score near 1 here says nothing about the future."
)


@dataclass(frozen=True)
class Question:
    """What a model is asked: which estimator, over how many seconds ahead (one of the windows)."""

    label: LabelName = "rv"
    horizon_s: int = 60

    def __post_init__(self) -> None:
        if self.label not in TITLES:
            raise BadInput(f"label {self.label!r} is not one of {', '.join(TITLES)}")
        if self.horizon_s not in WINDOWS_S:
            raise BadInput(f"a horizon of {self.horizon_s} s is not one of {', '.join(map(str, WINDOWS_S))} s")

    @property
    def title(self) -> str:
        return TITLES[self.label].format(h=self.horizon_s)

    @property
    def leaky(self) -> bool:
        return self.label in LEAKY_LABELS

    @property
    def trailing(self) -> str:
        """The feature that measures backwards what the label measures forwards: the persistence forecast."""
        estimator = {"next_row": "tick_std"}.get(self.label, self.label)
        return f"{estimator}_{self.horizon_s}"

    @property
    def ahead(self) -> int:
        """Seconds from a row to the one whose trailing volatility is its label: the horizon, 1 for the leaky label."""
        return 1 if self.leaky else self.horizon_s

    @property
    def slow(self) -> str:
        """The feature that measures the last hour by the label's own estimator: squared returns of seconds, or of
        ticks."""
        return "tick_rms_3600" if self.trailing.startswith("tick_std") else "rms_3600"

    @property
    def slow_scale(self) -> float:
        """What `slow` is multiplied by to be on the label's scale.

        `rv` and `bipower` are roots of a sum over the horizon's seconds (a `bipower` is held against an hour with its
        jumps); a deviation from tick to tick is the same at any length.
        """
        return 1.0 if self.slow == "tick_rms_3600" else math.sqrt(self.horizon_s)


def asked_question(args: Any, settings: Settings) -> Question:
    """The question of a verb's --label and --horizon, each from the settings where it is not given."""
    return Question(
        settings.label if args.label is None else args.label,
        settings.horizon_s if args.horizon is None else args.horizon,
    )


def forward_volatility(
    question: Question, features: Floats, bar_end_ns: NDArray[np.int64], session: NDArray[np.int64]
) -> Floats:
    """Forward volatility in bps of each bar, shape (n,); NaN where its horizon was not wholly observed.

    features has shape (len(FEATURES), n). Reads the bars ending in (t, t + horizon]; for the leaky `next_row` the bars
    ending in (t + 1 - horizon, t + 1].
    """
    trailing = features[formulas.NAMES.index(question.trailing)]
    forward = shifted(trailing, question.ahead, bar_end_ns, session)
    if question.leaky:
        # the same rows as an honest label has, so that two trainings differ in the label alone
        forward[np.isnan(shifted(trailing, question.horizon_s, bar_end_ns, session))] = np.nan
    return forward


def slow_volatility(question: Question, features: Floats) -> Floats:
    """Slow volatility in bps at each bar, (n,): what forward volatility would be if the trailing hour went on.

    NaN until a session has had the returns that `Question.slow` needs, and where nothing moved in the hour: a multiple
    of 0 is no threshold. features has shape (len(FEATURES), n); reads the bars up to each one's own.
    """
    column = features[formulas.NAMES.index(question.slow)]
    return np.where(column > 0, question.slow_scale * column, np.nan)


def held_against(question: Question, slow: Floats, bar_end_ns: NDArray[np.int64], session: NDArray[np.int64]) -> Floats:
    """The slow volatility that each bar's TRAILING volatility is held against, (n,) bps.

    It is that of the bar a horizon earlier, whose forward volatility it is: so an episode is a run of spikes seen a
    horizon later, and all thresholds inside the horizon of an alert are known when it is raised. A bar's own where that
    one has none or lies in another session.
    """
    n = slow.size - question.ahead
    standing = slow.copy()
    if n > 0:
        whole = (session[-n:] == session[:n]) & (bar_end_ns[-n:] - bar_end_ns[:n] == question.ahead * SECOND_NS)
        standing[-n:] = np.where(whole & ~np.isnan(slow[:n]), slow[:n], slow[-n:])
    return standing


def multiple(volatility: Floats, slow: Floats) -> Floats:
    """The highest multiple of `slow` that `volatility` reaches, both (n,) bps; NaN where one of them is not known.

    A row is a spike at a relative tau k where volatility >= k * slow, as floating-point numbers: exactly where k is at
    most this. The quotient alone can lie a rounding or two beside it, and then a count of quotients >= k is another
    one at a k that is some row's own. The product rises with k, so neighbours of the quotient are tried until it is
    found.
    """
    reached = volatility / slow
    while (over := reached * slow > volatility).any():
        reached[over] = np.nextafter(reached[over], 0.0)
    while (under := (volatility > 0) & (np.nextafter(reached, np.inf) * slow <= volatility)).any():
        reached[under] = np.nextafter(reached[under], np.inf)
    return reached


@dataclass(frozen=True)
class Threshold:
    """A question with its threshold: a number of bps, or a multiple of slow volatility (tau_bps is then not used); none
    where both are None."""

    question: Question
    tau_bps: float | None
    tau_relative: float | None

    def taus(self, features: Floats) -> Floats:
        """What each bar's forward volatility is held against, (n,) bps; NaN where that is not known.

        features has shape (len(FEATURES), n); a row reads the bars up to its own.
        """
        if self.tau_relative is not None:
            return self.tau_relative * slow_volatility(self.question, features)
        return np.full(features.shape[1], np.nan if self.tau_bps is None else self.tau_bps)

    def standing(self, features: Floats, bar_end_ns: NDArray[np.int64], session: NDArray[np.int64]) -> Floats:
        """What each bar's TRAILING volatility is held against, (n,) bps: see `held_against`."""
        return held_against(self.question, self.taus(features), bar_end_ns, session)

    @property
    def warm_up_s(self) -> int:
        """Returns that a session must have had before one of its bars is forecast."""
        name = f"rv_{CORE_S}" if self.tau_relative is None else self.question.slow
        return formulas.FEATURES[formulas.NAMES.index(name)].from_s


def shifted(trailing: Floats, ahead: int, bar_end_ns: NDArray[np.int64], session: NDArray[np.int64]) -> Floats:
    """What `trailing` (n,) is `ahead` bars later in the same session; NaN where a second between is missing."""
    forward = np.full(trailing.shape, np.nan)
    if ahead < trailing.size:
        whole = (session[ahead:] == session[:-ahead]) & (bar_end_ns[ahead:] - bar_end_ns[:-ahead] == ahead * SECOND_NS)
        forward[:-ahead] = np.where(whole, trailing[ahead:], np.nan)
    return forward


def in_gap(bar_end_ns: NDArray[np.int64], stretches: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which bars a stretch touches, shape (n,). A bar covers [end - 1 s, end); stretches are (from_ns, to_ns), shape
    (m, 2), both ends included; bar ends ascend."""
    marked = np.zeros(bar_end_ns.shape, np.bool_)
    first = np.searchsorted(bar_end_ns, stretches[:, 0], side="right")
    last = np.searchsorted(bar_end_ns - SECOND_NS, stretches[:, 1], side="right")
    for a, b in zip(first, last, strict=True):
        marked[a:b] = True
    return marked


def touching(marked: NDArray[np.bool_], horizon_s: int) -> NDArray[np.bool_]:
    """Rows of which one of the next `horizon_s` bars is marked, shape (n,); their labels do not exist.

    >>> touching(np.array([False, False, True, False, False]), 2).tolist()
    [True, True, False, False, False]
    """
    so_far = np.concatenate(([0], np.cumsum(marked)))
    ahead = np.minimum(np.arange(1, marked.size + 1) + horizon_s, marked.size)
    touched: NDArray[np.bool_] = so_far[ahead] > so_far[1:]
    return touched


def events(spike: NDArray[np.bool_], bar_end_ns: NDArray[np.int64], horizon_s: int) -> int:
    """Runs of spike rows, counted as one when they lie closer than the horizon."""
    times = bar_end_ns[spike]
    return 0 if times.size == 0 else 1 + int((np.diff(times) > horizon_s * SECOND_NS).sum())


def episodes_at(volatility: Floats, bar_end_ns: NDArray[np.int64], horizon_s: int, taus: Floats) -> NDArray[np.int64]:
    """`events` at each of the thresholds `taus`, shape (m,), in one pass; rows (n,) in the order of time.

    A row begins an event where it is a spike and no row of the `horizon_s` before it is one: for taus above the highest
    of those and up to its own volatility. So events are the rows at or above tau less those of which the lower of the
    two is.

    >>> v, ns = np.array([1.0, 3.0, 2.0, 3.0]), np.arange(4) * SECOND_NS
    >>> episodes_at(v, ns, 1, np.array([0.5, 2.0, 2.5, 4.0])).tolist()
    [1, 1, 2, 0]
    """
    before = pd.Series(volatility, index=pd.DatetimeIndex(bar_end_ns)).rolling(f"{horizon_s}s", closed="left").max()
    continued = np.fmin(volatility, before.fillna(-np.inf).to_numpy())
    reached = (np.searchsorted(np.sort(values), taus, "left") for values in (continued, volatility))
    below_continued, below = reached
    at: NDArray[np.int64] = below_continued - below
    return at
