"""bench: what is promised of features, captures and evaluations, measured."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from core.config import Home
from core.errors import BadInput

if TYPE_CHECKING:
    from core.features.dataset import Dataset

BENCH_ROWS = 25_000
STUDIED = "unpredictable,precursors"


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    bench = verbs.add_parser("bench", help="speed as ratios, faults against a capture, evaluations with known answers")
    bench.add_argument("name", choices=("features", "capture", "evaluation"))
    features = bench.add_argument_group("features")
    features.add_argument("--bars", type=_count, default=1_000_000)
    features.add_argument("--rounds", type=_count, default=5)
    faults = bench.add_argument_group("capture")
    faults.add_argument("--full", action="store_true", help="the long sizes, an hour or so")
    study = bench.add_argument_group("evaluation")
    study.add_argument("--moods", default=STUDIED, metavar="M,N", help=f"of the simulator ({STUDIED})")
    study.add_argument("--seeds", type=_count, default=20, metavar="N", help="simulated markets a mood (20)")
    study.add_argument("--first-seed", type=int, default=0, metavar="S", help="seed of the first of them (0)")
    study.add_argument("--hours", type=float, default=48.0, metavar="H", help="length of each (48)")
    study.add_argument("--models", default="", metavar="A,B", help="models to train (all)")
    study.add_argument("--replicates", type=_count, default=500, metavar="R", help="of the bootstrap (500)")
    study.add_argument("--no-speed", action="store_true", help="leave out the timing on 25,000 rows")
    bench.set_defaults(run=run_bench)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is too few: at least 1")
    return number


def run_bench(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Run the bench named and give its figures."""
    if args.name == "features":
        from core.features import bench

        return bench.run(args.bars, args.rounds, say=_say)
    if args.name == "capture":
        from exchange.bench import FULL, QUICK
        from exchange.bench import run as play

        return play(home, FULL if args.full else QUICK, _say) | {"odd_quotes": odd_quotes(home)}
    if not 1 <= args.hours <= 1_000:
        raise BadInput(f"hours is {args.hours:g}: choose 1 to 1000")
    return _evaluation(args)


def simulated(mood: str, seed: int, hours: float, quantile: float = 0.95) -> Dataset:
    """The dataset of one simulated market, with tau at the `quantile` of its training part. Raises NotEnough."""
    from core.commands.exchange import START, start_ns
    from core.features.bars import Sampler
    from core.features.dataset import label
    from core.features.labels import Question
    from exchange.simulator.columns import tape

    begins = start_ns(START, time.time_ns())
    bars = Sampler().push(tape("BTC-USD", seed, hours, mood=mood, start_ns=begins))
    rows = label(bars, Question(), "simulated", "BTC-USD")
    return rows.at(rows.tau_of(quantile))


def _evaluation(args: argparse.Namespace) -> dict[str, Any]:
    from core.features.steps import SHARES
    from core.training import fit, study

    names = _names(args.models)
    fit.chosen(names)  # a wrong name is told before an hour of work
    result: dict[str, Any] = {"hours": args.hours, "replicates": args.replicates, "moods": {}}
    if not args.no_speed:
        rows = simulated("market", 0, (BENCH_ROWS + 1_000) / SHARES[2] / 3600)
        last = rows.rows.index[rows.rows["split"] == "test"][BENCH_ROWS:]
        result["speed"] = study.timed(
            _without(rows, last), replicates=args.replicates, beat=lambda share, text: _say(f"{share:4.0%} {text}")
        )
    for mood in _names(args.moods):
        done = list(_trials(mood, args, names))
        result["moods"][mood] = study.tally(done) | {"seeds": [study.trial(e) for e in done]}
    return result


def _trials(mood: str, args: argparse.Namespace, names: list[str]) -> Iterator[Any]:
    from core.training import study

    for k in range(args.seeds):
        seed = args.first_seed + k
        started = time.perf_counter()
        evaluation = study.judged(simulated(mood, seed, args.hours), names, seed, args.replicates)
        gains = ", ".join(f"{m.model} {study.side(m.over_base)}/{study.side(m.over_best)}" for m in evaluation.models)
        _say(f"{mood} {k + 1} of {args.seeds}, {time.perf_counter() - started:.1f} s: {gains}")
        yield evaluation


def _without(dataset: Dataset, rows: Any) -> Dataset:
    from dataclasses import replace

    return replace(dataset, rows=dataset.rows.drop(rows))


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _say(text: str) -> None:
    print(text, file=sys.stderr)


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
