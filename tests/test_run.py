"""run.py: what it installs and when, what it says when it cannot, and that it starts and ends the app."""

from __future__ import annotations

import ast
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import run

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
APP, DEV = [run.APP_LOCK], [run.APP_LOCK, run.DEV_LOCK]


class Fake:
    """Stands for the commands that run.py would start: makes what `-m venv` makes, and fails where told to."""

    def __init__(self, root: Path, fails: str = "", log: str = "", raises: BaseException | None = None) -> None:
        self.root, self.fails, self.log, self.raises = root, fails, log, raises
        self.commands: list[str] = []

    def __call__(self, command: list[str], log: Path, *_: object) -> int:
        line = " ".join(command)
        self.commands.append(line)
        if self.fails and self.fails in line:
            log.write_text(self.log)
            if self.raises:
                raise self.raises
            return 1
        if "-m venv" in line:
            python = Path(command[-1]) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
            python.parent.mkdir(parents=True, exist_ok=True)
            python.write_text("")
            (Path(command[-1]) / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {VERSION}.4\n")
        return 0

    def ran(self, part: str) -> int:
        return sum(part in line for line in self.commands)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / run.APP_LOCK).write_text("a==1\nb==2 ; sys_platform == 'win32'\n")
    (tmp_path / run.DEV_LOCK).write_text("a==1\npytest==9\n")
    (tmp_path / "core" / "features").mkdir(parents=True)
    (tmp_path / "core" / "features" / "windows.py").write_text("WINDOWS = 1\n")
    return tmp_path


def venv(root: Path, commands: Fake, version: object = sys.version_info[:2], **more: object) -> run.Venv:
    return run.Venv(root, version, run=commands, **({"uv": lambda: None, "free": lambda: 9e12} | more))


def test_it_parses_on_a_python_that_is_too_old() -> None:
    ast.parse((run.ROOT / "run.py").read_text(), feature_version=(3, 6))


@pytest.mark.parametrize("version", [(3, 6), (3, 10, 13), (3, 14), (4, 0)])
def test_another_python_is_refused_in_one_sentence(version: tuple[int, ...]) -> None:
    with pytest.raises(run.Stop, match=rf"3\.11, 3\.12 and 3\.13, and this is {version[0]}\.{version[1]}: install one"):
        run.refuse_old(version, which=lambda _: None)
    with pytest.raises(run.Stop, match=r"so try: python3\.12 run\.py"):
        run.refuse_old(version, which=lambda name: name == "python3.12")
    assert [run.refuse_old((3, minor, 1)) for minor in (11, 12, 13)] == [None] * 3


def test_the_refusal_is_all_that_is_said() -> None:
    code = "import sys, runpy; sys.version_info = (3, 9, 1); runpy.run_path(sys.argv[1], run_name='__main__')"
    told = subprocess.run([sys.executable, "-c", code, run.ROOT / "run.py"], capture_output=True, text=True)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith("run.py: Tremor runs on Python 3.11")
    assert len(told.stderr.splitlines()) == 1


def test_it_installs_once(root: Path) -> None:
    commands = Fake(root)
    venv(root, commands).install(APP)
    assert commands.ran("-m venv") == 1
    assert commands.ran(f"-m pip install --no-input --retries 2 --requirement {root / run.APP_LOCK}") == 1
    venv(root, commands).install(APP)
    assert len(commands.commands) == 2


def test_it_installs_again_when_the_lock_has_changed(root: Path) -> None:
    commands = Fake(root)
    venv(root, commands).install(APP)
    (root / run.APP_LOCK).write_text("a==2\n")
    assert not venv(root, commands).ready(APP)
    venv(root, commands).install(APP)
    assert commands.ran("pip install") == 2
    assert venv(root, commands).ready(APP)


def test_the_tests_lock_holds_the_apps_but_not_the_other_way_round(root: Path) -> None:
    commands = Fake(root)
    venv(root, commands).install(APP)
    assert not venv(root, commands).ready(DEV)
    venv(root, commands).install(DEV)
    assert commands.ran(run.DEV_LOCK) == 1
    assert venv(root, commands).ready(APP)


