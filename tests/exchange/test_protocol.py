"""The client's messages, without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ingestion.feeds import coinbase_exchange
from core.ingestion.ticks import Refused, Subscribed
from exchange.protocol import Desk

PRODUCTS = ("BTC-USD", "ETH-USD")


def said(desk: Desk, **message: Any) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    answers, asked = desk.said(json.dumps(message))
    return [json.loads(answer) for answer in answers], asked


def test_strings_and_objects_name_channels() -> None:
    desk = Desk(PRODUCTS)
    channels = ["heartbeat", {"name": "ticker", "product_ids": ["ETH-USD"]}]
    answers, asked = said(desk, type="subscribe", product_ids=["BTC-USD"], channels=channels)
    assert answers == [
        {
            "type": "subscriptions",
            "channels": [
                {"name": "heartbeat", "product_ids": ["BTC-USD"]},
                {"name": "ticker", "product_ids": ["ETH-USD"]},
            ],
        }
    ]
    assert asked == [("heartbeat", "BTC-USD"), ("ticker", "ETH-USD")]


def test_an_unknown_product_is_refused_and_the_rest_holds() -> None:
    desk = Desk(PRODUCTS)
    answers, _ = said(desk, type="subscribe", product_ids=["BTC-USD", "FOO-USD"], channels=["ticker", "matches"])
    assert answers[0] == {
        "type": "error",
        "message": "Failed to subscribe",
        "reason": "FOO-USD is not a valid product",
    }
    assert [a["type"] for a in answers] == ["error", "subscriptions"]
    assert [c["product_ids"] for c in answers[1]["channels"]] == [["BTC-USD"], ["BTC-USD"]]


def test_nothing_valid_is_an_error_alone() -> None:
    desk = Desk(PRODUCTS)
    answers, asked = said(desk, type="subscribe", product_ids=["FOO-USD"], channels=["ticker"])
    assert [a["type"] for a in answers] == ["error"]
    assert not asked and not desk.ever_subscribed


def test_unsubscribe_takes_away_and_without_products_all_of_the_channel() -> None:
    desk = Desk(PRODUCTS)
    said(desk, type="subscribe", product_ids=list(PRODUCTS), channels=["ticker", "matches"])
    answers, asked = said(desk, type="unsubscribe", product_ids=["BTC-USD"], channels=["ticker"])
    assert answers[0]["channels"] == [
        {"name": "ticker", "product_ids": ["ETH-USD"]},
        {"name": "matches", "product_ids": ["BTC-USD", "ETH-USD"]},
    ]
    assert asked == []
    answers, _ = said(desk, type="unsubscribe", channels=["matches"])
    assert answers[0]["channels"] == [{"name": "ticker", "product_ids": ["ETH-USD"]}]
    assert desk.ever_subscribed


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "",
        b"\xff\xfe",
        "[" * 100_000,
        "3",
        "null",
        '{"type":"buy"}',
        '{"type":["subscribe"]}',
        '{"type":"subscribe"}',
        '{"type":"subscribe","product_ids":"BTC-USD","channels":["ticker"]}',
        '{"type":"subscribe","product_ids":[1],"channels":["ticker"]}',
        '{"type":"subscribe","product_ids":["BTC-USD"],"channels":["level2"]}',
        '{"type":"subscribe","product_ids":["BTC-USD"],"channels":[7]}',
        '{"type":"subscribe","product_ids":["BTC-USD"],"channels":[{"name":null}]}',
        '{"type":"subscribe","channels":["ticker"]}',
        json.dumps({"type": "subscribe", "product_ids": ["A"] * 101, "channels": ["ticker"]}),
    ],
)
def test_what_makes_no_sense_gets_an_error_that_the_feed_reads(message: str | bytes) -> None:
    desk = Desk(PRODUCTS)
    answers, asked = desk.said(message)
    assert not asked and not desk.listening
    assert answers
    for answer in answers:
        (event,) = coinbase_exchange.parse(answer)
        assert isinstance(event, Refused)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["BTC-USD", "ticker", "matches"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["name", "product_ids", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(st.tuples(st.sampled_from(["subscribe", "unsubscribe"]), json_values, json_values), max_size=5))
def test_any_message_is_answered_and_only_known_pairs_are_listened_to(messages: list[tuple[str, Any, Any]]) -> None:
    desk = Desk(PRODUCTS)
    for kind, products, channels in messages:
        answers, asked = desk.said(json.dumps({"type": kind, "product_ids": products, "channels": channels}))
        assert answers
        for answer in answers:
            (event,) = coinbase_exchange.parse(answer)
            assert isinstance(event, Refused | Subscribed)
        assert all(pair in desk.listening for pair in asked)
        assert all(product in PRODUCTS for _, product in desk.listening)
