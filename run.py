#!/usr/bin/env python3
"""Set Tremor up and run it, with nothing but Python 3.11, 3.12 or 3.13.

    python3 run.py [--port N] [--home DIR] [--no-browser]    the app, on this machine only
    python3 run.py test [--all] [pytest arguments]           the tests; --all with the slow ones
    python3 run.py check                                     lint, format and types
Each makes .venv and installs the locked packages first, and again only when a lock or the Python version changed.
(This file must parse on Python 3.6, in order to say in one sentence that it is too old.)
"""

import argparse
import contextlib
import functools
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from pathlib import Path

try:
    import fcntl
except ImportError:
    fcntl = None

ROOT = Path(__file__).resolve().parent
APP_LOCK, DEV_LOCK = "requirements.lock", "requirements-dev.lock"
QUIET = {
    "DO_NOT_TRACK": "true",  # Evidently, MLflow and others that honour it
    "ITERATIVE_DO_NOT_TRACK": "true",  # the library behind Evidently's counter
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    "GIT_PYTHON_REFRESH": "quiet",  # MLflow warns at every start where there is no git
    "OMP_WAIT_POLICY": "passive",  # XGBoost's waiting threads spin otherwise: 19 s in place of 1 s on a busy machine
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}
say = functools.partial(print, flush=True)


class Stop(Exception):
    """The set-up cannot go on; the text is one sentence that says what to do."""


def refuse_old(version, which=shutil.which):
    """Raise Stop when Tremor does not run on this Python, with one that this machine has where there is one."""
    if not (3, 11) <= tuple(version[:2]) <= (3, 13):
        found = [name for name in ("python3.13", "python3.12", "python3.11") if which(name)]
        advice = "this machine has one, so try: %s run.py" % found[0] if found else "install one and run this with it"
        raise Stop("Tremor runs on Python 3.11, 3.12 and 3.13, and this is %d.%d: %s" % (*version[:2], advice))


def environment(home=None):
    """The variables of every process Tremor starts: no library counts its users; a home where one was chosen."""
    variables = dict(os.environ, **QUIET)
    if home is not None:
        variables["TREMOR_HOME"] = str(Path(home).expanduser().resolve())
    return variables


def digest(*paths):
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(paths))).hexdigest()


def find_uv():
    """The command of a uv that works (a pyenv shim may be there and not work), or None."""
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    candidates = [[path] for path in [shutil.which("uv")] if path] + [[sys.executable, "-m", "uv"]]
    return next((c for c in candidates if subprocess.call(c + ["--version"], **silent) == 0), None)


def run_logged(command, log, progress=lambda: "  still at it", every_s=15):
    """Run `command` with its output in the file `log`; say `progress()` now and then. Returns the exit code."""
    with open(str(log), "ab") as file:
        child = subprocess.Popen(command, cwd=str(ROOT), env=environment(), stdout=file, stderr=file, close_fds=False)
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return child.wait(timeout=every_s)
            say(progress())
    finally:
        child.terminate()  # means nothing to one that has ended
        child.wait()


def take_turns(held):
    """Two set-ups would take each other's .venv away: the second waits, also for the pip of one that was killed."""
    if fcntl:
        os.set_inheritable(held.fileno(), True)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Another set-up of this folder is still running: waiting for it.")
            fcntl.flock(held, fcntl.LOCK_EX)


