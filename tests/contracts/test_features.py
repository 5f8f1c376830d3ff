"""Every feature, found by itself: the bits do not depend on the chunks, the past not on the future, and missing is
named."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.features import dataset, fading, formulas
from core.features.bars import Bars, Sampler
from core.features.formulas import FEATURES, Feature, Rows
from core.features.windows import CORE_S, LONGEST_S, WINDOWS_S
from tests.features import tapes
from tests.features.tapes import same

EACH = pytest.mark.parametrize("feature", FEATURES, ids=lambda f: f.name)
NEEDS = {"spread": "n_quotes", "imbalance": "n_sizes", "flow": "volume"}
"""Features that are missing where their window holds none of this."""


def one(feature: Feature, bars: Bars) -> np.ndarray:
    return dataset.table(bars)[FEATURES.index(feature)]


@given(seed=st.integers(0, 500), cuts=st.lists(st.integers(0, 900), max_size=6))
def test_batch_is_chunks_is_one_by_one_to_the_bit(seed: int, cuts: list[int]) -> None:
    bars = tapes.bars(900, seed, [333], 1_700_003_840 - 600)
    batch = dataset.table(bars)
    for at in ([0, *sorted(cuts), 900], list(range(901))):
        rows = Rows()
        parts = [rows.push(bars[a:b]) for a, b in itertools.pairwise(at)]
        assert same(batch, np.concatenate(parts, axis=1))


def test_the_two_threads_of_a_long_history_give_the_bits_of_one_pass() -> None:
    bars = tapes.bars(dataset.WORTH_TWO_THREADS + 20_000, 1, [60_000])
    assert same(dataset.table(bars), Rows().push(bars))


@EACH
def test_later_bars_change_nothing_earlier(feature: Feature) -> None:
    bars = tapes.bars(800, 2)
    changed = Bars(bars.bar_end_ns, bars.session, bars.values.copy())
    changed.values[600:] = changed.values[600:][::-1] * 1.5
    assert same(one(feature, bars)[:600], one(feature, changed)[:600])


@EACH
def test_missing_exactly_while_warming_up_or_where_its_input_is_not_there(feature: Feature) -> None:
    bars = tapes.bars(900, 4, [400])
    age = np.concatenate([np.arange(400), np.arange(500)])
    values = one(feature, bars)
    need = NEEDS.get(feature.name.split("_")[0])
    assert np.isnan(values[age < feature.from_s]).all()
    full = values[age >= feature.from_s]
    assert np.isfinite(full).all() if need is None else np.isfinite(full).mean() > 0.9


@EACH
def test_an_empty_window_is_finite_or_named_as_missing(feature: Feature) -> None:
    events = [tapes.quote(0.5, 91_000), *[tapes.beat(s + 0.5) for s in range(1, 700)]]
    values = one(feature, Sampler().push(tapes.tape(events)))
    last = values[-300:]
    assert np.isnan(last).all() if feature.name.split("_")[0] in NEEDS else np.isfinite(last).all()


@EACH
def test_a_feature_says_what_it_is(feature: Feature) -> None:
    assert feature.unit and feature.about
    assert feature.window_s in (*WINDOWS_S, *(m.reach_s for m in fading.MEMORIES))
    assert feature.from_s == feature.window_s or feature.from_s in (CORE_S, LONGEST_S)
    assert (feature.name in formulas.CORE) == (feature.from_s <= CORE_S)


def test_names_are_unique() -> None:
    assert len(set(formulas.NAMES)) == len(formulas.NAMES)


@EACH
def test_a_feature_stands_in_the_specification(feature: Feature) -> None:
    spec = (Path(__file__).resolve().parents[2] / "docs" / "feature_spec.md").read_text()
    assert f"| `{feature.name}` | {feature.window_s} | {feature.unit} | {feature.about} |" in spec


def test_the_specification_names_no_feature_that_is_gone() -> None:
    spec = (Path(__file__).resolve().parents[2] / "docs" / "feature_spec.md").read_text()
    table = spec.split("## Features")[1].split("## Labels")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(formulas.NAMES)
