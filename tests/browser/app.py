"""The app as it runs for people: a server process on a home, a market of so many ticks a second, and Chromium."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from core import jobs
from core.config import Home, Settings, save_settings
from core.features import dataset
from core.features.labels import Question
from core.ingestion.feeds import coinbase_exchange
from core.ingestion.store import Writer
from core.ingestion.ticks import Heartbeat, Stored, Tick, Trade
from exchange import wire
from exchange.simulator import Simulator
from exchange.tape import SECOND_NS, Beat, Event, Match, Ticker

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
ARGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
BUSY = 8
"""A simulated second passes in 1/8 s: about 20 ticks and 40 trades a second."""


class Dense:
    """A source (`exchange.tape.Source`): the simulated market played `BUSY` times as fast on the clock of its tape."""

    name = "simulator"
    skips_silence = False
    products = ("BTC-USD",)

    def __init__(self, start_ns: int, seed: int, last_trade_id: int = 900_000_000) -> None:
        self.start_ns = start_ns - start_ns % SECOND_NS
        self._from = Simulator(self.products, seed, self.start_ns, last_trade_id)

    def events(self) -> Iterator[Event]:
        for event in self._from.events():
            ts_ns = self.start_ns + (event.ts_ns - self.start_ns) // BUSY
            if not isinstance(event, Beat) or ts_ns % SECOND_NS == 0:
                yield event._replace(ts_ns=ts_ns)


def fill(home: Home, seconds: int, start_ns: int, seed: int) -> int:
    """Store `seconds` of the dense market; gives its last trade id."""
    frame = {Match: wire.match, Ticker: wire.ticker, Beat: wire.heartbeat}
    last = 0
    with Writer(home) as writer:
        source = writer.source("capture", "coinbase_exchange")
        batch: list[Stored] = []
        for event in Dense(start_ns, seed).events():
            if event.ts_ns >= start_ns + seconds * SECOND_NS:
                break
            last = max(last, getattr(event, "trade_id", 0))
            for said in coinbase_exchange.parse(frame[type(event)](event), event.ts_ns + 3_000_000):
                assert isinstance(said, Tick | Trade | Heartbeat)
                batch.append(msgspec.structs.replace(said, venue="embedded"))
            if len(batch) >= 5000:
                writer.append(source, batch)
                batch = []
        writer.append(source, batch)
    return last


@dataclass(frozen=True)
class App:
    """A running app: where it answers, and its server process."""

    url: str
    pid: int


def free_ports(n: int) -> list[int]:
    held = [socket.socket() for _ in range(n)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in held]
    for each in held:
        each.close()
    return ports


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait(true: Callable[[], object], seconds: float, what: str = "") -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


@contextmanager
def serving(home: Home) -> Iterator[App]:
    """The app on a free port, as run.py starts it."""
    (port,) = free_ports(1)
    log = home.root.with_suffix(".log")
    with open(log, "wb") as out:
        app = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", "127.0.0.1",
             "--server.port", str(port), "--server.headless", "true"],
            cwd=ROOT, env=os.environ | {"TREMOR_HOME": str(home.root)}, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        wait(lambda: listens(port), 60, "the app")
        yield App(f"http://127.0.0.1:{port}", app.pid)
    finally:
        app.terminate()
        app.wait(10)
    said = log.read_text(errors="replace")
    assert "Traceback" not in said, said[-3000:]


@contextmanager
def market(home: Home, history_s: int) -> Iterator[None]:
    """A home with `history_s` of market, models trained on it, and then a capture and a monitor that go on with it.

    Between history and capture lies a gap, as after any pause.
    """
    last = fill(home, history_s, time.time_ns() - (history_s + 90) * SECOND_NS, seed=1)
    rows = dataset.labelled(home, Question())
    tau = min(rows.tau_of(0.9), rows.mending_tau() or np.inf)
    save_settings(home, Settings(tau_bps=tau))
    jobs.start(home, "train", ["train", "--models", "zscore,ewma,har,logistic", "--tau", repr(tau)])
    wait(lambda: not jobs.read(home, "train").running, 400, "training")
    job = jobs.read(home, "train")
    assert job.state == "done", job.message
    port, rest_port = free_ports(2)
    exchange = subprocess.Popen(
        [sys.executable, "-m", "tests.browser.app", str(port), str(rest_port), str(last)], cwd=ROOT
    )
    try:
        wait(lambda: listens(port), 60, "the exchange")
        urls = ["--url", f"ws://127.0.0.1:{port}", "--rest-url", f"http://127.0.0.1:{rest_port}"]
        jobs.start(home, "capture", ["capture", "--product", "BTC-USD", "--feed", "coinbase_exchange", *urls])
        jobs.start(home, "monitor", ["monitor", "--venue", "embedded", "--product", "BTC-USD"])
        wait(lambda: jobs.read(home, "monitor").fields.get("p") is not None, 150, "a forecast")
        yield
    finally:
        for name in ("monitor", "capture"):
            jobs.stop(home, name)
        exchange.terminate()
        exchange.wait(10)


def main(port: int, rest_port: int, last_trade_id: int) -> None:
    """Serve the dense market from now on until ended."""
    import asyncio

    from exchange.server import serve

    async def forever() -> None:
        async with serve(Dense(time.time_ns(), 2, last_trade_id), port, rest_port):
            await asyncio.Event().wait()

    asyncio.run(forever())


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:]))
