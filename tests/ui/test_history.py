"""Bars kept up to date piece by piece are the bars of the whole tape."""

from __future__ import annotations

import numpy as np

from core.config import Home
from core.features import dataset
from core.ingestion.store import Reader, Writer
from tests.pages.filled import simulated
from ui.loaders.history import History

START = 1_795_500_000_000_000_000


def held(home: Home) -> tuple[Reader, int]:
    reader = Reader(home)
    (market,) = reader.markets()
    return reader, market.last_seq


def same(home: Home, history: History) -> None:
    reader, seq = held(home)
    ours, whole = history.bars(reader, seq), dataset.bars(reader, "embedded", "BTC-USD")
    assert len(ours) > 0
    assert np.array_equal(ours.bar_end_ns, whole.bar_end_ns)
    assert np.array_equal(ours.session, whole.session)
    assert np.array_equal(ours.values, whole.values, equal_nan=True)


def test_pieces_of_one_capture_a_later_one_and_an_older_import(home: Home) -> None:
    history = History("embedded", "BTC-USD")
    first, later, older = (
        list(simulated(120, START + shift * 1_000_000_000, seed)) for shift, seed in ((0, 0), (600, 1), (-600, 2))
    )
    with Writer(home) as writer:
        source = writer.source("capture", "a")
        for at in range(0, len(first), 150):
            writer.append(source, first[at : at + 150])
            same(home, history)
        writer.append(writer.source("capture", "b"), later)
        same(home, history)
        writer.append(writer.source("import", "c"), older)  # sorts before all that was pushed: begins again
        same(home, history)


def test_another_store_at_the_same_home_begins_again(home: Home, tmp_path: object) -> None:
    history = History("embedded", "BTC-USD")
    with Writer(home) as writer:
        writer.append(writer.source("capture", "a"), list(simulated(120, START)))
    same(home, history)
    for path in home.data.glob("ticks.sqlite*"):
        path.unlink()
    with Writer(home) as writer:
        writer.append(writer.source("capture", "a"), list(simulated(60, START + 10**12, 5)))
    same(home, history)
