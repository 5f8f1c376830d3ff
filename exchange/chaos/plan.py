"""Which fault comes when: data, so that it can be printed, compared and played again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal[
    "drop", "half_open", "silence", "heartbeat_only", "lose", "duplicate", "reorder", "descending", "burst", "slow",
    "hostile", "schema", "clock", "rest_429", "rest_5xx",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
"""
- drop: every connection is cut without a closing handshake
- half_open: the present connections stay open, are sent nothing more and are not read either; new ones are served
- silence: the present connections are sent nothing for `seconds`; pings are answered
- heartbeat_only: the present connections are sent heartbeats and nothing else for `seconds`
- lose: the next `n` trades are not sent; heartbeats and REST know of them
- duplicate: of the next `n` frames a share `share` is sent twice, the second up to 20 frames later
- reorder: the next `n` frames are sent in a random order
- descending: the next `n` frames are sent newest first
- burst: the next `n` frames are held and sent at once
- slow: the present connections are not read for `seconds`, so that what the client says is heard late
- hostile: `n` frames that no parser may accept are sent between the others
- schema: the next `n` tickers and trades have new fields, every third one a renamed one
- clock: the exchange's time jumps by `seconds`, for good
- rest_429, rest_5xx: the next `n` REST requests are refused
"""


@dataclass(frozen=True)
class Fault:
    """One fault: after the `frame`-th frame of the tape (counted whether somebody hears it or not), or, when `ns` is
    given, at the first one at or after that market time."""

    kind: Kind
    frame: int = 0
    ns: int | None = None
    n: int = 1
    seconds: float = 0.0
    share: float = 0.5


@dataclass(frozen=True)
class Plan:
    """Faults in the order in which they come, and the seed of what is random in playing them."""

    faults: tuple[Fault, ...] = ()
    seed: int = 0


def drawn(seed: int, frames: int = 20_000, faults: int = 60) -> Plan:
    """A plan of `faults` faults of all kinds over the first `frames` frames: equal for equal arguments."""
    rng = random.Random(f"chaos {seed}")
    places = sorted(rng.sample(range(1, frames), faults))
    kinds = [*KINDS, *(rng.choice(KINDS) for _ in range(faults - len(KINDS)))][:faults]
    rng.shuffle(kinds)
    return Plan(tuple(_fault(rng, kind, place) for kind, place in zip(kinds, places, strict=True)), seed)


def _fault(rng: random.Random, kind: Kind, frame: int) -> Fault:
    sizes = {"lose": (1, 2_000), "reorder": (2, 1_000), "duplicate": (10, 1_000), "burst": (10, 2_000)}
    low, high = sizes.get(kind, (1, 50))
    seconds = {"silence": 15.0, "heartbeat_only": 15.0, "slow": 1.0, "clock": rng.choice([-3600.0, -1.0, 1.0, 3600.0])}
    return Fault(kind, frame, n=rng.randint(low, high), seconds=seconds.get(kind, 0.0), share=rng.uniform(0.1, 0.9))
