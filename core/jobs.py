"""Start, stop and heartbeat of the processes: capture, exchange, monitor, and the jobs (train, drift, import).

A process says who it is by holding the lock `data/jobs/NAME.lock` for as long as it lives: the kernel frees it when the
process ends, however it ends, so there is never a second one and never a stale lock. Beside it `NAME.json` holds what
the process last said of itself. Both survive page reloads and restarts of the app.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import msgspec
import psutil

from core.config import REPOSITORY, Home, write_atomically
from core.errors import Busy, Damaged, TremorError

CLOCK_SLACK_NS = 2_000_000_000
"""The start of a process, as the system tells it, is off by parts of a second where the clock was set."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a process last said of itself. `state`: none, starting, running, done, failed, stopped or died.

    `logged`: NAME.log is this process's own, since `start` started it.
    """

    name: str
    state: str = "none"
    pid: int | None = None
    started_ns: int = 0
    heartbeat_ns: int = 0
    progress: float = 0.0
    message: str = ""
    fields: dict[str, Any] = {}
    result: dict[str, Any] | None = None
    logged: bool = False

    @property
    def running(self) -> bool:
        return self.state in ("starting", "running")


class Holder:
    """The running process's own voice: `beat` says how far it is; throttled to the disk, never to the caller."""

    def __init__(self, home: Home, name: str) -> None:
        self._path = home.jobs / f"{name}.json"
        before, now = _record(home, name), time.time_ns()
        self._job = Job(
            name=name,
            state="running",
            pid=os.getpid(),
            started_ns=now,
            heartbeat_ns=now,
            logged=before.state == "starting" and before.pid == os.getpid(),
        )
        self._written = 0.0
        self._write()

    def _write(self) -> None:
        write_atomically(self._path, msgspec.json.encode(self._job))
        self._written = time.monotonic()

    def beat(
        self, progress: float | None = None, message: str | None = None, *, every_s: float = 0.2, **fields: Any
    ) -> None:
        """Say how far the work is; `fields` are counters that pages show. At most one write each `every_s`."""
        job = msgspec.structs.replace(self._job, heartbeat_ns=time.time_ns(), fields=self._job.fields | fields)
        if progress is not None:
            job = msgspec.structs.replace(job, progress=progress)
        if message is not None:
            job = msgspec.structs.replace(job, message=message)
        self._job = job
        if time.monotonic() - self._written >= every_s:
            self._tell()

    def _tell(self) -> None:
        """As `_write`; a full or failing disk does not end the work. A full one has no room for a new file, but the old
        record's block is its own: it is written over in place. What cannot be written at all, the next word replaces.
        """
        try:
            self._write()
        except OSError:
            with contextlib.suppress(OSError), open(self._path, "r+b", buffering=0) as file:
                size = os.fstat(file.fileno()).st_size
                file.write(msgspec.json.encode(self._job).ljust(size))  # ONE write, the old one's rest as spaces
            self._written = time.monotonic()

    def end(self, state: str, message: str | None = None, result: dict[str, Any] | None = None) -> None:
        """The last word: done, failed or stopped."""
        said = self._job.message if message is None else message
        self._job = msgspec.structs.replace(
            self._job, state=state, message=said, result=result, heartbeat_ns=time.time_ns()
        )
        self._tell()


@contextmanager
def hold(home: Home, name: str) -> Iterator[Holder]:
    """Be the process `name` of this home while the block runs.

    Raises Busy with the holder's pid when another process is it already. An error that leaves the block is written into
    the record as `failed`, an interrupt as `stopped`, a normal end as `done`.
    """
    home.jobs.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(home.jobs / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        pid = _record(home, name).pid
        raise Busy(f"{name} already runs in this home (pid {pid}): stop it first", pid) from None
    try:
        holder = Holder(home, name)
        try:
            yield holder
        except BaseException as error:
            text = str(error) if isinstance(error, TremorError) else f"{type(error).__name__}: {error}"
            holder.end("stopped" if isinstance(error, KeyboardInterrupt) else "failed", text)
            raise
        if holder._job.state == "running":
            holder.end("done")
    finally:
        lock.release()


def start(home: Home, name: str, argv: Sequence[str]) -> Job:
    """Start `python -m core ARGV` as a process of its own session, which outlives this one. Raises Busy."""
    before = read(home, name)
    if before.running:
        raise Busy(f"{name} already runs in this home (pid {before.pid}): stop it first", before.pid)
    home.jobs.mkdir(parents=True, exist_ok=True)
    with open(home.jobs / f"{name}.log", "wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "core", *argv, "--home", str(home.root)],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    job = Job(
        name=name,
        state="starting",
        pid=child.pid,
        started_ns=time.time_ns(),
        heartbeat_ns=time.time_ns(),
        message="starting",
        logged=True,
    )
    write_atomically(home.jobs / f"{name}.json", msgspec.json.encode(job))
    _children[child.pid] = child
    return job


_children: dict[int, subprocess.Popen[bytes]] = {}


def read(home: Home, name: str) -> Job:
    """What the process `name` last said, corrected by whether it still lives."""
    job = _record(home, name)
    if not job.running:
        return job
    if job.pid in _children:
        _children[job.pid].poll()  # reap it, so that a dead child does not look alive
    if not _alive(job):
        again = _record(home, name)  # it may have ended, or another have begun, between the two looks
        if again.running and again.pid == job.pid:
            return msgspec.structs.replace(again, state="died", message=_last_words(home, again))
        return again
    return job


def stop(home: Home, name: str, timeout_s: float = 10.0) -> Job:
    """Ask the process to end (SIGTERM), wait, and end it by force when it does not."""
    job = read(home, name)
    if not job.running or job.pid is None:
        return job
    for end_it, wait_s in ((psutil.Process.terminate, timeout_s), (psutil.Process.kill, 5.0)):
        with contextlib.suppress(psutil.NoSuchProcess):
            end_it(psutil.Process(job.pid))
        # its lock says when it is gone: a dead child that its parent has not asked after still has its pid
        until = time.monotonic() + wait_s
        while (after := read(home, name)).running and time.monotonic() < until:
            time.sleep(0.02)
        if not after.running:
            break
    if after.running or after.state == "died":
        after = msgspec.structs.replace(after, state="stopped", message="")
        write_atomically(home.jobs / f"{name}.json", msgspec.json.encode(after))
    return after


def _record(home: Home, name: str) -> Job:
    path = home.jobs / f"{name}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Job)
    except FileNotFoundError:
        return Job(name=name)
    except msgspec.MsgspecError as error:
        raise Damaged(f"{path} cannot be read ({error}): delete it") from error


def _alive(job: Job) -> bool:
    """Whether the process that wrote the record still lives. A later process with its pid began after the record did.

    The lock is not asked: a reader that tried it would, for a moment, hold it against the process that wants it.
    """
    try:
        process = psutil.Process(job.pid)
        born_ns = process.create_time() * 1e9
        return process.status() != psutil.STATUS_ZOMBIE and born_ns <= job.started_ns + CLOCK_SLACK_NS
    except psutil.NoSuchProcess:
        return False


def _last_words(home: Home, job: Job) -> str:
    path: Path = home.jobs / f"{job.name}.log"
    lines = path.read_text(errors="replace").strip().splitlines() if job.logged and path.exists() else []
    return lines[-1][:400] if lines else "it ended without a word"
