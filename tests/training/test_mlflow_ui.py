"""MLflow's own pages: they answer on the loopback to its own name alone, and end with their job."""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import time
from typing import Any

import msgspec
import psutil
import pytest

from core import jobs
from core.config import Home
from core.errors import TremorError
from core.training import mlflow_ui


def asked(url: str, path: str, host: str = "") -> tuple[int, bytes]:
    with contextlib.closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)) as connection:
        connection.request("GET", path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.mark.slow
def test_the_pages_answer_and_end_with_their_job(mlflow_home: Home) -> None:
    jobs.start(mlflow_home, "mlflow", ["mlflow"])
    try:
        until = time.monotonic() + 120
        while "url" not in (job := jobs.read(mlflow_home, "mlflow")).fields:
            assert job.running and time.monotonic() < until, job.message
            time.sleep(0.2)
        url, number = job.fields["url"], job.fields["experiment"]
        assert asked(url, "/")[0] == 200
        status, said = asked(url, f"/api/2.0/mlflow/experiments/get?experiment_id={number}")
        assert status == 200 and b"crypto_volatility_detection" in said
        assert asked(url, "/", "evil.example")[0] == 403
        assert b'"disable_ui_telemetry":true' in asked(url, "/ajax-api/3.0/mlflow/ui-telemetry")[1]
        listening = [c for p in psutil.Process(job.pid).children(True) for c in p.net_connections() if c.status == "LISTEN"]  # fmt: skip  # noqa: E501
        assert {c.laddr.ip for c in listening} == {"127.0.0.1"}
    finally:
        jobs.stop(mlflow_home, "mlflow")
    assert jobs.read(mlflow_home, "mlflow").state == "stopped" and not psutil.pid_exists(job.fields["server"])


@pytest.mark.slow
def test_the_server_of_a_killed_job_is_ended_by_the_next(mlflow_home: Home) -> None:
    def served(old: int | None = None) -> int:
        jobs.start(mlflow_home, "mlflow", ["mlflow"])
        until = time.monotonic() + 120
        while (server := jobs.read(mlflow_home, "mlflow").fields.get("server")) in (None, old):
            assert time.monotonic() < until
            time.sleep(0.1)
        return int(server)

    try:
        first = served()
        job = psutil.Process(jobs.read(mlflow_home, "mlflow").pid)
        job.kill()
        job.wait(10)
        assert psutil.pid_exists(first)
        assert served(first) != first
        assert not psutil.pid_exists(first) or psutil.Process(first).status() == psutil.STATUS_ZOMBIE
    finally:
        jobs.stop(mlflow_home, "mlflow")


class Dead:
    """A server that ends at once."""

    returncode = 3

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int:
        return self.returncode

    def wait(self, _s: float) -> int:
        return self.returncode


def test_a_server_that_ends_is_a_failure_that_says_where_its_log_is(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def popen(argv: list[str], **more: Any) -> Dead:
        started.append(argv)
        assert more["env"]["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
        return Dead(os.getpid())

    monkeypatch.setattr(mlflow_ui.tracking, "set_up", lambda _home: "7")
    monkeypatch.setattr(mlflow_ui.subprocess, "Popen", popen)
    monkeypatch.setattr(mlflow_ui, "_end", lambda _pid: None)
    with pytest.raises(TremorError, match="did not answer on 127"), jobs.hold(home, "mlflow") as me:
        mlflow_ui.serve(home, me)
    assert jobs.read(home, "mlflow").state == "failed"
    options = dict(zip(started[0], started[0][1:]))
    assert options["--host"] == "127.0.0.1" and options["--workers"] == "1"
    assert options["--allowed-hosts"].split(",")[0] == f"127.0.0.1:{options['--port']}"


def test_what_a_killed_job_left_running_is_ended_and_nothing_else(home: Home) -> None:
    home.jobs.mkdir(parents=True)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        born = psutil.Process(child.pid).create_time()
        mlflow_ui._end_left(home)  # nothing is named
        mlflow_ui._left(home).write_bytes(msgspec.json.encode(mlflow_ui.Left(child.pid, born + 1)))
        mlflow_ui._end_left(home)
        assert child.poll() is None, "another process that was given its number"
        mlflow_ui._left(home).write_bytes(msgspec.json.encode(mlflow_ui.Left(child.pid, born)))
        mlflow_ui._end_left(home)
        assert child.wait(5) != 0
    finally:
        child.kill()
        child.wait()
