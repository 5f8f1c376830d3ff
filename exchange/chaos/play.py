"""A plan done to the frames and the connections of a server."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeAlias, TypeVar

from exchange import wire
from exchange.chaos import hostile
from exchange.chaos.plan import Fault, Plan
from exchange.tape import SECOND_NS, Beat, Event, Match, Ticker

LATE_FRAMES = 20
Client = TypeVar("Client")
Sent: TypeAlias = tuple[tuple[str, str], bytes]
"""A frame and the (channel, product) whose listeners it is for."""


class Chaos:
    """Plays one plan once. The server asks it about every event and connection, and does what it says.

    `done` holds the faults that have come, for a test or a log to compare.
    """

    def __init__(self, plan: Plan, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._coming = deque(sorted(plan.faults, key=lambda fault: (fault.ns or 0, fault.frame)))
        self._rng = random.Random(f"play {plan.seed}")
        self._monotonic = monotonic
        self._hostile = hostile.frames(plan.seed)
        self._frames = 0
        self._offset_ns = 0
        self._lose = self._changed = self._doubled = self._hostile_left = self._held_until = 0
        self._share = 0.0
        self._how = ""
        self._held: list[Sent] = []
        self._late: list[tuple[int, Sent]] = []
        self._refusals: deque[int] = deque()
        self._until: dict[object, tuple[str, float]] = {}
        self.done: list[Fault] = []

    def shifted(self, event: Event) -> Event:
        """The event at the exchange's present time, jumps of its clock included."""
        return event._replace(ts_ns=max(event.ts_ns + self._offset_ns, 0)) if self._offset_ns else event

    def due(self, event: Event) -> list[Fault]:
        """Count the event's frame and begin the faults whose moment it is; those of connections are given back."""
        self._frames += 1
        begun: list[Fault] = []
        while self._coming:
            first = self._coming[0]
            if (first.ns is not None and event.ts_ns < first.ns) or self._frames <= first.frame:
                break
            begun.append(self._coming.popleft())
            self._begin(begun[-1])
        self.done += begun
        return [fault for fault in begun if fault.kind in ("drop", "half_open", "silence", "heartbeat_only", "slow")]

    def _begin(self, fault: Fault) -> None:
        if fault.kind == "lose":
            self._lose += fault.n
        elif fault.kind == "duplicate":
            self._doubled, self._share = self._doubled + fault.n, fault.share
        elif fault.kind in ("reorder", "descending", "burst"):
            self._how, self._held_until = fault.kind, fault.n
        elif fault.kind == "hostile":
            self._hostile_left += fault.n
        elif fault.kind == "schema":
            self._changed += fault.n
        elif fault.kind == "clock":
            self._offset_ns += int(fault.seconds * SECOND_NS)
        elif fault.kind in ("rest_429", "rest_5xx"):
            self._refusals += [429 if fault.kind == "rest_429" else self._rng.choice([500, 502, 503])] * fault.n

    def frames(self, event: Event, pair: tuple[str, str]) -> Iterable[Sent]:
        """What is sent in place of the event's frame, in order: nothing, it, or more."""
        if isinstance(event, Match) and self._lose:
            self._lose -= 1
            return ()
        own = (pair, self._frame(event))
        if self._doubled:
            self._doubled -= 1
            if self._rng.random() < self._share:
                self._late.append((self._frames + self._rng.randint(0, LATE_FRAMES), own))
        sent = [own]
        if self._held_until:
            self._held.append(own)
            sent = []
            if len(self._held) >= self._held_until:
                sent, self._held, self._held_until = self._held, [], 0
                if self._how == "reorder":
                    self._rng.shuffle(sent)
                elif self._how == "descending":
                    sent.reverse()
        if self._late:
            sent += [late for at, late in self._late if at <= self._frames]
            self._late = [(at, late) for at, late in self._late if at > self._frames]
        while self._hostile_left and self._rng.random() < 0.5:
            self._hostile_left -= 1
            sent.insert(self._rng.randint(0, len(sent)), (pair, next(self._hostile)))
        return sent

    def _frame(self, event: Event) -> bytes:
        frame = (
            wire.match(event)
            if isinstance(event, Match)
            else wire.ticker(event)
            if isinstance(event, Ticker)
            else wire.heartbeat(event)
        )
        if self._changed and not isinstance(event, Beat):
            self._changed -= 1
            frame = frame[:-1] + b',"new_field":{"price":[1,"x"],"v":2}}'
            if self._changed % 3 == 0:
                frame = frame.replace(b'"price":"', b'"px":"', 1)
        return frame

    def afflict(self, fault: Fault, clients: Iterable[Client]) -> None:
        """The fault befalls these connections."""
        end_s = self._monotonic() + (fault.seconds if fault.kind != "half_open" else float("inf"))
        for client in clients:
            self._until[client] = (fault.kind, end_s)

    def hears(self, client: Client, channel: str) -> bool:
        """Whether the connection is sent this channel's frames now."""
        kind, end_s = self._until.get(client, ("", 0.0))
        if not kind or kind == "slow" or (kind == "heartbeat_only" and channel == "heartbeat"):
            return True
        if self._monotonic() < end_s:
            return False
        del self._until[client]
        return True

    @property
    def afflicts(self) -> bool:
        """Whether any connection is under a fault."""
        return bool(self._until)

    def gone(self, client: Client) -> None:
        """The connection has ended."""
        self._until.pop(client, None)

    def refusal(self) -> int | None:
        """The status with which the next REST request is refused, None when it is answered."""
        return self._refusals.popleft() if self._refusals else None
