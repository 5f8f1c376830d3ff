"""The verb: start, heartbeat, end, and its sentences."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import jobs
from core.__main__ import main, parser
from core.commands.exchange import START, start_ns
from core.config import REPOSITORY, Home
from core.errors import BadInput
from exchange.tape import SECOND_NS

NOW = 1_800_000_000 * SECOND_NS


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_listens_beats_and_ends_cleanly(home: Home, number: signal.Signals) -> None:
    verb = [sys.executable, "-m", "core", "exchange", "--port", "0", "--rest-port", "0", "--start", "-6h"]
    process = subprocess.Popen(
        [*verb, "--speed", "60", "--home", str(home.root), "--json"],
        cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while "port" not in (job := jobs.read(home, "exchange")).fields and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
        fields = job.fields
        assert job.state == "running"
        assert set(fields) == {
            "port", "rest_port", "products", "source", "speed", "market_time_ns", "clients", "sent",
        }  # fmt: skip
        assert (fields["products"], fields["source"], fields["speed"]) == (["BTC-USD"], "simulator", 60)
        assert 0 <= time.time_ns() - fields["market_time_ns"] - 6 * 3600 * SECOND_NS < 30 * 60 * SECOND_NS
        for port in (fields["port"], fields["rest_port"]):
            socket.create_connection(("127.0.0.1", port), 5).close()
        process.send_signal(number)
        out, err = process.communicate(timeout=15)
    finally:
        process.kill()
    assert process.returncode == 0
    assert json.loads(out) == {"source": "simulator", "products": ["BTC-USD"], "sent": 0}
    assert f"exchange: ws://127.0.0.1:{fields['port']} and http://127.0.0.1:{fields['rest_port']}" in err
    assert jobs.read(home, "exchange").state == "stopped"


def test_a_port_in_use_is_one_line_and_exit_1(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["exchange", "--port", port, "--rest-port", "0", "--home", str(home.root)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and f"port {port} on 127.0.0.1 is in use" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--products", "FOO-USD"], "no product FOO-USD"),
        (["--speed", "5000"], "speed is 5000"),
        (["--source", "nothing.parquet"], "no recording nothing.parquet"),
        (["--start", "tomorrow"], "start is tomorrow"),
        (["--facts", "--hours", "0"], "hours is 0"),
        (["--mood", "gloomy"], "no mood gloomy: choose among market, unpredictable, precursors"),
    ],
)
def test_what_it_cannot_do_is_one_sentence(
    home: Home, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(["exchange", "--port", "0", "--rest-port", "0", *arguments, "--home", str(home.root)]) == 1
    assert says in capsys.readouterr().err


def test_the_facts_come_as_one_row_each(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exchange", "--facts", "--hours", "1", "--json", "--home", str(home.root)]) == 0
    rows = json.loads(capsys.readouterr().out)["facts"]
    assert rows[0]["fact"] == "hours of one-second returns" and 0.99 < rows[0]["simulator"] <= 1
    assert len(rows) == 18


def test_starts() -> None:
    assert start_ns(START, NOW) == 1_767_571_200 * SECOND_NS
    assert start_ns("2026-01-05", NOW) == start_ns("2026-01-05T01:00:00+01:00", NOW) == start_ns(START, NOW)
    assert start_ns("now", NOW) == NOW
    assert start_ns("-6h", NOW) == NOW - 6 * 3600 * SECOND_NS
    assert start_ns("-90s", NOW) == NOW - 90 * SECOND_NS
    for wrong in ("2099-01-01", "1960-01-01", "6h", "-6", "-99999999d"):
        with pytest.raises(BadInput):
            start_ns(wrong, NOW)


def test_the_command_line_takes_a_time_ago_and_refuses_a_port_that_is_none(tmp_path: Path) -> None:
    args = parser().parse_args(["exchange", "--start", "-6h", "--home", str(tmp_path)])
    assert (args.start, args.port, args.rest_port, args.seed, args.speed) == ("-6h", 8765, 8766, 0, 1.0)
    assert args.products == "BTC-USD" and args.source == "simulator"
    with pytest.raises(SystemExit):
        parser().parse_args(["exchange", "--port", "70000"])
