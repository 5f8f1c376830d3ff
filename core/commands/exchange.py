"""`exchange`: run the embedded exchange, or measure what its simulator resembles."""

from __future__ import annotations

import argparse
import asyncio
import re
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


def register(sub: Any) -> None:
    p = sub.add_parser("exchange", help="run a local exchange that speaks Coinbase's protocol")
    p.add_argument("--port", type=int, default=8765, metavar="N", help="WebSocket port, 0 for a free one (8765)")
    p.add_argument("--rest-port", type=int, default=8766, metavar="N", help="REST port, 0 for a free one (8766)")
    p.add_argument("--source", default="simulator", metavar="simulator|FILE", help="the simulator, or a recording")
    p.add_argument("--seed", type=int, default=0, metavar="S", help="the simulator's seed (0)")
    p.add_argument("--speed", type=float, default=1.0, metavar="X", help="market seconds a second, 1 to 1000 (1)")
    p.add_argument("--products", default="BTC-USD", metavar="P,Q", help="products, comma between (BTC-USD)")
    p.add_argument("--start", default=START, metavar="ISO|now|-6h", help=f"market time of the first tick ({START})")
    p.set_defaults(run=run_exchange)


def run_exchange(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Serve until SIGTERM or SIGINT; the result says what was served."""
    source = _source(args)
    with jobs.hold(home, "exchange") as me:
        return asyncio.run(_run(source, args, me))


async def _run(source: Source, args: argparse.Namespace, me: jobs.Holder) -> dict[str, Any]:
    from exchange.server import serve

    async with serve(source, args.port, args.rest_port, args.speed) as exchange:
        print(f"exchange: {exchange.url} and {exchange.rest_url}, {source.name} at {args.speed:g}x", file=sys.stderr)
        try:
            while True:
                me.beat(
                    None,
                    f"{source.name} at {args.speed:g}x",
                    port=exchange.port,
                    rest_port=exchange.rest_port,
                    products=list(source.products),
                    source=source.name,
                    speed=args.speed,
                    market_time_ns=exchange.market_time_ns,
                    clients=exchange.clients,
                    sent=exchange.sent,
                )
                await asyncio.sleep(1.0)
        except asyncio.CancelledError:  # how asyncio.run tells us of SIGINT
            return {"source": source.name, "products": list(source.products), "sent": exchange.sent}


def _source(args: argparse.Namespace) -> Source:
    products = [name.strip() for name in args.products.split(",") if name.strip()]
    if args.source == "simulator":
        from exchange.simulator import Simulator

        return Simulator(products, args.seed, start_ns(args.start, time.time_ns()))
    from exchange.replay import Recording

    return Recording(Path(args.source), products[0])


def start_ns(text: str, now_ns: int) -> int:
    """Market time of the first tick: an ISO date (UTC when it has no zone), `now`, or a time before now such as -6h.

    Raises BadInput for another text and for a start after `now_ns`.
    """
    if text == "now":
        return now_ns
    if past := re.fullmatch(r"-(\d+)([smhd])", text):
        return now_ns - int(past[1]) * _UNITS_S[past[2]] * 1_000_000_000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"start is {text}: write a date such as {START}, or now, or a time ago such as -6h") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    ns = int(moment.timestamp()) * 1_000_000_000
    if ns > now_ns:
        raise BadInput(f"start {text} lies ahead of this machine's clock: choose an earlier one, or now")
    return ns


__all__ = ["START", "register", "run_exchange", "start_ns"]
