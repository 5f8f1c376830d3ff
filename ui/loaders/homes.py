"""The home, its settings and its processes: read anew at each run, because they are small and must be true."""

from __future__ import annotations

from core import jobs
from core.config import Home, Settings, change_settings, load_settings
from core.ingestion import feeds
from ui import text


def home() -> Home:
    """The home of this server: TREMOR_HOME, else the repository."""
    return Home.resolve()


def settings() -> Settings:
    """What the user decided so far."""
    return load_settings(home())


def save(**changes: object) -> Settings:
    """Save changed settings and give back the whole. Raises BadInput when a value is not allowed."""
    return change_settings(home(), **changes)


def job(name: str) -> jobs.Job:
    """What the process `name` of this home last said."""
    return jobs.read(home(), name)


def busy() -> jobs.Job:
    """The job that runs, of several the one begun last; where none does, the last one that ended."""
    said = [job(name) for name in text.JOBS]
    return max(said, key=lambda one: (one.running, one.started_ns if one.running else one.heartbeat_ns))


def store_file() -> tuple[str, int | None]:
    """Where the tick store is, and its size in bytes with its log; None as long as it does not exist."""
    path = home().ticks_db
    parts = [p for p in (path, path.with_name(path.name + "-wal")) if p.exists()]
    return str(path), sum(p.stat().st_size for p in parts) if parts else None


def log_file(name: str) -> str:
    """Where the process `name` writes its log."""
    return str(home().jobs / f"{name}.log")


def feed_names() -> tuple[str, ...]:
    """The feeds of real exchanges."""
    return feeds.names()


__all__ = ["busy", "feed_names", "home", "job", "log_file", "save", "settings", "store_file"]
