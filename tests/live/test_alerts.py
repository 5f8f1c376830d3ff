"""Alerts of the live monitor: the evaluation's rule, kept once, settled by what came, and sent without holding it
up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from core.config import Home, Settings, save_settings
from core.errors import TremorError
from core.evaluation.events import Alarm, episodes
from core.features import dataset
from core.features.bars import SECOND_NS
from core.ingestion.store import Reader, Writer
from core.live import alerts, sinks
from core.live.alerts import Alert, Ledger
from core.live.forecasts import Log, table
from core.live.monitor import Monitor
from core.training import registry
from core.training.infer import forecasts
from tests.live.conftest import crown
from tests.live.market import ticks
from tests.live.test_escrow import forecast


def alert(second: int = 1, **changes: object) -> Alert:
    fields: dict[str, object] = {
        "venue": "coinbase", "product": "BTC-USD", "bar_end_ns": second * SECOND_NS, "model": "m-1", "p": 0.7,
        "theta": 0.5, "tau_bps": 8.7, "horizon_s": 60, "mid": 91_000.0, "raised_ns": 5,
    }  # fmt: skip
    return Alert(**(fields | changes))  # type: ignore[arg-type]


def middling(home: Home, meta: registry.Meta) -> float:
    """An alert probability that the model's forecasts cross now and then."""
    history = dataset.bars(Reader(home), "coinbase", "BTC-USD")
    made = forecasts(registry.load(home, meta.name)[0], meta, history, "coinbase", "BTC-USD", 0.5)
    return float(made.rows["p"].tail(900).median())


@pytest.mark.parametrize("relative", [False, True], ids=["bps", "relative"])
def test_live_alerts_are_those_of_the_rule_on_all_forecasts_and_are_settled_as_the_evaluation_counts(
    home: Home, relative: bool
) -> None:
    events = ticks(3400, seed=3 if relative else 0)
    with Writer(home) as writer:
        source = writer.source("capture", "made up")
        writer.append(source, events[:5000])
        meta = crown(home, "zscore", 0.8, relative=relative)
        theta = middling(home, meta)
        asked = {"tau_relative": meta.tau_relative} if relative else {"tau_bps": meta.tau_bps}
        save_settings(home, Settings(theta=theta, theta_model=meta.name, cooldown_s=20, rearm=0.95, **asked))
        for at in range(5000, 6800, 300):  # a new monitor now and then, as after a restart
            monitor = Monitor(home, clock_ns=lambda: 7)
            monitor.step()
            if at == 5000:  # what lies before the first start is no news
                begun_ns = int(table(home, model=meta.name)["bar_end_ns"].to_numpy().max())
            for i in range(at, at + 300, 37):
                writer.append(source, events[i : min(i + 37, at + 300)])
                monitor.step()
            monitor.close()
    found = alerts.recent(home, "coinbase", "BTC-USD", 1000)[::-1]
    made = table(home, model=meta.name).to_pandas()
    made = made[made["bar_end_ns"] > begun_ns]
    history = dataset.bars(Reader(home), "coinbase", "BTC-USD")
    at = np.searchsorted(history.bar_end_ns, made["bar_end_ns"])
    whole = Alarm(theta, 20, 0.95).push_all(made["bar_end_ns"].to_numpy(), history.session[at], made["p"].to_numpy())
    said = set(made["bar_end_ns"][whole])
    assert len(found) >= 5 and said == {a.bar_end_ns for a in found}, "a restart rings nothing anew and forgets nothing"
    features = dataset.table(history)
    volatility = features[dataset.formulas.NAMES.index("rv_60")]
    taus = meta.asked.standing(features, history.bar_end_ns, history.session)
    starts = history.bar_end_ns[
        episodes(history.bar_end_ns, history.session, volatility, tau_bps=taus, horizon_s=60).start
    ]
    assert relative == (np.unique(taus[~np.isnan(taus)]).size > 1)
    for a in found:
        ahead = starts[(starts > a.bar_end_ns) & (starts <= a.bar_end_ns + 60 * SECOND_NS)]
        if a.outcome == "right":
            assert a.lead_s == (ahead[0] - a.bar_end_ns) / SECOND_NS
        elif a.outcome == "false":
            assert not ahead.size
        else:
            assert a.outcome is None and a.bar_end_ns + 60 * SECOND_NS > history.bar_end_ns[-1]
    assert {a.outcome for a in found} >= {"right", "false"}


