"""The harness proves itself: what protects is taken away, one at a time, and a case turns red.

That a rename, or a sync of a file or of a folder, which is only feigned while old rows are sealed is seen, is in
test_power_loss.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from core.ingestion.capture import World
from core.ingestion.capture.backfill import Backfiller
from core.ingestion.capture.watch import Watchdog
from core.ingestion.store import fence, rows
from exchange.bench import cases, log, vfs


@pytest.mark.skipif(vfs.library() is None, reason=vfs.WHY_NOT)
def test_without_fsync_what_was_acknowledged_is_lost(tmp_path: Path) -> None:
    """NORMAL leaves out the one fsync of each commit (https://sqlite.org/pragma.html#pragma_synchronous)."""
    assert log.power(tmp_path, 3, 8, 2, "NORMAL")["acknowledged_lost"] > 0


def test_without_de_duplication_the_table_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for said in ("_TICK", "_TRADE"):  # what a digest is made of
        monkeypatch.setattr(rows, said, lambda *values: os.urandom(16))
    assert not cases.disorder(tmp_path, 1_000, 200, within_s=2.5)["equal"]


def test_without_backfill_trades_stay_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def idle(self: Backfiller) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Backfiller, "run", idle)
    assert cases.gaps(tmp_path, (10,), within_s=2)[0]["missing_after_repair"] == 10


def test_without_the_watchdog_a_dead_connection_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watchdog, "silent", lambda self, now_s: None)
    monkeypatch.setattr(Watchdog, "hollow", lambda self, now_s: None)
    rows = cases.dead_connections(tmp_path, World(silence_s=0.8, beat_s=0.1), 2)
    assert [row["found_s"] for row in rows] == [None, None, None]


def test_without_the_fence_a_stale_capture_writes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence, "check", lambda connection, number: None)
    assert not cases.two_captures(tmp_path)["stale_writes_fenced"]