class Venv:
    """The folder .venv. What is in it is believed only as far as its stamp says, and the stamp is written last."""

    def __init__(self, root=ROOT, version=sys.version_info[:2], run=run_logged, uv=find_uv, free=None):
        self.root, self.folder, self.version = root, root / ".venv", "%d.%d" % tuple(version[:2])
        self.python = self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self.stamp, self.unfinished, self.log = (self.folder / n for n in ("tremor.json", "unfinished", "setup.log"))
        self.run, self.uv, self.free = run, uv, free or (lambda: shutil.disk_usage(str(root)).free)

    def said(self):
        """What the stamp says, {} where there is none."""
        with contextlib.suppress(OSError, ValueError):
            return json.loads(self.stamp.read_text())
        return {}

    def write(self, **fields):
        """Add `fields` to the stamp, in one step."""
        new = self.stamp.with_suffix(".new")
        new.write_text(json.dumps(dict(self.said(), **fields), indent=1))
        os.replace(str(new), str(self.stamp))

    def ready(self, locks):
        """Whether all of `locks` are installed, as they read now, for this Python."""
        if self.unfinished.exists() or not self.python.exists() or self.said().get("python") != self.version:
            return False
        return all(self.said()["locks"].get(name) == digest(self.root / name) for name in locks)

    def unusable(self):
        """Whether the folder must go: an interrupted set-up, a Python that is gone, or one of another version."""
        config = self.folder / "pyvenv.cfg"
        if self.unfinished.exists() or not self.python.exists() or not config.exists():
            return self.folder.exists()
        return not re.search(r"^version(_info)? = %s\." % re.escape(self.version), config.read_text(), re.MULTILINE)

    def install(self, locks):
        """Make the folder hold `locks`, the last of which contains the others, unless it does. Raises Stop."""
        with open(str(self.root / APP_LOCK)) as held:
            take_turns(held)
            if self.ready(locks):
                return
            if self.unusable():
                say("Removing a .venv that is half made or of another Python.")
                shutil.rmtree(str(self.folder))
            if not self.folder.exists() and self.free() < 2e9:
                raise Stop("The packages take 1.5 GB and only %.1f GB are free here." % (self.free() / 1e9))
            self.folder.mkdir(exist_ok=True)
            self.unfinished.write_text("")  # removed at the very end: whoever finds it starts over
            self.fill(self.root / locks[-1])
            self.write(python=self.version, locks={name: digest(self.root / name) for name in locks})
            self.unfinished.unlink()

    def fill(self, lock):
        """Make the environment and install `lock` into it: with uv where there is one that can, else with pip."""
        total = len([line for line in lock.read_text().splitlines() if "==" in line and "win32" not in line])
        began, uv = time.monotonic(), self.uv()

        def progress():
            done = len(list(self.folder.glob("[Ll]ib/**/site-packages/*.dist-info")))
            return "  %d s: %d of about %d packages in place" % (time.monotonic() - began, done, total)

        def installed(*command):
            return self.run(list(command) + ["--requirement", str(lock)], self.log, progress) == 0

        say("Installing about %d packages into .venv, %s." % (total, "about a minute" if uv else "one to five minutes"))
        if uv:
            self.make("--without-pip")
        if not uv or not installed(*uv, "pip", "install", "--python", str(self.python)):
            if uv:
                say("uv could not install them; trying pip.")
            self.make()
            if not installed(str(self.python), "-m", "pip", "install", "--no-input", "--retries", "2"):
                raise Stop(why(self.log.read_text(errors="replace"), self.log))
        say("Installed in %d s." % (time.monotonic() - began))

    def make(self, *options):
        base = getattr(sys, "_base_executable", None) or sys.executable
        if self.run([base, "-m", "venv", *options, str(self.folder)], self.log) != 0:
            debian = "on Debian and Ubuntu: sudo apt install python%s-venv" % self.version
            raise Stop("This Python has no working venv module: install it (%s); details in %s." % (debian, self.log))


def why(text, log):
    """One sentence for a failed installation whose log reads `text`."""
    if "No space left" in text:
        return "The disk is full, and the packages take 1.5 GB; details in %s." % log
    if re.search("name resolution|resolve host|dns error|Failed to establish|refused|unreachable|timed out", text):
        return "The package index cannot be reached: check the network and run it again; details in %s." % log
    return "Installing the packages failed: run it again, or read what happened in %s." % log


def prepare(venv, home=None, database=True):
    """Copy plotly.js, compile what numba compiles and create the home's MLflow database, when one is missing."""
    sources = [p for part in ("core/features", "exchange/simulator") for p in (venv.root / part).glob("**/*.py")]
    kernel = digest(venv.root / APP_LOCK, *sources)
    root = Path(environment(home).get("TREMOR_HOME") or venv.root)
    missing = [str(root)] if database and not (root / "mlflow.db").exists() else []
    if not missing and venv.said().get("kernel") == kernel and (venv.root / "static" / "plotly.min.js").exists():
        return
    say("Compiling%s: up to a minute, once." % (" and creating the MLflow database" if missing else ""))
    if venv.run([str(venv.python), str(venv.root / "run.py"), "prepare"] + missing, venv.log) == 0:
        venv.write(kernel=kernel)
    else:
        say("That failed, so the first training or forecast will be slower; details in %s." % venv.log)


