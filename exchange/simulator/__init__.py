"""The seeded market simulator: the same (seed, start, product) is the same tape to the byte, however it is read."""

from exchange.simulator.moods import MOODS, Mood, mood
from exchange.simulator.products import PRODUCTS, Product, product
from exchange.simulator.stream import LAST_TRADE_ID, Simulator, raw_orders

__all__ = ["LAST_TRADE_ID", "MOODS", "PRODUCTS", "Mood", "Product", "Simulator", "mood", "product", "raw_orders"]
