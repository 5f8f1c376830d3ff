"""Every page in every state of a home: empty, filled, trained, damaged. No state may end in a traceback."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext

import pytest
from streamlit.testing.v1 import AppTest

import models
from core import jobs
from core.config import Home, load_settings
from core.ingestion.store import Quarantined, Reader, Writer
from core.ingestion.ticks import E8, Trade
from core.live import pipeline

Visit = Callable[[Home, str], AppTest]
PAGES = ["app.py", *(f"pages/{n}.py" for n in (
    "1_Live_capture", "2_Threshold_tuning", "3_Training", "4_Evaluation", "5_Drift", "6_Live_monitor", "7_Alert_tuning",
    "8_Time_machine",
))]  # fmt: skip


def words(app: AppTest) -> str:
    """Everything that stands on the page as HTML of our own."""
    return " ".join(str(element.proto.body) for element in app.get("html"))


def buttons(app: AppTest) -> dict[str, str]:
    return {str(b.key): b.label for b in app.button}


@pytest.mark.parametrize("page", PAGES)
def test_opens_in_an_empty_home_and_says_what_to_do(visit: Visit, home: Home, page: str) -> None:
    app = visit(home, page)
    assert not app.exception
    said = words(app)
    assert "yet" in said
    assert buttons(app), "an empty page must offer its one step"


@pytest.mark.parametrize("page", PAGES)
def test_opens_in_a_filled_home(visit: Visit, full: Home, page: str) -> None:
    app = visit(full, page)
    assert not app.exception
    assert 'data-box="bad"' not in words(app)


@pytest.mark.parametrize("page", PAGES)
def test_opens_with_a_champion(visit: Visit, crowned: Home, page: str) -> None:
    app = visit(crowned, page)
    assert not app.exception
    assert 'data-box="bad"' not in words(app)


@pytest.mark.parametrize("page", PAGES)
def test_a_damaged_home_is_one_sentence_not_a_traceback(visit: Visit, home: Home, page: str) -> None:
    home.settings_file.parent.mkdir(parents=True)
    home.settings_file.write_text("{")
    app = visit(home, page)
    assert not app.exception
    assert words(app).count('data-box="bad"') == 1
    assert "mend it or delete it" in words(app)


def test_training_says_what_it_will_learn_from_before_the_click(visit: Visit, full: Home) -> None:
    app = visit(full, "pages/3_Training.py")
    said = words(app)
    assert all(f'<td class="t">{split}</td>' in said for split in ("train", "validation", "test"))
    n = len(models.discover())
    assert buttons(app)["train"] == f"Train {n} models"
    app.checkbox(key="model_xgboost").uncheck().run()
    assert buttons(app)["train"] == f"Train {n - 1} models"


def test_the_click_asks_for_exactly_what_the_page_says(
    visit: Visit, full: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(jobs, "start", lambda _home, name, argv: asked.append((name, list(argv))))
    app = visit(full, "pages/3_Training.py")
    app.checkbox(key="model_zscore").uncheck().run()
    app.button(key="train").click().run()
    ((name, argv),) = asked
    assert name == "train"
    assert argv[argv.index("--models") + 1].split(",") == [name for name in models.discover() if name != "zscore"]
    assert argv[argv.index("--quantile") + 1] == "0.95"
    assert argv[argv.index("--venue") + 1] == "embedded"


def test_use_this_tau_is_saved(visit: Visit, full: Home) -> None:
    app = visit(full, "pages/2_Threshold_tuning.py")
    assert load_settings(full).tau_bps is None
    app.button(key="use_tau").click().run()
    assert not app.exception
    saved = load_settings(full).tau_bps
    assert saved is not None
    assert saved > 0
    assert app.button(key="use_tau").disabled


def test_another_label_forgets_tau(visit: Visit, crowned: Home) -> None:
    app = visit(crowned, "pages/2_Threshold_tuning.py")
    app.selectbox(key="label").select("tick_std").run()
    assert not app.exception
    assert load_settings(crowned).label == "tick_std"
    assert load_settings(crowned).tau_bps is None


def test_the_leaky_label_is_named_as_leaky(visit: Visit, full: Home) -> None:
    app = visit(full, "pages/2_Threshold_tuning.py")
    app.selectbox(key="label").select("next_row").run()
    assert "leaky" in words(app)
    assert "leaky" in words(visit(full, "pages/3_Training.py"))


def test_scores_are_never_without_base_rate_rows_and_verdict(visit: Visit, crowned: Home) -> None:
    said = words(visit(crowned, "pages/4_Evaluation.py"))
    for word in ("base rate", "lift", "rows", "spikes", "not checked"):
        assert word in said


def test_theta_is_saved_and_makes_nothing_stale(visit: Visit, crowned: Home) -> None:
    app = visit(crowned, "pages/6_Live_monitor.py")
    app.slider(key="theta").set_value(0.7).run()
    assert load_settings(crowned).theta == pytest.approx(0.7)
    assert "stale" not in words(app).replace("does not make the champion stale", "")


def test_without_a_capture_the_monitor_shows_no_number(visit: Visit, crowned: Home) -> None:
    said = words(visit(crowned, "pages/6_Live_monitor.py"))
    cell = said.split('data-cell="P(spike)"')[1].split("</div>")[0]
    assert "no data" in cell


def test_start_capture_keeps_what_was_chosen(visit: Visit, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(pipeline, "start_capture", lambda _home, settings: asked.append(settings))
    app = visit(home, "pages/1_Live_capture.py")
    app.selectbox(key="speed").select(300.0).run()
    app.number_input(key="seed").set_value(7).run()
    app.button(key="start_capture").click().run()
    assert not app.exception
    (settings,) = asked
    assert (settings.feed, settings.speed, settings.seed) == ("embedded", 300.0, 7)


def test_a_dead_capture_says_why(visit: Visit, home: Home) -> None:
    home.jobs.mkdir(parents=True)
    record = {"name": "capture", "state": "failed", "message": "the disk is full: free some space"}
    (home.jobs / "capture.json").write_text(json.dumps(record))
    said = words(visit(home, "pages/1_Live_capture.py"))
    assert "the disk is full: free some space" in said


@pytest.mark.parametrize("trouble", ["cannot store: the disk is full", "cannot seal: the disk is full"])
def test_a_capture_that_cannot_store_or_seal_says_so(visit: Visit, home: Home, trouble: str) -> None:
    with jobs.hold(home, "capture") as me:
        me.beat(None, "receiving", every_s=0, feed="coinbase_exchange", products=["BTC-USD"], trouble=trouble)
        said = words(visit(home, "pages/1_Live_capture.py"))
    assert f"The capture {trouble}" in said


def test_a_refused_click_is_one_sentence(visit: Visit, home: Home) -> None:
    app = visit(home, "pages/1_Live_capture.py")
    app.button(key="import_file").click().run()
    assert not app.exception
    assert "No path was given" in words(app)


def test_the_capture_page_shows_the_ledger_what_adds_up_and_bytes_that_do_nothing(visit: Visit, full: Home) -> None:
    now = time.time_ns()
    script = b'{"x":"<script>alert(1)</script>"}' + b"\xff" * 500
    with Writer(full) as writer:
        source = writer.source("capture", "coinbase_exchange")
        last = next(high for _, _, high in Reader(full).trade_bounds("embedded"))
        lost = {"venue": "embedded", "product": "BTC-USD", "price": E8, "size": E8, "exch_ts_ns": now}
        writer.append(
            source, [Trade(trade_id=last + 8, **lost)], [Quarantined(now, "not a frame of this feed", script)]
        )
    fields = {"stored": 90, "duplicates": 7, "quarantined": 2, "shed": 1, "received": 100, "queued": 0}
    full.jobs.mkdir(parents=True, exist_ok=True)
    (full.jobs / "capture.json").write_text(json.dumps({"name": "capture", "state": "done", "fields": fields}))
    app = visit(full, "pages/1_Live_capture.py")
    assert not app.exception
    said = words(app)
    assert "100 received = 90 stored, 7 held already, 2 in quarantine, 1 shed." in said
    assert "1 gap since" in said
    assert '<td class="t">trade id</td><td class="">7</td><td class="t">open</td>' in said
    assert "free" in said
    assert "<script>" not in said
    assert "&lt;script&gt;" in said
    assert "\\xff ..." in said


def test_what_takes_long_says_what_is_being_done(visit: Visit, crowned: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def spinner(words: str, **_: object) -> nullcontext[None]:
        said.append(words)
        return nullcontext()

    def stepping(words: str) -> nullcontext[Callable[[float, str], None]]:
        said.append(words)
        return nullcontext(lambda _share, words: said.append(words))

    monkeypatch.setattr("ui.parts.st.spinner", spinner)
    for module in ("question", "replayed"):  # by its name: functions of these names hide the modules
        monkeypatch.setattr(sys.modules[f"ui.loaders.{module}"], "stepping", stepping)
    monkeypatch.setattr(pipeline, "start_capture", lambda _home, _settings: None)
    (market,) = Reader(crowned).markets()
    reading = f"Reading {market.ticks + market.trades:,} events"
    visit(crowned, PAGES[2])
    assert said[0] == reading and said[1].startswith("Labelling 1,")
    said.clear()
    visit(crowned, PAGES[3])
    assert said[:2] == [f"{reading} …", reading] and said[2].startswith("Labelling 1,")
    said.clear()
    visit(crowned, PAGES[8])
    assert said[0] == reading and said[1].startswith("Finding the spikes of ")
    assert said[2].startswith("Asking logistic at each of ")
    said.clear()
    visit(crowned, PAGES[1]).button(key="start_capture").click().run()
    assert said == ["Starting the capture and the embedded exchange …"]
