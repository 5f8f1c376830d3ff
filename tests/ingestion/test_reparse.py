"""Frames as received: kept durably, and read again when a parser has learnt something."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from core.__main__ import main, parser
from core.config import Home
from core.errors import Damaged, MalformedFrame, TremorError
from core.ingestion.capture import Asked, Capture
from core.ingestion.feeds import coinbase_exchange
from core.ingestion.reparsing import reparse
from core.ingestion.store import FrameLog, Reader, kept_frames, kept_sizes

from .scripted import captured, forever, frame_of, send

FRAMES = [b"a" * 300, b"", b"\x00\xff", b"b" * 100_000]


def kept(home: Home) -> list[tuple[int, bytes]]:
    return [(one.local_ts_ns, one.frame) for batch in kept_frames(home) for one in batch]


def test_frames_come_back_as_they_were_received(home: Home) -> None:
    assert kept(home) == []
    for run in range(3):
        with FrameLog(home) as log:
            for i, frame in enumerate(FRAMES):
                log.append("coinbase_exchange", "v", [(run * 10 + i, frame)])
    assert kept(home) == [(run * 10 + i, frame) for run in range(3) for i, frame in enumerate(FRAMES)]
    sizes = kept_sizes(home)
    assert sizes["frames"] == 12
    assert sizes["stored_bytes"] < sizes["bytes"] / 50


def test_many_small_commits_compress_against_each_other(home: Home) -> None:
    with FrameLog(home) as log:
        for i in range(500):
            log.append("coinbase_exchange", "v", [(i, frame_of("ticker", i).encode())])
    sizes = kept_sizes(home)
    assert sizes["stored_bytes"] < sizes["bytes"] / 3


def test_what_a_kill_left_behind_reads_to_its_last_commit(home: Home) -> None:
    log = FrameLog(home).__enter__()
    log.append("f", "v", [(1, b"one"), (2, b"two")])
    assert kept(home) == [(1, b"one"), (2, b"two")], "while it is open, too"
    log.__exit__(None, None, None)


def test_a_batch_that_could_not_be_written_can_be_given_again(home: Home) -> None:
    with FrameLog(home) as log:
        log.append("f", "v", [(1, b"one")])
        assert log._connection is not None
        log._connection.execute("PRAGMA query_only = ON")
        with pytest.raises(TremorError, match="cannot be written"):
            log.append("f", "v", [(2, b"two")])
        log._connection.execute("PRAGMA query_only = OFF")
        log.append("f", "v", [(2, b"two")])
    assert kept(home) == [(1, b"one"), (2, b"two")]


def test_a_damaged_part_costs_the_rest_of_its_stream_and_is_named(home: Home) -> None:
    for run in range(2):
        with FrameLog(home) as log:
            log.append("f", "v", [(run, b"one" * 50)])
            log.append("f", "v", [(run, b"two" * 50)])
    with sqlite3.connect(home.frames_db) as connection:
        connection.execute("UPDATE parts SET body = CAST(body || 'x' AS BLOB) WHERE id = 2")
    found: list[bytes] = []
    with pytest.raises(Damaged, match="part 2 of stream 1"):
        found.extend(one.frame for batch in kept_frames(home) for one in batch)
    assert found == [b"one" * 50, b"one" * 50, b"two" * 50]


@pytest.fixture
def keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every capture of the test keeps its frames."""
    begin = Capture.__init__

    def init(self: Capture, home: Home, asked: Asked, *given: Any) -> None:
        begin(self, home, replace(asked, keep_frames=True), *given)

    monkeypatch.setattr(Capture, "__init__", init)


async def play(client: ServerConnection, number: int) -> None:
    for i in range(1, 41):
        await send(client, frame_of("ticker", i), frame_of("match", i))
    await send(client, b"no frame at all")
    await forever(client)


def test_reading_again_what_is_stored_adds_nothing(home: Home, keeping: None) -> None:
    fields, _, _ = captured(home, play, until=lambda f: f["received"] == 81)
    assert (fields["stored"], fields["quarantined"]) == (80, 1)
    for _ in range(2):
        result = reparse(home)
        assert (result["frames"], result["events"], result["new"], result["duplicates"]) == (81, 80, 0, 80)
        assert (result["malformed"], result["quarantined"], result["released"], result["damaged"]) == (1, 1, 0, None)
    assert len(Reader(home).quarantine(9)) == 1


@pytest.mark.parametrize("keep", [True, False])
def test_what_a_mended_parser_understands_is_added_and_leaves_the_quarantine(
    home: Home, monkeypatch: pytest.MonkeyPatch, keep: bool, request: pytest.FixtureRequest
) -> None:
    if keep:
        request.getfixturevalue("keeping")
    whole = coinbase_exchange.parse

    def broken(frame: bytes, local_ts_ns: int | None = None) -> list[Any]:
        if b'"match"' in frame:
            raise MalformedFrame("trades are beyond this parser")
        return [] if b'"trade_id": 7,' in frame or b'"trade_id": 7}' in frame else whole(frame, local_ts_ns)

    with monkeypatch.context() as patch:
        patch.setattr(coinbase_exchange, "parse", broken)
        fields, _, _ = captured(home, play, until=lambda f: f["received"] == 80)
        assert (fields["stored"], fields["quarantined"]) == (39, 41)
    result = reparse(home)
    assert result["new"] == (41 if keep else 40), "only kept bytes can say what a parser passed over in silence"
    assert (result["quarantined"], result["released"]) == (41, 40)
    assert [held.frame for held in Reader(home).quarantine(99)] == [b"no frame at all"]
    assert Reader(home).trade_table().num_rows == 40
    assert Reader(home).tick_table().num_rows == (40 if keep else 39)
    assert {row["state"] for row in Reader(home).gaps().to_pylist()} <= {"repaired"}
    assert {market.venue for market in Reader(home).markets()} == {"embedded"}
    assert reparse(home)["new"] == 0


def test_without_the_switch_no_frames_are_kept(home: Home, tmp_path: Path) -> None:
    captured(home, play, until=lambda f: f["received"] == 81)
    assert not (home.frames_db).exists()
    assert reparse(home)["frames"] == 0


def test_the_verb_says_what_it_did(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    captured(home, play, until=lambda f: f["received"] == 81)
    assert main(["reparse", "--home", str(home.root), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["quarantined"] == 1
    assert said.err == "0 new of 0 frames, 0 out of quarantine\n"


def test_the_switch_of_the_verb_is_asked_for() -> None:
    args = parser().parse_args(["capture", "--feed", "coinbase_exchange", "--product", "BTC-USD", "--keep-frames"])
    assert args.keep_frames
