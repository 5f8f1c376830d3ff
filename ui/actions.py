"""What buttons and switches do: one call of core each. An error becomes the sentence that the page shows next.

Streamlit runs these before the page's own run (`on_click`, `on_change`), outside of the page's error box.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from core import jobs
from core.errors import TremorError
from core.live import alerts, pipeline
from core.training import tracking
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


FORGOTTEN: dict[str, Any] = {"tau_bps": None, "tau_relative": None, "theta": None, "theta_model": ""}
"""What belongs to one market: volatility of another one is of another size."""


def choose_market(setting: str, key: str) -> None:
    """Save feed or product; where that names another market than before, its τ and θ are forgotten.

    They stay where the new name is the market that was shown already, since they were chosen on it.
    """
    value = Session().chosen(key)
    if value is None or value == "":
        return

    def act() -> None:
        before = loaders.settings()
        after = before.replace(**{setting: value})
        old, new, seen = loaders.named_market(before), loaders.named_market(after), loaders.current_market()
        kept = old == new or (seen is not None and new == (seen.venue, seen.product))
        loaders.save(**{setting: value}, **({} if kept else FORGOTTEN))

    _told(act)


def choose_theta(model: str, key: str) -> None:
    """Save the alert probability for `model`: another champion's is another."""
    value = Session().chosen(key)
    if value is not None:
        _told(lambda: loaders.save(theta=value, theta_model=model))


def reset_theta() -> None:
    """Alert again at the probability that was chosen on validation."""
    Session().drop("theta")
    _told(lambda: loaders.save(theta=None, theta_model=""))


def start_capture() -> None:
    """Start the capture that the settings name.

    Its first tick replaces a market that was shown only because this one had none: what was chosen there is forgotten.
    """

    def act() -> None:
        chosen, seen = loaders.settings(), loaders.current_market()
        pipeline.start_capture(loaders.home(), chosen)
        if seen is not None and (seen.venue, seen.product) != loaders.named_market(chosen):
            loaders.save(**FORGOTTEN)

    _told(act)


def stop_capture() -> None:
    """Stop the capture and, with it, the embedded exchange."""
    _told(lambda: pipeline.stop_capture(loaders.home()))


def import_path(key: str, venue: str, product: str) -> None:
    """Import the recording whose path stands in the text field `key`; two more fields may name its market."""
    path = _written(key)
    if not path:
        Session().refuse("No path was given. Type the full path of a recording on the machine that runs Tremor.")
        return
    named = _written(venue), _written(product)
    _told(lambda: pipeline.start_import(loaders.home(), path, *named))


def _written(key: str) -> str:
    return str(Session().chosen(key) or "").strip()


def import_upload(key: str, venue: str, product: str) -> None:
    """Keep the uploaded recording below the home and import it; two more fields may name its market."""
    upload = Session().chosen(key)
    if upload is None:
        Session().refuse("No file was chosen. Drop a recording on the field first.")
        return

    def act() -> None:
        path = pipeline.keep_upload(loaders.home(), upload.name, upload.getvalue())
        pipeline.start_import(loaders.home(), str(path), _written(venue), _written(product))

    _told(act)


def use_tau(tau: float, relative: bool = False) -> None:
    """Make `tau`, in bps or a multiple of slow volatility, the threshold that training and the monitor use."""
    _told(lambda: loaders.save(**{"tau_relative" if relative else "tau_bps": tau}))


def ask(setting: str, key: str) -> None:
    """Change the question (label or horizon): the old τ is of another volatility, so it is forgotten."""
    value = Session().chosen(key)

    def act() -> None:
        if value is not None and value != getattr(loaders.settings(), setting):
            loaders.save(**{setting: value}, tau_bps=None, tau_relative=None)

    _told(act)


def train(names: Sequence[str]) -> None:
    """Train the models `names` on the settings' question and market."""

    _told(lambda: jobs.start(loaders.home(), "train", ["train", "--models", ",".join(names), *_asked()]))


def tune(name: str, trials: int) -> None:
    """Try hyper-parameters of the model `name` on the settings' question and market."""
    _told(lambda: jobs.start(loaders.home(), "tune", ["tune", "--model", name, "--trials", str(trials), *_asked()]))


def _asked() -> list[str]:
    """Question, threshold, seed and market as the options of a verb."""
    chosen, market = loaders.settings(), loaders.current_market()
    argv = ["--label", chosen.label, "--horizon", str(chosen.horizon_s), "--seed", str(chosen.seed)]
    if chosen.tau_relative is not None:
        argv += ["--tau-relative", repr(chosen.tau_relative)]
    else:
        argv += ["--quantile", repr(chosen.quantile)] if chosen.tau_bps is None else ["--tau", repr(chosen.tau_bps)]
    return argv if market is None else [*argv, "--venue", market.venue, "--product", market.product]


def close_runs() -> None:
    """End in MLflow the runs of a training or tuning that did not live to end them: a look at one file where there are
    none."""
    tracking.reconcile(loaders.home())


def compare(reference: str, current: str) -> None:
    """Compare two parts of the market's features."""

    def act() -> None:
        argv, market = ["drift", "--reference", reference, "--current", current], loaders.current_market()
        if market is not None:
            argv += ["--venue", market.venue, "--product", market.product]
        jobs.start(loaders.home(), "drift", argv)

    _told(act)


def plant(leak: str) -> None:
    """Plant a leak into a copy of the pipeline, on the settings' question and market."""

    def act() -> None:
        argv, market = ["leakage", "--plant", leak], loaders.current_market()
        if market is not None:
            argv += ["--venue", market.venue, "--product", market.product]
        jobs.start(loaders.home(), "leakage", argv)

    _told(act)


def report() -> None:
    """Write the report of the newest training: PDF, comparison and model card."""
    _told(lambda: jobs.start(loaders.home(), "report", ["report"]))


def load_sample() -> None:
    """Fill the home with a day of the simulated market; the saved feed becomes that market's."""

    def act() -> None:
        pipeline.start_sample(loaders.home())
        loaders.save(feed=pipeline.EMBEDDED)

    _told(act)


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


def watch() -> None:
    """Start the monitor, and before it the capture that it needs where none runs."""
    if not loaders.job("capture").running:
        start_capture()
    start_monitor()


def acknowledge() -> None:
    """Say that all alerts of the shown market were seen."""

    def act() -> None:
        market = loaders.current_market()
        if market is not None:
            alerts.acknowledge(loaders.home(), market.venue, market.product, time.time_ns())

    _told(act)


def mute(seconds: int) -> None:
    """Send no alerts for so long; 0 sends them again."""
    _told(lambda: loaders.save(muted_until_ns=time.time_ns() + seconds * 10**9 if seconds else 0))


def check_escrow() -> None:
    """Walk the chain of hashes of all live forecasts."""

    def act() -> None:
        market = loaders.current_market()
        argv = [] if market is None else ["--venue", market.venue, "--product", market.product]
        jobs.start(loaders.home(), "escrow", ["escrow", *argv])

    _told(act)


__all__ = [
    "acknowledge",
    "ask",
    "check_escrow",
    "choose",
    "choose_market",
    "choose_theta",
    "close_runs",
    "compare",
    "import_path",
    "import_upload",
    "load_sample",
    "mute",
    "plant",
    "report",
    "reset_theta",
    "start_capture",
    "start_monitor",
    "stop",
    "stop_capture",
    "take",
    "train",
    "tune",
    "use_tau",
    "watch",
]
