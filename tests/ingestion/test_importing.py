"""Import: every tick once, whatever file it comes from; sessions counted; the verbs import and export."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from core.__main__ import main
from core.commands import export
from core.config import Home
from core.errors import BadInput
from core.ingestion.importing import Sessions, import_files
from core.ingestion.store import EXPORT_COLUMNS, Reader, Writer
from core.ingestion.ticks import Heartbeat, Tick, Trade

Make = Callable[..., Tick]
MakeTrade = Callable[..., Trade]
S = 10**9
HEAD = "local_ts_ns,price,bid,ask\n"


def rows(*seconds: float) -> bytes:
    return (HEAD + "".join(f"{int(1.7e18 + second * S)},85000,84999,85001\n" for second in seconds)).encode()


def test_the_same_file_again_brings_nothing_new(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(rows(1, 2, 3, 30) + b"x,1,1,1\n")
    counts = {"ticks": 4, "quarantined": 1, "sessions": 2, "trades": 0, "markets": ["coinbase BTC-USD"]}
    assert import_files(home, [path]) == {**counts, "new": 4, "duplicates": 0}
    assert import_files(home, [path]) == {**counts, "new": 0, "duplicates": 4}
    assert Reader(home).tick_table().num_rows == 4


def test_several_files_are_counted_together_and_their_sessions_apart(home: Home, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abc"]
    for path, seconds in zip(paths, [(1, 2), (3, 4, 15), (2, 3)], strict=True):
        path.write_bytes(rows(*seconds))
    told: list[tuple[float, str]] = []
    result = import_files(home, paths, tell=lambda share, name: told.append((share, name)))
    assert (result["ticks"], result["new"], result["duplicates"], result["sessions"]) == (7, 5, 2, 4)
    assert told[-1] == (pytest.approx(1.0), "c")
    assert [share for share, _ in told] == sorted(share for share, _ in told)


def test_a_file_that_cannot_be_read_leaves_those_before_it(home: Home, tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(rows(1))
    bad.write_bytes(b"nothing")
    with pytest.raises(BadInput, match="bad holds no readable"):
        import_files(home, [good, bad])
    assert Reader(home).tick_table().num_rows == 1
    with pytest.raises(BadInput, match="not a file"):
        import_files(home, [good, tmp_path / "missing"])


def test_sessions_are_counted_market_by_market(tick: Make, trade: MakeTrade) -> None:
    sessions = Sessions()
    sessions.push([tick(0), tick(0, product="ETH-USD"), tick(99), tick(100), trade(5)])
    assert sessions.count == 2
    sessions.push([tick(201)])  # 10.1 s later
    assert sessions.count == 3
    sessions.push([tick(50)])  # back by more than 10 s: another file was joined on
    assert sessions.count == 4


def test_a_heartbeat_vouches_for_a_silence(tick: Make) -> None:
    start = tick(0).local_ts_ns
    assert start is not None
    sessions = Sessions()
    beats = [Heartbeat(venue="coinbase", product=None, local_ts_ns=start + i * 5 * S) for i in range(1, 5)]
    sessions.push([tick(0), *beats, tick(250)])  # 25 s later
    assert sessions.count == 1
    other = Sessions()
    foreign = [Heartbeat(venue="kraken", product=None, local_ts_ns=beat.local_ts_ns) for beat in beats]
    other.push([tick(0), *foreign, tick(250)])
    assert other.count == 2


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return dict(json.loads(capsys.readouterr().out))


def test_the_verbs_bring_in_and_write_out(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(rows(1, 2, 3))
    where = ["--home", str(home.root), "--json"]
    assert main(["import", str(path), *where]) == 0
    assert said(capsys)["new"] == 3
    for name, kind in (("t.parquet", "ticks"), ("t.csv", "ticks"), ("r.parquet", "trades"), ("g.parquet", "gaps")):
        assert main(["export", kind, "--out", str(tmp_path / name), *where]) == 0
        answer = said(capsys)
        assert (answer["kind"], answer["rows"]) == (kind, 3 if kind == "ticks" else 0)
    table = pq.read_table(tmp_path / "t.parquet")
    assert table.column_names == list(EXPORT_COLUMNS) == pa_csv.read_csv(tmp_path / "t.csv").column_names
    assert main(["import", str(tmp_path / "t.parquet"), str(tmp_path / "t.csv"), *where]) == 0
    answer = said(capsys)
    assert (answer["ticks"], answer["new"], answer["duplicates"]) == (6, 0, 6)


def test_trades_come_back_as_trades(home: Home, tmp_path: Path, trade: MakeTrade) -> None:
    trades = [trade(i, side=(-1) ** i, local_ts_ns=5) for i in range(1, 6)]
    with Writer(home) as writer:
        writer.append(writer.source("capture", "x"), trades)
    out = tmp_path / "r.parquet"
    export.run_export(argparse.Namespace(kind="trades", out=out, venue=None, product=None), home)
    other = Home(tmp_path / "other")
    result = import_files(other, [out])
    assert (result["trades"], result["new"], result["ticks"]) == (5, 5, 0)
    assert Reader(other).trade_table().equals(Reader(home).trade_table())


def test_an_export_says_what_it_cannot_do(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--home", str(home.root)]
    assert main(["export", "ticks", "--out", str(tmp_path / "t.xlsx"), *where]) == 1
    assert ".parquet or .csv" in capsys.readouterr().err
    (tmp_path / "file").write_bytes(b"")
    assert main(["export", "ticks", "--out", str(tmp_path / "file" / "t.csv"), *where]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_the_real_table_comes_in_once(shared: Path, home: Home) -> None:
    table = shared / "btcusd_ticks_2025-12.parquet"
    first = import_files(home, [table])
    assert (first["ticks"], first["new"], first["sessions"], first["quarantined"]) == (73_643, 73_643, 31, 0)
    again = import_files(home, [table, shared / "ticks_BTCUSD_20251201_000100.ndjson.gz"])
    assert (again["ticks"], again["new"]) == (73_643 + 6_738, 0), "the frames are the table's own ticks"
    real = import_files(home, [shared / "btcusd_ticks_2026-04.parquet", shared / "btcusd_1hz_2026-06-08.parquet"])
    assert (real["ticks"], real["new"], real["sessions"]) == (17_471 + 84_558, 17_471 + 84_558, 4 + 5)
    assert [(market.venue, market.ticks) for market in Reader(home).markets()] == [
        ("coinbase", 73_643 + 17_471),
        ("reference", 84_558),
    ]
