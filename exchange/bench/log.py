"""The log under a failing disk: SQLite's own operations refused, or its power cut after each of them.

What a power cut leaves of a file: its content at the last sync, and of each write since nothing, all, or any sectors of
512 bytes; a truncation since has happened or not. Names arrive in their order, and are durable when the folder was
synced, which SQLite does with the first sync of a new journal (unixSync, SQLite's os_unix.c).
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.config import Home
from core.errors import TremorError
from core.ingestion.store import Reader, Writer
from core.ingestion.ticks import Tick
from exchange.bench import vfs
from exchange.bench.stage import new_home

BATCH = 30
ACKNOWLEDGED = "acknowledged"
Row = dict[str, Any]


def batch(number: int) -> list[Tick]:
    """Ticks whose prices count on from batch to batch."""
    return [Tick(venue="v", product="p", price=i, local_ts_ns=i) for i in range(number * BATCH, (number + 1) * BATCH)]


def prices(home: Home) -> list[int]:
    """Of all ticks, in their order."""
    return [int(price) for price in Reader(home).tape("v", "p").price]


@dataclass
class _File:
    """Content at the last sync, and the steps since."""

    synced: bytes = b""
    since: list[vfs.Step] = field(default_factory=list)

    def left(self, how: str, chance: random.Random) -> bytes:
        """`how`: none, all or some of the steps since."""
        content = bytearray(self.synced)
        for step in self.since:
            if how == "none" or (how == "some" and chance.random() < 0.3):
                continue
            if step.name == "truncate":
                del content[step.at :]
                continue
            content.extend(bytes(max(step.at + len(step.content) - len(content), 0)))
            torn = how == "some" and chance.random() < 0.5
            for at in range(0, len(step.content), 512):
                if not torn or chance.random() < 0.5:
                    part = step.content[at : at + 512]
                    content[step.at + at : step.at + at + len(part)] = part
        return bytes(content)


class _Folder:
    """The folder's files, what is durable of them, and what is not yet."""

    def __init__(self) -> None:
        self.files: dict[Path, _File] = {}
        self.durable: dict[Path, _File] = {}
        self.names: list[tuple[Path, _File | None]] = []

    def apply(self, step: vfs.Step) -> None:
        if step.name == "delete":
            self.files.pop(step.path, None)
            self.names.append((step.path, None))
            return
        new = step.path not in self.files
        file = self.files.setdefault(step.path, _File())
        if new:
            self.names.append((step.path, file))
        if step.name != "sync":
            file.since.append(step)
            return
        file.synced, file.since = file.left("all", random.Random()), []
        if step.path not in self.durable and step.path.suffix != ".sqlite":
            self.sync()

    def sync(self) -> None:
        self.durable, self.names = _with(self.durable, self.names), []

    def left(self, how: str, chance: random.Random) -> dict[Path, bytes]:
        n = {"none": 0, "all": len(self.names)}.get(how, chance.randrange(len(self.names) + 1))
        names = _with(self.durable, self.names[:n])
        return {path: file.left(how, chance) for path, file in names.items()}


def _with(names: dict[Path, _File], steps: list[tuple[Path, _File | None]]) -> dict[Path, _File]:
    names = dict(names)
    for path, file in steps:
        if file is None:
            names.pop(path, None)
        else:
            names[path] = file
    return names


def recorded(home: Home, batches: int, synchronous: str = "FULL") -> list[vfs.Step]:
    """The steps of a writer's life, from the making of the log over checkpoints to its end."""
    steps: list[vfs.Step] = []

    def keep(step: vfs.Step) -> int:
        steps.append(step)
        return 0

    with vfs.watching(keep), Writer(home, "bench") as writer:
        steps.append(vfs.Step("folder synced", home.data))
        writer.connection.execute("PRAGMA wal_autocheckpoint = 12")
        writer.connection.execute(f"PRAGMA synchronous = {synchronous}")
        source = writer.source("capture", "bench")
        for number in range(batches):
            writer.append(source, batch(number))
            steps.append(vfs.Step(ACKNOWLEDGED, home.ticks_db, number + 1))
    return steps