def prepare_inside(homes):
    """The part of `prepare` that runs in .venv."""
    import plotly

    from core.config import Home
    from core.features import dataset
    from core.training import tracking
    from exchange.simulator import Simulator

    target = ROOT / "static" / "plotly.min.js"
    shutil.copyfile(str(Path(plotly.__file__).parent / "package_data" / target.name), str(target) + ".new")
    os.replace(str(target) + ".new", str(target))
    dataset.warm_up()
    next(Simulator().events())
    for home in homes:
        tracking.set_up(Home.resolve(home))


def free_port(wanted=None, first=8501):
    """`wanted`, or the first free port from `first` on. Raises Stop when `wanted` is taken."""
    for port in [wanted] if wanted else range(first, first + 100):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(os.name != "nt"))
            with contextlib.suppress(OSError):
                trial.bind(("127.0.0.1", port))
                return port
    raise Stop("Port %s is taken: choose another with --port, or leave it out." % (wanted or "8501 to 8600"))


def answers(port):
    """Whether something listens on `port` of this machine."""
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def launch(venv, options):
    """Start the app and stay with it until it ends or is interrupted. Returns its exit code."""
    port = free_port(options.port)
    command = [str(venv.python), "-m", "streamlit", "run", str(venv.root / "app.py"), "--server.address", "127.0.0.1"]
    command += ["--server.port", str(port), "--server.headless", "true", "--logger.hideWelcomeMessage", "true"]
    child = subprocess.Popen(command, cwd=str(venv.root), env=environment(options.home))
    try:
        while child.poll() is None and not answers(port):
            time.sleep(0.2)
        if child.poll() is None:
            say("Tremor is at http://127.0.0.1:%d (Ctrl+C ends it; a capture or monitor it has started goes on)" % port)
            screen = sys.platform in ("win32", "darwin") or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
            if screen and "CI" not in os.environ and not options.no_browser:
                webbrowser.open("http://127.0.0.1:%d" % port)
        return child.wait()
    except KeyboardInterrupt:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=10)
        child.kill()
        return 0


def main(arguments):
    refuse_old(sys.version_info)
    verb = arguments[0] if arguments and arguments[0] in ("test", "check", "prepare") else "app"
    parser = argparse.ArgumentParser(prog="run.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--port", type=int, help="default: 8501, or the next free one")
    parser.add_argument("--home", help="the folder everything is stored below (default: TREMOR_HOME, or this one)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    if verb == "prepare":
        return prepare_inside(arguments[1:])
    options = parser.parse_args(arguments) if verb == "app" else None
    venv = Venv()
    venv.install([APP_LOCK] if verb == "app" else [APP_LOCK, DEV_LOCK])
    if verb == "check":
        tools = (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"])
        return max([subprocess.call([str(venv.python), "-m"] + t, cwd=str(ROOT), env=environment()) for t in tools])
    if verb == "test":  # all of them on two cores, in order: the walk through the browser, a long one, comes first
        prepare(venv, database=False)
        two = "-n2 --dist=loadfile --no-loadscope-reorder".split() * all(a.startswith("-") for a in arguments[1:])
        command = [str(venv.python), "-m", "pytest", *two, *arguments[1:]]
        os.chdir(str(ROOT))
        if os.name == "nt":
            return subprocess.call(command, env=environment())
        os.execve(command[0], command, environment())  # so that pytest's signals and exit code are its own
    prepare(venv, options.home)
    return launch(venv, options)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell may have set both aside for a process in the background
        signal.signal(number, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except (Stop, OSError) as error:
        sys.exit("run.py: %s" % error)
    except KeyboardInterrupt:
        sys.exit(130)
