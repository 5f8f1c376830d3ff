"""A disk whose power can fail, and one that refuses: the doubles of `core.disk.Disk`.

`Recorder` does what it is told and keeps every step. `crashes` then gives what a power cut may leave of any prefix of
the steps: names and contents that were not synced are there, gone or torn.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from core.config import Home
from core.disk import Disk


@dataclass
class Log:
    """The log's files at a moment between two statements: every commit that returned is in them."""

    main: bytes
    wal: bytes

    @classmethod
    def of(cls, home: Home) -> Log:
        wal = home.data / "ticks.sqlite-wal"
        return cls(home.ticks_db.read_bytes(), wal.read_bytes() if wal.exists() else b"")

    def put(self, home: Home) -> None:
        home.data.mkdir(parents=True, exist_ok=True)
        home.ticks_db.write_bytes(self.main)
        (home.data / "ticks.sqlite-wal").write_bytes(self.wal)

    def torn(self, after: Log, chance: random.Random) -> Log:
        """What a power cut may leave between this state and the next, while one commit was under way.

        SQLite syncs the write-ahead log before a commit returns, copies from it into the main file only what was
        synced, and starts it anew only when the main file was synced: while the one is torn, the other stands.
        """
        if after.main != self.main and chance.random() < 0.5:
            pages = range(0, max(len(self.main), len(after.main)), 4096)
            main = [chance.choice([self.main, after.main])[at : at + 4096].ljust(4096, b"\0") for at in pages]
            return Log(b"".join(main), after.wal)
        return Log(self.main, torn(self.wal, after.wal, chance))


def torn(before: bytes, after: bytes, chance: random.Random) -> bytes:
    """`after` written over `before`, of which not all arrived: a prefix, a prefix and then zeros, or any sectors."""
    way = chance.choice(["cut", "sectors", "zeros"])
    cut = chance.randrange(len(after) + 1)
    if way == "cut":
        return after[:cut] + before[cut:]
    if way == "zeros":
        return after[:cut] + before[cut:] + bytes(chance.randrange(1, 5000))
    sectors = range(0, len(after), 512)
    return b"".join(chance.choice([before, after])[at : at + 512].ljust(512, b"\0") for at in sectors)


@dataclass
class Recorder(Disk):
    """The real disk, with every step kept, and the log as it stood before it. `without` names a step it only feigns."""

    home: Home
    without: str = ""
    steps: list[tuple[str, tuple[object, ...], Log]] = field(default_factory=list)

    def _step(self, name: str, *what: object) -> bool:
        if name == self.without:
            return False
        self.steps.append((name, what, Log.of(self.home)))
        return True

    def write(self, path: Path, content: bytes) -> None:
        self._step("write", path, content)
        super().write(path, content)

    def sync(self, path: Path) -> None:
        if self._step("sync", path):
            super().sync(path)

    def rename(self, source: Path, target: Path) -> None:
        if self._step("rename", source, target):
            super().rename(source, target)

    def unlink(self, path: Path) -> None:
        self._step("unlink", path)
        super().unlink(path)

    def make_folder(self, path: Path) -> None:
        self._step("make_folder", path)
        super().make_folder(path)

    def sync_folder(self, path: Path) -> None:
        if self._step("sync_folder", path):
            super().sync_folder(path)


@dataclass
class _File:
    content: bytes
    synced: bool = False


