"""Capture under faults: the table of `bench capture` at CI's sizes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from core.__main__ import main
from core.commands import bench
from core.config import Home
from core.ingestion.capture import World
from exchange.bench import cases, full, killed, load, log, speed, vfs
from exchange.chaos import hostile

from .scripted import captured, forever, frame_of, send

below = pytest.mark.skipif(vfs.library() is None, reason=vfs.WHY_NOT)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with load.load(20_000) as address:
        yield address


def test_disconnects_lose_nothing_and_are_not_hammered(tmp_path: Path) -> None:
    row = cases.disconnects(tmp_path, 5)
    assert (row["disconnects"], row["lost_after_repair"]) == (5, 0)
    assert row["most_connects_per_s"] <= 8


@pytest.mark.slow
def test_two_hundred_disconnects_in_ten_minutes_lose_nothing(tmp_path: Path) -> None:
    row = cases.disconnects(tmp_path, 200)
    assert (row["disconnects"], row["lost_after_repair"]) == (200, 0)
    assert row["most_connects_per_s"] <= 8


@pytest.mark.slow
def test_a_hundred_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Twenty, without the repair between them, are in test_killed."""
    row = killed.killed(tmp_path, 100)
    assert (row["acknowledged_lost"], row["duplicates"], row["missing_after_repair"]) == (0, 0, 0)
    assert (row["downtimes_in_ledger"], row["downtime_s_not_in_ledger"]) == (100, 0)


def test_dead_connections_are_found(tmp_path: Path) -> None:
    rows = cases.dead_connections(tmp_path, World(silence_s=0.8, beat_s=0.1), 6)
    assert [row["fault"] for row in rows] == ["silence", "half_open", "heartbeat_only"]
    assert all(row["found_s"] is not None and row["found_s"] < 2.5 for row in rows), rows
    assert "no frame" in rows[0]["said"] and "no frame" in rows[1]["said"]
    assert "heartbeats of BTC-USD name trade" in rows[2]["said"]


@pytest.mark.slow
def test_dead_connections_are_found_within_ten_seconds(tmp_path: Path) -> None:
    assert all(row["found_s"] <= 10 for row in cases.dead_connections(tmp_path))


@pytest.mark.parametrize("sizes", [(1, 10, 1_000), pytest.param((25_000,), marks=pytest.mark.slow)])
def test_gaps_are_found_and_closed(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    for row in cases.gaps(tmp_path, sizes):
        assert row["found"], row
        assert row["missing_after_repair"] == 0, row


def test_duplicates_and_disorder_leave_the_clean_runs_table(tmp_path: Path) -> None:
    row = cases.disorder(tmp_path, 2_000, 500)
    assert row["equal"], row
    assert row["duplicates"] > 1_000


def test_no_duration_is_negative_whatever_the_clocks_do(tmp_path: Path) -> None:
    row = cases.clocks(tmp_path)
    assert (row["negative_durations"], row["lost"], row["false_alarms"]) == (0, 0, 0)
    assert row["crossed_midnight_and_year"] and row["gaps"] > 0


def test_a_second_capture_is_refused_and_a_stale_one_fenced_off(tmp_path: Path) -> None:
    row = cases.two_captures(tmp_path)
    assert row["refused"] and row["stale_writes_fenced"]
    assert row["refused_after_s"] < 3, "1 s on a machine that does nothing else"


@below
@pytest.mark.parametrize(("every", "ways"), [(5, 3), pytest.param(1, 8, marks=pytest.mark.slow)])
def test_power_lost_between_any_two_of_sqlites_operations(tmp_path: Path, every: int, ways: int) -> None:
    row = log.power(tmp_path, 4, every, ways)
    assert (row["acknowledged_lost"], row["unhandled_errors"]) == (0, 0)
    assert row["operations"] > 100, "the making of the log, appends, checkpoints and its end"


@below
@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_the_disk_refuses_any_one_of_sqlites_operations(tmp_path: Path, every: int) -> None:
    row = log.refused(tmp_path, 4, every)
    assert (row["false_acknowledgements"], row["wrong_after_retry"]) == (0, 0)
    assert row["refusals_met"] > row["operations"] / every


@below
@pytest.mark.parametrize("how", ["full", pytest.param("failing", marks=pytest.mark.slow)])
def test_a_full_disk_is_said_and_outlived(tmp_path: Path, url: str, how: full.How) -> None:
    row = full.full_disk(tmp_path, url, how, 1.2, 2.5)
    assert (row["false_acknowledgements"], row["lost"]) == (0, 0)
    assert row["banner_s"] is not None and row["banner_s"] < 2
    assert row["resumed_s"] is not None


def test_load_is_stored_whole(tmp_path: Path, url: str) -> None:
    row = speed.paced(tmp_path, url, 10_000, 2)
    assert (row["lost"], row["shed"]) == (0, 0)
    assert row["growth_mb"] <= 200
    assert row["p99_ms"] <= 2_000, "250 ms on a machine that does nothing else"


@below
def test_a_slow_disk_does_not_hold_up_the_reader(tmp_path: Path, url: str) -> None:
    row = speed.slow_fsync(tmp_path, url, 0.5, 0.8)
    assert row["lost"] == 0
    assert row["reader_blocked_ms"] < 300, "50 ms on a machine that does nothing else"
    assert row["p99_ms"] > 400, "the disk was slow"


@pytest.mark.parametrize("n", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_hostile_frames_are_all_in_quarantine(tmp_path: Path, url: str, n: int) -> None:
    row = speed.hostile_frames(tmp_path, url, n)
    assert (row["crashes"], row["in_clean_table"], row["in_quarantine"]) == (0, 0, n)
    assert row["bytes_equal"]


def test_every_kind_of_hostile_frame_leaves_the_good_ones(home: Home) -> None:
    async def play(client: ServerConnection, number: int) -> None:
        for i, name in enumerate(hostile.NAMES):
            await send(client, frame_of("ticker", i), hostile.of_kind(name))
        await forever(client)

    n = len(hostile.NAMES)
    fields, seen, _ = captured(home, play, until=lambda f: f["received"] == 2 * n)
    assert (fields["stored"], fields["quarantined"], seen.connections) == (n, n, 1)


def test_crossed_zero_and_negative_quotes_are_kept_and_flagged_and_enter_no_bar(home: Home) -> None:
    row = bench.odd_quotes(home, 60)
    assert row["kept"] == row["flagged"] == 60
    assert row["bars"] > 5
    assert row["bar_columns_that_differ"] == ["n_ticks"], "no column that a quote enters"

    async def play(client: ServerConnection, number: int) -> None:
        odd = [("2", "1"), ("0", "1"), ("-1", "1"), ("1", "1")]
        await send(client, *[frame_of("ticker", i, best_bid=b, best_ask=a) for i, (b, a) in enumerate(odd)])
        await forever(client)

    fields, _, _ = captured(home, play, until=lambda f: f["stored"] == 4)
    assert fields["odd_quotes"] == 3


@pytest.mark.slow
def test_the_bench_prints_every_fault(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "capture", "--home", str(home.root), "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert table["kill_9"]["acknowledged_lost"] == table["power_loss_sealing"]["lost_or_wrong"] == 0
    assert table["refused_sealing"]["wrong"] == table["flipped_bytes"]["wrong_rows"] == 0
    assert not list(home.data.glob("bench-*")), "nothing of it stays"
