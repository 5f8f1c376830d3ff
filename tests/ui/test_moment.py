"""What the time machine shows of a moment holds nothing that came after it."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import Home
from core.features.bars import SECOND_NS, Bars
from core.ingestion.store import Market
from core.live.alerts import started
from core.live.replay import Piece, Raised, Replay, raised, replay
from tests.live.conftest import crown
from tests.live.market import START_S, fill, ticks
from ui import charts
from ui.cells.machine import machine_cells, sentence
from ui.charts.replayed import Moment
from ui.frames import spans
from ui.moment import NEXT_S, moment
from ui.playback import Playback
from ui.scene import Scene

THETAS = (0.95, 0.99)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Replay:
    home = Home(tmp_path_factory.mktemp("moment") / "home")
    fill(home, ticks(2400, silences=(1700,)))
    meta = crown(home, "zscore", 0.8)
    made = replay(home, from_ns=START_S * SECOND_NS, to_ns=(START_S + 3000) * SECOND_NS, model=meta.name)
    # a market of short bursts, and a forecast that often rises: alerts of every outcome
    rng, n, warm = np.random.default_rng(0), len(made.bars), np.isfinite(made.p)
    burst = np.convolve(rng.random(n) < 1 / 200, np.ones(15))[:n] > 0
    vol_bps = np.where(warm, made.standing_bps * np.where(burst, 1.5, 0.5), np.nan)
    return moved(made, vol_bps, p=np.where(warm, rng.beta(1, 8, n), np.nan))


def moved(replayed: Replay, vol_bps: np.ndarray, **changes: Any) -> Replay:
    """With another trailing volatility, and the episodes that it starts."""
    made = dataclasses.replace(replayed, vol_bps=vol_bps, **changes)
    starts = started(made.bars, vol_bps, made.standing_bps, made.meta.horizon_s)
    return dataclasses.replace(made, starts=starts)


def both(replayed: Replay) -> tuple[Raised, Raised]:
    low, high = np.nanquantile(replayed.p, THETAS)
    return raised(replayed, float(low), cooldown_s=20), raised(replayed, float(high), cooldown_s=20)


def seen(replayed: Replay, at: int, alerts: tuple[Raised, Raised], **how: int) -> Moment:
    ends = replayed.bars.bar_end_ns
    return moment(replayed, int(ends[at]), int(ends[0]), alerts=alerts[0], ghosts=alerts[1], **how)


def shot(replayed: Replay) -> Scene:
    ends = replayed.bars.bar_end_ns
    piece = Piece(
        session_ns=int(ends[0]), first_ns=int(ends[0]), last_ns=int(ends[-1]), bars=ends.size, spikes=0, episodes=0
    )
    market = Market(replayed.venue, replayed.product, 0, 0, int(ends[0]), int(ends[-1]), 0)
    return Scene(market, replayed.meta, [piece], piece, replayed, raised(replayed, 0.5), None)


def drawn(m: Moment) -> str:
    return str(charts.replayed("dark", m, theta=0.4, ghost=0.6, horizon_s=60).to_json())


def with_another_future(replayed: Replay, at: int, seed: int) -> Replay:
    """The same up to and with row `at`; all that came after is another."""
    rng = np.random.default_rng(seed)

    def other(values: np.ndarray) -> np.ndarray:
        changed = values.copy()
        changed[at + 1 :] = rng.permutation(changed[at + 1 :]) * rng.uniform(0.2, 5)
        return changed

    bars = replayed.bars
    values = bars.values.copy()
    values[at + 1 :] *= rng.uniform(0.5, 2)
    stretch = dataclasses.replace(replayed.stretch, bars=Bars(bars.bar_end_ns, bars.session, values))
    fields = {
        name: other(getattr(replayed, name)) for name in ("p", "vol_bps", "tau_bps", "standing_bps", "forward_bps")
    }
    fields["vol_bps"][at + 1 :] *= 1000 * (seed % 2)  # all a spike, or none at all
    doubt = [*replayed.doubt[: at + 1], *[None if seed % 2 else "all of it"] * len(replayed.doubt[at + 1 :])]
    return moved(replayed, stretch=stretch, doubt=doubt, **fields)


@settings(max_examples=12)
@given(alert=st.integers(0, 99), after_s=st.integers(0, 90), seed=st.integers(0, 9))
def test_another_future_changes_nothing_that_is_shown(whole: Replay, alert: int, after_s: int, seed: int) -> None:
    alerts = both(whole)
    rows = np.concatenate([r.at for r in alerts])
    at = min(int(rows[alert % rows.size]) + after_s, len(whole.bars) - 2)
    other = with_another_future(whole, at, seed)
    theirs = tuple(raised(other, r.theta, cooldown_s=20) for r in alerts)
    mine = seen(whole, at, alerts)
    assert drawn(mine) == drawn(seen(other, at, (theirs[0], theirs[1])))
    ends = whole.bars.bar_end_ns
    for a, b in zip(alerts, theirs, strict=True):
        assert a.counts(int(ends[at]), ends) == b.counts(int(ends[at]), ends)


@given(first=st.integers(0, 2300), seconds=st.integers(0, 900))
def test_spikes_so_far_are_the_bands_drawn_since_the_stretch_began(whole: Replay, first: int, seconds: int) -> None:
    ends, session = whole.bars.bar_end_ns, whole.bars.session
    at = int(np.flatnonzero(session == session[first])[-1])
    at = min(first + seconds, at)
    m = moment(whole, int(ends[at]), int(ends[first]), alerts=both(whole)[0])
    drawn = spans(ends[first : at + 1], whole.hot[first : at + 1])
    apart = [b[0] - a[1] >= np.timedelta64(whole.meta.horizon_s, "s") for a, b in itertools.pairwise(drawn)]
    assert m.episodes == (1 + sum(apart) if drawn else 0)


def test_a_spike_of_several_bands_is_named_once(whole: Replay) -> None:
    hot = np.zeros(len(whole.bars), np.bool_)
    for a, b in ((300, 310), (365, 370), (425, 440), (520, 530)):  # 55, 55 and 80 s apart
        hot[a:b] = True
    made = moved(whole, np.where(hot, 2.0, 0.5) * whole.standing_bps)
    m = moment(made, int(made.bars.bar_end_ns[600]), int(made.bars.bar_end_ns[0]), alerts=both(made)[0])
    figure = charts.replayed("dark", m, theta=0.4, ghost=None, horizon_s=60)
    assert len(m.seen.spikes) == 4
    assert [note.text for note in figure.layout.annotations].count("spike") == m.episodes == 2


def test_an_episode_that_is_on_before_the_first_full_window_is_counted(whole: Replay) -> None:
    after = int(np.flatnonzero(np.diff(whole.bars.session))[0]) + 1
    full = after + int(np.flatnonzero(np.isfinite(whole.p[after:]))[0])
    vol_bps = whole.vol_bps.copy()
    vol_bps[full : full + 30] = 2 * whole.standing_bps[full : full + 30]
    vol_bps[full + 30 : full + 300] = 0.0
    hot = moved(whole, vol_bps)
    ends = whole.bars.bar_end_ns
    counted = [
        moment(hot, int(ends[i]), int(ends[after]), alerts=both(hot)[0]).episodes for i in (full - 1, full, full + 200)
    ]
    assert counted == [0, 1, 1] and not hot.starts[full : full + 201].any(), "no alert could have come before it"


def test_the_figure_ends_at_the_moment_and_what_came_next_is_apart(whole: Replay) -> None:
    alerts = both(whole)
    m = seen(whole, 1000, alerts, show_next=True)
    assert m.seen.t[-1] == m.t and len(m.seen.t) == 900
    assert m.next is not None and m.next.t[0] == m.t and len(m.next.t) == NEXT_S + 1
    assert drawn(m) != drawn(seen(whole, 1000, alerts)) and seen(whole, 1000, alerts).next is None


def test_what_is_sent_ahead_of_a_playing_figure_changes_no_scale_no_count_and_no_outcome(whole: Replay) -> None:
    alerts = both(whole)
    for at in range(100, 2300, 400):
        still, playing = seen(whole, at, alerts), seen(whole, at, alerts, ahead_s=150)
        assert [getattr(still, f) for f in ("at_ns", "mid", "p", "vol_bps", "age", "episodes")] == [
            getattr(playing, f) for f in ("at_ns", "mid", "p", "vol_bps", "age", "episodes")
        ]
        assert still.alerts == [a for a in playing.alerts if a.t <= playing.t]
        assert all(a.outcome is None for a in playing.alerts if a.t > playing.t)
        layouts = [charts.replayed("dark", m, theta=0.4, ghost=None, horizon_s=60).layout for m in (still, playing)]
        for axis in ("yaxis2", "yaxis3"):
            assert layouts[0][axis].range == layouts[1][axis].range
        sent = charts.reveal(playing, play="x", speed=60)
        assert sent["t"][0] == sent["now"] and len(sent["t"]) > 100
        assert {len(tag["y"]) for tag in sent["tags"].values()} == {len(sent["t"])}


def test_gaps_are_hatched_and_warming_up_is_said(whole: Replay) -> None:
    first_after = int(np.flatnonzero(np.diff(whole.bars.session))[0]) + 1
    m = seen(whole, first_after + 41, both(whole))
    assert m.warming == "warming up: 41 of 60 bars" and m.p is None and m.vol_bps is None
    assert len(m.seen.gaps) == 1 and np.isnan(m.seen.mid).sum() == 1, "no line bridges the gap"
    figure = charts.replayed("dark", m, theta=0.4, ghost=None, horizon_s=60)
    assert [t.fillpattern.shape for t in figure.data if t.name == "gap"] == ["/"] * 3, "on each of the three rows"
    assert any(note.text.startswith("gap ") for note in figure.layout.annotations)
    assert seen(whole, first_after + 60, both(whole)).warming is None


@pytest.mark.parametrize(
    ("doubt", "level", "value", "detail", "said"),
    [
        ("spread_10 14.2 bps, training saw at most 6.1", "warn", "0.90",
         "not trusted: spread_10 14.2 bps, training saw at most 6.1",
         "0.90 against θ 0.50, not trusted: spread_10 14.2 bps, training saw at most 6.1."),
        ("feature missing: flow_10, training always had it", "warn", "feature missing",
         "flow_10, training always had it", "bps, feature missing: flow_10, training always had it."),
        (None, "alert", "0.90", "at or above θ 0.50", "0.90 against θ 0.50."),
    ],
)  # fmt: skip
def test_a_forecast_that_live_did_not_trust_is_marked_as_there(
    whole: Replay, doubt: str | None, level: str, value: str, detail: str, said: str
) -> None:
    doubts = [doubt if 990 <= i <= 1020 else None for i in range(len(whole.bars))]
    p = np.where(np.isfinite(whole.p), 0.9, np.nan)
    made = dataclasses.replace(whole, doubt=doubts, p=p)
    at, s = 1000, shot(made)
    m = seen(made, at, (s.alerts, s.alerts), ahead_s=60)
    one = machine_cells(m, s, Playback())[1]
    assert (one.level, one.value, one.detail) == (level, value, detail) and said in sentence(m, s)
    figure = charts.replayed("dark", m, theta=0.5, ghost=None, horizon_s=60)
    bars = [(x.x0, x.x1) for x in figure.layout.shapes if x.yref == "y3 domain"]
    expected = spans(whole.bars.bar_end_ns, np.array([d is not None for d in doubts]))
    assert bars == [(str(a), str(b)) for a, b in expected] and len(bars) == (doubt is not None)
    texts = [note.text for note in figure.layout.annotations]
    assert texts.count("not trusted") == len(bars) and ("0.90" in texts) == (doubt is None)
    tags = charts.reveal(m, play="x", speed=1)["tags"]["p"]["text"]
    assert tags == (["–"] * 21 + ["0.90"] * 40 if doubt else ["0.90"] * 61)


def test_no_forecast_at_full_windows_is_not_called_warming_up(whole: Replay) -> None:
    made = dataclasses.replace(whole, p=np.full(len(whole.bars), np.nan))
    s = shot(made)
    one = machine_cells(seen(made, 1000, (s.alerts, s.alerts)), s, Playback())[1]
    assert (one.level, one.value, one.detail) == ("idle", "–", "no forecast")


def test_alerts_and_ghosts_differ_in_form_and_say_what_became_of_them(whole: Replay) -> None:
    alerts = both(whole)
    found = (seen(whole, at, alerts) for at in range(300, 2300, 50))
    m = next(m for m in found if m.alerts and m.ghosts and any(a.outcome for a in m.alerts))
    figure = charts.replayed("light", m, theta=0.4, ghost=0.6, horizon_s=60)
    marks = {trace.name: trace for trace in figure.data if trace.mode == "markers+text"}
    assert marks["alert"].marker.symbol == "diamond" and marks["ghost alert"].marker.symbol == "diamond-open"
    assert set(marks["alert"].text) <= {"caught", "false", "unknown", "open"}
    assert {"θ 0.40", "ghost θ 0.60"} <= {note.text for note in figure.layout.annotations}
