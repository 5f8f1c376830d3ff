"""What is simulated: where each product starts, how much it moves and how often it trades."""

from __future__ import annotations

from typing import NamedTuple

from core.errors import BadInput


class Product(NamedTuple):
    """A market's scale. `volatility` and `intensity` are multiples of BTC-USD's; `size` is the median taker order."""

    start_cents: int
    volatility: float
    intensity: float
    size: float


PRODUCTS: dict[str, Product] = {
    "BTC-USD": Product(9_100_000, 1.0, 1.0, 0.003),
    "ETH-USD": Product(310_000, 1.4, 0.8, 0.08),
    "SOL-USD": Product(13_500, 1.7, 0.6, 2.0),
    "LTC-USD": Product(8_200, 1.5, 0.3, 1.5),
}
"""Round numbers of the winter of 2025-26; only BTC-USD is calibrated against a recording."""


def product(name: str) -> Product:
    """The product `name`. Raises BadInput, which lists the ones there are."""
    try:
        return PRODUCTS[name]
    except KeyError:
        raise BadInput(f"the simulator has no product {name}: choose among {', '.join(PRODUCTS)}") from None
