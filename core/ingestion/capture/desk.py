"""What was asked of the exchange, what it granted and what it refused; no I/O, time is an argument."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import SubscriptionRefused
from core.ingestion.ticks import Refused, Subscribed

ANSWER_S = 5.0
"""How long the exchange may take to name a product in its answer; Coinbase answers within half a second."""
AGAIN_S = 1.0


class Desk:
    """The subscriptions of one capture. `wanted` shrinks as products are refused for good."""

    def __init__(self, products: Sequence[str], channels: Sequence[str]) -> None:
        self.wanted = list(dict.fromkeys(products))
        self.refused: dict[str, str] = {}
        self._channels = channels
        self._granted: dict[str, set[str]] = {}
        self._answered = False
        self._asked_s = 0.0
        self._ask_again = False

    def asked(self, now_s: float) -> None:
        """A subscribe for `wanted` was sent on a new connection, or again on the same one."""
        self._granted, self._answered, self._asked_s, self._ask_again = {}, False, now_s, False

    def answered(self, answer: Subscribed) -> None:
        """The exchange said what it sends. Coinbase Exchange names all channels, Advanced Trade one an answer."""
        self._answered = True
        for channel, products in answer.channels.items():
            self._granted[channel] = set(products)

    def refuse(self, refusal: Refused) -> None:
        """The exchange refused for good: one product, or, naming none, all of them.

        Raises SubscriptionRefused when nothing is left to ask for.
        """
        if refusal.product is None and self._answered:
            return  # something beside the products; what it sends of them is checked in `overdue`
        for product in [refusal.product] if refusal.product in self.wanted else []:
            self._drop(product, refusal.message)
            self._ask_again = True
        if refusal.product is None:
            for product in list(self.wanted):
                self._drop(product, refusal.message)
        self._check()

    def overdue(self, now_s: float) -> bool:
        """Whether to ask again for the rest, one second after a refusal that took all of a subscribe with it.

        Raises SubscriptionRefused when the answer left out, for 5 s, every product that was asked for.
        """
        if self._answered and self._channels and now_s - self._asked_s > ANSWER_S:
            named = set().union(*self._granted.values()) if self._granted else set()
            for product in [product for product in self.wanted if product not in named]:
                self._drop(product, "the exchange's answer does not name it")
            self._check()
        return self._ask_again and not self._answered and now_s - self._asked_s > AGAIN_S

    def unconfirmed(self) -> list[str]:
        """Channels the exchange answered without: "BTC-USD matches". Empty before its answer."""
        if not self._answered:
            return []
        return [
            f"{product} {channel}"
            for channel in self._channels
            for product in self.wanted
            if product not in self._granted.get(channel, ())
        ]

    def _drop(self, product: str, reason: str) -> None:
        self.wanted.remove(product)
        self.refused[product] = reason

    def _check(self) -> None:
        if not self.wanted:
            reasons = "; ".join(f"{product}: {reason}" for product, reason in self.refused.items())
            raise SubscriptionRefused(f"the exchange refused every product asked for ({reasons}): choose others")