def power(root: Path, batches: int = 6, every: int = 1, ways: int = 3, synchronous: str = "FULL") -> Row:
    """Power lost after every prefix of SQLite's operations (each `every`-th), in `ways` ways: none of the writes that
    were not synced arrived, all did, some did and torn. `synchronous`: another than FULL, to see what that costs."""
    lost = errors = cuts = 0
    with new_home(root) as home:
        steps = recorded(home, batches, synchronous)
        folder, acknowledged = _Folder(), 0
        for k in range(len(steps) + 1):
            if k % every == 0 or k == len(steps) or steps[k].name == ACKNOWLEDGED:
                for way in range(ways):
                    how = ("none", "all", "some")[min(way, 2)]
                    cut = Home(home.root / "cut")
                    _put(folder.left(how, random.Random(k * 1009 + way)), cut)
                    cuts += 1
                    before, after = _goes_on(cut, acknowledged)
                    lost += before
                    errors += after
                    shutil.rmtree(cut.root)
            if k < len(steps):
                if steps[k].name == ACKNOWLEDGED:
                    acknowledged = steps[k].at
                elif steps[k].name == "folder synced":
                    folder.sync()
                else:
                    folder.apply(steps[k])
    return {"operations": len(steps), "power_cuts": cuts, "acknowledged_lost": lost, "unhandled_errors": errors}


def _put(files: dict[Path, bytes], cut: Home) -> None:
    cut.data.mkdir(parents=True)
    for path, content in files.items():
        (cut.data / path.name).write_bytes(content)


def _goes_on(home: Home, acknowledged: int) -> tuple[int, bool]:
    """How many acknowledged ticks are not there, and whether the next writer does not go on as if nothing had been."""
    try:
        with Writer(home, "bench") as writer:
            held = prices(home)
            whole = len(held) // BATCH
            writer.append(writer.source("capture", "bench"), batch(whole))
        right = held == list(range(whole * BATCH)) and prices(home) == list(range((whole + 1) * BATCH))
        return max(acknowledged * BATCH - len(held), 0), not right
    except TremorError:
        return acknowledged * BATCH, True


def refused(root: Path, batches: int = 5, every: int = 1) -> Row:
    """Each of SQLite's operations (each `every`-th) refused once, as by a full and as by a failing disk; what was
    refused is given again."""
    with new_home(root) as home:
        total = sum(step.name in vfs.FAILED for step in recorded(home, batches))
    false = wrong = met = 0
    for at in range(0, total, every):
        for full in (True, False):
            with new_home(root) as home:
                untrue, refusals = _written(home, batches, at, full)
                wrong += prices(home) != list(range(batches * BATCH))
            false += untrue
            met += refusals
    return {"operations": total, "refusals_met": met, "false_acknowledgements": false, "wrong_after_retry": wrong}


def _written(home: Home, batches: int, at: int, full: bool) -> tuple[int, int]:
    """Write on, whatever is refused: acknowledgements of what was not there, and refusals that the writer told of."""
    steps = untrue = met = done = 0

    def refuse(step: vfs.Step) -> int:
        nonlocal steps
        steps += 1
        if steps != at + 1:
            return 0
        return vfs.FULL if full and step.name == "write" else vfs.FAILED[step.name]

    with vfs.watching(refuse):
        while done < batches:
            try:
                with Writer(home, "bench") as writer:
                    writer.connection.execute("PRAGMA wal_autocheckpoint = 12")
                    source = writer.source("capture", "bench")
                    while done < batches:
                        try:
                            writer.append(source, batch(done))
                        except TremorError:
                            met += 1
                            continue
                        done += 1
                        untrue += len(prices(home)) < done * BATCH
            except TremorError:
                met += 1
    return untrue, met
