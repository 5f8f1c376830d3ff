"""The libraries together: that they import, that the locks keep the caps, and that none of them calls anyone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import run

ROOT = run.ROOT
LOCKS = ("requirements.lock", "requirements-dev.lock")


def requirements(name: str) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def pins(name: str) -> dict[str, set[str]]:
    """Package to its locked versions: more than one where the Python version decides."""
    versions: dict[str, set[str]] = {}
    for requirement in requirements(name):
        versions.setdefault(requirement.name.lower(), set()).add(str(requirement.specifier))
    return versions


def python(code: str, *arguments: str) -> str:
    """What `code` prints in a Python of its own, with the variables that run.py sets."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=ROOT, env=run.environment()
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def outside(versions: set[str], specifier: SpecifierSet) -> list[str]:
    return [pin for pin in versions if not specifier.contains(pin.removeprefix("=="))]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_exact_and_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.search(r"https?://|--index|--find-links|--extra|file:|@ ", text)
    assert len(pins(lock)) > 100
    assert [name for name, versions in pins(lock).items() if not all(v.startswith("==") for v in versions)] == []


@pytest.mark.parametrize(("wanted", "lock"), [("requirements.txt", LOCKS[0]), ("requirements-dev.txt", LOCKS[1])])
def test_what_is_asked_for_is_what_is_locked(wanted: str, lock: str) -> None:
    locked = pins(lock)
    assert {r.name: outside(locked[r.name], r.specifier) for r in requirements(wanted)} == {
        r.name: [] for r in requirements(wanted)
    }


def test_a_pin_outside_its_cap_is_seen() -> None:
    assert outside({"==3.1.0"}, SpecifierSet(">=3.0.6,<3.1")) == ["==3.1.0"]


def test_the_tests_lock_holds_all_of_the_apps() -> None:
    app, dev = pins(LOCKS[0]), pins(LOCKS[1])
    assert {name: versions for name, versions in app.items() if dev.get(name) != versions} == {}


def test_no_gpu_libraries_are_locked() -> None:
    assert "xgboost-cpu" in pins(LOCKS[0])
    assert [name for name in pins(LOCKS[0]) if name.startswith("nvidia") or name == "xgboost"] == []


def test_caps_that_no_resolver_knows_are_there() -> None:
    asked = {r.name: r.specifier for r in requirements("requirements.txt")}
    assert not asked["pandas"].contains("3.1.0")  # Evidently 0.7 does not import on it
    assert not asked["plotly"].contains("6.0.0")


CALLS = """
import json, socket, sys, threading
tried = []

def local(host):
    return host in (None, "", "localhost") or str(host).startswith("127.") or str(host) == "::1"

def refuse(name, real, host_of):
    def watched(*args, **kwargs):
        if not local(host_of(args)):
            tried.append(f"{name} {host_of(args)}")
            raise OSError("no network in this test")
        return real(*args, **kwargs)
    return watched

def address(args):
    return args[1][0] if isinstance(args[1], tuple) else None

class Watched(socket.socket):
    connect = refuse("connect", socket.socket.connect, address)
    connect_ex = refuse("connect_ex", socket.socket.connect_ex, address)
    sendto = refuse("sendto", socket.socket.sendto, lambda args: args[-1][0] if isinstance(args[-1], tuple) else None)

socket.socket = Watched
socket.getaddrinfo = refuse("getaddrinfo", socket.getaddrinfo, lambda args: args[0])
socket.gethostbyname = refuse("gethostbyname", socket.gethostbyname, lambda args: args[0])
exec(sys.argv[1])
for thread in threading.enumerate():
    if thread is not threading.current_thread():
        thread.join(2)
print()
print(json.dumps(tried))
"""
USE = """
import pathlib, tempfile
import mlflow, evidently, pandas, sklearn, xgboost
from evidently.presets import DataDriftPreset
from mlflow.telemetry import get_telemetry_client
from streamlit import config
holder = tempfile.TemporaryDirectory()
folder = pathlib.Path(holder.name)
frame = pandas.DataFrame({"rv_60": [0.1 * i for i in range(60)]})
report = evidently.Report([DataDriftPreset()]).run(frame, frame)
report.save_html(str(folder / "drift.html"))
print(json.dumps({
    "gathers_usage": config.get_option("browser.gatherUsageStats"),
    "mlflow_counts": get_telemetry_client() is not None,
    "metrics": len(report.dict()["metrics"]),
    "fetches": "src=\\"http" in (folder / "drift.html").read_text(),
}))
"""


def calls(code: str) -> list[str]:
    """The hosts that `code` tries to reach outside this machine."""
    return json.loads(python(CALLS, code).splitlines()[-1])


@pytest.fixture(scope="module")
def stack() -> tuple[dict[str, object], list[str]]:
    """What a use of all the heavy libraries gave, and whom it tried to call."""
    lines = [line for line in python(CALLS, USE).splitlines() if line]
    return json.loads(lines[-2]), json.loads(lines[-1])


def test_evidently_imports_on_the_locked_pandas_and_makes_a_report(stack: tuple[dict[str, object], list[str]]) -> None:
    assert isinstance(stack[0]["metrics"], int)
    assert stack[0]["metrics"] >= 1
    assert stack[0]["fetches"] is False


@pytest.mark.parametrize(
    "name", ["socket.create_connection(('203.0.113.1', 9), 1)", "socket.getaddrinfo('a.invalid', 9)"]
)
def test_a_call_outside_would_be_seen(name: str) -> None:
    assert len(calls(f"import contextlib, socket\nwith contextlib.suppress(OSError): {name}")) == 1


def test_no_library_calls_anyone_or_counts_its_users(stack: tuple[dict[str, object], list[str]]) -> None:
    assert stack[1] == []
    assert stack[0]["gathers_usage"] is False
    assert stack[0]["mlflow_counts"] is False


def test_the_mlflow_store_is_made_without_a_call(tmp_path: Path) -> None:
    code = f"""
from core.config import Home
from core.training import tracking
tracking.set_up(Home.resolve({str(tmp_path)!r}))
"""
    assert calls(code) == []
    assert (tmp_path / "mlflow.db").exists()
