"""Power fails after any step asked of the disk, or the disk refuses one: nothing acknowledged is lost or doubled."""

from __future__ import annotations

import errno
import random
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from core.config import Home, write_atomically
from core.errors import TremorError
from core.ingestion.store import Reader, Writer, sealing
from core.ingestion.ticks import Tick
from exchange.bench import sealed
from exchange.bench.powerless import Log, Recorder, Refusing, crashes
from exchange.bench.sealed import FOREVER_NS, filled
from exchange.bench.seen import seen


@pytest.mark.parametrize("seeds", [range(1), pytest.param(range(1, 20), marks=pytest.mark.slow)])
def test_power_fails_at_every_prefix_of_sealing(tmp_path: Path, seeds: range) -> None:
    row = sealed.power(tmp_path, seeds)
    assert (row["lost_or_wrong"], row["first"]) == (0, "")
    assert {"write", "sync", "rename", "make_folder", "sync_folder"} <= set(row["kinds"])
    assert row["logs"] > 3, "commits lie between the steps"


@pytest.mark.parametrize("without", ["sync", "sync_folder", "rename"])
def test_the_model_sees_a_step_that_is_left_out(home: Home, tmp_path: Path, without: str) -> None:
    filled(home)
    expected = seen(home)
    recorder, after = sealed.while_watched(home, without)
    found = sealed.wrong(recorder, after, tmp_path / "cut", range(1), expected)
    assert any("reads differently" in what for what in found)


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
def test_the_disk_refuses_any_one_step(tmp_path: Path, code: int) -> None:
    row = sealed.refused(tmp_path, code)
    assert row["wrong"] == 0
    assert row["operations"] > 20


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
    for name, cut in crashes(recorder, Log.of(home), tmp_path / "cut", range(1), 8):
        if int(name.split(", ")[1].split()[0]) >= 3:
            states.add(cut.settings_file.read_bytes())
    assert states == {b"old", b"new"}