def test_what_a_model_left_open_that_is_gone_does_not_keep_the_monitor_from_starting(filled: Home) -> None:
    meta = crown(filled, "zscore")
    end = int(dataset.bars(Reader(filled), "coinbase", "BTC-USD").bar_end_ns[-100])
    ledger = Ledger(filled)
    ledger.append([alert(end // SECOND_NS, model="gone-1", tau_bps=1e9)])
    ledger.close()
    log = Log(filled)
    log.append([forecast(end // SECOND_NS, model="gone-1")])
    log.close()
    monitor = Monitor(filled, clock_ns=lambda: 7)
    assert monitor.step()["model"] == meta.name
    monitor.close()
    (settled,) = alerts.recent(filled, "coinbase", "BTC-USD")
    assert (settled.model, settled.outcome) == ("gone-1", "unknown")


def test_an_alert_is_kept_once_and_seen_when_somebody_says_so(home: Home) -> None:
    ledger = Ledger(home)
    assert ledger.append([alert(1), alert(2)]) == [alert(1), alert(2)]
    assert ledger.append([alert(2, p=0.9), alert(3)]) == [alert(3)]
    ledger.settle([(alert(1), "right", 12.0), (alert(2), "false", None)])
    assert ledger.open("coinbase", "BTC-USD") == [alert(3)]
    ledger.close()
    assert alerts.acknowledge(home, "coinbase", "BTC-USD", 99) == 3
    assert alerts.acknowledge(home, "coinbase", "BTC-USD", 100) == 0
    third, second, first = alerts.recent(home, "coinbase", "BTC-USD")
    assert (first.outcome, first.lead_s, first.seen_ns) == ("right", 12.0, 99)
    assert (second.outcome, third.outcome) == ("false", None)


def test_the_newest_alerts_hold_all_those_of_a_span(home: Home) -> None:
    ledger = Ledger(home)
    ledger.append([alert(n) for n in range(1, 9)])
    ledger.close()
    newest = alerts.recent(home, "coinbase", "BTC-USD")
    since = newest[5].bar_end_ns
    assert alerts.recent(home, "coinbase", "BTC-USD", 2) == newest[:2]
    assert alerts.recent(home, "coinbase", "BTC-USD", 2, since) == newest[:5]
    assert alerts.recent(home, "coinbase", "BTC-USD", 6, since) == newest[:6]


def test_a_home_without_alerts_has_none(home: Home) -> None:
    assert alerts.recent(home, "coinbase", "BTC-USD") == [] and alerts.acknowledge(home, "c", "B", 1) == 0
    Log(home).close()  # forecasts of a version before alerts
    assert alerts.recent(home, "coinbase", "BTC-USD") == [] and alerts.deliveries(home, "c", "B", 0) == []


class Fails:
    """A service that delivers at the n-th attempt."""

    def __init__(self, name: str, at: int) -> None:
        self.name, self.at, self.tried, self.bodies = name, at, 0, []

    def send(self, title: str, body: str) -> bool:
        self.tried += 1
        self.bodies.append(body)
        return self.tried >= self.at


def test_a_delivery_that_fails_is_tried_again_and_every_attempt_is_recorded(home: Home) -> None:
    Ledger(home).close()
    told: list[tuple[str, int, bool]] = []
    done = threading.Event()

    def recorded(a: Alert, service: str, attempt: int, at_ns: int, ok: bool) -> None:
        alerts.delivered(home, a, service, attempt, at_ns, ok)
        told.append((service, attempt, ok))
        if service == "last":
            done.set()

    third, never, last = Fails("third", 3), Fails("never", 99), Fails("last", 1)
    post = sinks.Post(home, recorded, find=lambda _: [third, never, last], waits_s=(0.0, 0.001, 0.001))
    assert post.send(alert())
    assert done.wait(10)
    post.close()
    assert told == [
        ("third", 1, False), ("third", 2, False), ("third", 3, True),
        ("never", 1, False), ("never", 2, False), ("never", 3, False), ("last", 1, True),
    ]  # fmt: skip
    assert "P 0.70" in last.bodies[0] and "not advice" in last.bodies[0]
    found = {service: (attempts, ok) for _, service, attempts, ok in alerts.deliveries(home, "coinbase", "BTC-USD", 0)}
    assert found == {"third": (3, True), "never": (3, False), "last": (1, True)}


def test_a_sender_that_hangs_holds_up_nobody(home: Home) -> None:
    held, release = threading.Event(), threading.Event()

    class Hangs:
        name = "hangs"

        def send(self, title: str, body: str) -> bool:
            held.set()
            return release.wait(10)

    post = sinks.Post(home, lambda *_: None, find=lambda _: [Hangs()])
    assert post.send(alert())
    assert held.wait(10)
    assert sum(post.send(alert(i)) for i in range(2000)) == sinks.HELD, "the others are refused, at once"
    release.set()
    post.close()


def test_a_sender_that_breaks_is_said_with_the_next_alert_and_without_its_secrets(home: Home) -> None:
    class Breaks:
        name = "breaks"

        def send(self, title: str, body: str) -> bool:
            raise ConnectionError("https://hooks.example/s3cret")

    post = sinks.Post(home, lambda *_: None, find=lambda _: [Breaks()])
    assert post.send(alert())
    post._thread.join(10)
    with pytest.raises(TremorError, match=r"no more \(ConnectionError\)") as caught:
        post.send(alert(2))
    assert "s3cret" not in str(caught.value)
    post.close()


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[bytes]]]:
    """A service on this machine, and what it was sent."""
    bodies: list[bytes] = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"json://user:s3cret@127.0.0.1:{server.server_port}/t0ken", bodies
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_of_the_file_is_told_and_its_secrets_stay_in_the_file(
    home: Home, webhook: tuple[str, list[bytes]], capfd: pytest.CaptureFixture[str]
) -> None:
    url, bodies = webhook
    home.data.mkdir(parents=True)
    sinks.file(home).write_text(f"# where alerts go\n{url}\nnosuchservice://s3cret\n\n")
    (service,) = sinks.services(home)
    assert sinks.unread(home) == 1
    assert service.name == "JSON (line 1)"
    assert service.send("a title", alert().sentence)
    assert len(bodies) == 1 and b"not advice" in bodies[0]
    assert not [word for word in ("s3cret", "t0ken") if word in service.name + "".join(capfd.readouterr())]


def test_muted_alerts_are_kept_and_not_sent(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Alert] = []
    monkeypatch.setattr(sinks.Post, "send", lambda _self, a: sent.append(a))
    events = ticks(3400)
    with Writer(home) as writer:
        source = writer.source("capture", "made up")
        writer.append(source, events[:5000])
        meta = crown(home, "zscore", 0.8)
        rule = {"theta": middling(home, meta), "theta_model": meta.name, "cooldown_s": 0, "rearm": 1.0}
        save_settings(home, Settings(tau_bps=meta.tau_bps, muted_until_ns=100, **rule))
        clock = [50]
        monitor = Monitor(home, clock_ns=lambda: clock[0])
        monitor.step()
        writer.append(source, events[5000:6000])
        monitor.step()
        quiet = alerts.recent(home, "coinbase", "BTC-USD")
        assert quiet and all(a.muted for a in quiet) and not sent
        clock[0] = 100
        writer.append(source, events[6000:])
        monitor.step()
        monitor.close()
    assert sent and not any(a.muted for a in sent)


def test_the_file_is_named_in_the_homes_data(home: Home) -> None:
    assert sinks.file(home) == Path(home.data / "alert_sinks.conf") and sinks.services(home) == []
