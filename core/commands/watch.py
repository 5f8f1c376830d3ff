"""monitor, escrow, status."""

from __future__ import annotations

import argparse
from typing import Any

from core import jobs
from core.config import Home, load_settings

JOBS = (
    "exchange", "capture", "import", "reparse", "train", "tune", "leakage", "drift", "monitor", "escrow", "report",
)  # fmt: skip


def seconds(text: str) -> float:
    """An option's number of seconds, above 0."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0")
    return number


def register(verbs: Any) -> None:
    monitor = verbs.add_parser("monitor", help="forecast every second from the store's tail with the champion")
    monitor.add_argument("--venue")
    monitor.add_argument("--product")
    monitor.add_argument("--model", help="another model than the champion, by the name of its artifact")
    monitor.add_argument("--seconds", type=seconds, metavar="N", help="stop after this many seconds")
    monitor.set_defaults(run=run_monitor)
    escrow = verbs.add_parser("escrow", help="were the live forecasts changed since, and how have they fared?")
    escrow.add_argument("--venue")
    escrow.add_argument("--product")
    escrow.set_defaults(run=run_escrow)
    status = verbs.add_parser("status", help="what runs, and how it fares")
    status.set_defaults(run=run_status)


def run_monitor(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    from core.live.monitor import Monitor, run

    with jobs.hold(home, "monitor") as holder:
        monitor = Monitor(home, args.venue, args.product, args.model)
        try:
            return run(monitor, holder, args.seconds)
        finally:
            monitor.close()


def run_escrow(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """The chain of hashes walked from its first forecast, and each model's record on one market."""
    import msgspec

    from core.features.markets import chosen
    from core.ingestion.store import Reader
    from core.live import escrow

    with jobs.hold(home, "escrow") as me:
        with Reader(home) as reader:
            market = chosen(reader, load_settings(home), args.venue, args.product)
        chain = escrow.verify(home)
        me.end("done", chain.sentence)
    result: dict[str, Any] = msgspec.to_builtins(chain)
    return result | {
        "sentence": chain.sentence,
        "venue": market.venue,
        "product": market.product,
        "records": msgspec.to_builtins(escrow.records(home, market.venue, market.product)),
    }


def run_status(_args: argparse.Namespace, home: Home) -> dict[str, Any]:
    from core.ingestion import capture
    from core.ingestion.store import Reader
    from core.training import registry, tracking

    tracking.reconcile(home)
    champion = registry.champion(home)
    monitor = jobs.read(home, "monitor")
    return {
        "captures": capture.status(home),
        "sealed": Reader(home).sealed(),
        "monitor": {"state": monitor.state, "pid": monitor.pid, "message": monitor.message} | monitor.fields,
        "jobs": [
            {"name": j.name, "state": j.state, "pid": j.pid, "progress": round(j.progress, 3), "message": j.message}
            for j in (jobs.read(home, name) for name in JOBS)
            if j.state != "none"
        ],
        "champion": None
        if champion is None
        else {
            "name": champion.name,
            "title": champion.title,
            "label": champion.label,
            "horizon_s": champion.horizon_s,
            "tau_bps": champion.tau_bps,
            "tau_relative": champion.tau_relative,
            "theta": champion.theta,
            "trained_ns": champion.trained_ns,
            "pr_auc": champion.scores.pr_auc,
            "base_rate": champion.scores.base_rate,
        },
    }
