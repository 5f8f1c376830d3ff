"""`python -m core VERB`: everything the pages can do, without a browser.

With --json one JSON object goes to standard output; progress and logs go to standard error. Exit 0 done, 1 failed with
one clear line, 2 wrong arguments.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from core import commands
from core.config import Home
from core.errors import TremorError


def parser() -> argparse.ArgumentParser:
    """All verbs: each module of `core.commands` registers its own."""
    top = argparse.ArgumentParser(prog="python -m core", description=__doc__.splitlines()[0] if __doc__ else None)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    for module in pkgutil.iter_modules(commands.__path__):
        loaded = importlib.import_module(f"core.commands.{module.name}")
        if hasattr(loaded, "register"):
            loaded.register(verbs)
    for verb in set(verbs.choices.values()):
        verb.add_argument("--home", metavar="DIR", help="the folder that everything is written below (TREMOR_HOME)")
        verb.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    args = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _ended)
    try:
        result: dict[str, Any] = args.run(args, Home.resolve(args.home))
    except (TremorError, OSError) as error:
        print(f"{args.verb}: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{args.verb}: stopped", file=sys.stderr)
        return 130
    try:
        if args.json:
            print(json.dumps(result, allow_nan=False))
        else:
            print("\n".join(_lines(result)))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _ended(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _lines(value: Any, name: str = "", depth: int = 0) -> list[str]:
    """A result for people: a line a figure, tables of equal rows as tables."""
    indent = "  " * depth
    if isinstance(value, dict):
        head = [f"{indent}{name}"] if name else []
        return head + [line for k, v in value.items() for line in _lines(v, str(k), depth + bool(name))]
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        columns = list(dict.fromkeys(k for row in value for k in row if not isinstance(row[k], dict | list)))
        table = [columns, *([_shown(row.get(c)) for c in columns] for row in value)]
        widths = [max(len(row[i]) for row in table) for i in range(len(columns))]
        rows = [
            indent + "  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
            for row in table
        ]
        return [f"{indent}{name}", *rows]
    if isinstance(value, list):
        return [f"{indent}{name}: {', '.join(map(_shown, value)) or 'none'}"]
    return [f"{indent}{name}: {_shown(value)}"]


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10**12 else str(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
