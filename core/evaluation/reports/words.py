"""How a report writes numbers, times and intervals, and the sentences that page and card share. Pure.

The formats are those of the pages: two decimals for probabilities and scores, two significant digits for bps, a real
minus, UTC.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from core.evaluation.record import Estimate, Evaluation, Judged

MISSING: Final = "–"
LABELS: Final = {
    "rv": "realised volatility",
    "tick_std": "standard deviation of the returns from tick to tick",
    "bipower": "bipower volatility",
    "next_row": "return of the next row alone",
}
FEW_BLOCKS: Final = "too few blocks hold a spike"


def number(x: float, digits: int) -> str:
    """With so many decimals and a real minus, never −0.00."""
    text = f"{x:,.{digits}f}"
    return (text[1:] if text.startswith("-") and float(text.replace(",", "")) == 0 else text).replace("-", "−")


def bps(x: float | None) -> str:
    """Two significant digits, never scientific.

    >>> bps(8.66), bps(0.4249), bps(9.96), bps(0.0), bps(None)
    ('8.7', '0.42', '10', '0', '–')
    """
    if x is None or not math.isfinite(x):
        return MISSING
    if x == 0:
        return "0"
    rounded = float(f"{x:.1e}")
    return number(x, max(0, 1 - math.floor(math.log10(abs(rounded)))))


def tau(bps_of: float, relative: float | None) -> str:
    """A threshold with its unit.

    >>> tau(8.66, None), tau(12.2, 1.8)
    ('8.7 bps', '1.8 × slow volatility (median 12 bps)')
    """
    absolute = f"{bps(bps_of)} bps"
    return absolute if relative is None else f"{bps(relative)} × slow volatility (median {absolute})"


def prob(x: float | None) -> str:
    """A probability or a score: two decimals, two significant digits where it is so small that those say nothing.

    >>> prob(0.264), prob(0.0026), prob(0.0), prob(-0.1), prob(None)
    ('0.26', '0.0026', '0.00', '−0.10', '–')
    """
    if x is None or not math.isfinite(x):
        return MISSING
    return bps(x) if 0 < x < 0.01 else number(x, 2)


def signed(x: float | None) -> str:
    """A difference of two scores, three decimals, with its sign.

    >>> signed(0.0212), signed(-0.3), signed(-0.0001), signed(None)
    ('+0.021', '−0.300', '0.000', '–')
    """
    if x is None or not math.isfinite(x):
        return MISSING
    text = number(x, 3)
    return "+" + text if x > 0 and float(text) != 0 else text


def lift(x: float | None) -> str:
    """How many times the base rate."""
    return MISSING if x is None or not math.isfinite(x) else number(x, 1)


def percent(share: float | None) -> str:
    """A share in per cent: one decimal, two below 1 %.

    >>> percent(0.0501), percent(0.0042), percent(0.0)
    ('5.0 %', '0.42 %', '0 %')
    """
    if share is None or not math.isfinite(share):
        return MISSING
    return "0 %" if share == 0 else f"{number(100 * share, 2 if share < 0.01 else 1)} %"


def count(n: float) -> str:
    """A whole number with its thousands set apart."""
    return f"{int(n):,}"


def plural(n: int, what: str, ending: str = "s") -> str:
    """
    >>> plural(1, "spike"), plural(2, "spike"), plural(2, "stretch", "es")
    ('1 spike', '2 spikes', '2 stretches')
    """
    return f"{n:,} {what}{'' if n == 1 else ending}"


def duration(seconds: float) -> str:
    """The two largest units.

    >>> duration(74), duration(4000), duration(11 * 86400 + 4 * 3600)
    ('74 s', '1 h 6 min', '11 d 4 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    whole = int(seconds)
    for unit, size, sub, sub_size in (("d", 86400, "h", 3600), ("h", 3600, "min", 60)):
        if whole >= size:
            rest = whole % size // sub_size
            return f"{whole // size} {unit}" + (f" {rest} {sub}" if rest else "")
    return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")


def utc(ns: int) -> str:
    """
    >>> utc(1_761_297_242_000_000_000)
    '2025-10-24 09:14:02 UTC'
    """
    return f"{datetime.fromtimestamp(ns / 1e9, UTC):%Y-%m-%d %H:%M:%S} UTC"


def said(x: Estimate, written: Callable[[float | None], str] = prob, why: str = "") -> str:
    """A number with its interval, or the words that there is none and `why`.

    >>> said(Estimate(value=0.211, low=0.18, high=0.24))
    '0.21 (0.18 to 0.24)'
    >>> said(Estimate(value=0.211), why="too few blocks hold a spike"), said(Estimate(value=None))
    ('0.21 (no interval: too few blocks hold a spike)', '–')
    """
    if x.value is None:
        return MISSING
    if x.low is None or x.high is None:
        return f"{written(x.value)} (no interval{': ' + why if why else ''})"
    if written is prob and x.value >= 0.01:  # the ends as fine as the number, not finer
        return f"{prob(x.value)} ({number(x.low, 2)} to {number(x.high, 2)})"
    return f"{written(x.value)} ({written(x.low)} to {written(x.high)})"


def share(x: Estimate) -> str:
    """The interval of a share of counts, in whole per cent; none where it has no width, as none or all of a few do."""
    if x.low is None or x.high is None or x.low == x.high:
        return "(no interval)"
    return f"({100 * x.low:.0f} to {100 * x.high:.0f} %)"


def verdict(e: Evaluation) -> str:
    """The verdict's sentence where its word stands before it already."""
    first, colon, rest = e.verdict.sentence.partition(": ")
    if not colon or first.lower() != e.verdict.word:
        return e.verdict.sentence
    return f"Failed: {rest}" if e.verdict.word == "leaky" else rest[0].upper() + rest[1:]


def named(m: Judged, e: Evaluation) -> str:
    """The title with its marks: the champion's star, and that it is a baseline."""
    return m.title + (" ★" if m.name == e.champion else "") + (", baseline" if m.baseline else "")


def market(e: Evaluation) -> str:
    """Whose prices, of what."""
    return f"{e.venue} {e.product}"


def question(e: Evaluation) -> str:
    """What was asked, as a question."""
    origin = "" if e.quantile is None else f", the {100 * e.quantile:g} % quantile of the training part"
    ahead = "at the next row" if e.label == "next_row" else f"over the next {e.horizon_s} s"
    return f"Does the {LABELS[e.label]} of {market(e)} {ahead} reach τ {tau(e.tau_bps, e.tau_relative)}{origin}?"


def lead(e: Evaluation) -> Judged:
    """The model that the report speaks of: the champion, else the best on validation."""
    crowned = [m for m in e.models if m.name == e.champion]
    return crowned[0] if crowned else max(e.models, key=lambda m: m.validation_ap)


def title_of(e: Evaluation, name: str | None) -> str:
    """The title of the model with this artifact name."""
    return next((m.title for m in e.models if m.name == name), MISSING)


def unit(e: Evaluation) -> str:
    """The champion's score as one unit: with its interval, base rate, lift, and what holds inside sessions."""
    m = lead(e)
    w = m.within
    crowned = "champion" if m.name == e.champion else "best on validation, no champion"
    pooled = (
        f"{m.title} ({crowned}): AP {said(m.ap, why=FEW_BLOCKS)}, base rate {percent(e.base_rate)}, "
        f"lift {said(m.lift, lift)}."
    )
    if w.ap.value is None:
        return f"{pooled} Inside sessions there is no score: no session holds spikes and calm seconds."
    against = (
        "it is the best baseline there itself"
        if m.name == e.best_within
        else f"{said(w.over_best, signed)} over the best baseline there, {title_of(e, e.best_within)}"
    )
    return (
        f"{pooled} Inside sessions: AP {said(w.ap, why=FEW_BLOCKS)}, base rate {percent(w.base_rate)}, "
        f"lift {said(w.lift, lift)}; {against}."
    )


def no_interval(e: Evaluation) -> str:
    """Why numbers have no interval, where some have none; "" else."""
    shown = [x for m in e.models for x in (m.ap, m.within.ap, m.f1, m.within.over_best)]
    if all(x.value is None or x.low is not None for x in shown):
        return ""
    return (
        f"No interval: {FEW_BLOCKS} (fewer than 5 blocks of {duration(e.block_s)}) to draw from. Such a number is one "
        "reading, not a score."
    )


def shifted(e: Evaluation) -> str:
    """That spikes were much more or less frequent in training than on test, which is most of a Brier skill; "" else."""
    train = e.meter.splits[0]
    before = train.spikes / train.rows if train.rows else 0.0
    if not e.base_rate or 0.5 <= before / e.base_rate <= 2:
        return ""
    return (
        f"The base rate was {percent(before)} in the training part and is {percent(e.base_rate)} on test: any "
        "forecast that follows it down or up has Brier skill, however little it tells seconds apart."
    )


def traced(e: Evaluation) -> str:
    """What every number of a report is traced by."""
    return f"run {e.run_id or 'not logged'}, data {e.fingerprint}"
