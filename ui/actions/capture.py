"""Ticks come in: captures, imports, the sample day; and the end of any job."""

from __future__ import annotations

from core import jobs
from core.live import pipeline
from ui import loaders
from ui.actions.asked import FORGOTTEN
from ui.actions.common import told, written
from ui.parts import working
from ui.state import Session


def start_capture() -> None:
    """Start the capture that the settings name.

    Its first tick replaces a market that was shown only because this one had none: what was chosen there is forgotten.
    """

    def act() -> None:
        chosen, seen = loaders.settings(), loaders.current_market()
        simulated = " and the embedded exchange" if chosen.feed == pipeline.EMBEDDED else ""
        with working(f"Starting the capture{simulated}"):
            pipeline.start_capture(loaders.home(), chosen)
        if seen is not None and (seen.venue, seen.product) != loaders.named_market(chosen):
            loaders.save(**FORGOTTEN)

    told(act)


def stop_capture() -> None:
    """Stop the capture and, with it, the embedded exchange."""
    with working("Stopping the capture"):
        told(lambda: pipeline.stop_capture(loaders.home()))


def import_path(key: str, venue: str, product: str) -> None:
    """Import the recording whose path stands in the text field `key`; two more fields may name its market."""
    path = written(key)
    if not path:
        Session().refuse("No path was given. Type the full path of a recording on the machine that runs Tremor.")
        return
    named = written(venue), written(product)
    told(lambda: pipeline.start_import(loaders.home(), path, *named))


def import_upload(key: str, venue: str, product: str) -> None:
    """Keep the uploaded recording below the home and import it; two more fields may name its market."""
    upload = Session().chosen(key)
    if upload is None:
        Session().refuse("No file was chosen. Drop a recording on the field first.")
        return

    def act() -> None:
        path = pipeline.keep_upload(loaders.home(), upload.name, upload.getvalue())
        pipeline.start_import(loaders.home(), str(path), written(venue), written(product))

    told(act)


def load_sample() -> None:
    """Fill the home with a day of the simulated market; the saved feed becomes that market's."""

    def act() -> None:
        pipeline.start_sample(loaders.home())
        loaders.save(feed=pipeline.EMBEDDED)

    told(act)


def stop(job: str) -> None:
    """Stop a background process of this home."""
    with working("Stopping"):
        told(lambda: jobs.stop(loaders.home(), job))


__all__ = ["import_path", "import_upload", "load_sample", "start_capture", "stop", "stop_capture"]
