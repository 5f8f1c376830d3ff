"""`export KIND --out FILE`: what the home holds as Parquet or CSV. To add a kind, add a line to KINDS."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.commands.asked import chosen_tau, tau_options
from core.config import LABELS, Home, load_settings
from core.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

    from core.features.bars import Bars
    from core.ingestion.store import Market

    Columns = Callable[[Bars, Market], dict[str, Any]]

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
    """The gap ledger: where events are known or suspected to be missing, how that was seen, and what became of it."""
    from core.ingestion.store import Reader

    return Reader(home).gaps(args.venue, args.product)


def bars(home: Home, args: argparse.Namespace) -> pa.Table:
    """Every closed one-second bar: end (ns UTC), market, session, the columns of `core.features.bars`, and `in_gap`:
    a gap that is not repaired touches it."""
    from core.features.bars import COLUMNS
    from core.features.labels import in_gap
    from core.ingestion.store import Reader

    def columns(history: Bars, market: Market) -> dict[str, Any]:
        marked = in_gap(history.bar_end_ns, Reader(home).unmended(market.venue, market.product))
        return {**dict(zip(COLUMNS, history.values.T, strict=True)), "in_gap": marked}

    return _each_market(home, args, columns)


def features(home: Home, args: argparse.Namespace) -> pa.Table:
    """Every feature of every closed bar, NaN where its window is warming up or its input is not in the source."""
    from core.features import dataset, formulas

    return _each_market(home, args, lambda history, _: dict(zip(formulas.NAMES, dataset.table(history), strict=True)))


def labels(home: Home, args: argparse.Namespace) -> pa.Table:
    """Every row of a dataset: forward volatility and slow volatility in bps, spike (at the τ asked for), split. Where
    the hour has not begun slow_bps is missing; such a row is none where τ is relative."""
    import pyarrow as pa

    from core.features import dataset
    from core.features.labels import asked_question

    settings = load_settings(home)
    every = dataset.labelled(home, asked_question(args, settings), args.venue, args.product)
    labelled, tau = chosen_tau(args, settings).on(every)
    if not 0 < tau < float("inf"):
        raise BadInput(f"τ is {tau:g}: a threshold is a number above 0")
    rows = labelled.rows
    return pa.table(
        {
            "bar_end_ns": rows["bar_end_ns"],
            "venue": [labelled.venue] * len(rows),
            "product": [labelled.product] * len(rows),
            "session": rows["session"],
            "forward_vol_bps": rows["forward_vol_bps"],
            "slow_bps": pa.array(rows["slow_bps"], from_pandas=True),
            "spike": labelled.spikes(tau),
            "split": rows["split"],
        }
    )


def forecasts(home: Home, args: argparse.Namespace) -> pa.Table:
    """Every forecast the monitor made, and when it made it."""
    from core.live import forecasts as log

    return log.table(home, args.venue, args.product)


def _each_market(home: Home, args: argparse.Namespace, columns: Columns) -> pa.Table:
    """The markets asked for, one after the other: bar_end_ns, venue, product, session, and `columns` of its bars."""
    import pyarrow as pa

    from core.features import dataset
    from core.ingestion.store import Reader

    reader = Reader(home)
    parts = []
    for market in reader.markets():
        if args.venue in (None, market.venue) and args.product in (None, market.product):
            history = dataset.bars(reader, market.venue, market.product)
            names = {"venue": [market.venue] * len(history), "product": [market.product] * len(history)}
            parts.append(
                pa.table(
                    {"bar_end_ns": history.bar_end_ns, **names, "session": history.session, **columns(history, market)}
                )
            )
    return pa.concat_tables(parts)


KINDS: dict[str, Export] = {
    "ticks": ticks,
    "trades": trades,
    "gaps": gaps,
    "bars": bars,
    "features": features,
    "labels": labels,
    "forecasts": forecasts,
}


def register(sub: Any) -> None:
    p = sub.add_parser("export", help=f"write {', '.join(KINDS)} to a Parquet or CSV file")
    p.add_argument("kind", choices=sorted(KINDS))
    p.add_argument("--out", required=True, type=Path, metavar="FILE", help="a name ending in .parquet or .csv")
    p.add_argument("--venue", help="only this venue")
    p.add_argument("--product", help="only this product")
    p.add_argument("--label", choices=LABELS, help="of labels: what is forecast")
    p.add_argument("--horizon", type=int, metavar="S", help="of labels: seconds ahead")
    tau_options(p.add_argument_group("of labels"))
    p.set_defaults(run=run_export)


def run_export(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Write the table; says its kind, rows and file."""
    from core.features.markets import chosen
    from core.ingestion.store import Reader, parquet

    out = args.out.expanduser().absolute()
    parquet.checked_suffix(out)
    if args.kind != "forecasts":
        chosen(Reader(home), load_settings(home), args.venue, args.product)  # says so when there is none
    table = KINDS[args.kind](home, args)
    parquet.write(table, out)
    return {"kind": args.kind, "rows": table.num_rows, "out": str(out)}
