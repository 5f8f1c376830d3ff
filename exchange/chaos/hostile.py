"""Frames that a feed must not let into the clean table: wrong numbers, times, nesting, bytes and types."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

TICKER = (
    b'{"type":"ticker","sequence":1,"product_id":"BTC-USD","price":"91000.00","best_bid":"90999.99",'
    b'"best_bid_size":"0.1","best_ask":"91000.01","best_ask_size":"0.1","side":"buy",'
    b'"time":"2026-01-05T00:00:01.000000Z","trade_id":1,"last_size":"0.1"}'
)
MATCH = (
    b'{"type":"match","trade_id":1,"side":"buy","size":"0.1","price":"91000.00","product_id":"BTC-USD","sequence":1,'
    b'"time":"2026-01-05T00:00:01.000000Z"}'
)
_NUMBERS = (
    b'"NaN"', b"NaN", b'"inf"', b"Infinity", b'"-Infinity"', b'"1e999"', b"1e999", b'"0.-10000"', b'"1_000"', b'""',
    b'" 1"', b'"+1"', b'"--1"', b'"1."', b'"0x10"', b"null", b"true", b"[]", b"{}", b'"\xef\xbc\x91"',
    b'"92233720368547758080"', b'"0.000000001"',
)  # fmt: skip
_TIMES = (
    b'"0001-01-01T00:00:00.000000Z"', b'"9999-12-31T23:59:59Z"', b'"2026-02-30T00:00:00Z"', b'"2026-13-01T00:00:00Z"',
    b'"1969-12-31T23:59:59Z"', b'"2026-01-05"', b'"2026-01-05T00:00:01"', b"1767571201", b'""', b"null",
)  # fmt: skip
_OVER_LONG = 3_000_000


def _number(rng: random.Random) -> bytes:
    key = rng.choice([b'"price":"91000.00"', b'"size":"0.1"', b'"best_bid":"90999.99"'])
    base = MATCH if key in MATCH and rng.random() < 0.5 else TICKER
    key = key if key in base else b'"price":"91000.00"'
    return base.replace(key, key.partition(b":")[0] + b":" + rng.choice(_NUMBERS))


def _time(rng: random.Random) -> bytes:
    return rng.choice([TICKER, MATCH]).replace(b'"2026-01-05T00:00:01.000000Z"', rng.choice(_TIMES))


def _trade_id(rng: random.Random) -> bytes:
    wrong = rng.choice([b"-1", b"1e999", b"9" * 5000, b"9223372036854775808", b'"1"', b"1.5", b"NaN"])
    return rng.choice([TICKER, MATCH]).replace(b'"trade_id":1', b'"trade_id":' + wrong)


def _long_number(rng: random.Random) -> bytes:
    return rng.choice([TICKER, MATCH]).replace(b'"91000.00"', b'"' + b"9" * 5000 + b'"')


def _utf8(rng: random.Random) -> bytes:
    bad = rng.choice([b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\x80", b"\xf5\x80\x80\x80"])
    return rng.choice([TICKER, MATCH]).replace(b"BTC-USD", b"BTC" + bad)


def _twice(rng: random.Random) -> bytes:
    again = rng.choice([b'"price":"1"', b'"type":"ticker"', b'"trade_id":2', b'"\\u0070rice":"1"'])
    base = rng.choice([TICKER, MATCH])
    return base[:-1] + b"," + again + b"}" if rng.random() < 0.5 else b"{" + again + b"," + base[1:]


def _binary(rng: random.Random) -> bytes:
    return b"\x00" + rng.randbytes(rng.randint(1, 400))


def _unknown(rng: random.Random) -> bytes:
    return b'{"type":"%s","x":%d}' % (rng.choice([b"", b"tick", b"TICKER", b"match ", b"surprise"]), rng.randint(0, 9))


def _cut(rng: random.Random) -> bytes:
    base = rng.choice([TICKER, MATCH])
    return base[: rng.randint(1, len(base) - 1)]


def _no_object(rng: random.Random) -> bytes:
    return rng.choice([b"null", b"[]", b'"ticker"', b"0", b"{}", b"[[1]]", b"\xef\xbb\xbf{}", b" ", b'{"type":null}'])


def _without(rng: random.Random) -> bytes:
    key = rng.choice([b'"price"', b'"time"', b'"product_id"', b'"type"'])
    return rng.choice([TICKER, MATCH]).replace(key, b'"other_name"')


def _product(rng: random.Random) -> bytes:
    name = rng.choice([b"<script>alert(1)</script>", b"../../x", b"A" * 500, b"", b"BTC USD", b"\\u0000"])
    return rng.choice([TICKER, MATCH]).replace(b"BTC-USD", name)


def _brackets(rng: random.Random) -> bytes:
    return rng.choice([b"[" * 200_000, b'{"type":"ticker","x":' + b"[" * 200_000, b'{"type":' * 50_000])


def _over_long(_rng: random.Random) -> bytes:
    return TICKER[:-1] + b',"x":"' + b"A" * _OVER_LONG


_KINDS: dict[str, tuple[Callable[[random.Random], bytes], int]] = {
    "number": (_number, 1_000),
    "time": (_time, 1_000),
    "trade id": (_trade_id, 100),
    "5,000 digits": (_long_number, 50),
    "bad UTF-8": (_utf8, 500),
    "a key twice": (_twice, 500),
    "binary": (_binary, 500),
    "unknown type": (_unknown, 500),
    "cut short": (_cut, 500),
    "no object": (_no_object, 500),
    "renamed": (_without, 500),
    "product": (_product, 500),
    "200,000 brackets": (_brackets, 5),
    "over-long": (_over_long, 1),
}
NAMES = tuple(_KINDS)


def of_kind(name: str, seed: int = 0) -> bytes:
    """One frame of the kind `name`."""
    return _KINDS[name][0](random.Random(f"{name} {seed}"))


def frames(seed: int) -> Iterator[bytes]:
    """Hostile frames without end, of all kinds, each sort as often as its size allows: equal for equal seeds."""
    rng = random.Random(f"hostile {seed}")
    makers, weights = zip(*_KINDS.values(), strict=True)
    while True:
        yield rng.choices(makers, weights)[0](rng)
