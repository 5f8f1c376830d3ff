"""The market is watched: monitor, alerts, escrow; and the one button of home."""

from __future__ import annotations

import time
from collections.abc import Callable

from core import jobs
from core.live import alerts, pipeline
from ui import loaders
from ui.actions.capture import load_sample, start_capture
from ui.actions.common import told
from ui.actions.training import compare, train


def start_monitor() -> None:
    """Start the monitor on the market that the pages show."""

    def act() -> None:
        market = loaders.current_market()
        if market is not None:
            pipeline.start_monitor(loaders.home(), market.venue, market.product)

    told(act)


def watch() -> None:
    """Start the monitor, and before it the capture that it needs where none runs."""
    if not loaders.job("capture").running:
        start_capture()
    start_monitor()


def take(act: str) -> None:
    """Do what the home page's primary button says; a step that needs a choice only opens its page."""
    acts: dict[str, Callable[[], None]] = {
        "sample": load_sample,
        "capture": start_capture,
        "train": lambda: train(tuple(loaders.offered())),
        "compare": lambda: compare("train", "test"),
        "watch": watch,
    }
    if act:
        acts[act]()


def acknowledge() -> None:
    """Say that all alerts of the shown market were seen."""

    def act() -> None:
        market = loaders.current_market()
        if market is not None:
            alerts.acknowledge(loaders.home(), market.venue, market.product, time.time_ns())

    told(act)


def mute(seconds: int) -> None:
    """Send no alerts for so long; 0 sends them again."""
    told(lambda: loaders.save(muted_until_ns=time.time_ns() + seconds * 10**9 if seconds else 0))


def check_escrow() -> None:
    """Walk the chain of hashes of all live forecasts."""

    def act() -> None:
        market = loaders.current_market()
        argv = [] if market is None else ["--venue", market.venue, "--product", market.product]
        jobs.start(loaders.home(), "escrow", ["escrow", *argv])

    told(act)


__all__ = ["acknowledge", "check_escrow", "mute", "start_monitor", "take", "watch"]
