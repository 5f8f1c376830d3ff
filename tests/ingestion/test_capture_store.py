"""Capture and its store: what cannot be kept is counted, what fails is tried again, who else writes keeps it out."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from core import jobs
from core.config import REPOSITORY, Home
from core.errors import BadInput, Busy, TremorError
from core.ingestion.capture import Asked, World, capture, status
from core.ingestion.capture.sealing import Sealing
from core.ingestion.store import Appended, Reader, Writer

from .scripted import adds_up, captured, forever, frame_of, send


def test_a_full_queue_sheds_and_counts(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        await send(client, *[frame_of("match", i) for i in range(400)])
        await forever(client)

    slow_append(monkeypatch, 0.2)
    world = World(queue_frames=20, patience_s=0.05, beat_s=0.02)
    fields, _, said = captured(home, play, until=lambda f: f["received"] == 400, world=world)
    assert fields["shed"] > 0 < fields["stored"]
    assert fields["stored"] + fields["shed"] == 400
    assert all(adds_up(word) for word in said)
    assert Reader(home).trade_table().num_rows == fields["stored"]
    shed = [row for row in Reader(home).gaps().to_pylist() if "what came was shed" in row["detail"]]
    assert all((row["seen"], row["state"]) == ("downtime", "open") for row in shed)
    held = Reader(home).trade_table().column("trade_id").to_pylist()
    between = [row for row in Reader(home).gaps().to_pylist() if row["missing"]]
    assert sum(row["missing"] for row in between) == max(held) - min(held) + 1 - len(held)
    assert len(shed) == len(between) or max(held) < 399


def test_a_short_stall_of_the_store_sheds_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        await send(client, *[frame_of("match", i) for i in range(400)])
        await forever(client)

    slow_append(monkeypatch, 0.02)
    fields, _, _ = captured(home, play, until=lambda f: f["received"] == 400, world=World(queue_frames=50, beat_s=0.02))
    assert (fields["stored"], fields["shed"]) == (400, 0)


def slow_append(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    append = Writer.append

    def slowly(self: Writer, *args: Any) -> Appended:
        time.sleep(seconds)
        return append(self, *args)

    monkeypatch.setattr(Writer, "append", slowly)


def failing_append(monkeypatch: pytest.MonkeyPatch, fails: Callable[[int], bool]) -> None:
    append, calls = Writer.append, iter(range(10**9))

    def failing(self: Writer, *args: Any) -> Appended:
        if fails(next(calls)):
            raise TremorError("the tick store cannot be written (disk full)")
        return append(self, *args)

    monkeypatch.setattr(Writer, "append", failing)


def test_a_write_that_fails_is_tried_again_and_nothing_is_lost(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.ingestion.capture.sink.RETRY_S", 0.05)

    async def play(client: ServerConnection, number: int) -> None:
        await send(client, *[frame_of("match", i) for i in range(50)])
        await forever(client)

    failing_append(monkeypatch, lambda call: call < 3)
    fields, _, said = captured(home, play, until=lambda f: f["received"] == 50)
    assert (fields["stored"], fields["shed"]) == (50, 0)
    assert any("disk full" in word["message"] for word in said)
    assert Reader(home).trade_table().num_rows == 50


def test_a_store_that_stays_unwritable_ends_in_an_error_and_counts_nothing_as_stored(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        await send(client, *[frame_of("match", i) for i in range(5)])
        await forever(client)

    failing_append(monkeypatch, lambda call: True)
    with pytest.raises(TremorError, match="disk full"):
        captured(home, play, until=lambda f: "disk full" in f["message"])
    assert Reader(home).trade_table().num_rows == 0


def test_what_makes_no_sense_is_refused_before_anything_starts(home: Home) -> None:
    for asked in (
        Asked("coinbase_exchange", ()),
        Asked("nasdaq", ("BTC-USD",)),
        Asked("coinbase_exchange", ("BTC USD",)),
        Asked("coinbase_exchange", ("BTC-USD",), venue="\u00e9"),
        Asked("coinbase_exchange", ("BTC-USD",), seconds=-1),
        Asked("coinbase_exchange", ("BTC-USD",), url="http://127.0.0.1"),
    ):
        with pytest.raises(BadInput):
            capture(home, asked, lambda *a, **k: None)
    assert not home.data.exists()


def test_an_import_that_writes_keeps_capture_out(home: Home) -> None:
    asked = Asked("coinbase_exchange", ("BTC-USD",), url="ws://127.0.0.1:9", seconds=1)
    with Writer(home, "import"), pytest.raises(Busy, match="import"):
        capture(home, asked, lambda *a, **k: None)


def test_a_second_capture_is_refused_before_anything_heavy_is_imported(home: Home) -> None:
    """What it costs is Python's start: 0.2 s, where numpy, pandas and pyarrow would be two."""
    argv = ["capture", "--feed", "coinbase_exchange", "--product", "BTC-USD", "--home", str(home.root)]
    script = (
        f"import sys; from core.__main__ import main; code = main({argv!r});"
        " print(code, *({'numpy', 'pandas', 'pyarrow', 'websockets', 'httpx'} & set(sys.modules)))"
    )
    with jobs.hold(home, "capture"):
        said = subprocess.run(
            [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
    assert said.stdout.split() == ["1"]
    assert f"capture already runs in this home (pid {os.getpid()})" in said.stderr


def test_status_tells_of_the_running_capture_only(home: Home) -> None:
    assert status(home) == []
    fields = {
        "feed": "coinbase_exchange",
        "products": ["BTC-USD", "ETH-USD"],
        "received": 5,
        "stored": 5,
        "last_tick_ns": 10**9,
    }
    with jobs.hold(home, "capture") as me:
        assert status(home) == [], "it has not said anything yet"
        me.beat(None, "receiving", every_s=0, **fields)
        (said,) = status(home, lambda: 3 * 10**9)
        assert (said["feed"], said["product"], said["last_tick_age_s"]) == ("coinbase_exchange", "BTC-USD,ETH-USD", 2.0)
        assert (said["received"], said["message"]) == (5, "receiving")
        assert said["pid"] == jobs.read(home, "capture").pid
    assert status(home) == []


def test_several_feeds_share_one_writer_and_have_an_entry_each(home: Home) -> None:
    """Two feeds that cannot be reached: one process, one lock, two sources, two entries of status."""
    names = ["coinbase_exchange", "kraken_v2"]
    asked = [Asked(feed, ("BTC-USD", "ETH-USD"), url="ws://127.0.0.1:9", seconds=0.4, venue=feed) for feed in names]
    seen: list[list[dict[str, Any]]] = []
    with jobs.hold(home, "capture") as me:

        def beat(progress: float | None, message: str, **fields: Any) -> None:
            me.beat(progress, message, every_s=0, **fields)
            seen.append(status(home))

        with pytest.raises(TremorError, match="never reached"):  # as of both of them
            capture(home, asked, beat, World(beat_s=0.05))
        fields = me._job.fields
    assert (fields["feed"], fields["products"]) == ("coinbase_exchange,kraken_v2", ["BTC-USD", "ETH-USD"])
    assert [one["feed"] for one in fields["captures"]] == names
    assert [entry["feed"] for entry in seen[-1]] == names
    assert all("not connected" in entry["message"] and adds_up(entry) for entry in seen[-1])
    with Writer(home) as writer:
        found = writer.connection.execute("SELECT name FROM sources WHERE kind = 'capture' ORDER BY name").fetchall()
    assert found == [(name,) for name in names]
    one_venue = [Asked(feed, ("BTC-USD",)) for feed in ("coinbase_exchange", "coinbase_advanced")]
    for wrong in ([], [asked[0], asked[0]], one_venue):
        with pytest.raises(BadInput):
            capture(home, wrong, beat)


def test_that_old_rows_cannot_be_sealed_is_said_where_the_counters_are(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(self: Sealing) -> None:
        self.trouble = "the disk is full"
        await asyncio.Event().wait()

    async def play(client: ServerConnection, number: int) -> None:
        await send(client, frame_of("match", 1))
        await forever(client)

    monkeypatch.setattr(Sealing, "run", fails)
    fields, _, said = captured(home, play, until=lambda f: f["stored"] == 1 and f["message"].startswith("receiving"))
    assert fields["trouble"] == "cannot seal: the disk is full"
    assert said[-1]["message"] == "receiving; cannot seal: the disk is full"
    with jobs.hold(home, "capture") as me:
        me.beat(None, "receiving", every_s=0, **fields)
        assert status(home)[0]["trouble"] == "cannot seal: the disk is full"