def test_another_python_gets_a_new_environment(root: Path) -> None:
    venv(root, Fake(root)).install(APP)
    (root / ".venv" / "old").write_text("")
    newer = (sys.version_info[0], sys.version_info[1] + 1)
    assert not venv(root, Fake(root), newer).ready(APP)
    venv(root, Fake(root), newer).install(APP)
    assert not (root / ".venv" / "old").exists()


@pytest.mark.parametrize("stage", ["-m venv", "pip install"])
def test_an_interrupted_set_up_is_not_believed(root: Path, stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        venv(root, Fake(root, stage, raises=KeyboardInterrupt())).install(APP)
    (root / ".venv" / "half").write_text("")
    assert not venv(root, Fake(root)).ready(APP)
    commands = Fake(root)
    venv(root, commands).install(APP)
    assert "Removing a .venv that is half made" in capsys.readouterr().out
    assert not (root / ".venv" / "half").exists()
    assert commands.ran("-m venv") == 1
    assert venv(root, commands).ready(APP)


def test_a_stamp_that_cannot_be_read_is_none(root: Path) -> None:
    venv(root, Fake(root)).install(APP)
    venv(root, Fake(root)).stamp.write_text("")
    assert not venv(root, Fake(root)).ready(APP)


def test_an_interrupted_update_is_not_believed_either(root: Path) -> None:
    venv(root, Fake(root)).install(APP)
    before = (root / run.APP_LOCK).read_text()
    (root / run.APP_LOCK).write_text("a==2\n")
    with pytest.raises(KeyboardInterrupt):
        venv(root, Fake(root, "pip install", raises=KeyboardInterrupt())).install(APP)
    (root / run.APP_LOCK).write_text(before)
    assert not venv(root, Fake(root)).ready(APP)


def test_an_environment_someone_else_made_is_kept_and_filled(root: Path) -> None:
    commands = Fake(root)
    commands(["python", "-m", "venv", str(root / ".venv")], root / "log")
    (root / ".venv" / "mine").write_text("")
    venv(root, commands).install(APP)
    assert (root / ".venv" / "mine").exists()


def test_an_environment_whose_python_is_gone_is_made_again(root: Path) -> None:
    venv(root, Fake(root)).install(APP)
    venv(root, Fake(root)).python.unlink()
    venv(root, commands := Fake(root)).install(APP)
    assert commands.ran("-m venv") == 1


@pytest.mark.skipif(os.name == "nt", reason="locks of POSIX")
def test_a_set_up_waits_for_the_pip_of_one_that_was_killed(root: Path, tmp_path: Path) -> None:
    said, go_on = tmp_path / "said", tmp_path / "go_on"
    orphan = f"import pathlib, time\nwhile not pathlib.Path({str(go_on)!r}).exists(): time.sleep(0.01)"
    code = f"""
import os, run, subprocess, sys
with open({str(root / run.APP_LOCK)!r}) as held:
    run.take_turns(held)
    subprocess.Popen([sys.executable, "-c", {orphan!r}], close_fds=False)
    os._exit(9)
"""
    subprocess.run([sys.executable, "-c", code], cwd=run.ROOT, stdout=subprocess.DEVNULL)
    wait = f"import run\nwith open({str(root / run.APP_LOCK)!r}) as held: run.take_turns(held)\nrun.say('done')"
    with said.open("w") as out, subprocess.Popen([sys.executable, "-c", wait], cwd=run.ROOT, stdout=out) as second:
        while not said.read_text():
            assert second.poll() is None
        assert said.read_text().startswith("Another set-up of this folder is still running")
        go_on.touch()
        assert second.wait(timeout=20) == 0
    assert said.read_text().endswith("done\n")


def test_a_missing_venv_module_names_debians_package(root: Path) -> None:
    with pytest.raises(run.Stop, match=rf"no working venv module.*sudo apt install python{VERSION}-venv"):
        venv(root, Fake(root, "-m venv", "ensurepip is not available")).install(APP)


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        ("Temporary failure in name resolution", "package index cannot be reached: check the network"),
        ("error sending request: dns error", "package index cannot be reached"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("No matching distribution found for a==1", "Installing the packages failed"),
    ],
)
def test_a_failed_installation_says_why_and_where_its_log_is(root: Path, log: str, sentence: str) -> None:
    with pytest.raises(run.Stop, match=sentence) as stopped:
        venv(root, Fake(root, "pip install", log)).install(APP)
    assert str(root / ".venv" / "setup.log") in str(stopped.value)
    assert not venv(root, Fake(root)).ready(APP)


