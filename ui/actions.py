"""What buttons and switches do: one call of core each. An error becomes the sentence that the page shows next.

Streamlit runs these before the page's own run (`on_click`, `on_change`), outside of the page's error box.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from core import jobs
from core.errors import TremorError
from core.live import pipeline
from ui import loaders
from ui.state import Session


def _told(act: Callable[[], Any]) -> None:
    try:
        act()
    except TremorError as error:
        Session().refuse(str(error))


def choose(setting: str, key: str) -> None:
    """Save the widget `key`'s value as `setting`."""
    value = Session().chosen(key)
    if value is not None and value != "":
        _told(lambda: loaders.save(**{setting: value}))


def start_capture() -> None:
    """Start the capture that the settings name."""
    _told(lambda: pipeline.start_capture(loaders.home(), loaders.settings()))


def stop_capture() -> None:
    """Stop the capture and, with it, the embedded exchange."""
    _told(lambda: pipeline.stop_capture(loaders.home()))


def import_path(key: str) -> None:
    """Import the recording whose path stands in the text field `key`."""
    path = str(Session().chosen(key) or "").strip()
    if not path:
        Session().refuse("No path was given. Type the full path of a recording on the machine that runs Tremor.")
        return
    _told(lambda: pipeline.start_import(loaders.home(), path))


def import_upload(key: str) -> None:
    """Keep the uploaded recording below the home and import it."""
    upload = Session().chosen(key)
    if upload is None:
        Session().refuse("No file was chosen. Drop a recording on the field first.")
        return

    def act() -> None:
        path = pipeline.keep_upload(loaders.home(), upload.name, upload.getvalue())
        pipeline.start_import(loaders.home(), str(path))

    _told(act)


def use_tau(tau_bps: float) -> None:
    """Make `tau_bps` the threshold that training and the monitor use."""
    _told(lambda: loaders.save(tau_bps=tau_bps))


def ask(setting: str, key: str) -> None:
    """Change the question (label or horizon): the old τ is in another unit of volatility, so it is forgotten."""
    value = Session().chosen(key)
    if value is None or value == getattr(loaders.settings(), setting):
        return
    Session().tau_bps = None
    _told(lambda: loaders.save(**{setting: value}, tau_bps=None))


def train(names: Sequence[str]) -> None:
    """Train the models `names` on the settings' question and market."""

    def act() -> None:
        chosen, market = loaders.settings(), loaders.current_market()
        argv = ["train", "--label", chosen.label, "--horizon", str(chosen.horizon_s), "--models", ",".join(names)]
        argv += ["--seed", str(chosen.seed)]
        argv += ["--quantile", repr(chosen.quantile)] if chosen.tau_bps is None else ["--tau", repr(chosen.tau_bps)]
        if market is not None:
            argv += ["--venue", market.venue, "--product", market.product]
        jobs.start(loaders.home(), "train", argv)

    _told(act)


def compare(reference: str, current: str) -> None:
    """Compare two parts of the market's features."""

    def act() -> None:
        argv, market = ["drift", "--reference", reference, "--current", current], loaders.current_market()
        if market is not None:
            argv += ["--venue", market.venue, "--product", market.product]
        jobs.start(loaders.home(), "drift", argv)

    _told(act)


def take(step: int) -> None:
    """Do what the home page's primary button of a step says; steps that need a choice only open their page."""
    acts: dict[int, Callable[[], None]] = {
        1: start_capture,
        3: lambda: train(tuple(loaders.offered())),
        5: lambda: compare("train", "test"),
        6: start_monitor,
    }
    if step in acts:
        acts[step]()


def stop(job: str) -> None:
    """Stop a background process of this home."""
    _told(lambda: jobs.stop(loaders.home(), job))


def start_monitor() -> None:
    """Start the monitor on the market that the pages show."""

    def act() -> None:
        market = loaders.current_market()
        if market is not None:
            pipeline.start_monitor(loaders.home(), market.venue, market.product)

    _told(act)


__all__ = [
    "ask",
    "choose",
    "compare",
    "import_path",
    "import_upload",
    "start_capture",
    "start_monitor",
    "stop",
    "stop_capture",
    "take",
    "train",
    "use_tau",
]
