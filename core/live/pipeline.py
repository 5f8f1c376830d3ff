"""Starting and stopping what feeds the store: a capture, and for the simulated market the embedded exchange before
it."""

from __future__ import annotations

import itertools
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from core import jobs
from core.config import Home, Settings, write_atomically
from core.errors import BadInput, Busy, TremorError
from core.features.markets import EMBEDDED, REFERENCE, market_of, venue_of
from core.ingestion.store import Market, Reader

HISTORY_S = 6 * 3600
"""How far back the simulated market begins, so that minutes of capture give hours of history."""
APART_S = 60
"""Market time left between two simulated tapes, so that they never overlap."""
USED_SEEDS = "simulated_seeds.json"
"""Which seeds the stored simulated tapes were made from."""
READY_WITHIN_S = 30.0
_POLL_S = 0.05
_SECOND_NS = 1_000_000_000


def start_ns(last_ns: int | None, now_ns: int, speed: float) -> int:
    """Where in market time (ns UTC) the simulated market begins.

    A fast one begins six hours back and catches up; at the pace of the clock it begins now. Never before the last
    stored tick and a minute, never ahead of the clock.
    """
    begin = now_ns if speed <= 1 else now_ns - HISTORY_S * _SECOND_NS
    if last_ns is not None:
        begin = max(begin, last_ns + APART_S * _SECOND_NS)
    return min(begin, now_ns)


def start_capture(home: Home, settings: Settings) -> jobs.Job:
    """Start the capture that the settings name, and for the embedded feed its exchange on free ports first.

    Returns as soon as the capture's process exists (for the embedded feed after its exchange listens: a few seconds).
    Raises Busy when a capture runs already, TremorError when the exchange does not come up; then nothing is left
    running.
    """
    running = jobs.read(home, "capture")
    if running.running:
        raise Busy(f"A capture already runs in this home (pid {running.pid}). Stop it first.", running.pid)
    argv = ["capture", "--product", settings.product]
    if settings.feed != EMBEDDED:
        return jobs.start(home, "capture", [*argv, "--feed", settings.feed])
    jobs.stop(home, "exchange")  # one left behind by a capture that died
    port, rest_port = _free_ports(2)
    market = simulated(home, settings.product)
    begin = start_ns(market.last_ns if market else None, time.time_ns(), settings.speed)
    jobs.start(home, "exchange", [
        "exchange", "--port", str(port), "--rest-port", str(rest_port), "--speed", f"{settings.speed:g}",
        "--products", settings.product, "--start", datetime.fromtimestamp(begin // _SECOND_NS, UTC).isoformat(),
        *_another_tape(home, settings.product, settings.seed),
    ])  # fmt: skip
    try:
        _wait_for(home, port)
        return jobs.start(
            home,
            "capture",
            [
                *argv,
                "--feed",
                "coinbase_exchange",
                "--url",
                f"ws://127.0.0.1:{port}",
                "--rest-url",
                f"http://127.0.0.1:{rest_port}",
            ],
        )
    except TremorError:
        jobs.stop(home, "exchange")
        raise


def simulated(home: Home, product: str) -> Market | None:
    """The stored simulated market of `product`, None where there is none."""
    return next((m for m in Reader(home).markets() if (m.venue, m.product) == (EMBEDDED, product)), None)


def next_tape(home: Home, product: str, seed: int) -> tuple[int, int | None]:
    """Seed and last trade id with which a simulated tape follows those already stored; the seed counts as used then.

    Another path each time, so that no stretch of the market is there twice (it would stand in training and test), and
    trade ids that go on (None: from the simulator's first), since nothing was missed in between. A home without any
    simulated market begins anew: its old tapes are gone.
    """
    reader = Reader(home)
    path = home.data / USED_SEEDS
    anew = all(m.venue != EMBEDDED for m in reader.markets())
    used = [] if anew or not path.exists() else msgspec.json.decode(path.read_bytes(), type=list[int])
    last = next((high for name, _, high in reader.trade_bounds(EMBEDDED) if name == product), None)
    fresh = next(s for s in itertools.count(seed) if s not in used)
    write_atomically(path, msgspec.json.encode([*used, fresh]))
    return fresh, last


def _another_tape(home: Home, product: str, seed: int) -> list[str]:
    fresh, last = next_tape(home, product, seed)
    return ["--seed", str(fresh), *([] if last is None else ["--last-trade-id", str(last)])]


def start_sample(home: Home) -> jobs.Job:
    """Start the job that fills a home with a day of the simulated market. Raises Busy when something writes already."""
    if jobs.read(home, "capture").running:
        raise Busy("A capture is writing to the tick store. Stop it, then load the sample day.")
    return jobs.start(home, "sample", ["sample"])


def stop_capture(home: Home) -> None:
    """Stop the capture, then the embedded exchange if one runs. What was acknowledged stays."""
    jobs.stop(home, "capture")
    jobs.stop(home, "exchange")


def keep_upload(home: Home, name: str, content: bytes) -> Path:
    """Write an uploaded recording to data/uploads/, under its own name without any folder. Raises BadInput for none."""
    safe = "".join(c for c in Path(name).name if c.isalnum() or c in "._-").lstrip(".")
    if not safe:
        raise BadInput(f"The file name {name!r} has no letter or digit. Rename the file.")
    path = home.data / "uploads" / safe
    write_atomically(path, content)
    return path


def start_import(home: Home, path: str, venue: str = "", product: str = "") -> jobs.Job:
    """Start the import of one recording; an empty `venue` or `product` means as in the file.

    Raises BadInput when it is not there, Busy while another import runs.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise BadInput(f"There is no file {path}. Give the full path of a recording on the machine that runs Tremor.")
    if jobs.read(home, "capture").running:
        raise Busy("A capture is writing to the tick store. Stop it, then import.")
    named = [*(["--venue", venue] if venue else []), *(["--product", product] if product else [])]
    return jobs.start(home, "import", ["import", str(file.resolve()), *named])


def start_monitor(home: Home, venue: str, product: str) -> jobs.Job:
    """Start the monitor on one market. Raises Busy when one runs already."""
    return jobs.start(home, "monitor", ["monitor", "--venue", venue, "--product", product])


def _wait_for(home: Home, port: int) -> None:
    """Return when the exchange listens on `port`; raise TremorError when it ended or does not come up in time."""
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until:
        job = jobs.read(home, "exchange")
        if not job.running:
            raise TremorError(
                f"The embedded exchange did not start: {job.message or job.state}. "
                f"Its log is {home.jobs / 'exchange.log'}."
            )
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if job.state == "running" and probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(_POLL_S)
    raise TremorError(f"The embedded exchange did not listen on port {port} within {READY_WITHIN_S:.0f} s. Try again.")


def _free_ports(n: int) -> list[int]:
    """Ports of the loopback that are free now, `n` different ones."""
    held = [socket.socket() for _ in range(n)]
    try:
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in held]
    finally:
        for each in held:
            each.close()


__all__ = [
    "APART_S",
    "EMBEDDED",
    "HISTORY_S",
    "REFERENCE",
    "keep_upload",
    "market_of",
    "next_tape",
    "simulated",
    "start_capture",
    "start_import",
    "start_monitor",
    "start_ns",
    "start_sample",
    "stop_capture",
    "venue_of",
]