def test_too_small_a_disk_is_said_before_anything_is_made(root: Path) -> None:
    with pytest.raises(run.Stop, match=r"1\.5 GB and only 0\.4 GB are free"):
        venv(root, Fake(root), free=lambda: 4e8).install(APP)
    assert not (root / ".venv").exists()


def test_uv_is_used_where_it_is_and_pip_where_it_fails(root: Path) -> None:
    commands = Fake(root)
    venv(root, commands, uv=lambda: ["uv"]).install(APP)
    assert commands.ran("uv pip install") == 1
    assert commands.ran("-m pip") == 0
    commands = Fake(root, "uv pip install", "cannot reach")
    venv(root, commands, uv=lambda: ["uv"]).install(DEV)
    assert commands.ran("-m pip install") == 1


def test_it_prepares_only_what_is_missing(root: Path) -> None:
    commands = Fake(root)
    environment = venv(root, commands)
    environment.install(APP)
    home = root / "home"
    run.prepare(environment, home)
    assert commands.commands[-1].endswith(f"run.py prepare {home.resolve()}")
    count = len(commands.commands)
    for made in (home / "mlflow.db", root / "static" / "plotly.min.js"):
        made.parent.mkdir(exist_ok=True)
        made.write_text("")
    run.prepare(environment, home)
    assert len(commands.commands) == count
    (root / "core" / "features" / "windows.py").write_text("WINDOWS = 2\n")
    run.prepare(environment, home)
    assert commands.commands[count:] == [f"{environment.python} {root / 'run.py'} prepare"]


def test_a_failed_preparation_is_said_and_tried_again(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = venv(root, Fake(root, "prepare", "ImportError"))
    environment.install(APP)
    run.prepare(environment, root)
    assert "That failed, so the first training" in capsys.readouterr().out
    assert "kernel" not in environment.said()


def test_the_next_free_port_is_taken_unless_one_was_asked_for() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert taken < run.free_port(first=taken) < taken + 100
        with pytest.raises(run.Stop, match=f"Port {taken} is taken"):
            run.free_port(taken)


def test_every_child_is_told_to_call_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DO_NOT_TRACK", "false")
    variables = run.environment(tmp_path)
    assert {name: variables[name] for name in run.QUIET} == run.QUIET
    assert variables["TREMOR_HOME"] == str(tmp_path)


FAKE_STREAMLIT = """
import os, socket, sys, time
open("started", "w").write("%d %s" % (os.getpid(), os.environ["TREMOR_HOME"]))
listener = socket.create_server(("127.0.0.1", int(sys.argv[sys.argv.index("--server.port") + 1])))
time.sleep(60)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_app_starts_says_where_and_ends_with_run(root: Path, number: int) -> None:
    (root / "run.py").write_text((run.ROOT / "run.py").read_text())
    (root / "streamlit.py").write_text(FAKE_STREAMLIT)
    environment = venv(root, Fake(root))
    environment.install(APP)
    environment.python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    environment.python.chmod(0o755)
    for made in ("mlflow.db", "static/plotly.min.js"):
        (root / made).parent.mkdir(exist_ok=True)
        (root / made).write_text("")
    sources = [root / run.APP_LOCK, root / "core" / "features" / "windows.py"]
    environment.stamp.write_text(json.dumps(environment.said() | {"kernel": run.digest(*sources)}))
    command = [sys.executable, "run.py", "--no-browser", "--home", str(root)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as app:
        assert app.stdout is not None
        try:
            assert app.stdout.readline().startswith("Tremor is at http://127.0.0.1:")
            pid, home = (root / "started").read_text().split(" ", 1)
            app.send_signal(number)
            assert app.wait(timeout=20) == 0
        finally:
            app.kill()
    assert home == str(root)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
