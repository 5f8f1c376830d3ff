"""What every feed promises; a new module in core/ingestion/feeds is found and tested by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput, MalformedFrame
from core.ingestion import feeds
from core.ingestion.store import digest
from core.ingestion.ticks import MISSING, Event, Heartbeat, Refused, Subscribed, Tick, Trade

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "feeds"
FEEDS = feeds.names()
INT64 = 2**63 - 1
HOSTILE = [
    "NaN", "Infinity", "-Infinity", "1e999", "1_000", "\uff11\uff12", "0.-10000", "", " 1", "1 ", "+1", "--1", "1.",
    ".5", "0x10", "9" * 5000, "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59Z", "2022-13-01T00:00:00Z",
    "2022-02-30T00:00:00Z", "\x00", "\ud7ff", "\u0661", "a" * 5000, None, True, -1, 0, 1.5, 2**63, -(2**63), 10**400,
    [], {}, [[]], {"a": 1}, "92233720368.54775808", "-92233720368.54775809",
]  # fmt: skip


def golden(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (GOLDEN / f"{name}.jsonl").read_text().splitlines()]


def as_json(event: Event) -> dict[str, Any]:
    said = {key: value for key, value in json.loads(msgspec.json.encode(event)).items() if value is not None}
    return {"kind": type(event).__name__, **said}


def accepted(name: str, frame: bytes) -> list[Event]:
    """The events, or none; anything but MalformedFrame fails the test."""
    try:
        events = feeds.get(name).parse(frame, 1_800_000_000_123_456_789)
    except MalformedFrame as error:
        said = str(error)
        events = []
        assert said, "a reason"
        assert said.isprintable(), said
        assert len(said) < 300, said
    for event in events:
        sane(event)
    return events


def sane(event: Event) -> None:
    """What the store and the features take for granted of an event."""
    assert isinstance(event, Tick | Trade | Heartbeat | Subscribed | Refused)
    if not isinstance(event, Tick | Trade | Heartbeat):
        return
    assert event.exch_ts_ns is not None or event.local_ts_ns is not None
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if name in ("venue", "product"):
            assert value is None or (value.isascii() and 0 < len(value) <= 40)
        elif value is not None:
            assert type(value) is int
            assert MISSING < value <= INT64
    if not isinstance(event, Heartbeat):
        assert event.side in (-1, 0, 1)
    assert len(digest(event)) == 16


@pytest.mark.parametrize("name", FEEDS)
def test_offers_what_a_feed_offers(name: str) -> None:
    feed = feeds.get(name)
    assert feed.VENUE.isidentifier()
    assert feed.WS_URL.startswith("wss://")
    assert feed.REST_URL is None or feed.REST_URL.startswith("https://")
    assert feed.REST_URL is None or isinstance(feed, feeds.Backfill)
    assert isinstance(feed.CHANNELS, tuple)


@pytest.mark.parametrize("name", FEEDS)
def test_subscribe_names_every_product(name: str) -> None:
    messages = feeds.get(name).subscribe(["BTC-USD", "ETH-USD"])
    assert messages
    text = b" ".join(messages).decode().upper().replace("XBT", "BTC").replace("/", "-").replace("ETHUSD", "ETH-USD")
    assert "ETH-USD" in text
    assert all(isinstance(json.loads(message), dict) for message in messages)


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(BadInput, match="coinbase_exchange"):
        feeds.get("coinbose")


@pytest.mark.parametrize("name", FEEDS)
def test_golden_frames_give_golden_events(name: str) -> None:
    lines = golden(name)
    kinds = set()
    for line in lines:
        frame = line["frame"].encode()
        if "malformed" in line:
            with pytest.raises(MalformedFrame) as caught:
                feeds.get(name).parse(frame, line["local_ts_ns"])
            assert str(caught.value) == line["malformed"], line["why"]
        else:
            events = feeds.get(name).parse(frame, line["local_ts_ns"])
            assert [as_json(event) for event in events] == line["events"], line["why"]
            assert feeds.get(name).parse(frame, line["local_ts_ns"]) == events
            kinds |= {type(event) for event in events}
    assert kinds >= {Tick, Subscribed, Refused}, f"{name}: the golden frames need a tick, an answer and a refusal"
    assert any("malformed" in line for line in lines)


@pytest.mark.parametrize("name", FEEDS)
def test_golden_ticks_have_ordered_quotes_and_the_receipt_time(name: str) -> None:
    for line in golden(name):
        for event in line.get("events", []):
            if event["kind"] == "Tick":
                assert event["local_ts_ns"] == line["local_ts_ns"]
                if "crossed" not in line["why"] and "negative" not in line["why"]:
                    assert event["bid"] <= event["ask"]


@pytest.mark.parametrize("name", FEEDS)
@given(frame=st.binary(max_size=200))
@settings(max_examples=150)
def test_any_bytes_give_events_or_malformed_frame(name: str, frame: bytes) -> None:
    accepted(name, frame)


@pytest.mark.parametrize("name", FEEDS)
@pytest.mark.parametrize(
    "frame",
    [
        b"[" * 200_000,
        b'{"type":"ticker","x":' + b"[" * 200_000,
        b'{"channel":"ticker","timestamp":"2022-01-01T00:00:00Z","events":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"event":"trade","channel":"live_trades_btcusd","data":' + b'{"a":' * 100_000,
        b'{"type":"\xff\xfe"}',
        b"\xef\xbb\xbf{}",
        b"null",
        b'"ticker"',
        b"{}",
        b"[]",
        b"[1,2,3,4]",
        b'[1,{},"ticker","\xff"]',
        b"",
    ],
    ids=lambda frame: ascii(frame[:24]),
)
def test_deep_and_broken_frames_are_malformed(name: str, frame: bytes) -> None:
    assert accepted(name, frame) == []


@pytest.mark.parametrize("name", FEEDS)
@given(data=st.data())
@settings(max_examples=400)
def test_bytes_of_golden_frames_mutated(name: str, data: st.DataObject) -> None:
    frame = bytearray(data.draw(st.sampled_from(golden(name)))["frame"].encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(frame)))
        upto = data.draw(st.integers(at, min(at + 6, len(frame))))
        frame[at:upto] = data.draw(
            st.one_of(st.binary(max_size=3), st.sampled_from([b'"', b"{", b"[", b"9", b"e9", b"-", b"\\u0000"]))
        )
    accepted(name, bytes(frame))


@pytest.mark.parametrize("name", FEEDS)
@given(data=st.data())
@settings(max_examples=400)
def test_values_of_golden_frames_replaced(name: str, data: st.DataObject) -> None:
    good = [line for line in golden(name) if "malformed" not in line]
    content = json.loads(data.draw(st.sampled_from(good))["frame"])
    spots = list(_spots(content))
    for _ in range(data.draw(st.integers(1, 2))):
        holder, key = data.draw(st.sampled_from(spots))
        if data.draw(st.booleans()) and isinstance(holder, dict):
            holder.pop(key, None)
        elif isinstance(holder, dict) or key < len(holder):
            holder[key] = data.draw(st.sampled_from(HOSTILE))
    accepted(name, json.dumps(content).encode())


def _spots(content: Any) -> Any:
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in list(items):
        yield content, key
        yield from _spots(value)


@pytest.mark.parametrize("name", FEEDS)
def test_a_needed_field_that_is_not_there_is_malformed(name: str) -> None:
    """Taking away any one field of a tick or trade never changes what the others say: it is malformed, or missing."""
    for line in golden(name):
        if not any(event["kind"] in ("Tick", "Trade") for event in line.get("events", [])):
            continue
        content = json.loads(line["frame"])
        for holder, key in list(_spots(content)):
            if not isinstance(holder, dict):
                continue
            taken = holder.pop(key)
            for event in accepted(name, json.dumps(content).encode()):
                said = as_json(event)
                if said["kind"] not in ("Tick", "Trade"):
                    continue
                original = next(e for e in line["events"] if e["kind"] == said["kind"] and e["price"] == said["price"])
                assert said.items() <= {**original, "side": said["side"]}.items(), key
            holder[key] = taken


@pytest.mark.parametrize("name", FEEDS)
def test_a_key_that_is_there_twice_is_malformed(name: str) -> None:
    """Of two values of one key none can say which holds, however the second is spelt."""
    tried = 0
    for line in golden(name):
        if not any(event["kind"] in ("Tick", "Trade") for event in line.get("events", [])):
            continue
        for key in ("price", "b", "price_str", "bids", "asks", "time"):
            plain, escaped = f'"{key}":', f'"\\u{ord(key[0]):04x}{key[1:]}":'
            at = line["frame"].find(plain)
            read = key != "price" or '"price_str"' not in line["frame"]
            if at >= 0 and read:
                for other in (plain, escaped):
                    twice = line["frame"][:at] + other + '"1",' + line["frame"][at:]
                    assert accepted(name, twice.encode()) == [], twice
                    tried += 1
    assert tried


KEYS = [feeds.Keys("price", "side", "trade_id", "e", values=values) for values in (feeds.DIGITS, feeds.HEX)]


@given(
    st.lists(st.sampled_from(["price", "side", "trade_id", "e", "pri", "si", "price1", "", "x"]), max_size=8),
    st.lists(st.sampled_from(["1.5", "abc-def", "", "buy", 'a":"b', "0"]), min_size=8, max_size=8),
    st.sampled_from(KEYS),
)
def test_remembered_shapes_never_let_a_key_pass_that_is_there_twice(
    keys: list[str], said: list[str], looked_for: feeds.Keys
) -> None:
    frame = (
        "{" + ",".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in zip(keys, said, strict=False)) + "}"
    ).encode()
    twice = {key for key in keys if keys.count(key) > 1}
    for _ in range(2):  # looked at, and remembered
        try:
            feeds.once(frame, looked_for)
            passed = True
        except MalformedFrame:
            passed = False
        assert passed or twice
        assert not passed or not twice & {"price", "side", "trade_id", "e"}
