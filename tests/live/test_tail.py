import numpy as np
import pytest

from core.config import Home, Settings
from core.features import dataset
from core.features.markets import chosen
from core.ingestion.store import Reader, Writer
from core.live.tail import Tail
from tests.features.tapes import same
from tests.live.market import fill, ticks


def history(home: Home) -> tuple[np.ndarray, np.ndarray]:
    bars = dataset.bars(Reader(home), "coinbase", "BTC-USD")
    return bars.bar_end_ns, dataset.table(bars)


def test_a_tail_that_begins_late_has_the_bits_of_the_whole_history(home: Home) -> None:
    fill(home, ticks(11_000, silences=(3000,)))
    reader = Reader(home)
    tail = Tail("coinbase", "BTC-USD", keep_s=900)
    new = tail.advance(reader, chosen(reader, Settings()))
    ends, features = history(home)
    at = np.searchsorted(ends, tail.kept.bars.bar_end_ns)
    assert len(tail.kept) == 900 == len(new)
    assert same(tail.kept.features, features[:, at])


@pytest.mark.parametrize("batch", [1, 37, 400])
def test_what_comes_in_batches_is_what_comes_at_once(home: Home, batch: int) -> None:
    made = ticks(80 if batch == 1 else 500, silences=(50,))
    tail = Tail("coinbase", "BTC-USD", keep_s=10_000)
    reader = Reader(home)
    got = []
    with Writer(home) as writer:
        source = writer.source("capture", "made up")
        for i in range(0, len(made), batch):
            writer.append(source, made[i : i + batch])
            got.append(tail.advance(reader, chosen(reader, Settings())))
    ends, features = history(home)
    assert same(np.concatenate([g.bars.bar_end_ns for g in got]), ends)
    assert same(np.concatenate([g.features for g in got], axis=1), features)
    assert same(tail.kept.features, features)


def test_nothing_new_gives_nothing(home: Home) -> None:
    fill(home, ticks(100))
    reader = Reader(home)
    tail = Tail("coinbase", "BTC-USD")
    assert len(tail.advance(reader, chosen(reader, Settings()))) == 99
    assert len(tail.advance(reader, chosen(reader, Settings()))) == 0
    assert len(tail.kept) == 99
