"""Faults put into the embedded exchange by a plan drawn from a seed, so that a failure replays.

`plan` says which fault comes when, `play` does it to the frames and connections of `exchange.server`, `hostile` makes
frames that no parser may accept.
"""

from exchange.chaos.plan import KINDS, Fault, Kind, Plan, drawn
from exchange.chaos.play import Chaos

__all__ = ["KINDS", "Chaos", "Fault", "Kind", "Plan", "drawn"]
