"""Numbers and times are exact or refused."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import MalformedFrame
from core.ingestion.values import INT64_MAX, LATEST_NS, e8, e8_of_float, iso_ns, product_name, size_e8, whole


@given(st.integers(-INT64_MAX, INT64_MAX), st.integers(0, 8), st.text("0", max_size=6))
def test_e8_is_exact(value: int, decimals: int, zeros: str) -> None:
    value -= value % 10 ** (8 - decimals)
    text = f"{Decimal(value).scaleb(-8):.{decimals}f}" if value > -INT64_MAX + 10**8 else "0"
    expected = int(Decimal(text).scaleb(8))
    text += zeros if "." in text else ""
    assert e8(text) == expected
    if expected >= 0:
        assert size_e8(text.removeprefix("-")) == expected


@pytest.mark.parametrize(
    "text",
    [
        "nan", "Infinity", "1e5", "1_000", "\uff11", "\u0661", "0.-10000", "+1", "", " 1", "1 ", "1.", ".5", "-",
        "1.2.3", "0x1", "1,5", "9" * 5000, "1\n", ".12345678", "1_0.12345678", "1.1234567\uff18", "+1.12345678",
        "1.12345678\n", " 1.12345678", "1.1.12345678", "1.1234_678", "\u00b2.12345678",
    ],
)  # fmt: skip
def test_what_float_might_accept_is_refused(text: str) -> None:
    for number in (e8, size_e8):
        with pytest.raises(MalformedFrame):
            number(text)


def test_a_size_is_not_negative() -> None:
    for text in ("-1", "-0.00000001"):
        with pytest.raises(MalformedFrame, match="negative"):
            size_e8(text)


def test_bounds_of_e8() -> None:
    assert e8("92233720368.54775807") == INT64_MAX
    assert e8("1.123456780000") == 112345678
    for text in ("92233720368.54775808", "-92233720368.54775808", "1.000000001"):
        with pytest.raises(MalformedFrame, match=r"fits|8 decimals"):
            e8(text)


@given(st.integers(0, 22_000_000 * 10**8))
def test_a_float_written_with_eight_decimals_is_exact(value: int) -> None:
    assert e8_of_float(float(Decimal(value).scaleb(-8))) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1e30, 9.3e10])
def test_a_float_that_is_no_price_is_refused(value: float) -> None:
    with pytest.raises(MalformedFrame):
        e8_of_float(value)


@given(st.integers(0, LATEST_NS // 10**9), st.integers(0, 9), st.integers(0, 999_999_999))
def test_times_are_exact_to_the_nanosecond(second: int, digits: int, fraction: int) -> None:
    moment = datetime.fromtimestamp(second, UTC)
    fraction -= fraction % 10 ** (9 - digits)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction:09d}"[: digits + 1] if digits else "") + "Z"
    assert iso_ns(text) == second * 10**9 + (fraction if digits else 0)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00.000000Z", "1969-12-31T23:59:59Z", "2262-05-01T00:00:00Z", "2022-02-30T00:00:00Z",
        "2022-01-01T24:00:00Z", "2022-01-01T00:00:60Z", "2022-01-01T00:00:00", "2022-01-01 00:00:00Z",
        "2022-01-01T00:00:00.Z", "2022-01-01T00:00:00.1234567890Z", "2022-01-01T00:00:00+00:00", "", "Z",
        "\uff12022-01-01T00:00:00Z", "2022-1-01T00:00:00Z", "2022-01-01T00:00:00Z\n", "-022-01-01T00:00:00Z",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(MalformedFrame):
        iso_ns(text)


def test_the_latest_time_leaves_room_for_a_horizon() -> None:
    assert LATEST_NS + 3600 * 10**9 < INT64_MAX


def test_whole_numbers_and_names() -> None:
    assert whole("9223372036854775807") == INT64_MAX
    assert product_name("1INCH-USD") == "1INCH-USD"
    for text in ("9223372036854775808", "-1", "1.0", "", "\u0661"):
        with pytest.raises(MalformedFrame):
            whole(text)
    for text in ("", "BTC USD", "BTC\n", "\u212aTC-USD", "a" * 41, "-", "../x y"):
        with pytest.raises(MalformedFrame):
            product_name(text)
