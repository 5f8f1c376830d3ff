"""A writer that lost its lock without knowing it: nothing it still wants to write is taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.config import Home
from core.errors import Busy
from core.ingestion.store import Reader, Writer, sealing
from core.ingestion.store.quarantine import release
from core.ingestion.ticks import Tick
from exchange.bench.seen import a_market, seen

FOREVER_NS = 1 << 62


def one(i: int) -> Tick:
    return Tick(venue="v", product="p", price=i, local_ts_ns=i)


def test_a_stale_writer_is_refused_and_a_new_one_goes_on(home: Home) -> None:
    with Writer(home, "the first") as first:
        source = first.source("capture", "x")
        first.append(source, [one(1)])
        (home.data / "writer.lock").unlink()  # as when a network disk forgets a lock, or somebody deletes it
        with Writer(home, "the second") as second:
            with pytest.raises(Busy, match=r"the second \(process \d+\) has taken"):
                first.append(source, [one(2)])
            second.append(second.source("capture", "x"), [one(3)])
            with pytest.raises(Busy):
                first.source("capture", "y")
    assert Reader(home).tick_table().num_rows == 2


STEPS: dict[str, Callable[[Writer, sealing.Made], object]] = {
    "swap": sealing.swap,
    "clean": lambda writer, made: sealing.clean(writer),
    "check": lambda writer, made: sealing.check(writer),
    "release": lambda writer, made: release(writer, [1]),
}


@pytest.mark.parametrize("step", STEPS)
def test_no_step_of_a_stale_writer_changes_anything(home: Home, step: str) -> None:
    with Writer(home, "the first") as first:
        first.append(first.source("import", "x"), a_market(30))
        (piece, *_) = sealing.pieces(home, FOREVER_NS)
        made = sealing.make(home, piece)
        assert made is not None
        (home.data / "writer.lock").unlink()
        with Writer(home, "the second") as second:
            expected, files = seen(home), files_of(home)
            with pytest.raises(Busy, match="the second"):
                STEPS[step](first, made)
            assert (seen(home), files_of(home)) == (expected, files)
            assert sealing.clean(second) == 1, "its own file, which nothing has registered"


def files_of(home: Home) -> list[Path]:
    return sorted(home.sealed.rglob("*"))


def test_an_ended_stale_writer_leaves_the_name_of_the_new_one(home: Home) -> None:
    with Writer(home, "the first"):
        (home.data / "writer.lock").unlink()
        second = Writer(home, "the second").__enter__()
        (home.data / "writer.pid").write_text("1 the second")
    assert (home.data / "writer.pid").read_text() == "1 the second"
    second.__exit__(None, None, None)
