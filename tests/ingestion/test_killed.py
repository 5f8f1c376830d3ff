"""kill -9 at any moment: what was acknowledged is there, nothing is there twice, and the next one just goes on."""

from __future__ import annotations

import json
import multiprocessing
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext

import pytest

from core import jobs
from core.config import REPOSITORY, Home
from core.ingestion.store import Reader
from tests.ingestion import victims

KILLS = 20
CORE = [sys.executable, "-m", "core"]


@pytest.fixture(scope="module")
def fork() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.ingestion.victims", "websockets.asyncio.client", "httpx"])
    return context


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The embedded exchange in a process of its own: its WebSocket and REST addresses."""
    home = tmp_path_factory.mktemp("exchange")
    command = [*CORE, "exchange", "--port", "0", "--rest-port", "0", "--speed", "300", "--home", str(home)]
    with subprocess.Popen(command, cwd=REPOSITORY, text=True, stderr=subprocess.PIPE) as process:
        try:
            assert process.stderr is not None
            words = process.stderr.readline().replace(",", " ").split()
            yield next(w for w in words if w.startswith("ws://")), next(w for w in words if w.startswith("http://"))
        finally:
            process.terminate()
            process.wait(10)


def wait_for(true: Callable[[], bool], within_s: float = 20.0) -> None:
    until = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def last_seq(home: Home) -> int:
    return max((market.last_seq for market in Reader(home).markets()), default=0)


def test_what_append_acknowledged_is_there_after_a_kill(home: Home, fork: ForkServerContext) -> None:
    chance = random.Random(5)
    expected = 0
    for kill in range(KILLS):
        first, size = kill * 10_000_000, chance.choice([1, 15, 400])
        told = fork.SimpleQueue()
        process = fork.Process(target=victims.append_and_tell, args=(home.root, first, told, size))
        process.start()
        try:
            upto = told.get()
            time.sleep(chance.uniform(0.0, 0.3))
        finally:
            process.kill()
            process.join(10)
        while told._reader.poll():  # type: ignore[attr-defined]
            upto = told.get()
        tape = Reader(home).tape("v", "p")
        mine = tape.price[tape.price >= first].tolist()
        assert upto > first
        assert mine[: upto - first] == list(range(first, upto)), "every acknowledged tick, in its order"
        assert len(mine) % size == 0, "and whole batches only"
        expected += len(mine)
    assert len(Reader(home).tape("v", "p")) == expected


def test_a_killed_capture_loses_nothing_it_counted_and_repeats_nothing(
    home: Home, fork: ForkServerContext, market: tuple[str, str]
) -> None:
    chance = random.Random(7)
    counted = told = 0
    for _ in range(KILLS):
        before = last_seq(home)
        process = fork.Process(target=victims.run_capture, args=(home.root, *market))
        process.start()
        try:
            wait_for(lambda before=before: last_seq(home) > before)
            time.sleep(chance.uniform(0.1, 0.9))
        finally:
            process.kill()
            process.join(10)
        assert process.exitcode == -signal.SIGKILL
        job = jobs.read(home, "capture")
        assert job.state == "died"
        stored = job.fields.get("stored", 0)
        reader = Reader(home)
        trades, ticks = reader.trade_table(), reader.tick_table()
        rows = sum(market.ticks + market.trades for market in reader.markets())
        assert ticks.num_rows + trades.num_rows == rows, "the sums were committed with the rows they sum up"
        assert counted + stored <= rows
        ids = trades.column("trade_id").to_pylist()
        assert len(ids) == len(set(ids))
        counted = rows
        told += stored
    assert last_seq(home) >= told > KILLS * 10, "the captures did run, and did say what they had stored"


def test_the_verb_ends_on_sigterm_with_all_of_it_stored(home: Home, market: tuple[str, str]) -> None:
    where = ["--home", str(home.root)]
    command = [*CORE, "capture", "--feed", "coinbase_exchange", "--product", "BTC-USD", "--url", market[0], "--json"]
    process = subprocess.Popen(
        [*command, *where], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(lambda: last_seq(home) > 0)
        for verb, says in ((command, f"pid {process.pid}"), ([*CORE, "import", __file__], f"process {process.pid}")):
            refused = subprocess.run([*verb, *where], cwd=REPOSITORY, capture_output=True, text=True, check=False)
            assert refused.returncode == 1
            assert says in refused.stderr
            assert len(refused.stderr.strip().splitlines()) == 1
        process.terminate()
        out, problems = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, problems
    result = json.loads(out)
    assert result["stored"] == Reader(home).tick_table().num_rows + Reader(home).trade_table().num_rows > 0
    assert result["received"] == result["stored"] + result["duplicates"]
    assert (result["queued"], result["shed"], result["quarantined"]) == (0, 0, 0)
    assert jobs.read(home, "capture").state == "done"
