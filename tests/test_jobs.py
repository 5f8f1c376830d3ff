import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core import jobs
from core.config import Home
from core.errors import Busy, Damaged, NotEnough

ROOT = Path(__file__).resolve().parents[1]
HOLD = """
import sys, time
from core import jobs
from core.config import Home
with jobs.hold(Home.resolve(sys.argv[1]), "train") as me:
    me.beat(0.25, "round 1 of 4", rows=7, every_s=0)
    print("held", flush=True)
    time.sleep(60)
"""


def holder(home: Home) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.root)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def until(true: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not (done := true()) and time.monotonic() < end:
        time.sleep(0.02)
    return done


def test_what_never_ran_is_none(home: Home) -> None:
    assert jobs.read(home, "train").state == "none"
    assert jobs.stop(home, "train").state == "none"


def test_a_running_process_is_seen_from_outside_and_refuses_a_second(home: Home) -> None:
    child = holder(home)
    try:
        job = jobs.read(home, "train")
        assert (job.state, job.pid, job.progress, job.message) == ("running", child.pid, 0.25, "round 1 of 4")
        assert job.fields == {"rows": 7}
        with pytest.raises(Busy, match=f"pid {child.pid}") as refused, jobs.hold(home, "train"):
            pass
        assert refused.value.pid == child.pid
        with pytest.raises(Busy):
            jobs.start(home, "train", ["status"])
        with jobs.hold(home, "drift"):
            pass
    finally:
        child.kill()
        child.communicate()


def test_a_killed_process_has_died_and_its_place_is_free(home: Home) -> None:
    child = holder(home)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert jobs.read(home, "train").state == "died"
    with jobs.hold(home, "train") as me:
        me.end("done", "all well", {"models": 3})
    job = jobs.read(home, "train")
    assert (job.state, job.message, job.result) == ("done", "all well", {"models": 3})


def test_an_error_is_kept_as_one_sentence_and_goes_on(home: Home) -> None:
    with pytest.raises(NotEnough), jobs.hold(home, "train"):
        raise NotEnough("have 3 rows, need 20")
    job = jobs.read(home, "train")
    assert (job.state, job.message) == ("failed", "have 3 rows, need 20")
    with pytest.raises(KeyboardInterrupt), jobs.hold(home, "train"):
        raise KeyboardInterrupt
    assert jobs.read(home, "train").state == "stopped"


def test_beats_are_throttled_to_the_disk_but_the_last_word_is_written(home: Home) -> None:
    with jobs.hold(home, "train") as me:
        for i in range(1000):
            me.beat(i / 1000, every_s=60)
        assert jobs.read(home, "train").progress == 0
    assert jobs.read(home, "train").progress == 0.999


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_full_disk_ends_no_work_and_its_word_gets_through(
    home: Home, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """A new file has no room, the old record's own block has; and a longer word, and a shorter one, is whole."""

    def refuse(path: Path, content: bytes) -> None:
        raise OSError(code, "no")

    with jobs.hold(home, "capture") as me:
        me.beat(message="receiving", every_s=0)
        with monkeypatch.context() as patch:
            patch.setattr("core.config.DISK.write", refuse)
            for message in ("cannot store: " + "the disk is full " * 20, "short"):
                me.beat(message=message, every_s=0, stored=5)
                said = jobs.read(home, "capture")
                assert (said.message, said.fields, said.state) == (message, {"stored": 5}, "running")
        me.beat(message="receiving", every_s=0)
        assert jobs.read(home, "capture").message == "receiving"


def test_a_verb_is_started_and_stopped(home: Home) -> None:
    started = jobs.start(home, "exchange", ["exchange", "--port", "0", "--rest-port", "0"])
    assert started.state == "starting"
    assert until(lambda: jobs.read(home, "exchange").state == "running")
    assert jobs.read(home, "exchange").pid == started.pid
    assert jobs.stop(home, "exchange").state == "stopped"
    assert jobs.read(home, "exchange").state == "stopped"


def test_a_verb_that_cannot_start_says_why(home: Home) -> None:
    jobs.start(home, "train", ["train", "--models", "nothing of the kind"])
    assert until(lambda: not jobs.read(home, "train").running)
    job = jobs.read(home, "train")
    assert job.state in ("failed", "died")
    assert "no ticks" in job.message or "nothing of the kind" in job.message


def test_one_that_ignores_the_request_is_ended_by_force_also_when_its_parent_never_asks_after_it(home: Home) -> None:
    code = HOLD.replace("import sys, time", "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    child = subprocess.Popen([sys.executable, "-c", code, str(home.root)], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert until(lambda: jobs.read(home, "train").state == "running")
        assert jobs.stop(home, "train", timeout_s=0.2).state == "stopped"  # a zombie by now: nobody has waited for it
        assert jobs.read(home, "train").state == "stopped"
    finally:
        child.kill()
        child.communicate()


def test_looking_takes_the_place_from_nobody(home: Home) -> None:
    child = holder(home)
    child.kill()
    child.communicate()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            jobs.read(home, "train")

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(100):
            with jobs.hold(home, "train"):
                assert jobs.read(home, "train").state == "running"
    finally:
        over.set()
        for looker in lookers:
            looker.join()


def test_the_last_words_are_those_of_the_process_that_died(home: Home) -> None:
    child = holder(home)
    (home.jobs / "train.log").write_text("an older run's last line")
    child.kill()
    child.communicate()
    assert jobs.read(home, "train").message == "it ended without a word"


def test_a_damaged_record_is_named(home: Home) -> None:
    home.jobs.mkdir(parents=True)
    (home.jobs / "train.json").write_text('{"name": "tr')
    with pytest.raises(Damaged, match="delete it"):
        jobs.read(home, "train")
