"""Power fails after any step asked of the disk, or the disk refuses one: nothing acknowledged is lost or doubled."""

from __future__ import annotations

import errno
import random
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from core.config import Home, write_atomically
from core.errors import TremorError
from core.ingestion.store import Reader, Writer, sealing
from core.ingestion.ticks import Stored, Tick
from exchange.bench.powerless import Log, Recorder, Refusing, crashes
from exchange.bench.seen import a_market, seen

FOREVER_NS = 1 << 62
WAYS = 6
"""Of losing power after each prefix: the log before, after and within the commit, names there or not, contents torn."""


def filled(home: Home, n: int = 30) -> list[Stored]:
    events = a_market(n)
    with Writer(home) as writer:
        writer.append(writer.source("import", "x"), events)
    return events


def sealed_while_watched(home: Home, without: str = "") -> tuple[Recorder, Log]:
    """Seal under a Recorder. The writer stays open meanwhile: closing it would fold the log's two files into one."""
    recorder = Recorder(home, without)
    with Writer(home) as writer:
        sealing.clean(writer, recorder)
        for piece in sealing.pieces(home, FOREVER_NS):
            made = sealing.make(home, piece, disk=recorder)
            assert made is not None
            sealing.swap(writer, made)
        return recorder, Log.of(home)


def wrong(recorder: Recorder, after: Log, into: Path, seeds: range, expected: list[object]) -> Iterator[str]:
    """The crashes after which something reads differently, or sealing does not go on: none, if all is well."""
    for seed in seeds:
        for name, home in crashes(recorder, after, into, seed, WAYS):
            if seen(home) != expected:
                yield f"{name}: reads differently"
                continue
            sealing.seal(home, FOREVER_NS, 0)
            if seen(home) != expected:
                yield f"{name}: reads differently after the next run"
            if any(path.suffix == ".new" for path in home.sealed.rglob(".*")):
                yield f"{name}: a leftover stayed"


@pytest.mark.parametrize("seeds", [range(1), pytest.param(range(1, 20), marks=pytest.mark.slow)])
def test_power_fails_at_every_prefix_of_sealing(home: Home, tmp_path: Path, seeds: range) -> None:
    filled(home)
    expected = seen(home)
    recorder, after = sealed_while_watched(home)
    names = [name for name, _, _ in recorder.steps]
    assert {"write", "sync", "rename", "make_folder", "sync_folder"} <= set(names)
    assert len({log.wal for _, _, log in recorder.steps}) > 3, "commits lie between the steps"
    assert list(wrong(recorder, after, tmp_path / "cut", seeds, expected)) == []


@pytest.mark.parametrize("without", ["sync", "sync_folder", "rename"])
def test_the_model_sees_a_step_that_is_left_out(home: Home, tmp_path: Path, without: str) -> None:
    filled(home)
    expected = seen(home)
    recorder, after = sealed_while_watched(home, without)
    assert any("reads differently" in what for what in wrong(recorder, after, tmp_path / "cut", range(1), expected))


@pytest.mark.parametrize("seeds", [range(1), pytest.param(range(1, 30), marks=pytest.mark.slow)])
def test_power_fails_within_an_append(home: Home, tmp_path: Path, seeds: range) -> None:
    """The log's own files, torn between two appends of a real writer, checkpoints among them."""
    batches = [
        [Tick(venue="v", product="p", price=i, local_ts_ns=i) for i in range(at * 1000, at * 1000 + 30)]
        for at in range(12)
    ]
    logs = []
    with Writer(home) as writer:
        writer.connection.execute("PRAGMA wal_autocheckpoint = 12")
        source = writer.source("capture", "x")
        logs.append(Log.of(home))
        for batch in batches:
            writer.append(source, batch)
            logs.append(Log.of(home))
    assert len({log.main for log in logs}) > 3, "checkpoints came between"
    assert any(not b.wal.startswith(a.wal[:4096]) for a, b in pairwise(logs)), "and new beginnings"
    for seed in seeds:
        for k, (before, after) in enumerate(pairwise(logs)):
            for n in range(8):
                cut = Home(tmp_path / "cut" / f"{seed}-{k}-{n}")
                before.torn(after, random.Random(seed * 7919 + k * 101 + n)).put(cut)
                prices = Reader(cut).tape("v", "p").price.tolist()
                acknowledged = [tick.price for batch in batches[:k] for tick in batch]
                assert prices in (acknowledged, acknowledged + [tick.price for tick in batches[k]]), f"{seed} {k} {n}"
                with Writer(cut) as writer:
                    assert writer.append(1, batches[k]).stored in (0, 30)
                assert len(Reader(cut).tape("v", "p")) == 30 * (k + 1)
                shutil.rmtree(cut.root)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_the_disk_refuses_any_one_step(home: Home, tmp_path: Path, code: int) -> None:
    filled(home)
    expected = seen(home)
    counting = Refusing(10**9, OSError())
    template = home.root
    shutil.copytree(template, tmp_path / "count")
    sealing.seal(Home(tmp_path / "count"), FOREVER_NS, 0, disk=counting)
    assert counting.steps > 20
    for at in range(counting.steps):
        one = Home(tmp_path / f"at{at}")
        shutil.copytree(template, one.root)
        with pytest.raises(TremorError) as caught:
            sealing.seal(one, FOREVER_NS, 0, disk=Refusing(at, OSError(code, "no")))
        assert "\n" not in str(caught.value)
        assert "check the disk" in str(caught.value)
        assert seen(one) == expected, f"step {at}"
        assert sealing.seal(one, FOREVER_NS, 0)["damaged"] == []
        assert seen(one) == expected, f"step {at}, and the next run"
        assert sum(1 for path in one.sealed.rglob("*") if path.is_file()) == Reader(one).sealed()["files"]
        shutil.rmtree(one.root)


def test_the_log_refuses_the_swap(home: Home) -> None:
    filled(home, 3000)
    expected = seen(home)
    with Writer(home) as writer:
        (piece, *_) = sealing.pieces(home, FOREVER_NS)
        made = sealing.make(home, piece)
        assert made is not None
        writer.connection.execute("PRAGMA query_only = ON")
        with pytest.raises(TremorError, match="cannot be written"):
            sealing.swap(writer, made)
        writer.connection.execute("PRAGMA query_only = OFF")
        assert seen(home) == expected
    assert sealing.seal(home, FOREVER_NS, 0)["orphans"] == 1
    assert seen(home) == expected


def test_a_file_that_is_not_read_back_as_written_is_not_used(home: Home) -> None:
    filled(home)
    expected = seen(home)

    class Lying(Refusing):
        def write(self, path: Path, content: bytes) -> None:
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    with pytest.raises(TremorError, match="not read back as it was written"):
        sealing.seal(home, FOREVER_NS, 0, disk=Lying(10**9, OSError()))
    assert seen(home) == expected


def test_settings_are_the_old_or_the_new_ones(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(home, 2)
    write_atomically(home.settings_file, b"old")
    recorder = Recorder(home)
    recorder.steps.append(("write", (home.settings_file, b"old"), Log.of(home)))
    recorder.steps.append(("sync", (home.settings_file,), Log.of(home)))
    recorder.steps.append(("sync_folder", (home.data,), Log.of(home)))
    monkeypatch.setattr("core.config.DISK", recorder)
    write_atomically(home.settings_file, b"new")
    states = set()
    for name, cut in crashes(recorder, Log.of(home), tmp_path / "cut", 0, 8):
        if int(name.split(", ")[1].split()[0]) >= 3:
            states.add(cut.settings_file.read_bytes())
    assert states == {b"old", b"new"}
