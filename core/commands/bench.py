"""bench: what is promised, measured."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from core.config import Home


def register(verbs: Any) -> None:
    bench = verbs.add_parser("bench", help="speed as ratios in one run, and faults played against a capture")
    bench.add_argument("name", choices=("features", "capture"))
    bench.add_argument("--bars", type=_count, default=1_000_000, help="of features (1,000,000)")
    bench.add_argument("--rounds", type=_count, default=5, help="of features (5)")
    bench.add_argument("--full", action="store_true", help="of capture: the long sizes, an hour or so")
    bench.set_defaults(run=run_bench)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too few: at least 1")
    return number


def run_bench(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    def say(text: str) -> None:
        print(text, file=sys.stderr)

    if args.name == "features":
        from core.features import bench

        return bench.run(args.bars, args.rounds, say=say)
    from exchange.bench import FULL, QUICK
    from exchange.bench import run as play

    return play(home, FULL if args.full else QUICK, say) | {"odd_quotes": odd_quotes(home)}


def odd_quotes(home: Home, pairs: int = 200) -> dict[str, Any]:
    """Crossed, zero and negative quotes among good ones, through a feed's parser into the store and out as bars.

    How many were kept and flagged, and the columns of the bars that differ from those of the same ticks without quotes
    there: none but the count of ticks may.
    """
    import numpy as np

    from core.features.bars import COLUMNS, Sampler
    from core.ingestion.feeds import coinbase_exchange
    from core.ingestion.store import Reader, Writer
    from core.ingestion.ticks import Tick, odd_quote
    from exchange.bench.stage import new_home

    def ticker(i: int, bid: str, ask: str) -> bytes:
        time = f"2026-01-05T00:{i // 600:02d}:{i // 10 % 60:02d}.{i % 10}00000Z"
        return (
            b'{"type":"ticker","product_id":"BTC-USD","price":"85000.5","best_bid":"%s","best_ask":"%s",'
            b'"best_bid_size":"1","best_ask_size":"2","side":"buy","time":"%s","trade_id":%d}'
        ) % (bid.encode(), ask.encode(), time.encode(), i)

    odd = [("85001", "85000"), ("0", "85000"), ("-1", "85000"), ("0", "0"), ("-3", "-2"), ("85000", "0")]
    good = [ticker(2 * i, f"{85_000 + i % 7}", f"{85_001 + i % 7}") for i in range(pairs)]
    bad = [ticker(2 * i + 1, *odd[i % len(odd)]) for i in range(pairs)]
    bars, kept, flagged = [], 0, 0
    home.data.mkdir(parents=True, exist_ok=True)
    for frames in ([frame for pair in zip(good, bad, strict=True) for frame in pair], good):
        with new_home(home.data) as one:
            with Writer(one, "bench") as writer:
                ticks = [
                    event for frame in frames for event in coinbase_exchange.parse(frame) if isinstance(event, Tick)
                ]
                kept += writer.append(writer.source("import", "bench"), ticks).ticks
            flagged += sum(odd_quote(row["bid"], row["ask"]) != "" for row in Reader(one).tick_table().to_pylist())
            bars.append(Sampler().push(Reader(one).tape("coinbase", "BTC-USD")))
    return {
        "odd_quotes": pairs,
        "kept": kept - 2 * pairs,
        "flagged": flagged,
        "bars": int(bars[1].bar_end_ns.size),
        "bar_columns_that_differ": [
            name for name in COLUMNS if not np.array_equal(bars[0].of(name), bars[1].of(name), equal_nan=True)
        ],
    }
