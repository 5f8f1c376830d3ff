"""`seal`: old rows of the log into sealed files."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from core.config import Home
from core.errors import BadInput


def register(sub: Any) -> None:
    p = sub.add_parser("seal", help="move old rows of the tick log to Parquet files, and check those that are there")
    p.add_argument("--older-than", type=float, default=1.0, metavar="HOURS", help="since their receipt (1)")
    p.set_defaults(run=run_seal)


def run_seal(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Rows moved, and what is sealed and damaged now."""
    from core.ingestion.store import sealing

    if not 0 <= args.older_than < 1e6:
        raise BadInput(f"--older-than {args.older_than} is no number of hours: give 0 or more")
    return sealing.seal(
        home, time.time_ns(), args.older_than, lambda share, path: print(f"{share:4.0%} {path}", file=sys.stderr)
    )
