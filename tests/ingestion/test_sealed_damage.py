"""A damaged sealed file is named, set aside, and the rest stays readable; no wrong row ever comes out of one."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import pytest

from core.config import Home
from core.errors import Damaged, TremorError
from core.ingestion.store import Reader, Writer, sealed, sealing
from core.ingestion.ticks import Stored, Trade
from exchange.bench import sealed as bench
from exchange.bench.seen import a_market, seen
from tests.ingestion.test_sealing import FOREVER_NS, run, store


@pytest.fixture
def events(home: Home) -> list[Stored]:
    """A home whose events are all sealed but for the newest: five files."""
    events = a_market(300)
    store(home, events)
    sealing.seal(home, FOREVER_NS, 0)
    return events


def largest(home: Home) -> Path:
    return max(home.sealed.rglob("*.parquet"), key=lambda path: path.stat().st_size)


def flip(path: Path, at: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1 << bit
    path.write_bytes(content)


@pytest.mark.parametrize("flips", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_byte_flipped_anywhere_gives_no_wrong_row(tmp_path: Path, flips: int) -> None:
    row = bench.flipped(tmp_path, flips)
    assert (row["wrong_rows"], row["lost_beside"], row["unnamed"]) == (0, 0, 0)
    assert row["files"] > 3


def registered(home: Home) -> list[sealed.File]:
    with Reader(home)._open() as connection:
        assert connection is not None
        return sealed.files(connection)


@pytest.mark.parametrize("way", ["flipped", "cut", "longer", "empty", "gone"])
def test_it_is_named_and_the_rest_is_read(
    home: Home, events: list[Stored], way: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = largest(home)
    if way == "flipped":
        flip(path, 100)
    elif way == "gone":
        path.unlink()
    else:
        content = path.read_bytes()
        path.write_bytes({"cut": content[:-1], "longer": content + b"x", "empty": b""}[way])
    before = {(market.venue, market.product): market for market in Reader(home).markets()}
    with caplog.at_level(logging.WARNING):
        tape = Reader(home).tape("coinbase", "BTC-USD")
    assert len(tape) > 0
    assert path.name in caplog.text
    assert "are left out; put back a copy" in caplog.text
    assert not path.exists()
    assert path.with_name(f"{path.name}.damaged").exists() == (way != "gone")
    (damaged,) = Reader(home).sealed()["damaged"]
    assert damaged["rows"] > 0
    after = {(market.venue, market.product): market for market in Reader(home).markets()}
    name = (damaged["venue"], damaged["product"])
    ticks = Reader(home).tick_table(*name)
    assert after[name].ticks == ticks.num_rows < before[name].ticks + (way == "gone")
    known = Reader(home).gaps(*name).num_rows
    result = run(home, "seal", "--older-than", "0")
    assert result.returncode == 0
    rows = Reader(home).gaps(*name).to_pylist()
    if way == "gone":
        assert len(rows) == known, "what is only missing may come back"
    else:
        lost = [row for row in rows if row["detail"].endswith("was damaged")]
        assert sum(row["missing"] for row in lost) == before[name].trades - after[name].trades > 0
        assert {row["state"] for row in lost} == {"open"}
    assert json.loads(result.stdout)["damaged"][0]["path"] == damaged["path"]
    assert json.loads(run(home, "status").stdout)["sealed"]["damaged"][0]["path"] == damaged["path"]


def test_seal_finds_what_no_reader_has_met(home: Home, events: list[Stored]) -> None:
    flip(largest(home), 50)
    done = run(home, "seal")
    assert len(json.loads(done.stdout)["damaged"]) == 1
    assert "is damaged (its sha256" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_import_mends_it(home: Home, events: list[Stored]) -> None:
    def told(of: list[object]) -> list[object]:
        return sorted(map(str, of[2] + of[3]))  # type: ignore[operator]

    whole = seen(home)
    path = largest(home)
    good = path.read_bytes()
    flip(path, 100)
    lost = len(whole[2]) + len(whole[3]) - len(bench.rows_of(home))
    with Writer(home) as writer:
        again = writer.append(writer.source("import", "y"), events)
    assert 0 < again.stored <= lost, "heartbeats are not counted"
    assert told(seen(home)) == told(whole)
    lost_rows = [row for row in Reader(home).gaps().to_pylist() if row["detail"].split(";")[0].endswith("was damaged")]
    assert lost_rows
    assert {row["state"] for row in lost_rows} == {"repaired"}
    path.write_bytes(good)
    assert told(seen(home)) == told(whole), "a copy put back now is not read beside them"
    sealing.seal(home, FOREVER_NS, 0)
    assert told(seen(home)) == told(whole)


@pytest.mark.parametrize("way", ["flipped", "gone"])
def test_a_writer_that_meets_a_damaged_file_stores_what_it_held(home: Home, events: list[Stored], way: str) -> None:
    path = largest(home)
    good = path.read_bytes()
    whole = bench.rows_of(home)
    with Writer(home) as writer:
        if way == "flipped":
            flip(path, 100)
        else:
            path.unlink()
            writer.held = type(writer.held)(writer.connection, writer.folder)
        writer.append(writer.source("capture", "x"), [one for one in events if not isinstance(one, Trade)])
        writer.append(writer.source("capture", "x"), events)
        assert bench.rows_of(home) == whole
    path.write_bytes(good)
    assert bench.rows_of(home) == whole


def test_what_cannot_be_opened_is_an_error_and_not_a_damage(
    home: Home, events: list[Stored], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole = seen(home)

    def refuse(error: OSError) -> None:
        def read(_path: Path) -> bytes:
            raise error

        monkeypatch.setattr(sealed.DISK, "read", read, raising=False)

    refuse(PermissionError(13, "Permission denied"))
    with pytest.raises(TremorError, match="cannot be read"):
        Reader(home).tick_table()
    refuse(OSError(5, "Input/output error"))
    assert Reader(home).tick_table().num_rows < 5
    assert "check the disk" in caplog.text
    with Writer(home) as writer, pytest.raises(TremorError, match="cannot be told from what is new"):
        writer.append(writer.source("import", "y"), events)
    monkeypatch.undo()
    assert seen(home) == whole, "nothing was set aside"


def test_load_names_the_file(home: Home, events: list[Stored]) -> None:
    file = registered(home)[0]
    assert len(sealed.load(file, home.sealed)) == file.rows
    shutil.rmtree(home.sealed)
    with pytest.raises(Damaged, match="it is missing"):
        sealed.load(file, home.sealed)
