"""A threshold that is a multiple of slow volatility: the same question on a busy day and on a quiet one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import Settings
from core.errors import BadInput, NotEnough
from core.features.bars import Bars
from core.features.dataset import SPLITS, Labelled, label
from core.features.labelled import quantity, thresholds
from core.features.labels import Question, multiple
from tests.features import tapes


def labelled(bars: Bars, question: Question | None = None) -> Labelled:
    return label(bars, question or Question(), "made up", "BTC-USD")


def in_moods(n: int = 4000, seed: int = 0) -> Bars:
    """A market whose volatility wanders, so that its minutes differ from its hours."""
    bars = tapes.bars(n, seed)
    rng = np.random.default_rng(seed)
    mood = np.exp(0.5 * np.repeat(rng.normal(size=n // 50 + 1), 50)[:n])
    for name, power in (("r", 1), ("sum_r", 1), ("sum_r2", 2)):
        bars.values[:, Bars.column(name)] *= mood**power
    return bars


def times(bars: Bars, c: float) -> Bars:
    values = bars.values.copy()
    for name, power in (("r", 1), ("sum_r", 1), ("sum_r2", 2)):
        values[:, Bars.column(name)] *= c**power
    return Bars(bars.bar_end_ns, bars.session, values)


@settings(max_examples=20)
@given(seed=st.integers(0, 100), k=st.floats(0.5, 2.0))
def test_a_relative_spike_is_a_direct_computation(seed: int, k: float) -> None:
    bars = in_moods(1500, seed)
    rows = labelled(bars).asked(True)
    spike = rows.spikes(k)
    r2 = bars.of("r") ** 2
    where = dict(zip(bars.bar_end_ns.tolist(), range(len(bars)), strict=True))
    for i in range(0, len(rows.rows), 61):
        t = where[int(rows.rows["bar_end_ns"].iloc[i])]
        ahead, hour = r2[t + 1 : t + 61].sum(), r2[max(1, t - 3599) : t + 1]
        ratio = np.sqrt(ahead / (60 * hour.mean()))
        assert spike[i] == (ratio >= k) or abs(ratio - k) < 1e-9


@pytest.mark.parametrize("name", ["rv", "tick_std", "bipower"])
@pytest.mark.parametrize("c", [0.25, 4.0, 1.7])
def test_a_market_scaled_by_c_has_the_same_relative_spikes_and_other_absolute_ones(name: str, c: float) -> None:
    question = Question(name)  # type: ignore[arg-type]
    here, there = (labelled(bars, question) for bars in (in_moods(), times(in_moods(), c)))
    k = here.asked(True).tau_of(0.85)
    was, now = here.asked(True).at(k), there.asked(True).at(k)
    assert np.array_equal(was.rows["spike"], now.rows["spike"])
    assert now.tau_bps == pytest.approx(c * was.tau_bps)
    assert there.asked(True).tau_of(0.85) == pytest.approx(k, rel=1e-9)
    tau = here.tau_of(0.95)
    assert here.spikes(tau).sum() != there.spikes(tau).sum()


def test_rows_without_a_slow_volatility_are_none_and_counted_and_the_split_stays_where_it_is() -> None:
    bars = in_moods()
    rows = labelled(Bars(bars.bar_end_ns, (np.arange(4000) >= 1500).astype(np.int64), bars.values))
    relative = rows.asked(True)
    early = rows.rows["slow_bps"].isna()
    assert relative.warming == early.sum() == 2 * (300 - 60)
    assert len(relative.rows) + relative.warming == len(rows.rows) and not rows.warming
    assert relative.rows["slow_bps"].notna().all()
    assert rows.rows[~early].reset_index(drop=True).equals(relative.rows)
    assert rows.asked(False) is rows and relative.asked(True) is relative
    with pytest.raises(BadInput, match="label the history again"):
        relative.asked(False)


def test_what_tau_is_set_on_and_its_threshold() -> None:
    rows = labelled(in_moods()).asked(True)
    train = rows.rows[rows.rows["split"] == "train"]
    ratio = train["forward_vol_bps"].to_numpy() / train["slow_bps"].to_numpy()
    assert rows.tau_of(0.9) == np.quantile(ratio, 0.9)
    assert rows.quantity("train") == pytest.approx(ratio, rel=1e-15)
    saved = Settings(tau_relative=1.3)
    assert rows.threshold(saved) == 1.3
    assert rows.threshold(Settings(tau_bps=4.0)) == rows.threshold(Settings()) == rows.tau_of(0.95)
    assert labelled(in_moods()).threshold(saved) == labelled(in_moods()).tau_of(0.95)
    data = rows.at(1.2)
    assert (data.tau, data.tau_relative, data.relative) == (1.2, 1.2, True)
    assert data.tau_bps == np.median(1.2 * train["slow_bps"])
    assert np.array_equal(data.rows["spike"], data.rows["forward_vol_bps"] >= 1.2 * data.rows["slow_bps"])
    plain = labelled(in_moods()).at(15.0)
    assert (plain.tau, plain.tau_relative, plain.relative) == (15.0, None, False)
    assert thresholds(plain.rows, 15.0, False).tolist() == [15.0] * len(plain.rows)


def test_validation_and_test_do_not_move_a_relative_tau() -> None:
    rows = labelled(in_moods()).asked(True)
    later = rows.rows["split"] != "train"
    other = rows.rows.copy()
    other.loc[later, ["forward_vol_bps", "slow_bps"]] *= [9.0, 0.5]
    assert replace(rows, rows=other).tau_of(0.95) == rows.tau_of(0.95)


def test_the_named_multiple_mends_a_split_with_one_class() -> None:
    bars = in_moods()
    bars.values[2800:, Bars.column("r")] *= np.linspace(1, 0.02, 1200)
    rows = labelled(bars).asked(True)
    with pytest.raises(NotEnough, match=r"at τ [\d.]+ × slow volatility .* a threshold of [\d.]+ × slow") as refused:
        rows.at(rows.tau_of(0.999))
    named = float(str(refused.value).split("a threshold of ")[1].split(" ×")[0])
    assert min(c["spikes"] for c in rows.at(named).counts().values()) >= 30
    tau = rows.mending_tau()
    assert tau is not None and min(rows.at(tau).counts()[s]["spikes"] for s in SPLITS) == 30


def test_a_history_of_short_sessions_says_what_a_multiple_needs() -> None:
    bars = in_moods(2000)
    rows = labelled(Bars(bars.bar_end_ns, np.arange(2000) // 200, bars.values))
    with pytest.raises(NotEnough, match=r"0 of .* rows have a slow volatility, .* 300th second .* or set τ in bps"):
        rows.asked(True)


def test_the_fingerprint_tells_a_multiple_from_as_many_bps() -> None:
    rows = labelled(in_moods())
    tau = rows.tau_of(0.85)
    near = rows.rows["slow_bps"].fillna(1.0) * 0 + 1.0
    unit = replace(rows, rows=rows.rows.assign(slow_bps=near))
    assert unit.asked(True).spikes(tau).tolist() == rows.spikes(tau).tolist()
    assert unit.asked(True).at(tau).fingerprint != rows.at(tau).fingerprint


@settings(max_examples=20)
@given(seed=st.integers(0, 50), row=st.integers(0, 500), by=st.sampled_from([-1, 0, 1]))
def test_at_or_above_a_multiple_is_at_or_above_as_many_times_slow_volatility(seed: int, row: int, by: int) -> None:
    rows = labelled(in_moods(1200, seed)).asked(True)
    at = quantity(rows.rows, True)
    own = at[row % at.size]
    k = float(np.nextafter(own, by * np.inf) if by else own)
    assert np.array_equal(rows.spikes(k), at >= k)
    quotients = rows.rows["forward_vol_bps"].to_numpy() / rows.rows["slow_bps"].to_numpy()
    assert (np.abs(at / quotients - 1) < 1e-15).all()


VOLATILITY = st.floats(1e-3, 1e4)


@given(forward=VOLATILITY, slow=VOLATILITY)
def test_a_multiple_is_the_highest_that_is_reached(forward: float, slow: float) -> None:
    (k,) = multiple(np.array([forward]), np.array([slow])).tolist()
    assert k * slow <= forward < np.nextafter(k, np.inf) * slow


def test_a_multiple_of_the_unknown_is_unknown_and_of_no_move_0() -> None:
    got = multiple(np.array([np.nan, 1.0, 0.0]), np.array([1.0, np.nan, 2.0]))
    assert np.array_equal(got, [np.nan, np.nan, 0.0], equal_nan=True)


def test_the_hour_from_tick_to_tick_is_for_labels_made_of_ticks() -> None:
    named = {name: labelled(in_moods(), Question(name)).features for name in ("rv", "tick_std", "bipower")}  # type: ignore[arg-type]
    assert {name: "tick_rms_3600" in features for name, features in named.items()} == {
        "rv": False, "tick_std": True, "bipower": False,
    }  # fmt: skip
    assert all("rms_3600" in features for features in named.values())


def test_a_feature_known_in_warming_rows_alone_is_none_of_a_relative_tau() -> None:
    rows = labelled(in_moods())
    early = rows.rows["slow_bps"].isna()
    frame = rows.rows.assign(imbalance_60=np.where(early, 0.1, np.nan))
    rows = replace(rows, rows=frame, features=(*(n for n in rows.features if n != "imbalance_60"), "imbalance_60"))
    asked = rows.asked(True)
    assert early.any() and "imbalance_60" not in asked.features and "imbalance_60" in asked.missing
    assert asked.rows.loc[asked.rows["split"] == "train", list(asked.features)].notna().any().all()
