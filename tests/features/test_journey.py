"""Decisions on the threshold: kept whole through every cut, and called out when they no longer mean what they meant."""

from __future__ import annotations

import re

import msgspec
import numpy as np
import pandas as pd
import pytest

from core import config
from core.config import Home, load_settings
from core.errors import BadInput, Damaged
from core.features import journey
from core.features.dataset import Labelled, label
from core.features.journey import Decision
from core.features.labels import Question, events
from tests.features import tapes

NOW = 1_795_500_000 * 10**9


def made(n: int = 2500, seed: int = 0) -> Labelled:
    return label(tapes.bars(n, seed), Question(), "made up", "BTC-USD")


def rows(train: np.ndarray, size: int = 0) -> Labelled:
    """Rows with these forward volatilities in train and one quiet row in the other parts, padded to `size`."""
    quiet = np.full(max(size - train.size, 2), 0.1)
    frame = pd.DataFrame({"forward_vol_bps": np.concatenate([train, quiet]), "session": 0})
    frame["split"] = ["train"] * train.size + ["validation"] + ["test"] * (quiet.size - 1)
    frame["bar_end_ns"] = np.arange(len(frame)) * 10**9
    return Labelled(frame, ("rv_60",), (), Question(), "made up", "BTC-USD", "d")


@pytest.mark.parametrize("relative", [False, True])
def test_a_decision_holds_what_tau_meant_and_is_in_force(home: Home, relative: bool) -> None:
    on = made().asked(relative)
    tau = on.tau_of(0.9)
    journey.decide(home, on, tau, "  a  first\nlook ", NOW)
    (kept,) = journey.read(home)
    settings = load_settings(home)
    assert (settings.tau_relative if relative else settings.tau_bps) == tau == kept.tau
    assert (settings.tau_bps if relative else settings.tau_relative) is None
    assert (kept.why, kept.decided_ns, kept.relative, kept.size) == ("a first look", NOW, relative, len(on.rows))
    for split, part in on.rows.assign(spike=on.spikes(tau)).groupby("split"):
        assert (kept.rows[split], kept.spikes[split]) == (len(part), int(part["spike"].sum()))
        assert kept.episodes[split] == events(part["spike"].to_numpy(), part["bar_end_ns"].to_numpy(), 60)
    assert kept.percentile == pytest.approx(100 * float((on.quantity("train") < tau).mean()), abs=1e-3)
    assert journey.behind([kept], on, tau) == kept
    assert journey.behind([kept], made().asked(not relative), tau) is None
    assert journey.behind([kept], on, None) is None
    assert journey.advice(kept, on) is None


def test_lines_are_added_and_never_changed(home: Home) -> None:
    on = made()
    for i, q in enumerate((0.8, 0.9, 0.95)):
        before = home.journey_file.read_bytes() if i else b""
        journey.decide(home, on, on.tau_of(q), str(i), NOW + i)
        assert (
            home.journey_file.read_bytes().startswith(before) and home.journey_file.read_bytes().count(b"\n") == i + 1
        )
    assert [d.why for d in journey.read(home)] == ["0", "1", "2"]
    assert journey.of_market(journey.read(home), "made up", "ETH-USD") == []


@pytest.mark.parametrize("failing", ["write", "sync", "rename"])
def test_a_cut_leaves_the_old_journey_and_the_old_tau(
    home: Home, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    on = made()
    journey.decide(home, on, 2.0, "kept", NOW)
    before = home.journey_file.read_bytes()

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(config.DISK, failing, full)
        with pytest.raises(OSError, match="no space"):
            journey.decide(home, on, 3.0, "lost", NOW)
    assert home.journey_file.read_bytes() == before and load_settings(home).tau_bps == 2.0
    journey.decide(home, on, 3.0, "again", NOW)
    assert [d.why for d in journey.read(home)] == ["kept", "again"]


def test_a_damaged_journey_is_said_and_not_written_over(home: Home) -> None:
    home.data.mkdir(parents=True)
    home.journey_file.write_text('{"decided_ns": 1')
    with pytest.raises(Damaged, match="mend its 1 lines or move it away"):
        journey.read(home)
    with pytest.raises(Damaged):
        journey.decide(home, made(), 2.0, "", NOW)
    assert home.journey_file.read_text() == '{"decided_ns": 1'
    assert load_settings(home).tau_bps is None


def test_what_is_no_decision_is_refused() -> None:
    for tau in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(BadInput, match="a number above 0"):
            journey.decision(made(), tau, "", NOW)
    with pytest.raises(BadInput, match="201 characters: keep it to 200"):
        journey.decision(made(), 2.0, "x" * 201, NOW)


def then(volatility: np.ndarray, tau: float) -> Decision:
    return journey.decision(rows(volatility), tau, "", NOW)


RAMP = np.linspace(0.005, 9.995, 1000)


def test_a_market_that_moved_is_called_out_with_both_percentiles_and_the_tau_that_keeps_the_old_one() -> None:
    found = journey.advice(then(RAMP, 9.0), rows(RAMP / 1.05))
    assert found is not None and found.moved
    assert "τ 9.00 bps was P90.0" in found.sentence and "it is P94.5" in found.sentence
    assert "1.8 times rarer" in found.sentence and "of 1,000 training rows on 24 Nov" in found.sentence
    same = float(re.findall(r"P90.0 is ([0-9.]+) bps now: set that, or keep 9.00", found.sentence)[0])
    again = float((same <= RAMP / 1.05).mean())
    assert again == pytest.approx(float((RAMP >= 9.0).mean()), abs=0.01)
    louder = journey.advice(then(RAMP, 9.0), rows(RAMP * 1.5))
    assert louder is not None and "4.0 times more frequent" in louder.sentence
    gone = journey.advice(then(RAMP, 9.0), rows(RAMP / 10))
    assert gone is not None and "none of today's 1,000 reaches it" in gone.sentence


def test_rows_that_have_doubled_are_said_once_and_calmly() -> None:
    found = journey.advice(then(RAMP, 9.0), rows(RAMP, size=2004))
    assert found is not None and not found.moved
    assert "2,004 rows, 2.0 times the 1,002" in found.sentence and "so it holds" in found.sentence


@pytest.mark.parametrize("scale", [0.98, 1.0, 1.02])
def test_it_is_silent_when_well(scale: float) -> None:
    assert journey.advice(then(RAMP, 9.0), rows(RAMP * scale, size=1900)) is None


def test_a_line_of_an_older_journey_reads_without_a_multiple() -> None:
    line = msgspec.to_builtins(then(RAMP, 9.0))
    del line["tau_relative"]
    assert msgspec.convert(line, Decision).relative is False
