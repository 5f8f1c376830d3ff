"""The exception tree.

::

    TremorError               one sentence: what happened, with the numbers, and what to do
    ├── BadInput              an argument, a file or a setting that cannot be used
    ├── MalformedFrame        a frame no parser accepts; capture quarantines its bytes and goes on
    ├── SubscriptionRefused   the exchange said no for good; asking again would not help
    ├── Busy                  another process holds what is asked for; carries its pid
    ├── NotEnough             too few ticks, bars, rows or spikes for what was asked
    ├── NotThere              a model, a run or a market that does not exist in this home
    └── Damaged               a stored file is not what was written
"""

from __future__ import annotations


class TremorError(Exception):
    """Base of all errors that a user is shown: their text is one clear sentence."""


class BadInput(TremorError):
    """An argument, a file or a setting that cannot be used."""


class MalformedFrame(TremorError):
    """A frame that no parser accepts."""


class SubscriptionRefused(TremorError):
    """A permanent refusal of the exchange."""


class Busy(TremorError):
    """Another process holds what is asked for."""

    def __init__(self, message: str, pid: int | None = None) -> None:
        super().__init__(message)
        self.pid = pid


class NotEnough(TremorError):
    """Too few ticks, bars, rows or spikes."""


class NotThere(TremorError):
    """Something that does not exist in this home."""


class Damaged(TremorError):
    """A stored file that is not what was written."""
