"""monitor, escrow, replay, status."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from core import jobs
from core.commands.asked import market_options, moment_ns
from core.config import Home, load_settings

JOBS = (
    "exchange", "capture", "import", "reparse", "train", "tune", "importance", "leakage", "drift", "theta", "monitor",
    "escrow", "report", "mlflow", "sample",
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
    replay = verbs.add_parser(
        "replay", help="a stored stretch through the monitor's step, and whether the live forecasts of it are the same"
    )
    replay.add_argument("--from", required=True, dest="since", metavar="T", help="the first bar's end, such as "
                        "2026-04-06T15:02:00 (UTC)")  # fmt: skip
    replay.add_argument("--to", required=True, dest="until", metavar="T", help="the last bar's end")
    replay.add_argument("--model", help="another model than the champion, by the name of its artifact")
    replay.add_argument("--out", type=Path, metavar="FILE", help="bars and forecasts into a .parquet or .csv file")
    market_options(replay)
    replay.set_defaults(run=run_replay)
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


def run_replay(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """The stretch in counts, its alerts one by one, and for each model that forecast it live how many of its forecasts
    are equal to the bit. With --out the bars too."""
    import msgspec

    from core.ingestion.store import parquet
    from core.live.agreement import agreements
    from core.live.replay import raised as raised_at
    from core.live.replay import replay, rows, stamp
    from core.training.registry import rule_of

    since, until = moment_ns(args.since, "--from"), moment_ns(args.until, "--to")
    if args.out is not None:
        parquet.checked_suffix(args.out)
    replayed = replay(home, args.venue, args.product, from_ns=since, to_ns=until, model=args.model)
    meta, asked = replayed.meta, replayed.asked
    rule = rule_of(meta, load_settings(home))
    alerts = raised_at(replayed, rule.theta, cooldown_s=rule.cooldown_s, rearm=rule.rearm)
    if args.out is not None:
        parquet.write(rows(replayed, alerts), args.out.expanduser().absolute())
    ends = replayed.bars.bar_end_ns
    return {
        "venue": replayed.venue,
        "product": replayed.product,
        "model": meta.name,
        "from": stamp(int(ends[0])),
        "to": stamp(int(ends[asked - 1])),
        "bars": asked,
        "forecasts": int((replayed.p[:asked] >= 0).sum()),
        "spikes": int(replayed.spike[:asked].sum()),
        "episodes": replayed.seen(int(ends[0]), int(ends[asked - 1])).size,
        "theta": rule.theta,
        "alerts": [
            {
                "bar": stamp(int(ends[row])),
                "p": float(replayed.p[row]),
                "outcome": outcome,
                "lead_s": None if outcome != "right" else lead_s,
            }
            for row, outcome, lead_s in zip(alerts.at, alerts.outcome, alerts.lead_s.tolist(), strict=True)
        ],
        "live": msgspec.to_builtins(agreements(home, replayed)),
        "out": None if args.out is None else str(args.out.expanduser().absolute()),
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
