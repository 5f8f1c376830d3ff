"""What verbs ask about, as options and as the values meant: question, market, threshold, seed; and how they tell."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core import jobs
from core.config import LABELS, Home, Settings
from core.errors import BadInput, Busy

if TYPE_CHECKING:
    from core.features.dataset import Labelled

MOST_FOLDS = 20
SEEDS = 2**32
"""Seeds from 0 up to this one, which numpy and XGBoost take."""


def question_options(parser: Any) -> None:
    """What is asked of which market, with which seed."""
    parser.add_argument("--label", choices=LABELS, help="what is forecast (the saved setting)")
    parser.add_argument("--horizon", type=int, metavar="S", help="seconds ahead (the saved setting)")
    tau_options(parser)
    parser.add_argument("--seed", type=int, metavar="N", help="of everything random (the saved setting)")
    market_options(parser)


def tau_options(parser: Any) -> None:
    """One way to say τ, or none: then the saved one holds."""
    tau = parser.add_mutually_exclusive_group()
    tau.add_argument("--quantile", type=float, metavar="Q", help="τ as a quantile of the training part, 0 to 1")
    tau.add_argument("--tau", type=float, metavar="BPS", help="τ in bps")
    tau.add_argument("--tau-relative", type=float, metavar="K", help="τ as K times the trailing hour's volatility")
    tau.add_argument(
        "--quantile-relative", type=float, metavar="Q", help="K as a quantile of the training part, 0 to 1"
    )


def market_options(parser: Any) -> None:
    parser.add_argument("--venue", metavar="V", help="whose ticks (those of the saved feed)")
    parser.add_argument("--product", metavar="P", help="of which product (the saved setting)")


@dataclass(frozen=True)
class Tau:
    """How τ is asked for: a number or a quantile of the training part (the other is None), in bps or `relative`, as a
    multiple of slow volatility."""

    number: float | None
    quantile: float | None
    relative: bool

    def on(self, rows: Labelled) -> tuple[Labelled, float]:
        """The rows that τ is set on, and τ: bps or a multiple. Raises NotEnough."""
        asked = rows.asked(self.relative)
        if self.number is not None:
            return asked, self.number
        assert self.quantile is not None
        return asked, asked.tau_of(self.quantile)


def chosen_tau(args: argparse.Namespace, settings: Settings) -> Tau:
    """τ as the arguments ask for it, else the saved one where it was saved for the question of the arguments, else the
    saved quantile.

    Raises BadInput for numbers that no threshold is, before minutes are spent on the ticks.
    """
    for number, unit in ((args.tau, " bps"), (args.tau_relative, " times slow volatility")):
        if number is not None and not 1e-6 <= number <= 1e6:
            raise BadInput(f"τ is {number:g}{unit}: give a number above 0, from 0.000001 to 1,000,000")
        if number is not None:
            return Tau(number, None, number is args.tau_relative)
    for quantile in (args.quantile, args.quantile_relative):
        if quantile is not None and not 0 < quantile < 1:
            raise BadInput(f"the quantile is {quantile:g}: give a number between 0 and 1, such as 0.95")
        if quantile is not None:
            return Tau(None, quantile, quantile is args.quantile_relative)
    if args.label in (None, settings.label) and args.horizon in (None, settings.horizon_s):
        if settings.tau_relative is not None:
            return Tau(settings.tau_relative, None, True)
        if settings.tau_bps is not None:
            return Tau(settings.tau_bps, None, False)
    return Tau(None, settings.quantile, False)


def chosen_seed(args: argparse.Namespace, settings: Settings) -> int:
    """The seed that is given, else the saved one. Raises BadInput."""
    seed = settings.seed if args.seed is None else int(args.seed)
    if not 0 <= seed < SEEDS:
        raise BadInput(f"the seed is {seed}: give a whole number from 0 to {SEEDS - 1:,}")
    return seed


def refuse_beside(home: Home, other: str) -> None:
    """Raise Busy while the job `other` runs: a training and a tuning note their open
    runs of MLflow in one place, and each takes a core for minutes."""
    job = jobs.read(home, other)
    if job.running:
        raise Busy(f"{other} runs in this home (pid {job.pid}): wait for it or stop it first", job.pid)


def told(me: jobs.Holder) -> Callable[[float, str], None]:
    """A beat that also writes to standard error, at most one line a second."""
    said = 0.0

    def beat(share: float, message: str) -> None:
        nonlocal said
        me.beat(share, message)
        if time.monotonic() - said >= 1.0:
            said = time.monotonic()
            print(f"{share:4.0%} {message}", file=sys.stderr)

    return beat
