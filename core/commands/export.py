"""`export KIND --out FILE`: what the home holds as Parquet or CSV. To add a kind, add a line to KINDS."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config import Home

if TYPE_CHECKING:
    import pyarrow as pa

Export = Callable[[Home, argparse.Namespace], "pa.Table"]


def ticks(home: Home, args: argparse.Namespace) -> pa.Table:
    """Every tick: both clocks (ns UTC), price, quotes and sizes in USD, the taker's side, trade id, market."""
    from core.ingestion.store import Reader

    return Reader(home).tick_table(args.venue, args.product)


def trades(home: Home, args: argparse.Namespace) -> pa.Table:
    """Every trade of the trade tape: both clocks (ns UTC), price and size, the taker's side, trade id, market."""
    from core.ingestion.store import Reader

    return Reader(home).trade_table(args.venue, args.product)


def gaps(home: Home, args: argparse.Namespace) -> pa.Table:
    """The jumps of trade_id on the trade tape: stretches in which trades are known to be missing."""
    from core.ingestion.store import Reader

    return Reader(home).gaps(args.venue, args.product)


KINDS: dict[str, Export] = {"ticks": ticks, "trades": trades, "gaps": gaps}


def register(sub: Any) -> None:
    p = sub.add_parser("export", help=f"write {', '.join(KINDS)} to a Parquet or CSV file")
    p.add_argument("kind", choices=sorted(KINDS))
    p.add_argument("--out", required=True, type=Path, metavar="FILE", help="a name ending in .parquet or .csv")
    p.add_argument("--venue", help="only this venue")
    p.add_argument("--product", help="only this product")
    p.set_defaults(run=run_export)


def run_export(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Write the table; says its kind, rows and file."""
    from core.ingestion.store import parquet

    out = args.out.expanduser().absolute()
    parquet.checked_suffix(out)
    table = KINDS[args.kind](home, args)
    parquet.write(table, out)
    return {"kind": args.kind, "rows": table.num_rows, "out": str(out)}
