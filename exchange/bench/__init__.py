"""`python -m core bench capture`: faults and load against a capture, with their figures, a row or some for each."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.config import Home

Rows = dict[str, Any] | list[dict[str, Any]]


@dataclass(frozen=True)
class Size:
    """How much of each fault is played. `every`: of the log's operations; `cuts`: seeds of sealing's power cuts."""

    kills: int = 5
    every: int = 3
    cuts: int = 1
    disconnects: int = 25
    hostile: int = 20_000
    steady_s: float = 5.0
    burst_s: float = 2.0
    messages: int = 50_000
    rounds: int = 3
    flips: int = 60
    gaps: tuple[int, ...] = (1, 10, 1_000, 25_000)


QUICK = Size()
FULL = Size(
    kills=100,
    every=1,
    cuts=20,
    disconnects=200,
    hostile=1_000_000,
    steady_s=60.0,
    burst_s=5.0,
    messages=100_000,
    rounds=5,
    flips=1_000,
)


def run(home: Home, size: Size = QUICK, say: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Play every fault below `home` (in folders of its own, removed afterwards): the fault's name -> its figures."""
    from exchange.bench import cases, full, killed, load, log, sealed, speed, vfs

    home.data.mkdir(parents=True, exist_ok=True)
    table: dict[str, Any] = {}
    seen = vfs.library() is not None
    with tempfile.TemporaryDirectory(dir=home.data, prefix="bench-") as folder:
        root = Path(folder)

        def play(name: str, case: Callable[[], Rows], below: bool = False) -> None:
            began = time.monotonic()
            table[name] = case() if seen or not below else {"not_measured": vfs.WHY_NOT}
            if say is not None:
                say(f"{name}: {time.monotonic() - began:.1f} s")

        logging.disable(logging.WARNING)  # damaged files are named there, as they should be, a thousand times
        try:
            play("kill_9", lambda: killed.killed(root, size.kills))
            play("power_loss_log", lambda: log.power(root, every=size.every), below=True)
            play("power_loss_sealing", lambda: sealed.power(root, range(size.cuts)))
            play("refused_log", lambda: log.refused(root, every=size.every), below=True)
            play("refused_sealing", lambda: sealed.refused(root))
            play("disconnects", lambda: cases.disconnects(root, size.disconnects))
            play("dead_connections", lambda: cases.dead_connections(root))
            play("gaps", lambda: cases.gaps(root, size.gaps))
            play("disorder", lambda: cases.disorder(root))
            most = int(max(10_000 * size.steady_s, 50_000 * size.burst_s, size.messages))
            with load.load(most) as url:
                play("full_disk", lambda: [full.full_disk(root, url, how) for how in ("full", "failing")], below=True)
                play("load_10000", lambda: speed.paced(root, url, 10_000, size.steady_s))
                play("load_50000", lambda: speed.paced(root, url, 50_000, size.burst_s))
                play("as_fast_as_accepted", lambda: speed.as_fast_as_accepted(root, url, size.messages, size.rounds))
                play("fsync_500ms", lambda: speed.slow_fsync(root, url), below=True)
                play("hostile_frames", lambda: speed.hostile_frames(root, url, size.hostile))
            play("clocks", lambda: cases.clocks(root))
            play("two_captures", lambda: cases.two_captures(root))
            play("flipped_bytes", lambda: sealed.flipped(root, size.flips))
        finally:
            logging.disable(logging.NOTSET)
    return table
