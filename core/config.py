"""Where things are, and what the user has chosen: frozen, validated settings."""

from __future__ import annotations

import contextlib
import math
import os
import re
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from core.disk import DISK
from core.errors import BadInput

REPOSITORY = Path(__file__).resolve().parent.parent
EXPERIMENT = "crypto_volatility_detection"
ALERTS_PER_H = 2.0
"""What a person who watches stands: the budget of alerts an hour as long as no other was decided."""

LabelName = Literal["rv", "tick_std", "bipower", "next_row"]
LABELS: tuple[LabelName, ...] = ("rv", "tick_std", "bipower", "next_row")
Horizon = Literal[10, 30, 60, 300]
"""Seconds ahead that can be asked about: the kernel's windows."""
FEEDS: tuple[str, ...] = tuple(
    sorted(f.stem for f in (Path(__file__).parent / "ingestion" / "feeds").glob("[a-z]*.py"))
)
"""The files of core/ingestion/feeds, without importing any: what a capture may name."""
KNOWN_FEEDS: tuple[str, ...] = ("embedded", "reference", *FEEDS)
"""What `Settings.feed` may name: the simulated market, imported prices, and the feeds."""
LEAKY_LABELS: frozenset[str] = frozenset({"next_row"})


@dataclass(frozen=True)
class Home:
    """The one folder that everything is written below: a test or a second instance has its own."""

    root: Path

    @classmethod
    def resolve(cls, given: str | os.PathLike[str] | None = None) -> Home:
        """`given`, else the variable TREMOR_HOME, else the repository. Raises BadInput when that is a file."""
        root = Path(given or os.environ.get("TREMOR_HOME") or REPOSITORY).expanduser().resolve()
        if root.exists() and not root.is_dir():
            raise BadInput(f"{root} is a file: a home is a folder, name another with --home or TREMOR_HOME")
        return cls(root)

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def ticks_db(self) -> Path:
        return self.data / "ticks.sqlite"

    @property
    def frames_db(self) -> Path:
        return self.data / "frames.sqlite"

    @property
    def sealed(self) -> Path:
        return self.data / "sealed"

    @property
    def forecasts_db(self) -> Path:
        return self.data / "forecasts.sqlite"

    @property
    def jobs(self) -> Path:
        return self.data / "jobs"

    @property
    def processed(self) -> Path:
        return self.data / "processed"

    @property
    def drift(self) -> Path:
        return self.data / "drift"

    @property
    def evaluations(self) -> Path:
        return self.data / "evaluations"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def leakage(self) -> Path:
        return self.data / "leakage"

    @property
    def settings_file(self) -> Path:
        return self.data / "settings.json"

    @property
    def journey_file(self) -> Path:
        return self.data / "journey.jsonl"

    @property
    def artifacts(self) -> Path:
        return self.root / "models" / "artifacts"

    @property
    def mlflow_db(self) -> Path:
        return self.root / "mlflow.db"

    @property
    def mlflow_uri(self) -> str:
        return f"sqlite:///{self.mlflow_db}"

    @property
    def mlflow_artifacts(self) -> Path:
        return self.root / "mlruns"


Positive = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the user decided; every field has the value a new home starts with.

    The threshold on forward volatility is tau_bps, in bps, or tau_relative, a multiple of slow volatility (the trailing
    hour's); one of them at most. Both are None as long as the user has not set one: training then takes `quantile` of
    its training part, in bps. theta is the alert probability for the model `theta_model`; None, or another model, means
    the one chosen on validation. cooldown_s is the time from one alert to the next at least, None the horizon;
    after an alert the odds must fall below `rearm` times theta's before the next. Until muted_until_ns (ns UTC) alerts
    are kept and not delivered.
    """

    feed: str = "embedded"
    product: str = "BTC-USD"
    label: LabelName = "rv"
    horizon_s: Horizon = 60
    quantile: Share = 0.95
    tau_bps: Positive | None = None
    tau_relative: Positive | None = None
    theta: Share | None = None
    theta_model: str = ""
    cooldown_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] | None = None
    rearm: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    muted_until_ns: Annotated[int, msgspec.Meta(ge=0)] = 0
    speed: Annotated[float, msgspec.Meta(ge=1, le=1000)] = 60.0
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0

    def __post_init__(self) -> None:
        """Refuse what no page can show: the message is a ValueError's, which msgspec and `replace` pass on."""
        if self.feed not in KNOWN_FEEDS:
            raise ValueError(f"feed {self.feed!r} is not one of {', '.join(KNOWN_FEEDS)}")
        if not re.fullmatch(r"[A-Z0-9]{1,20}-[A-Z0-9]{1,20}", self.product):
            raise ValueError(f"product {self.product!r} is not of the form BTC-USD")
        if self.tau_bps is not None and not math.isfinite(self.tau_bps):
            raise ValueError(f"a threshold of {self.tau_bps} bps is not a number")
        if self.tau_relative is not None and not math.isfinite(self.tau_relative):
            raise ValueError(f"a threshold of {self.tau_relative} times slow volatility is not a number")
        if self.tau_bps is not None and self.tau_relative is not None:
            raise ValueError(f"a threshold of {self.tau_bps} bps and one of {self.tau_relative} times slow volatility")

    @property
    def tau(self) -> float | None:
        """The threshold as it was set, bps or a multiple of slow volatility; None where none was."""
        return self.tau_bps if self.tau_relative is None else self.tau_relative

    def theta_for(self, model: str, otherwise: float) -> float:
        """The alert probability of `model`: the user's where it was set for this one, else `otherwise`."""
        return self.theta if self.theta is not None and self.theta_model == model else otherwise

    def replace(self, **changes: object) -> Settings:
        """A copy with `changes`, validated as if it had been read from a file. One threshold replaces the other."""
        for one, other in (("tau_bps", "tau_relative"), ("tau_relative", "tau_bps")):
            if changes.get(one) is not None:
                changes.setdefault(other, None)
        fields = {f: getattr(self, f) for f in self.__struct_fields__} | changes
        try:
            return msgspec.convert(fields, Settings)
        except (msgspec.ValidationError, ValueError) as error:
            raise BadInput(f"settings: {error}") from error


def load_settings(home: Home) -> Settings:
    """The home's settings; the defaults where none were saved yet."""
    if not home.settings_file.exists():
        return Settings()
    try:
        return msgspec.json.decode(home.settings_file.read_bytes(), type=Settings)
    except msgspec.MsgspecError as error:
        raise BadInput(f"{home.settings_file} cannot be read ({error}): mend it or delete it") from error


def save_settings(home: Home, settings: Settings) -> None:
    """Write `settings` so that a reader sees the old or the new file, never half of one."""
    write_atomically(home.settings_file, msgspec.json.format(msgspec.json.encode(settings), indent=1))


_changing = threading.Lock()


def change_settings(home: Home, **changes: object) -> Settings:
    """Load, change and save as one step, so that two clicks at once lose neither. Returns what is saved."""
    with _changing:
        settings = load_settings(home).replace(**changes)
        save_settings(home, settings)
    return settings


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary name of its own beside `path`, fsync, rename: after a power cut it is the old or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        DISK.write(temporary, content)
        DISK.sync(temporary)
        os.chmod(temporary, 0o644)
        DISK.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


__all__ = [
    "EXPERIMENT",
    "FEEDS",
    "KNOWN_FEEDS",
    "LABELS",
    "LEAKY_LABELS",
    "REPOSITORY",
    "Home",
    "LabelName",
    "Settings",
    "change_settings",
    "load_settings",
    "save_settings",
    "write_atomically",
]
