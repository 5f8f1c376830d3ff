"""monitor, status."""

from __future__ import annotations

import argparse
from typing import Any

from core import jobs
from core.config import Home

JOBS = ("exchange", "capture", "import", "reparse", "train", "drift", "monitor")


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
            "theta": champion.theta,
            "trained_ns": champion.trained_ns,
            "pr_auc": champion.scores.pr_auc,
            "base_rate": champion.scores.base_rate,
        },
    }
