"""Symbols without a separator ("btcusdt") as products ("BTC-USDT") and back."""

from __future__ import annotations

from functools import lru_cache

from core.ingestion.values import product_name

_QUOTES = (
    "FDUSD",
    "USDT",
    "USDC",
    "TUSD",
    "BUSD",
    "USD",
    "EUR",
    "GBP",
    "TRY",
    "JPY",
    "BRL",
    "BTC",
    "ETH",
    "BNB",
    "PAX",
)


@lru_cache(maxsize=1024)
def product_of(symbol: str) -> str:
    """The product a symbol names; the symbol itself when no known quote currency ends it. Raises MalformedFrame.

    >>> product_of("btcusdt"), product_of("ETHBTC")
    ('BTC-USDT', 'ETH-BTC')
    """
    name = product_name(symbol).upper()
    quote = next((quote for quote in _QUOTES if name.endswith(quote) and len(name) > len(quote)), None)
    return name if quote is None else f"{name.removesuffix(quote)}-{quote}"


def symbol_of(product: str) -> str:
    """The symbol, in lower case, of a product: "BTC-USDT" is "btcusdt"."""
    return product.replace("-", "").lower()
