"""threshold."""

from __future__ import annotations

import argparse
from typing import Any

from core.commands.asked import chosen_tau, market_options, tau_options
from core.config import LABELS, Home, change_settings, load_settings
from core.errors import BadInput


def register(verbs: Any) -> None:
    threshold = verbs.add_parser(
        "threshold", help="what a threshold would call a spike, split by split; --save keeps it"
    )
    threshold.add_argument("--label", choices=LABELS)
    threshold.add_argument("--horizon", type=int, metavar="S")
    tau_options(threshold)
    market_options(threshold)
    threshold.add_argument("--save", action="store_true", help="make it the home's question")
    threshold.set_defaults(run=run_threshold)


def run_threshold(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """What is a spike at tau, split by split. `tau` is in bps; where tau is relative it is the median over the training
    part, `tau_relative` the multiple, and `mending_tau` a multiple too."""
    from core.features.dataset import SPLITS, labelled
    from core.features.labels import asked_question, events

    settings = load_settings(home)
    question = asked_question(args, settings)
    rows, tau = chosen_tau(args, settings).on(labelled(home, question, args.venue, args.product))
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
    scale = "tau_relative" if rows.relative else "tau_bps"
    if args.save:
        change_settings(home, label=question.label, horizon_s=question.horizon_s, **{scale: tau})
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
        "saved": bool(args.save),
    }
