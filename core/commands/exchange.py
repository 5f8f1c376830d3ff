"""`exchange`: run the embedded exchange, or measure how far its simulator resembles a recording."""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import jobs
from core.config import Home
from core.errors import BadInput
from exchange.tape import Source

START = "2026-01-05T00:00:00Z"
"""A fixed start, so that the same seed gives the same tape to the byte."""
_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_AGO = re.compile(r"-(\d{1,9})([smhd])")


def register(sub: Any) -> None:
    """Add the verb to the command line."""
    p = sub.add_parser("exchange", help="run a local exchange that speaks Coinbase's protocol")
    p._negative_number_matcher = _AGO  # so that argparse takes -6h for a value and not for an option
    p.add_argument("--port", type=_port, default=8765, metavar="N", help="WebSocket port, 0 for a free one (8765)")
    p.add_argument("--rest-port", type=_port, default=8766, metavar="N", help="REST port, 0 for a free one (8766)")
    p.add_argument("--source", default="simulator", metavar="simulator|FILE", help="the simulator, or a recording")
    p.add_argument("--seed", type=int, default=0, metavar="S", help="the simulator's seed (0)")
    p.add_argument(
        "--mood", default="market", metavar="NAME",
        help="what foretells the simulator's spikes: market, unpredictable or precursors (market)",
    )  # fmt: skip
    p.add_argument("--speed", type=float, default=1.0, metavar="X", help="market seconds a second, 1 to 1000 (1)")
    p.add_argument("--products", default="BTC-USD", metavar="P,Q", help="products, comma between (BTC-USD)")
    p.add_argument("--start", default=START, metavar="ISO|now|-6h", help=f"market time of the first tick ({START})")
    p.add_argument(
        "--last-trade-id", type=int, metavar="ID", help="go on with the simulator's trade ids after this one"
    )
    p.add_argument("--chaos", type=int, metavar="SEED", help="with faults of all kinds, drawn from this seed")
    p.add_argument("--facts", action="store_true", help="serve nothing: measure the simulator's stylised facts")
    p.add_argument("--against", metavar="FILE", help="with --facts: a recording to measure beside it")
    p.add_argument("--hours", type=float, default=24.0, metavar="H", help="with --facts: simulated hours (24)")
    p.set_defaults(run=run_exchange)


def run_exchange(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Serve until SIGTERM or SIGINT and say what was served; with --facts, measure instead and give one row a fact."""
    if args.facts:
        return {"facts": _facts(args)}
    source = _source(args)
    with jobs.hold(home, "exchange") as me:
        return asyncio.run(_serve(source, args, me))


async def _serve(source: Source, args: argparse.Namespace, me: jobs.Holder) -> dict[str, Any]:
    from exchange.chaos import Chaos, drawn
    from exchange.server import serve

    chaos = None if args.chaos is None else Chaos(drawn(args.chaos))
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with serve(source, args.port, args.rest_port, args.speed, chaos=chaos) as exchange:
        print(f"exchange: {exchange.url} and {exchange.rest_url}, {source.name} at {args.speed:g}x", file=sys.stderr)
        while not ended.is_set():
            exchange.check()
            me.beat(
                message=f"{source.name} at {args.speed:g}x",
                port=exchange.port,
                rest_port=exchange.rest_port,
                products=list(source.products),
                source=source.name,
                speed=args.speed,
                market_time_ns=exchange.market_time_ns,
                clients=exchange.clients,
                sent=exchange.sent,
            )
            try:
                await asyncio.wait_for(ended.wait(), 1.0)
            except TimeoutError:
                continue
        result = {"source": source.name, "products": list(source.products), "sent": exchange.sent}
    me.end("stopped", result=result)
    return result


def _source(args: argparse.Namespace) -> Source:
    products = [name.strip() for name in args.products.split(",") if name.strip()]
    if args.source == "simulator":
        from exchange.simulator import LAST_TRADE_ID, Simulator

        last = LAST_TRADE_ID if args.last_trade_id is None else args.last_trade_id
        return Simulator(products, args.seed, start_ns(args.start, time.time_ns()), last, args.mood)
    from exchange.replay import Recording

    return Recording(Path(args.source), *products[:1])


def _facts(args: argparse.Namespace) -> list[dict[str, str | float | None]]:
    from exchange import facts

    if not 0.1 <= args.hours <= 1_000:
        raise BadInput(f"hours is {args.hours:g}: choose 0.1 to 1000")
    product = args.products.split(",")[0].strip()
    columns = {"simulator": facts.measure(facts.simulated(product, args.seed, args.hours, args.mood))}
    if args.against:
        columns["recording"] = facts.measure(facts.recorded(Path(args.against), product))
    return facts.compared(columns)


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65_535:
        raise argparse.ArgumentTypeError(f"{number} is no port: choose 0 to 65535")
    return number


def start_ns(text: str, now_ns: int) -> int:
    """Market time (ns) of the first tick: an ISO date (UTC when it has no zone), `now`, or a time ago such as -6h.

    Raises BadInput for another text and for a start after `now_ns`.
    """
    if text == "now":
        return now_ns
    if ago := _AGO.fullmatch(text):
        ns = now_ns - int(ago[1]) * _UNITS_S[ago[2]] * 1_000_000_000
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise BadInput(
                f"start is {text}: write a date such as {START}, or now, or a time ago such as -6h"
            ) from None
        ns = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000_000_000
    if not 0 <= ns <= now_ns:
        raise BadInput(f"start {text} is not between 1970 and this machine's now: choose another, or now")
    return ns


__all__ = ["START", "register", "run_exchange", "start_ns"]
