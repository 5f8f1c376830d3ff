"""Whether a trained model still answers the question that the settings ask."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.config import Settings

if TYPE_CHECKING:
    from core.ingestion.store import Market
    from core.training.registry import Meta


def _plainly(venue: str, product: str) -> str:
    return f"{venue} {product}"


def why_stale(
    meta: Meta,
    settings: Settings,
    market: Market | None = None,
    called: Callable[[str, str], str] = _plainly,
) -> str | None:
    """Why the model answers another question than is asked now, or None. theta is not part of the question.

    `market` is the one asked about; where it is not known, the product of the settings is. `called` gives a market's
    name for people from its venue and product.
    """
    if market is not None and (market.venue, market.product) != (meta.venue, meta.product):
        return f"trained on {called(meta.venue, meta.product)}, now {called(market.venue, market.product)}"
    if market is None and meta.product != settings.product:
        return f"trained on {meta.product}, now {settings.product}"
    if meta.label != settings.label:
        return f"trained on the label {meta.label}, now {settings.label}"
    if meta.horizon_s != settings.horizon_s:
        return f"trained on the next {meta.horizon_s} s, now {settings.horizon_s} s"
    if (meta.tau_relative is None) != (settings.tau_relative is None):
        scales = ("in bps", "as a multiple of slow volatility")
        was, now = (scales[x is not None] for x in (meta.tau_relative, settings.tau_relative))
        return f"trained on τ {was}, now {now}"
    if meta.tau_relative is not None and settings.tau_relative is not None:
        if not math.isclose(meta.tau_relative, settings.tau_relative, rel_tol=1e-9):
            was, now = _apart(meta.tau_relative, settings.tau_relative)
            return f"trained on τ {was} × slow volatility, now {now} ×"
    elif settings.tau_bps is not None:
        if not math.isclose(meta.tau_bps, settings.tau_bps, rel_tol=1e-9):
            was, now = _apart(meta.tau_bps, settings.tau_bps)
            return f"trained on τ {was}, now {now}"
    elif meta.quantile is not None and not math.isclose(meta.quantile, settings.quantile):
        was, now = _apart(100 * meta.quantile, 100 * settings.quantile)
        return f"trained on τ at the {was} % quantile, now {now} %"
    return None


def _apart(was: float, now: float) -> tuple[str, str]:
    """Both numbers with two significant digits, or with as many as tell them apart."""
    for digits in range(2, 17):
        texts = tuple(f"{float(f'{value:.{digits}g}'):.15g}" for value in (was, now))
        if texts[0] != texts[1]:
            return texts[0], texts[1]
    return str(was), str(now)


__all__ = ["why_stale"]
