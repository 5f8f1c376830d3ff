"""The sample day: what is in it, that it is the simulator's own tape, and that a capture goes on after it."""

from __future__ import annotations

import time

import msgspec
import pytest

from core.__main__ import main
from core.commands.sample import sample
from core.config import Home, Settings
from core.errors import BadInput
from core.evaluation import evidence
from core.evaluation.evaluate import stood_on
from core.features import dataset
from core.features.bars import Sampler
from core.features.labels import Question
from core.ingestion.store import Reader
from core.live import pipeline
from exchange.simulator.columns import tape
from tests.pages.filled import fill

DAY_NS = 86_400 * 10**9
NOW_NS = 1_795_500_000 * 10**9
"""Some hours into a UTC day."""


def test_a_sample_day_is_the_end_of_the_day_before_now_and(home: Home) -> None:
    told: list[float] = []
    made = sample(home, 0.5, None, NOW_NS, lambda share, _words: told.append(share))
    (market,) = Reader(home).markets()
    assert (market.venue, market.product) == ("embedded", "BTC-USD")
    assert market.ticks == made["ticks"] > 3_000
    assert made["end_ns"] % DAY_NS == 0
    assert NOW_NS - DAY_NS < made["end_ns"] <= NOW_NS
    assert made["end_ns"] - made["start_ns"] == 1800 * 10**9
    assert made["start_ns"] <= market.first_ns < market.last_ns < made["end_ns"]
    assert (made["duplicates"], made["quarantined"], made["sessions"]) == (0, 0, 1)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    assert list((home.data / "uploads").iterdir()) == [], "the recording is made anew from its seed"


def test_the_whole_day_holds_enough_spikes_and_episodes_in_every_split_for_a_training() -> None:
    bars = Sampler().push(tape(seed=0, hours=24.0, start_ns=NOW_NS - DAY_NS))
    rows = dataset.label(bars, Question("rv", 60), "embedded", "BTC-USD")
    spike = rows.rows["forward_vol_bps"].to_numpy() >= rows.threshold(Settings())
    meter = evidence.meter(stood_on(rows.rows, spike, 60))
    assert meter.enough
    assert all(part.enough and part.spikes >= 300 and part.episodes >= 5 for part in meter.splits)


def test_it_is_what_a_capture_of_the_same_seed_and_start_would_have_stored(home: Home) -> None:
    made = sample(home, 0.5, 3, NOW_NS, lambda *_: None)
    other = Home(home.root.with_name("other"))
    fill(other, 1800, made["start_ns"], seed=3)
    columns = [home, other]
    tapes = [Reader(one).tape("embedded", "BTC-USD") for one in columns]
    assert len(tapes[0]) == len(tapes[1])
    for name in ("kind", "ts_ns", "price", "bid", "ask", "size", "side"):
        assert (getattr(tapes[0], name) == getattr(tapes[1], name)).all()


def test_a_capture_after_it_has_another_path_and_goes_on_with_its_trade_ids(home: Home) -> None:
    made = sample(home, 0.5, None, NOW_NS, lambda *_: None)
    highest = Reader(home).trade_bounds("embedded")[0][2]
    assert made["seed"] == 0
    assert pipeline.next_tape(home, "BTC-USD", 0) == (1, highest)
    assert pipeline.next_tape(home, "ETH-USD", 0) == (2, None), "a product's first tape forgets no other's seeds"
    used = msgspec.json.decode((home.data / pipeline.USED_SEEDS).read_bytes())
    assert used == [0, 1, 2]


def test_a_home_with_a_simulated_market_is_refused_with_its_size(home: Home) -> None:
    fill(home, 30, NOW_NS - DAY_NS)
    ticks = Reader(home).markets()[0].ticks
    with pytest.raises(BadInput, match=f"{ticks:,} simulated ticks of BTC-USD are in this home already"):
        sample(home, 0.5, None, NOW_NS, lambda *_: None)


def test_the_verb_tells_what_it_did_and_refuses_a_day_of_no_length(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sample", "--hours", "0.5", "--seed", "5", "--home", str(home.root), "--json"]) == 0
    said = capsys.readouterr()
    assert '"seed": 5' in said.out
    assert "simulated ticks" in said.err
    assert Reader(home).markets()[0].last_ns < time.time_ns()
    assert main(["sample", "--hours", "25", "--home", str(home.root)]) == 1
    assert "0.5 to 24" in capsys.readouterr().err
