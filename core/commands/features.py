"""threshold."""

from __future__ import annotations

import argparse
from typing import Any

from core.config import LABELS, Home, change_settings, load_settings
from core.errors import BadInput


def register(verbs: Any) -> None:
    threshold = verbs.add_parser(
        "threshold", help="what a threshold would call a spike, split by split; --save keeps it"
    )
    threshold.add_argument("--label", choices=LABELS)
    threshold.add_argument("--horizon", type=int, metavar="S")
    which = threshold.add_mutually_exclusive_group()
    which.add_argument("--tau", type=float, metavar="BPS", help="threshold on forward volatility, bps")
    which.add_argument("--quantile", type=float, help="or a quantile of the training part")
    threshold.add_argument("--venue")
    threshold.add_argument("--product")
    threshold.add_argument("--save", action="store_true", help="make it the home's question")
    threshold.set_defaults(run=run_threshold)


def run_threshold(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    from core.features.dataset import SPLITS, labelled
    from core.features.labels import asked_question, events

    settings = load_settings(home)
    question = asked_question(args, settings)
    rows = labelled(home, question, args.venue, args.product)
    tau = rows.threshold(settings, tau_bps=args.tau, quantile=args.quantile)
    if not 0 < tau < float("inf"):
        raise BadInput(f"τ is {tau:g} bps: a threshold is a number above 0")
    splits = {}
    for split in SPLITS:
        at = rows.rows["split"] == split
        spike = rows.volatility(split) >= tau
        splits[split] = {
            "rows": int(spike.size),
            "spikes": int(spike.sum()),
            "base_rate": round(float(spike.mean()), 6) if spike.size else None,
            "events": events(spike, rows.rows.loc[at, "bar_end_ns"].to_numpy(), question.horizon_s),
        }
    if args.save:
        change_settings(home, label=question.label, horizon_s=question.horizon_s, tau_bps=tau)
    return {
        "label": question.label,
        "leaky": question.leaky,
        "venue": rows.venue,
        "product": rows.product,
        "horizon_s": question.horizon_s,
        "tau": tau,
        "percentile_of_train": round(float((rows.volatility("train") < tau).mean()) * 100, 2),
        "splits": splits,
        "mending_tau": rows.mending_tau(),
        "missing": list(rows.missing),
        "saved": bool(args.save),
    }
