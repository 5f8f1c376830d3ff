"""Artifacts, the champion, what is stale, and what is never opened."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from core.config import Home, Settings
from core.errors import Damaged, NotThere
from core.evaluation.policy import Rule
from core.training import registry
from core.training.kept import Trained
from core.training.registry import Meta
from core.training.stale import why_stale


@pytest.fixture
def filled(home: Home, mlflow_home: Home, trained: list[Trained]) -> tuple[Home, list[Meta]]:
    """A home with the artifacts of one training, to break things in."""
    for one in trained:
        shutil.copytree(mlflow_home.artifacts / one.meta.name, home.artifacts / one.meta.name)
    return home, [one.meta for one in trained]


def later(home: Home, meta: Meta, **changes: object) -> Meta:
    """The same model as if trained a second later."""
    fields = {"name": f"{meta.model}-later", "trained_ns": meta.trained_ns + 10**9, "training": "later"} | changes
    copy = msgspec.structs.replace(meta, **fields)
    registry.publish(home, [(copy, (home.artifacts / meta.name / meta.file).read_bytes())])
    return copy


def test_an_empty_home_has_no_models_and_no_champion(home: Home) -> None:
    assert registry.artifacts(home) == registry.runs(home) == []
    assert registry.champion(home) is None
    with pytest.raises(NotThere, match="no trained model logistic in this home; there is none: train first"):
        registry.load(home, "logistic")


def test_a_rule_is_that_of_its_model_as_a_whole(filled: tuple[Home, list[Meta]]) -> None:
    one, other = filled[1][:2]
    mine = Settings(theta=0.4, theta_model=one.name, cooldown_s=7_200, rearm=0.9)
    assert registry.rule_of(one, mine) == Rule(theta=0.4, cooldown_s=7_200, rearm=0.9)
    assert registry.rule_of(other, mine) == Rule(theta=other.theta, cooldown_s=other.horizon_s, rearm=0.5)
    assert registry.rule_of(other, Settings(cooldown_s=5)) == Rule(theta=other.theta, cooldown_s=5, rearm=0.5)


def test_artifacts_come_newest_first_and_group_into_trainings(filled: tuple[Home, list[Meta]]) -> None:
    home, metas = filled
    newest = later(home, metas[1])
    assert registry.artifacts(home) == [newest, *metas]
    runs = registry.runs(home)
    assert [run.training for run in runs] == ["later", metas[0].training]
    assert [run.models for run in runs] == [(newest,), tuple(metas)]


def test_a_model_is_found_by_its_folder_or_as_the_newest_of_its_kind(filled: tuple[Home, list[Meta]]) -> None:
    home, metas = filled
    newest = later(home, metas[1])
    assert registry.find(home, metas[1].name) == metas[1]
    assert registry.find(home, metas[1].model) == newest
    for name in ("nothing", "../logistic", ".hidden", ""):
        with pytest.raises(NotThere):
            registry.find(home, name)


def test_the_champion_can_be_chosen_and_forgotten(filled: tuple[Home, list[Meta]]) -> None:
    home, metas = filled
    assert registry.champion(home) is None
    assert registry.set_champion(home, metas[0].name) == metas[0] == registry.champion(home)
    shutil.rmtree(home.artifacts / metas[0].name)
    assert registry.champion(home) is None
    with pytest.raises(NotThere):
        registry.set_champion(home, metas[0].name)


@pytest.mark.parametrize("harm", ["flipped", "cut", "swapped", "gone"])
def test_a_changed_model_file_is_never_opened(
    filled: tuple[Home, list[Meta]], harm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import models

    home, metas = filled
    monkeypatch.setattr(models, "from_bytes", lambda *_: pytest.fail("opened"))
    for meta in metas:
        path = home.artifacts / meta.name / meta.file
        content = path.read_bytes()
        if harm == "gone":
            path.unlink()
        else:
            path.write_bytes(
                {"flipped": content[:-1] + bytes([content[-1] ^ 1]), "cut": content[:-1], "swapped": b"x"}[harm]
            )
        with pytest.raises(Damaged, match="is missing" if harm == "gone" else "is not the file that was trained"):
            registry.load(home, meta.name)


def test_a_meta_that_cannot_be_read_is_said_and_not_skipped(filled: tuple[Home, list[Meta]]) -> None:
    home, metas = filled
    (home.artifacts / metas[0].name / "meta.json").write_text("{")
    with pytest.raises(Damaged, match=f"delete the folder {metas[0].name} and train again"):
        registry.artifacts(home)
    (home.artifacts / "champion.json").write_text("[]")
    with pytest.raises(Damaged, match="choose a champion again"):
        registry.champion(home)


def test_half_an_artifact_is_not_seen(filled: tuple[Home, list[Meta]], monkeypatch: pytest.MonkeyPatch) -> None:
    home, metas = filled

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", dies)
    with pytest.raises(KeyboardInterrupt):
        later(home, metas[0])
    assert registry.artifacts(home) == metas


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_a_training_is_seen_whole_or_not_at_all(
    home: Home, filled: tuple[Home, list[Meta]], moved: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after `moved` of three models are in their places: nothing of it is seen, and the next training tidies."""
    _, metas = filled
    registry.set_champion(home, metas[0].name)
    new = [
        msgspec.structs.replace(m, name=f"{m.model}-new", training="new", trained_ns=m.trained_ns + 10**9)
        for m in metas
    ]
    made = [(meta, (home.artifacts / old.name / old.file).read_bytes()) for meta, old in zip(new, metas, strict=True)]
    rename, seen = Path.rename, []

    def killed(self: Path, target: Path) -> Path:
        seen.append(registry.artifacts(home))
        if len(seen) > moved:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            registry.publish(home, made)
    assert sum((home.artifacts / meta.name).exists() for meta in new) == moved
    assert registry.artifacts(home) == metas and all(each == metas for each in seen)
    assert [run.training for run in registry.runs(home)] == [metas[0].training]
    assert registry.champion(home) == metas[0] == registry.find(home, metas[0].model)
    for meta in new:
        with pytest.raises(NotThere):
            registry.set_champion(home, meta.name)

    registry.publish(home, [(msgspec.structs.replace(meta, training="third"), content) for meta, content in made])
    assert [run.training for run in registry.runs(home)] == ["third", metas[0].training]
    assert not [f.name for f in home.artifacts.iterdir() if f.name.startswith(".")]


