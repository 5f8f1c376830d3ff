"""`drift`: have the inputs of the models moved between two parts of the ticks?"""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from core import jobs
from core.commands.asked import market_options, told
from core.config import Home, load_settings


def register(sub: Any) -> None:
    drift = sub.add_parser("drift", help="have the features moved between two parts of the ticks?")
    parts = ("train", "validation", "test")
    drift.add_argument("--reference", choices=parts, default="train", help="compare with (train)")
    drift.add_argument("--current", choices=(*parts, "last"), default="test", help="what is compared (test)")
    drift.add_argument("--last-seconds", type=int, default=3600, metavar="S", help="length of --current last (3600)")
    market_options(drift)
    drift.set_defaults(run=run_drift)


def run_drift(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Compare two parts as the job "drift"; which features Evidently's default test calls moved."""
    settings = load_settings(home)
    with jobs.hold(home, "drift") as me:
        beat = told(me)
        beat(0.0, "reading ticks")
        from core.evaluation.drift import compare, part
        from core.features.dataset import bars, label
        from core.features.labels import Question
        from core.features.markets import chosen
        from core.ingestion.store import Reader

        with Reader(home) as reader:
            market = chosen(reader, settings, args.venue, args.product)
            history = bars(reader, market.venue, market.product)
            unmended = reader.unmended(market.venue, market.product)
        rows = label(history, Question(settings.label, settings.horizon_s), market.venue, market.product, unmended)
        table = compare(
            home, part(rows, history, args.reference), part(rows, history, args.current, args.last_seconds),
            rows.features, names=(args.reference, args.current), fingerprint=rows.digest[:16], venue=market.venue,
            product=market.product, beat=beat,
        )  # fmt: skip
        me.end("done", f"{table.moved} of {len(table.features)} features moved by Evidently's default test")
    result: dict[str, Any] = msgspec.to_builtins(table)
    result |= {"html": str(home.drift / "report.html"), "json": str(home.drift / "report.json")}
    return result
