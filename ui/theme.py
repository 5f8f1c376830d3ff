"""Colours of the roles, and how numbers and times are written. A role has one colour and one word everywhere."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Final

MISSING: Final = "–"
"""What a missing number reads as; never 0, None or NaN."""


@dataclass(frozen=True)
class Palette:
    """One colour a role. Every text role has a contrast of 4.5 or more on `bg` and on `surface`."""

    bg: str
    surface: str
    border: str
    grid: str
    text: str
    muted: str
    price: str
    vol: str
    tau: str
    spike: str
    forecast: str
    theta: str
    challenger: str
    baseline: str
    gap: str
    ok: str
    warn: str
    bad: str


DARK: Final = Palette(
    bg="#0E1116",
    surface="#161B22",
    border="#2C3540",
    grid="#1E252E",
    text="#E6E9ED",
    muted="#9AA5B1",
    price="#D5DAE1",
    vol="#58A6E0",
    tau="#EBC04E",
    spike="#F0713E",
    forecast="#35B89A",
    theta="#F0A3DC",
    challenger="#C4C0FF",
    baseline="#848F9C",
    gap="#8592A0",
    ok="#35B89A",
    warn="#E3B341",
    bad="#FF7A70",
)
LIGHT: Final = Palette(
    bg="#FBFBF9",
    surface="#F1F1ED",
    border="#D5D6D0",
    grid="#E7E7E2",
    text="#1B2026",
    muted="#5A6470",
    price="#2B3440",
    vol="#1B65A6",
    tau="#574500",
    spike="#C1400B",
    forecast="#00705A",
    theta="#A3247F",
    challenger="#3F39B0",
    baseline="#646E7A",
    gap="#626D79",
    ok="#00705A",
    warn="#805600",
    bad="#B3261E",
)


def palette(kind: str | None) -> Palette:
    """The colours of "light" or "dark"; dark where the browser has not yet said (it may be None on a first run)."""
    return LIGHT if kind == "light" else DARK


def css_tokens() -> str:
    """`--t-ROLE` custom properties that follow the browser's colour scheme without Python."""
    return "".join(f"--t-{f.name}:light-dark({getattr(LIGHT, f.name)},{getattr(DARK, f.name)});" for f in fields(DARK))


def rgba(colour: str, alpha: float) -> str:
    """`#RRGGBB` as CSS rgba with `alpha` in 0..1."""
    r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({r},{g},{b},{alpha:g})"


def _known(x: float | None) -> bool:
    return x is not None and math.isfinite(x)


def _minus(text: str) -> str:
    """A real minus, and none before what is rounded to zero."""
    return text.replace("-", "−" if text.strip("-0.") else "")


def price(x: float | None) -> str:
    """USD, always two decimals.

    >>> price(91257.876)
    '91,257.88'
    """
    return _minus(f"{x:,.2f}") if _known(x) else MISSING


def bps(x: float | None) -> str:
    """Basis points with two significant digits, never scientific.

    >>> bps(8.66), bps(0.4249), bps(9.96), bps(0.0)
    ('8.7', '0.42', '10', '0')
    """
    if not _known(x):
        return MISSING
    if x == 0:
        return "0"
    rounded = float(f"{x:.1e}")
    decimals = max(0, 1 - math.floor(math.log10(abs(rounded))))
    return _minus(f"{x:,.{decimals}f}")


def prob(x: float | None) -> str:
    """A probability, precision, recall or average precision: two decimals, and no sign before 0.00."""
    return _minus(f"{x:.2f}") if _known(x) else MISSING


def score(x: float | None) -> str:
    """An average precision, P or θ: two decimals, and two significant digits where those say nothing of rare spikes.

    >>> score(0.264), score(0.0026), score(None)
    ('0.26', '0.0026', '–')
    """
    return prob(x) if x is None or x >= 0.01 else bps(x)


def gain(x: float | None, decimals: int = 2) -> str:
    """A difference of two scores, with its sign.

    >>> gain(0.021), gain(-0.3), gain(-0.001), gain(-0.001, 3), gain(None)
    ('+0.02', '−0.30', '0.00', '−0.001', '–')
    """
    if not _known(x):
        return MISSING
    text = _minus(f"{x:+.{decimals}f}")
    return text if text.strip("+0.") else text.lstrip("+")


