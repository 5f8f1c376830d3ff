"""MLflow's own pages on this home's runs, on 127.0.0.1 alone, for as long as the job "mlflow" lives."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil

from core.config import Home, write_atomically
from core.errors import TremorError
from core.jobs import Holder
from core.training import tracking

HOST = "127.0.0.1"
ANSWERS_WITHIN_S = 120.0
"""A cold start took 12 s on two idle cores."""


class Left(msgspec.Struct, frozen=True):
    """A server that runs, in a file of its own: a job's record is written anew by the next one. `born` tells it from
    another process that was given its number."""

    pid: int
    born: float


def _left(home: Home) -> Path:
    return home.jobs / "mlflow.server"


def serve(home: Home, me: Holder) -> None:
    """Start the server on a free port, say where once it answers, and wait until it ends or this process is stopped.

    A server that a killed job left running is ended first. The fields of the job `me` then hold `url`, and
    `experiment`, the id of this home's.

    Raises
    ------
    TremorError
        If the server ends by itself, or does not answer within two minutes.
    """
    me.beat(0.1, "opening MLflow's database", every_s=0)
    _end_left(home)
    experiment = tracking.set_up(home)
    port = _free_port()
    argv = [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", home.mlflow_uri, "--host", HOST,
        "--port", str(port), "--workers", "1", "--allowed-hosts", f"{HOST}:{port},localhost:{port}",
        "--default-artifact-root", home.mlflow_artifacts.as_uri(),
    ]  # fmt: skip
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # its queue would start processes of its own
    server = subprocess.Popen(argv, cwd=home.root, env=os.environ | quiet, start_new_session=True)
    try:
        left = Left(server.pid, psutil.Process(server.pid).create_time())
        write_atomically(_left(home), msgspec.json.encode(left))
        me.beat(0.4, "starting MLflow's server", every_s=0, server=server.pid)
        began = time.monotonic()
        while not _answers(port):
            if server.poll() is not None or time.monotonic() - began > ANSWERS_WITHIN_S:
                raise TremorError(f"MLflow's server did not answer on {HOST}:{port}: its log is data/jobs/mlflow.log")
            time.sleep(0.2)
        me.beat(1.0, f"answers at http://{HOST}:{port}", every_s=0, url=f"http://{HOST}:{port}", experiment=experiment)
        while server.poll() is None:
            me.beat(every_s=5)
            time.sleep(0.5)
        raise TremorError(f"MLflow's server ended with {server.returncode}: its log is data/jobs/mlflow.log")
    finally:
        _end(server.pid)
        server.wait(10)
        _left(home).unlink(missing_ok=True)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


def _answers(port: int) -> bool:
    """Whether the server says that it is well."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    return False


def _end_left(home: Home) -> None:
    """End the server that an earlier job left, and its workers where it has ended without them: no other process is
    given its number as long as they have it as their group's."""
    try:
        left = msgspec.json.decode(_left(home).read_bytes(), type=Left)
    except (FileNotFoundError, msgspec.MsgspecError):
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        if psutil.Process(left.pid).create_time() != left.born:
            return
    _end(left.pid)


def _end(leader: int, within_s: float = 5.0) -> None:
    """End a server and the processes of its group: asked first, then by force."""
    for how, wait_s in ((signal.SIGTERM, within_s), (signal.SIGKILL, 1.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader, how)
        until = time.monotonic() + wait_s
        while _members(leader) and time.monotonic() < until:
            time.sleep(0.05)


def _members(group: int) -> list[int]:
    """Living processes of a group."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


__all__ = ["HOST", "serve"]
