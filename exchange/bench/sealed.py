"""Sealing under a failing disk: power lost after any step, a step that is refused, a byte that changes later."""

from __future__ import annotations

import errno
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.config import Home
from core.errors import TremorError
from core.ingestion.store import Reader, Writer, sealing
from exchange.bench.powerless import Log, Recorder, Refusing, crashes
from exchange.bench.seen import a_market, seen
from exchange.bench.stage import new_home

FOREVER_NS = 1 << 62
WAYS = 6
"""Of losing power after each prefix: the log before, after and within the commit, names there or not, contents torn."""
REGIONS = 10
"""Of a file, in each of which bytes are flipped."""


def filled(home: Home, n: int = 30) -> None:
    """A log of `n` events of two products around a midnight, heartbeats and a gap among them."""
    with Writer(home, "bench") as writer:
        writer.append(writer.source("import", "x"), a_market(n))


def while_watched(home: Home, without: str = "") -> tuple[Recorder, Log]:
    """Seal under a Recorder. The writer stays open meanwhile: closing it would fold the log's two files into one."""
    recorder = Recorder(home, without)
    with Writer(home, "bench") as writer:
        sealing.clean(writer, recorder)
        for piece in sealing.pieces(home, FOREVER_NS):
            made = sealing.make(home, piece, disk=recorder)
            assert made is not None
            sealing.swap(writer, made)
        return recorder, Log.of(home)


def wrong(recorder: Recorder, after: Log, into: Path, seeds: range, expected: list[object]) -> Iterator[str]:
    """Of each crash "" where all is well, else what reads differently, or that sealing does not go on."""
    for name, home in crashes(recorder, after, into, seeds, WAYS):
        if seen(home) != expected:
            yield f"{name}: reads differently"
            continue
        sealing.seal(home, FOREVER_NS, 0)
        if seen(home) != expected:
            yield f"{name}: reads differently after the next run"
        elif any(path.suffix == ".new" for path in home.sealed.rglob(".*")):
            yield f"{name}: a leftover stayed"
        else:
            yield ""


def power(root: Path, seeds: range = range(1), without: str = "") -> dict[str, Any]:
    """Power lost after every prefix of sealing's file operations; `without` names an operation that is only feigned."""
    with new_home(root) as home:
        filled(home)
        expected = seen(home)
        recorder, after = while_watched(home, without)
        found = list(wrong(recorder, after, home.root / "cut", seeds, expected))
    return {
        "operations": len(recorder.steps),
        "kinds": sorted({name for name, _, _ in recorder.steps}),
        "logs": len({log.wal for _, _, log in recorder.steps}),
        "power_cuts": len(found),
        "lost_or_wrong": sum(map(bool, found)),
        "first": next(filter(None, found), ""),
    }


def refused(root: Path, code: int = errno.ENOSPC) -> dict[str, Any]:
    """Each operation of sealing refused once: an error of one sentence, nothing changed, and the next run goes on."""
    right = 0
    with new_home(root) as whole:
        filled(whole)
        expected = seen(whole)
        counting = Refusing(10**9, OSError())
        shutil.copytree(whole.data, whole.root / "count" / "data")
        sealing.seal(Home(whole.root / "count"), FOREVER_NS, 0, disk=counting)
        for at in range(counting.steps):
            one = Home(whole.root / f"at{at}")
            shutil.copytree(whole.data, one.data)
            said = ""
            try:
                sealing.seal(one, FOREVER_NS, 0, disk=Refusing(at, OSError(code, "no")))
            except TremorError as error:
                said = str(error)
            unchanged = seen(one) == expected
            after = sealing.seal(one, FOREVER_NS, 0)
            files = sum(1 for path in one.sealed.rglob("*") if path.is_file())
            right += (
                "check the disk" in said
                and "\n" not in said
                and unchanged
                and (after["damaged"], files, seen(one)) == ([], after["files"], expected)
            )
            shutil.rmtree(one.root)
    return {"operations": counting.steps, "wrong": counting.steps - right}


def flipped(root: Path, flips: int) -> dict[str, Any]:
    """A bit flipped in each of ten regions of sealed files, again and again: rows that are wrong, or lost beside."""
    wrong_rows = lost_beside = unnamed = 0
    with new_home(root) as home:
        filled(home, 300)
        sealing.seal(home, FOREVER_NS, 0)
        whole, paths = rows_of(home), sorted(home.sealed.rglob("*.parquet"))
        for seed in range(flips):
            chance = random.Random(seed)
            path = paths[seed % len(paths)]
            content = path.read_bytes()
            region = seed // len(paths) % REGIONS
            at = chance.randrange(len(content) * region // REGIONS, len(content) * (region + 1) // REGIONS)
            bad = bytearray(content)
            bad[at] ^= 1 << chance.randrange(8)
            path.write_bytes(bad)
            found = rows_of(home)
            wrong_rows += len(found - whole)
            damaged = Reader(home).sealed()["damaged"]
            named = [one for one in damaged if path == home.sealed / one["path"]]
            unnamed += len(named) != 1 or len(damaged) != 1
            lost_beside += len(whole - found) > sum(one["rows"] for one in named)
            path.with_name(f"{path.name}.damaged").unlink()
            path.write_bytes(content)
        unnamed += rows_of(home) != whole
    return {
        "flips": flips,
        "files": len(paths),
        "wrong_rows": wrong_rows,
        "lost_beside": lost_beside,
        "unnamed": unnamed,
    }


def rows_of(home: Home) -> set[str]:
    """Every tick and trade as text."""
    reader = Reader(home)
    return {str(row) for table in (reader.tick_table(), reader.trade_table()) for row in table.to_pylist()}
