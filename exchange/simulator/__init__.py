"""The seeded market simulator: the same (seed, start, product) is the same tape to the byte, however it is read."""

from exchange.simulator.products import PRODUCTS, Product, product
from exchange.simulator.stream import Simulator, raw_orders

__all__ = ["PRODUCTS", "Product", "Simulator", "product", "raw_orders"]
