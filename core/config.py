"""Where things are, and what the user has chosen: frozen, validated settings."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from core.errors import BadInput

REPOSITORY = Path(__file__).resolve().parent.parent
EXPERIMENT = "crypto_volatility_detection"

LabelName = Literal["rv", "tick_std", "bipower", "next_row"]
LABELS: tuple[LabelName, ...] = ("rv", "tick_std", "bipower", "next_row")
LEAKY_LABELS: frozenset[str] = frozenset({"next_row"})


@dataclass(frozen=True)
class Home:
    """The one folder that everything is written below: a test or a second instance has its own."""

    root: Path

    @classmethod
    def resolve(cls, given: str | os.PathLike[str] | None = None) -> Home:
        """`given`, else the variable TREMOR_HOME, else the repository."""
        return cls(Path(given or os.environ.get("TREMOR_HOME") or REPOSITORY).expanduser().resolve())

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def ticks_db(self) -> Path:
        return self.data / "ticks.sqlite"

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
    def settings_file(self) -> Path:
        return self.data / "settings.json"

    @property
    def artifacts(self) -> Path:
        return self.root / "models" / "artifacts"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def mlflow_uri(self) -> str:
        return f"sqlite:///{self.root / 'mlflow.db'}"

    @property
    def mlflow_artifacts(self) -> Path:
        return self.root / "mlruns"


Positive = Annotated[float, msgspec.Meta(gt=0)]
Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the user decided; every field has the value a new home starts with.

    tau_bps is a threshold on forward volatility in bps, None as long as the user has not set one (training then takes
    `quantile` of its training part). theta is the alert probability; None means the one chosen on validation.
    """

    feed: str = "embedded"
    product: str = "BTC-USD"
    label: LabelName = "rv"
    horizon_s: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 60
    quantile: Share = 0.95
    tau_bps: Positive | None = None
    theta: Share | None = None
    speed: Annotated[float, msgspec.Meta(ge=1, le=1000)] = 60.0
    seed: int = 0

    def replace(self, **changes: object) -> Settings:
        """A copy with `changes`, validated as if it had been read from a file."""
        fields = {f: getattr(self, f) for f in self.__struct_fields__} | changes
        try:
            return msgspec.convert(fields, Settings)
        except msgspec.ValidationError as error:
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


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary name beside `path`, fsync, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


__all__ = [
    "EXPERIMENT",
    "LABELS",
    "LEAKY_LABELS",
    "REPOSITORY",
    "Home",
    "LabelName",
    "Settings",
    "load_settings",
    "save_settings",
    "write_atomically",
]
