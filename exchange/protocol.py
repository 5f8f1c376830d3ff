"""One client's side of the conversation, without I/O: its messages in, answers and what it now listens to out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from exchange import wire

CHANNELS = ("ticker", "matches", "heartbeat")
MAX_PRODUCTS = 100
"""Per message; a longer list is refused whole."""


class Desk:
    """What one connection is subscribed to.

    `listening` holds (channel, product) in the order of subscription; it changes only in `said`.
    """

    def __init__(self, products: Sequence[str]) -> None:
        self._products = frozenset(products)
        self.listening: dict[tuple[str, str], None] = {}
        self.ever_subscribed = False

    def said(self, message: str | bytes) -> tuple[list[bytes], list[tuple[str, str]]]:
        """Take one message of the client.

        Returns
        -------
        answers : frames to send back, errors first, then `subscriptions` when anything of the message held
        asked : the (channel, product) pairs just subscribed to, also those that were listened to before
        """
        try:
            content = msgspec.json.decode(message)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return [wire.error("Failed to read message", "this is not valid JSON")], []
        if not isinstance(content, dict) or content.get("type") not in ("subscribe", "unsubscribe"):
            return [wire.error("Failed to read message", "type has to be either subscribe or unsubscribe")], []
        joining = content["type"] == "subscribe"
        failed = "Failed to subscribe" if joining else "Failed to unsubscribe"
        try:
            pairs, errors = self._pairs(content, joining)
        except ValueError as problem:
            return [wire.error(failed, str(problem))], []
        self.ever_subscribed |= joining and bool(pairs)
        for pair in pairs:
            if joining:
                self.listening[pair] = None
            else:
                self.listening.pop(pair, None)
        answers = [wire.error(failed, reason) for reason in errors]
        if pairs or not errors:
            answers.append(wire.subscriptions(self.channels()))
        return answers, pairs if joining else []

    def channels(self) -> dict[str, tuple[str, ...]]:
        """Channel -> products of all that is listened to."""
        held: dict[str, tuple[str, ...]] = {}
        for channel, product in self.listening:
            held[channel] = (*held.get(channel, ()), product)
        return held

    def _pairs(self, content: dict[str, Any], joining: bool) -> tuple[list[tuple[str, str]], list[str]]:
        """The valid (channel, product) pairs of a message and the reasons against the others."""
        common = _names(content.get("product_ids", []), "product_ids")
        channels = content.get("channels", [])
        if not isinstance(channels, list) or not channels or len(channels) > MAX_PRODUCTS:
            raise ValueError("channels has to be a list with at least one channel")
        pairs: dict[tuple[str, str], None] = {}
        errors: dict[str, None] = {}
        for entry in channels:
            name, own = entry, None
            if isinstance(entry, dict):
                name, own = entry.get("name"), entry.get("product_ids")
            if not isinstance(name, str):
                raise ValueError("a channel is a string or an object with a name")
            if name not in CHANNELS:
                errors[f"{name} is not a valid channel"] = None
                continue
            products = common if own is None else _names(own, "product_ids")
            if not products and not joining:
                products = [product for channel, product in self.listening if channel == name]
            elif not products:
                errors[f"{name} needs at least one product"] = None
            for product in products:
                if product in self._products:
                    pairs[name, product] = None
                else:
                    errors[f"{product} is not a valid product"] = None
        return list(pairs), list(errors)


def _names(given: object, field: str) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise ValueError(f"{field} has to be a list of strings")
    if len(given) > MAX_PRODUCTS:
        raise ValueError(f"{field} names {len(given)} products: at most {MAX_PRODUCTS} a message")
    return given