def lift(x: float | None) -> str:
    """How many times the base rate: one decimal."""
    return f"{x:.1f}" if _known(x) else MISSING


def percent(share: float | None) -> str:
    """A share in per cent: one decimal, two below 1 %.

    >>> percent(0.0501), percent(0.0042), percent(0.00004), percent(0.0)
    ('5.0 %', '0.42 %', '0.0040 %', '0 %')
    """
    if not _known(share):
        return MISSING
    if share == 0:
        return "0 %"
    return f"{bps(100 * share) if share < 1e-4 else f'{100 * share:.{2 if share < 0.01 else 1}f}'} %"


def count(n: float | None) -> str:
    """A whole number with its thousands set apart."""
    return f"{int(n):,}" if _known(n) else MISSING


def short_count(n: float | None) -> str:
    """For tables and strips.

    >>> short_count(31_900_000), short_count(9_999), short_count(42_310)
    ('31.9 M', '9,999', '42.3 k')
    """
    if not _known(n):
        return MISSING
    for unit, size in (("M", 1_000_000), ("k", 10_000)):
        if n >= size:
            return f"{n / (1_000 if unit == 'k' else size):.1f} {unit}"
    return f"{int(n):,}"


def rate(per_second: float | None) -> str:
    """Events a second: two significant digits below 10, whole above."""
    if not _known(per_second):
        return MISSING
    return f"{per_second:,.0f}" if per_second >= 10 else f"{per_second:.1f}"


def duration(seconds: float | None) -> str:
    """The two largest units.

    >>> duration(0.34), duration(74), duration(4000), duration(11 * 86400 + 4 * 3600), duration(200)
    ('0.3 s', '74 s', '1 h 6 min', '11 d 4 h', '3 min 20 s')
    """
    if not _known(seconds):
        return MISSING
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    whole = int(seconds)
    for unit, size, sub, sub_size in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // sub_size
            return f"{whole // size} {unit}" + (f" {rest} {sub}" if rest else "")
    return f"{whole} s"


def age(seconds: float | None) -> str:
    """How long ago.

    >>> age(0.31), age(250)
    ('0.3 s ago', '4 min ago')
    """
    if not _known(seconds):
        return MISSING
    if 100 <= seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    return f"{duration(seconds)} ago"


def utc(ns: int | None, now_ns: int | None = None, *, zone: bool = True) -> str:
    """A moment, UTC; with its date where `now_ns` is given and is another day.

    >>> utc(1_761_297_242_000_000_000)
    '09:14:02 UTC'
    >>> utc(1_761_297_242_000_000_000, 1_771_297_242_000_000_000)
    '24 Oct 09:14:02 UTC'
    """
    if not ns:
        return MISSING
    then = datetime.fromtimestamp(ns / 1e9, UTC)
    date = ""
    if now_ns is not None and then.date() != datetime.fromtimestamp(now_ns / 1e9, UTC).date():
        date = f"{then.day} {then:%b} "
    return f"{date}{then:%H:%M:%S}" + (" UTC" if zone else "")


def iso(ns: int) -> str:
    """A moment as a verb's option takes it, UTC, to the second.

    >>> iso(1_761_297_242_000_000_000)
    '2025-10-24T09:14:02+00:00'
    """
    return datetime.fromtimestamp(ns // 10**9, UTC).isoformat()


def moment(ns: int | None) -> str:
    """A moment, UTC, with its date where that is not today's by this machine's clock."""
    return utc(ns, time.time_ns())


def size(n: float | None) -> str:
    """Bytes on disk."""
    if not _known(n):
        return MISSING
    for unit, step in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n >= step:
            return f"{n / step:.1f} {unit}"
    return f"{int(n)} B"


__all__ = [
    "DARK",
    "LIGHT",
    "MISSING",
    "Palette",
    "age",
    "bps",
    "count",
    "css_tokens",
    "duration",
    "gain",
    "iso",
    "lift",
    "moment",
    "palette",
    "percent",
    "price",
    "prob",
    "rate",
    "rgba",
    "score",
    "short_count",
    "size",
    "utc",
]
