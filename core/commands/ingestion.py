"""`import`, `capture` and `reparse`: how ticks come in."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from core import jobs
from core.commands.watch import seconds
from core.config import FEEDS, Home
from core.errors import BadInput


def register(sub: Any) -> None:
    p = sub.add_parser(
        "import", help="bring recorded ticks in: Parquet, CSV, NDJSON or session files, gzip and zstd too"
    )
    p.add_argument("files", nargs="+", type=Path, metavar="FILE")
    p.add_argument("--venue", help="the venue of all that is read (else the file's own, coinbase or reference)")
    p.add_argument("--product", help="the product of rows that name none (BTC-USD)")
    p.set_defaults(run=run_import)
    p = sub.add_parser("capture", help="capture live ticks and trades until stopped")
    p.add_argument("--feed", required=True, action="append", metavar="NAME", help=f"{', '.join(FEEDS)}; or several")
    p.add_argument("--product", required=True, action="append", metavar="P", help="may be given several times")
    p.add_argument("--url", metavar="WS", help="another WebSocket address than the exchange's own")
    p.add_argument("--rest-url", metavar="HTTP", help="where missing trades are asked for (the exchange's own)")
    p.add_argument("--seconds", type=seconds, metavar="N", help="stop after N seconds")
    p.add_argument("--venue", help="the venue to store (the feed's; embedded where the address is this machine's)")
    p.add_argument("--keep-frames", action="store_true", help="keep every frame's bytes too, for `reparse`")
    p.set_defaults(run=run_capture)
    p = sub.add_parser("reparse", help="read kept and quarantined frames again with today's parsers")
    p.set_defaults(run=run_reparse)


def run_import(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Counts over the files given."""
    from core.ingestion.importing import import_files

    with jobs.hold(home, "import") as me:
        result = import_files(
            home, args.files, args.venue, args.product, lambda share, name: me.beat(share, f"reading {name}")
        )
        said = "{new:,} new of {ticks:,} ticks and {trades:,} trades, {quarantined:,} lines in quarantine".format(
            **result
        )
        me.beat(1.0, said, **result)
        me.end("done", said, result)
    print(said, file=sys.stderr)
    return result


def run_capture(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """The counters at the end."""
    if len(args.feed) > 1 and (args.url or args.rest_url or args.venue):
        raise BadInput("several feeds have an address and a venue each: leave out --url, --rest-url and --venue")
    with jobs.hold(home, "capture") as me:
        from core.ingestion.capture import Asked, capture  # after the lock: a second capture is refused at once

        rest = (tuple(args.product), args.url, args.rest_url, args.seconds, args.venue, args.keep_frames)
        asked = [Asked(feed, *rest) for feed in args.feed]
        result = capture(home, asked[0] if len(asked) == 1 else asked, me.beat)
        said = f"stopped after {result['stored']:,} stored"
        me.beat(1.0, said, **result)
        me.end("done", said, result)
    return result


def run_reparse(_args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Counts over the kept and the quarantined frames."""
    from core.ingestion.reparsing import reparse

    with jobs.hold(home, "reparse") as me:
        result = reparse(home, lambda frames: me.beat(message=f"{frames:,} frames read"))
        said = "{new:,} new of {frames:,} frames, {released:,} out of quarantine".format(**result)
        me.beat(1.0, said, **result)
        me.end("done", said, result)
    print(said, file=sys.stderr)
    return result
