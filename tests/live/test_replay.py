"""A replay of a stored stretch is the live run to the bit, and what was changed since is found."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.__main__ import main
from core.config import Home, Settings, save_settings
from core.errors import BadInput, NotThere
from core.features import dataset
from core.features.bars import SECOND_NS
from core.ingestion.store import Reader, Writer
from core.live import alerts, escrow
from core.live.agreement import agreements
from core.live.forecasts import table
from core.live.monitor import Monitor
from core.live.replay import NEVER, Replay, between, pieces, raised, replay, stamp
from core.live.step import levels
from core.live.tail import Stretch
from core.training import registry
from tests.features.tapes import same
from tests.live.conftest import crown
from tests.live.market import START_S, fill, ticks
from tests.live.test_alerts import middling

LAST_S = START_S + 10_000


class Lived:
    """A home in which monitors ran: two of them, one after the other, the second through a change of champion; two
    silences; events that came late and out of order; the store filled in pieces of any size."""

    def __init__(self, home: Home) -> None:
        self.home = home
        events = ticks(3000, silences=(2600, 2920))
        late = [events.pop(5300)]  # a tick that comes two seconds after its own
        events[5303:5303] = late
        with Writer(home) as writer:
            source = writer.source("capture", "made up")
            writer.append(source, events[:5000])
            self.shadow = crown(home, "zscore", 0.8, relative=True)
            self.first = crown(home, "logistic", 0.8)
            self.theta = middling(home, self.first)
            save_settings(home, Settings(quantile=0.8, theta=self.theta, theta_model=self.first.name, cooldown_s=20))
            now = [7]
            monitor = Monitor(home, clock_ns=lambda: now[0])
            for i in range(5000, 5460, 23):
                monitor.step()
                writer.append(source, events[i : i + 23])
                now[0] += 250
            monitor.close()
            writer.append(source, events[5460:5600])  # nobody watches
            monitor = Monitor(home, clock_ns=lambda: now[0])  # one that starts late
            monitor.step()
            for i in range(5600, len(events), 61):
                if i == 5600 + 61:
                    self.second = crown(home, "ratios", 0.8)
                writer.append(source, events[i : i + 61])
                monitor.step()
                now[0] += 250
            monitor.close()

    def replayed(self, model: str | None = None) -> Replay:
        return replay(self.home, from_ns=START_S * SECOND_NS, to_ns=LAST_S * SECOND_NS, model=model)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return Lived(Home(tmp_path_factory.mktemp("lived") / "home"))


@pytest.fixture
def copy(lived: Lived, tmp_path: Path) -> Home:
    """The home of `lived`, to be changed."""
    other = Home(tmp_path / "copy")
    for name in ("data", "models"):
        shutil.copytree(lived.home.root / name, other.root / name)
    return other


def test_every_live_forecast_is_replayed_to_the_bit(lived: Lived) -> None:
    logged = table(lived.home).to_pandas()
    found = {a.model: a for a in agreements(lived.home, lived.replayed())}
    assert set(found) == {lived.shadow.name, lived.first.name, lived.second.name} == set(logged["model"])
    for name, said in found.items():
        assert (said.live, said.equal, said.different) == ((logged["model"] == name).sum(),) * 2 + (0,), said.first
    assert found[lived.first.name].live > 300 and found[lived.second.name].live > 150
    assert found[lived.second.name].absent > 2000, "bars that nobody forecast live are not counted as equal"
    again = lived.replayed(lived.second.name)
    mine = logged[logged["model"] == lived.second.name]
    at = np.searchsorted(again.bars.bar_end_ns, mine["bar_end_ns"])
    assert same(again.p[at], mine["p"].to_numpy(np.float64)), "what the page draws is what is compared"
    assert mine["p"].isna().any(), "warming up after the silences too"
    assert ["" if again.doubt[i] is None else again.doubt[i] for i in at] == mine["doubt"].fillna("").tolist()
    assert 0 < mine["doubt"].notna().sum() < len(mine), "what live did not trust the replay does not either"
    relative = logged[(logged["model"] == lived.shadow.name) & logged["p"].notna()]
    assert relative["tau_bps"].nunique() > 50, "a relative τ is another one at each bar"


@pytest.mark.parametrize(
    ("change", "field"),
    [("p = p * (1 + 4e-16)", "p is"), ("vol_bps = vol_bps * (1 + 1e-15)", "vol_bps is"), ("mid = mid + 0.01", "mid is"),
     ("tau_bps = 1", "tau_bps is"), ("bar_end_ns = bar_end_ns + 1", "a bar that the replay does not have")],
)  # fmt: skip
def test_one_changed_row_is_found_by_the_hashes_and_by_the_replay(
    lived: Lived, copy: Home, change: str, field: str
) -> None:
    assert escrow.verify(copy).broken is None
    with closing(sqlite3.connect(copy.forecasts_db)) as connection:
        row = "seq = (SELECT min(seq) FROM forecasts WHERE p > 0 AND seq > 300)"
        (model, bar) = connection.execute(f"SELECT model, bar_end_ns FROM forecasts WHERE {row}").fetchone()
        assert connection.execute(f"UPDATE forecasts SET {change} WHERE {row}").rowcount == 1
        connection.commit()
    assert "was changed after it was written" in str(escrow.verify(copy).broken)
    wrong = [a for a in agreements(copy, lived.replayed()) if a.different]
    assert [(a.model, a.different) for a in wrong] == [(model, 1)]
    assert wrong[0].first is not None and field in wrong[0].first and stamp(bar) in wrong[0].first


def test_a_changed_tick_is_found_by_the_replay_alone(copy: Home) -> None:
    with closing(sqlite3.connect(copy.ticks_db)) as connection:
        assert connection.execute("UPDATE events SET bid = bid - 500000000 WHERE seq = 5100").rowcount == 1
        connection.commit()
    assert escrow.verify(copy).broken is None
    made = replay(copy, from_ns=START_S * SECOND_NS, to_ns=LAST_S * SECOND_NS)
    assert sum(a.different for a in agreements(copy, made)) > 10


def test_a_model_that_is_gone_is_named_and_counts_as_nothing(lived: Lived, copy: Home) -> None:
    shutil.rmtree(copy.artifacts / lived.shadow.name)
    gone = next(a for a in agreements(copy, lived.replayed()) if a.model == lived.shadow.name)
    assert gone.live > 0 and (gone.equal, gone.different) == (0, 0) and "not in this home" in str(gone.why)


@pytest.mark.parametrize("name", ["first", "shadow"])
def test_any_part_of_the_stretch_has_the_bits_of_the_whole(lived: Lived, name: str) -> None:
    whole = lived.replayed(getattr(lived, name).name)
    ends = whole.bars.bar_end_ns

    @settings(max_examples=12)  # each example reads the store
    @given(st.integers(0, len(ends) - 1), st.integers(0, 900))
    def parts(a: int, n: int) -> None:
        b = min(a + n, len(ends) - 1)
        part = replay(lived.home, from_ns=int(ends[a]), to_ns=int(ends[b]), model=whole.meta.name)
        cut = slice(a, b + 1)
        assert part.bars.bar_end_ns[: part.asked].tolist() == ends[cut].tolist()
        for field in ("p", "vol_bps", "tau_bps", "standing_bps", "forward_bps"):
            assert same(getattr(part, field)[: part.asked], getattr(whole, field)[cut])
        assert (part.age[: part.asked] == whole.age[cut]).all()
        assert part.doubt[: part.asked] == whole.doubt[cut]
        assert (part.starts[: part.asked] == whole.starts[cut]).all(), "an episode that is on at the cut starts none"

    parts()


def test_alerts_are_those_that_the_monitor_kept_and_their_fate_is_that_of_the_ledger(lived: Lived) -> None:
    again = lived.replayed(lived.first.name)
    ends = again.bars.bar_end_ns
    kept = [a for a in alerts.recent(lived.home, "coinbase", "BTC-USD", 999)[::-1] if a.model == lived.first.name]
    mine = raised(again, lived.theta, cooldown_s=20)
    assert {a.bar_end_ns for a in kept} & set(ends[mine.at].tolist()), "some of both are the same"
    for theta in np.nanquantile(again.p, (0.3, 0.7, 0.9)).tolist():
        made = raised(again, theta, cooldown_s=20)
        asked = [
            alerts.Alert(
                venue="coinbase", product="BTC-USD", bar_end_ns=int(ends[i]), model="m", p=float(again.p[i]),
                theta=theta, tau_bps=float(again.tau_bps[i]), horizon_s=60, mid=1.0, raised_ns=0,
            )
            for i in made.at
        ]  # fmt: skip
        settled = {
            a.bar_end_ns: (o, lead) for a, o, lead in alerts.settled(asked, again.stretch, "rv_60", again.standing_bps)
        }
        assert len(asked) >= 3
        for i, row in enumerate(made.at.tolist()):
            outcome, lead_s = settled.get(int(ends[row]), (None, None))
            assert (made.outcome[i], None if np.isnan(made.lead_s[i]) else made.lead_s[i]) == (outcome, lead_s)
            assert (made.known_ns[i] == NEVER) == (outcome is None)
            assert outcome is None or ends[row] < made.known_ns[i], "nobody knows at the alert"


def test_a_forecast_that_lacks_a_feature_raises_no_alert_as_live(lived: Lived) -> None:
    again = lived.replayed(lived.first.name)
    first = int(raised(again, lived.theta, cooldown_s=20).at[0])
    for doubt, rings in (("feature missing: flow_10, training always had it", False), ("rv_10 9 bps", True)):
        doubts = [doubt if i == first else None for i in range(len(again.bars))]
        at = raised(dataclasses.replace(again, doubt=doubts), lived.theta, cooldown_s=20).at
        assert (first in at) == rings and at.size


def test_what_an_alert_became_is_not_counted_before_it_is_known(lived: Lived) -> None:
    again = lived.replayed(lived.first.name)
    ends = again.bars.bar_end_ns
    made = raised(again, lived.theta, cooldown_s=20)
    for i, row in enumerate(made.at.tolist()):
        assert made.counts(int(ends[row]) - 1, ends)["alerts"] == i
        assert made.counts(int(ends[row]), ends)["alerts"] == i + 1
        assert made.counts(int(ends[row]), ends)["open"] >= 1
    done = made.counts(NEVER, ends)
    assert done["alerts"] == len(made.at) == sum(done[k] for k in ("right", "false", "unknown", "open"))


def test_forward_volatility_is_the_label_and_spikes_are_of_the_horizon_after(lived: Lived) -> None:
    again = lived.replayed(lived.first.name)
    for i in range(0, again.asked - 60, 37):
        if again.bars.session[i] == again.bars.session[i + 60]:
            assert again.forward_bps[i] == again.vol_bps[i + 60] or np.isnan(again.vol_bps[i + 60])
            assert again.spike[i] == again.hot[i + 60]
        else:
            assert np.isnan(again.forward_bps[i]) and not again.spike[i]


@pytest.mark.parametrize("name", ["first", "shadow"])
def test_pieces_are_sessions_cut_at_full_hours_and_hold_every_bar_and_spike(lived: Lived, name: str) -> None:
    history = dataset.bars(Reader(lived.home), "coinbase", "BTC-USD")
    meta: registry.Meta = getattr(lived, name)
    found = pieces(history, meta)
    whole = Stretch(history, dataset.table(history))
    vol_bps, _, standing_bps = levels(whole, meta)
    assert sum(p.bars for p in found) == len(history)
    assert sum(p.spikes for p in found) == (vol_bps >= standing_bps).sum() > 0
    again = lived.replayed(meta.name)
    assert [p.episodes for p in found] == [again.seen(p.first_ns, p.last_ns).size for p in found]
    assert sum(p.episodes for p in found) > again.starts.sum() > 0, "some were on before their first full window"
    assert len(found) >= 4, "two silences and a full hour"
    begins = {int(s): int(history.bar_end_ns[history.session == s][0]) for s in np.unique(history.session)}
    assert {p.session_ns for p in found} == set(begins.values())
    for p in found:
        assert p.session_ns == begins[int(history.session[np.searchsorted(history.bar_end_ns, p.first_ns)])]
        assert p.last_ns - p.first_ns == (p.bars - 1) * SECOND_NS, "no gap inside"
        assert (p.first_ns - SECOND_NS) // (3600 * SECOND_NS) == (p.last_ns - SECOND_NS) // (3600 * SECOND_NS)


def test_a_stretch_that_is_not_there_is_one_sentence(home: Home, lived: Lived) -> None:
    with pytest.raises(NotThere, match="no bar of coinbase BTC-USD ends from 1970"):
        replay(lived.home, from_ns=0, to_ns=1)
    with pytest.raises(BadInput, match="ends before it begins"):
        replay(lived.home, from_ns=2, to_ns=1)
    with pytest.raises(NotThere, match="no ticks"):
        replay(home, from_ns=0, to_ns=1)
    fill(home, ticks(100))
    with pytest.raises(NotThere, match="no model has been trained"):
        replay(home, from_ns=0, to_ns=1)
    stretch, age = between(Reader(home), "coinbase", "BTC-USD", (START_S + 10) * SECOND_NS, LAST_S * SECOND_NS)
    assert len(stretch) == 90 and age[0] == 9, "the last bar is still open"


def test_the_verb_prints_the_stretch_and_writes_its_rows(
    lived: Lived, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "stretch.parquet"
    given_ = ["replay", "--home", str(lived.home.root), "--from", stamp(START_S * SECOND_NS), "--to",
              stamp((START_S + 2900) * SECOND_NS), "--out", str(out), "--json"]  # fmt: skip
    assert main(given_) == 0
    said = json.loads(capsys.readouterr().out)
    made = replay(lived.home, from_ns=START_S * SECOND_NS, to_ns=(START_S + 2900) * SECOND_NS)
    assert (said["bars"], said["spikes"], said["model"]) == (made.asked, made.spike[: made.asked].sum(), made.meta.name)
    assert said["live"] and all(a["equal"] == a["live"] > 0 == a["different"] for a in said["live"])
    rows = pd.read_parquet(out)
    assert len(rows) == made.asked and same(rows["p"].to_numpy(), made.p[: made.asked])
    assert rows["alert"].sum() == len(said["alerts"]) and said["forecasts"] == rows["p"].notna().sum()
    assert rows["spike"].isna().sum() == rows["forward_bps"].isna().sum() > 0
    assert main([*given_[:4], "yesterday", *given_[5:]]) == 1
    assert "write a time such as" in capsys.readouterr().err


def test_the_champion_is_replayed_where_no_model_is_named(lived: Lived) -> None:
    champion = registry.champion(lived.home)
    assert champion is not None and lived.replayed().meta.name == champion.name
