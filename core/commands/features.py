"""`threshold`: what a threshold would call a spike; the decision, its reason, and the journey of all of them."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

import msgspec

from core.commands.asked import chosen_tau, market_options, tau_options
from core.config import LABELS, Home, load_settings
from core.errors import BadInput

if TYPE_CHECKING:
    from core.features.dataset import Labelled


def register(verbs: Any) -> None:
    threshold = verbs.add_parser(
        "threshold", help="what a threshold would call a spike, split by split; --save or --why keeps it"
    )
    threshold.add_argument("--label", choices=LABELS)
    threshold.add_argument("--horizon", type=int, metavar="S")
    tau_options(threshold)
    market_options(threshold)
    threshold.add_argument("--save", action="store_true", help="make it the home's question")
    threshold.add_argument("--why", metavar="REASON", help="make it the home's question for this reason")
    threshold.add_argument("--journey", action="store_true", help="all decisions so far, and what has become of them")
    threshold.set_defaults(run=run_threshold)


def run_threshold(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """What is a spike at tau, split by split, which becomes the home's with --save or --why; or the journey.

    `tau` is in bps; where tau is relative it is the median over the training part, `tau_relative` the multiple, and
    `mending_tau` a multiple too.
    """
    from core.features import journey
    from core.features.dataset import SPLITS, labelled
    from core.features.labels import asked_question, events

    settings = load_settings(home)
    question = asked_question(args, settings)
    given = (args.tau, args.quantile, args.tau_relative, args.quantile_relative, args.why)
    if args.journey and (args.save or any(one is not None for one in given)):
        raise BadInput("--journey shows the decisions that were made: leave out what sets or saves a threshold")
    every = labelled(home, question, args.venue, args.product)
    if args.journey:
        return _journey(home, every)
    rows, tau = chosen_tau(args, settings).on(every)
    if not 0 < tau < float("inf"):
        raise BadInput(f"τ is {tau:g}: a threshold is a number above 0")
    splits, spikes = {}, rows.spikes(tau)
    for split in SPLITS:
        at = (rows.rows["split"] == split).to_numpy()
        spike = spikes[at]
        splits[split] = {
            "rows": int(spike.size),
            "spikes": int(spike.sum()),
            "base_rate": round(float(spike.mean()), 6) if spike.size else None,
            "events": events(spike, rows.rows.loc[at, "bar_end_ns"].to_numpy(), question.horizon_s),
        }
    saved = args.save or args.why is not None
    if saved:
        journey.decide(home, rows, tau, args.why or "", time.time_ns())
    return {
        "label": question.label,
        "leaky": question.leaky,
        "venue": rows.venue,
        "product": rows.product,
        "horizon_s": question.horizon_s,
        "tau": rows.bps(tau),
        "tau_relative": tau if rows.relative else None,
        "percentile_of_train": round(float((rows.quantity("train") < tau).mean()) * 100, 2),
        "warming": rows.warming,
        "splits": splits,
        "mending_tau": rows.mending_tau(),
        "missing": list(rows.missing),
        "saved": saved,
    }


def _journey(home: Home, every: Labelled) -> dict[str, Any]:
    """The decisions on this market, oldest first, and whether the one in force still means what it meant."""
    from core.features import journey

    settings = load_settings(home)
    rows = every.asked(settings.tau_relative is not None)
    made = journey.of_market(journey.read(home), rows.venue, rows.product)
    now = journey.behind(made, rows, settings.tau_relative or settings.tau_bps)
    advice = journey.advice(now, rows) if now else None
    return {
        "venue": rows.venue,
        "product": rows.product,
        "journey": [msgspec.to_builtins(d) for d in made],
        "in_force": msgspec.to_builtins(now),
        "advice": advice.sentence if advice else None,
    }
