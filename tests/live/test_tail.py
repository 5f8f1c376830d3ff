import numpy as np
import pytest

from core.config import Home, Settings
from core.features import dataset
from core.features.markets import chosen
from core.ingestion.store import Reader, Writer
from core.ingestion.ticks import Entry, Lapse, Trade
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


def traded(number: int, at_ns: int) -> Trade:
    return Trade(venue="coinbase", product="BTC-USD", price=10**8, size=10**7, trade_id=number, exch_ts_ns=at_ns)


def lapsed(from_ns: int, to_ns: int) -> Lapse:
    return Lapse(venue="coinbase", product="BTC-USD", seen="sequence", from_ns=from_ns, to_ns=to_ns, detail="made up")


@pytest.mark.parametrize("batch", [7, 60])
def test_gaps_end_sessions_alike_live_and_in_history_and_whatever_becomes_of_them(home: Home, batch: int) -> None:
    """Trades jump, some are filled in later, messages are lost: nothing that was said of a bar is taken back."""
    made: list[Entry] = []
    for number, quote in enumerate(ticks(400)):
        made.append(quote)
        now = quote.exch_ts_ns or 0
        if number not in range(100, 150) and number not in range(231, 233):
            made.append(traded(number, now))
        if number in (60, 300):
            made.append(lapsed(now - 10**9, now))
        if number == 200:
            made += [traded(j, now - 10**9 * (200 - j)) for j in range(149, 99, -1)]
    tail, reader = Tail("coinbase", "BTC-USD", keep_s=10_000), Reader(home)
    got = []
    with Writer(home) as writer:
        source = writer.source("capture", "made up")
        for i in range(0, len(made), batch):
            writer.append(source, made[i : i + batch])
            got.append(tail.advance(reader, chosen(reader, Settings())))
    states = [(row["seen"], row["state"]) for row in reader.gaps().to_pylist()]
    assert sorted(states) == [
        ("sequence", "repaired"), ("sequence", "repaired"), ("trade_id", "open"), ("trade_id", "repaired"),
    ]  # fmt: skip
    bars = dataset.bars(reader, "coinbase", "BTC-USD")
    ends, features = history(home)
    assert same(np.concatenate([g.bars.bar_end_ns for g in got]), ends)
    assert same(np.concatenate([g.bars.session for g in got]), bars.session)
    assert same(np.concatenate([g.bars.values for g in got]), bars.values)
    assert same(np.concatenate([g.features for g in got], axis=1), features)
    assert bars.session[-1] == 4