class _Tree:
    """Names and contents, what is durable of them and what is not yet. Steps of one folder arrive in their order."""

    def __init__(self) -> None:
        self.now: dict[Path, _File | None] = {}  # None: a folder
        self.durable: dict[Path, _File | None] = {}
        self.pending: dict[Path, list[tuple[Path, _File | None, Path | None]]] = {}

    def apply(self, name: str, what: tuple[object, ...]) -> None:
        path = what[0]
        assert isinstance(path, Path)
        if name == "write":
            content = what[1]
            assert isinstance(content, bytes)
            self._enter(path, _File(content))
        elif name == "make_folder":
            self._enter(path, None)
        elif name == "sync":
            file = self.now[path]
            assert file is not None
            file.synced = True
        elif name == "rename":
            target = what[1]
            assert isinstance(target, Path)
            self._enter(target, self.now.pop(path), path)
        elif name == "unlink":
            self.now.pop(path)
            self.pending.setdefault(path.parent, []).append((path, None, path))
        elif name == "sync_folder":
            for step in self.pending.pop(path, []):
                _arrive(self.durable, step)

    def _enter(self, path: Path, file: _File | None, gone: Path | None = None) -> None:
        self.now[path] = file
        self.pending.setdefault(path.parent, []).append((path, file, gone))

    def left(self, chance: random.Random, most: bool) -> dict[Path, _File | None]:
        """The names a power cut leaves: of each folder some first steps more than were synced (or all, or none)."""
        names = dict(self.durable)
        for steps in self.pending.values():
            n = len(steps) if most else chance.randrange(len(steps) + 1)
            for step in steps[:n]:
                _arrive(names, step)
        return names


def _arrive(names: dict[Path, _File | None], step: tuple[Path, _File | None, Path | None]) -> None:
    path, file, gone = step
    if gone is not None:
        names.pop(gone, None)
    if gone != path:
        names[path] = file


def crashes(recorder: Recorder, after: Log, into: Path, seeds: range, each: int) -> Iterator[tuple[str, Home]]:
    """Homes as a power cut may leave them, `each` for every prefix of the steps and seed, with a name that replays it;
    one that was given already is not given again.

    `after` is the log when all steps were done. Between two steps a commit may have been under way: the log is then as
    before it, as after it, or torn.
    """
    done = set()
    logs = [log for _, _, log in recorder.steps] + [after]
    for seed in seeds:
        tree = _Tree()
        for k in range(len(recorder.steps) + 1):
            for n in range(each):
                chance = random.Random(seed * 1_000_003 + k * 1009 + n)
                before = logs[k - 1] if k else logs[0]
                log = [before, logs[k], before.torn(logs[k], chance)][n % 3]
                left = _left(tree.left(chance, most=n % 2 == 1), chance)
                if (state := sha256(repr((left, log)).encode()).digest()) in done:
                    continue
                done.add(state)
                home = Home(into / f"{seed}-{k}-{n}")
                _materialise(left, recorder.home, home)
                log.put(home)
                yield f"seed {seed}, {k} steps, way {n}", home
                shutil.rmtree(home.root)
            if k < len(recorder.steps):
                tree.apply(*recorder.steps[k][:2])


def _left(names: dict[Path, _File | None], chance: random.Random) -> dict[Path, bytes | None]:
    """The contents under the names: what was synced whole, the rest torn."""
    return {
        path: None if file is None else file.content if file.synced else torn(b"", file.content, chance)
        for path, file in sorted(names.items())
    }


def _materialise(names: dict[Path, bytes | None], was: Home, home: Home) -> None:
    home.data.mkdir(parents=True)
    for path, content in names.items():
        target = home.root / path.relative_to(was.root)
        if not target.parent.is_dir():
            continue  # the folder's own name did not last
        if content is None:
            target.mkdir(exist_ok=True)
        else:
            target.write_bytes(content)


class Refusing(Disk):
    """A disk that refuses its `at`-th step with `error`; a write is left half done."""

    def __init__(self, at: int, error: OSError) -> None:
        self.at, self.error = at, error
        self.steps = 0

    def _step(self) -> None:
        self.steps += 1
        if self.steps == self.at + 1:
            raise self.error

    def write(self, path: Path, content: bytes) -> None:
        try:
            self._step()
        except OSError:
            path.write_bytes(content[: len(content) // 2])
            raise
        super().write(path, content)

    def read(self, path: Path) -> bytes:
        self._step()
        return super().read(path)

    def sync(self, path: Path) -> None:
        self._step()
        super().sync(path)

    def rename(self, source: Path, target: Path) -> None:
        self._step()
        super().rename(source, target)

    def unlink(self, path: Path) -> None:
        self._step()
        super().unlink(path)

    def make_folder(self, path: Path) -> None:
        self._step()
        super().make_folder(path)

    def sync_folder(self, path: Path) -> None:
        self._step()
        super().sync_folder(path)