def test_a_champion_of_a_half_published_training_is_none(filled: tuple[Home, list[Meta]]) -> None:
    home, metas = filled
    registry.set_champion(home, metas[0].name)
    (home.artifacts / f".staged-{metas[0].training}").mkdir()
    assert registry.champion(home) is None and registry.artifacts(home) == registry.runs(home) == []


Change = Callable[[Settings], Settings]


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        ({"tau_bps": 8.7}, None),
        ({}, None),
        ({"theta": 0.9, "seed": 3, "feed": "coinbase_exchange", "tau_bps": 8.7, "quantile": 0.5}, None),
        ({"tau_bps": 7.9}, "trained on τ 8.7, now 7.9"),
        ({"tau_bps": 8.71}, "trained on τ 8.7, now 8.71"),
        ({"tau_bps": 8.7000001}, "trained on τ 8.7, now 8.7000001"),
        ({"quantile": 0.99}, "trained on τ at the 90 % quantile, now 99 %"),
        ({"horizon_s": 300}, "trained on the next 60 s, now 300 s"),
        ({"label": "tick_std", "tau_bps": 1.0}, "trained on the label rv, now tick_std"),
        ({"product": "ETH-USD"}, "trained on BTC-USD, now ETH-USD"),
    ],
)
def test_stale_says_what_changed(trained: list[Trained], now: dict[str, object], sentence: str | None) -> None:
    settings = Settings(quantile=0.9).replace(**now)
    assert why_stale(trained[0].meta, settings) == sentence


@pytest.mark.parametrize(
    ("was", "now", "sentence"),
    [
        (None, {"tau_relative": 1.8}, "trained on τ in bps, now as a multiple of slow volatility"),
        (1.8, {}, "trained on τ as a multiple of slow volatility, now in bps"),
        (1.8, {"tau_bps": 8.7}, "trained on τ as a multiple of slow volatility, now in bps"),
        (1.8, {"tau_relative": 1.8}, None),
        (1.8, {"tau_relative": 1.5}, "trained on τ 1.8 × slow volatility, now 1.5 ×"),
    ],
)
def test_a_multiple_is_another_question_than_bps(
    trained: list[Trained], was: float | None, now: dict[str, object], sentence: str | None
) -> None:
    meta = msgspec.structs.replace(trained[0].meta, tau_relative=was)
    assert why_stale(meta, Settings(quantile=0.9).replace(**now)) == sentence


def test_the_thresholds_of_a_model_are_those_of_the_labels(trained: list[Trained]) -> None:
    from core.features import dataset
    from core.features.labels import slow_volatility
    from tests.features import tapes

    features, meta = dataset.table(tapes.bars(500, 1)), trained[0].meta
    assert set(meta.asked.taus(features)) == {meta.tau_bps}
    relative = msgspec.structs.replace(meta, tau_relative=1.8)
    expected = 1.8 * slow_volatility(meta.asked.question, features)
    assert np.array_equal(relative.asked.taus(features), expected, equal_nan=True)


@pytest.mark.parametrize(
    ("venue", "product", "sentence"),
    [
        ("coinbase", "BTC-USD", None),
        ("embedded", "BTC-USD", "trained on coinbase BTC-USD, now embedded BTC-USD"),
        ("coinbase", "ETH-USD", "trained on coinbase BTC-USD, now coinbase ETH-USD"),
    ],
)
def test_a_model_of_another_market_is_stale(
    trained: list[Trained], venue: str, product: str, sentence: str | None
) -> None:
    from core.ingestion.store import Market

    market = Market(venue=venue, product=product, ticks=1, trades=0, first_ns=0, last_ns=1, last_seq=1, sources=1)
    settings = Settings(quantile=0.9, product="SOL-USD")  # of which there are no ticks: what is shown is the market
    assert why_stale(trained[0].meta, settings, market) == sentence
    if sentence:
        said = why_stale(trained[0].meta, settings, market, lambda venue, product: f"{product} at {venue}")
        assert said == f"trained on BTC-USD at coinbase, now {product} at {venue}"
