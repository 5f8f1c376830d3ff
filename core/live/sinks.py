"""Where alerts are sent: Apprise's services (webhook, e-mail, Slack, Telegram and a hundred more), named in one file.

`data/alert_sinks.conf` holds one Apprise URL a line, as Apprise's own text configuration; they contain passwords, so
they are never shown, logged or written anywhere: a service is called by its kind and its line. A delivery that fails is
tried again; every attempt is recorded. Sending runs on a thread of its own: the monitor never waits for it.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from core.config import Home
from core.errors import TremorError
from core.live.alerts import Alert

WAITS_S = (0.0, 2.0, 15.0, 60.0)
"""Seconds before each attempt."""
BREAKS = (TremorError, OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError)
"""What a service, its file or the record of a delivery can fail with beyond "not delivered"."""
HELD = 1000
"""Alerts that wait to be sent at most; more are recorded as alerts and not sent."""

Recorded = Callable[[Alert, str, int, int, bool], None]
"""Told of each attempt: the alert, the service, which attempt, when (ns), whether it was delivered."""


class Service(Protocol):
    """One place to send to."""

    name: str

    def send(self, title: str, body: str) -> bool: ...


def file(home: Home) -> Path:
    """Where the services are named."""
    return home.data / "alert_sinks.conf"


class _Apprise:
    def __init__(self, name: str, service: Any) -> None:
        self.name, self._service = name, service

    def send(self, title: str, body: str) -> bool:
        return bool(self._service.notify(title=title, body=body))


def services(home: Home) -> list[Service]:
    """The services that the home's file names, [] where there is none. A line that Apprise cannot read is left out, and
    `unread` counts it."""
    path = file(home)
    if not path.exists():
        return []
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it would log URLs, and with them passwords
    import apprise

    found: list[Service] = []
    for number, line in enumerate(_lines(path), start=1):
        built = apprise.Apprise.instantiate(line, suppress_exceptions=True)
        if built is not None:
            found.append(_Apprise(f"{built.service_name} (line {number})", built))
    return found


def unread(home: Home) -> int:
    """How many lines of the file name no service that Apprise knows."""
    return len(_lines(file(home))) - len(services(home)) if file(home).exists() else 0


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


class Post:
    """Sends alerts on a thread of its own, one after the other, and tells `recorded` of every attempt.

    Parameters
    ----------
    home : whose file names the services; it is read anew when it changes
    recorded : called on the sending thread
    waits_s : seconds before each attempt
    """

    def __init__(
        self,
        home: Home,
        recorded: Recorded,
        *,
        find: Callable[[Home], Sequence[Service]] = services,
        waits_s: Sequence[float] = WAITS_S,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._home, self._recorded, self._find, self._waits_s = home, recorded, find, tuple(waits_s)
        self._clock_ns = clock_ns
        self._queue: queue.Queue[Alert | None] = queue.Queue(HELD)
        self._ended = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="alert post", daemon=True)
        self._thread.start()

    def send(self, alert: Alert) -> bool:
        """Queue an alert; False when too many wait already.

        Raises TremorError when the sending thread has come to an end by an error: an alert must not go missing unsaid.
        """
        if self._failure is not None:
            # its kind alone: the text of a service's error may hold the service's URL, and with it a password
            said = self._failure if isinstance(self._failure, TremorError) else type(self._failure).__name__
            raise TremorError(f"alerts can be sent no more ({said}): mend {file(self._home)}, start the monitor again")
        try:
            self._queue.put_nowait(alert)
        except queue.Full:
            return False
        return True

    def close(self, wait_s: float = 5.0) -> None:
        """Stop after what is being sent; alerts that still wait are not sent."""
        self._ended.set()
        with_room = not self._queue.full()
        if with_room:
            self._queue.put(None)
        self._thread.join(wait_s)

    def _run(self) -> None:
        try:
            self._send_all()
        except BREAKS as error:
            self._failure = error

    def _send_all(self) -> None:
        known: tuple[float, Sequence[Service]] = (-1.0, ())
        while not self._ended.is_set():
            alert = self._queue.get()
            if alert is None:
                return
            changed = os.stat(file(self._home)).st_mtime if file(self._home).exists() else 0.0
            if changed != known[0]:
                known = (changed, self._find(self._home))
            for service in known[1]:
                self._deliver(alert, service)

    def _deliver(self, alert: Alert, service: Service) -> None:
        for attempt, wait_s in enumerate(self._waits_s, start=1):
            if self._ended.wait(wait_s):
                return
            ok = service.send(f"Tremor: spike ahead on {alert.product}", alert.sentence)
            self._recorded(alert, service.name, attempt, self._clock_ns(), ok)
            if ok:
                return


__all__ = ["Post", "Service", "file", "services", "unread"]
