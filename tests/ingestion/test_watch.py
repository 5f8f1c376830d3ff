"""The watchdog, without a socket."""

from __future__ import annotations

from core.ingestion.capture.watch import Watchdog
from core.ingestion.ticks import Heartbeat, Trade


def wrong(dog: Watchdog, now_s: float) -> str | None:
    return dog.silent(now_s) or dog.hollow(now_s)


def beat(last: int | None, product: str | None = "P") -> Heartbeat:
    return Heartbeat(venue="v", product=product, exch_ts_ns=1, last_trade_id=last)


def trade(number: int) -> Trade:
    return Trade(venue="v", product="P", price=1, size=1, trade_id=number, exch_ts_ns=1)


def test_silence_is_found_after_its_time() -> None:
    dog = Watchdog(8)
    dog.connected(100)
    assert wrong(dog, 108) is None
    assert wrong(dog, 108.5) == "no frame for 8 s"
    dog.heard(108.5)
    assert wrong(dog, 116) is None


def test_heartbeats_that_run_ahead_of_the_trades_are_found() -> None:
    dog = Watchdog(8)
    dog.connected(0)
    dog.said(trade(5), 0)
    for second in range(1, 12):
        dog.heard(second)
        dog.said(beat(5 + second), second)
        assert (wrong(dog, second) is not None) is (second > 9)
    assert wrong(dog, 11) == "heartbeats of P name trade 6, which did not come in 10 s"
    dog.connected(12)
    assert wrong(dog, 13) is None


def test_a_quiet_market_and_a_lagging_one_are_well() -> None:
    dog = Watchdog(8)
    dog.connected(0)
    dog.said(beat(5), 0)
    for second in range(60):
        dog.heard(second)
        dog.said(beat(5), second)
        dog.said(beat(None), second)
        dog.said(beat(9, None), second)
        assert wrong(dog, second) is None
    for second in range(60, 120):
        dog.heard(second)
        dog.said(beat(second), second)
        dog.said(trade(second - 3), second)
        assert wrong(dog, second) is None
