"""Artifacts, the champion, what is stale, and what is never opened."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from core.config import Home, Settings
from core.errors import Damaged, NotThere
from core.training import registry
from core.training.fit import Trained
from core.training.registry import Meta


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
    registry.write(home, copy, (home.artifacts / meta.name / meta.file).read_bytes())
    return copy


def test_an_empty_home_has_no_models_and_no_champion(home: Home) -> None:
    assert registry.artifacts(home) == registry.runs(home) == []
    assert registry.champion(home) is None
    with pytest.raises(NotThere, match="no trained model logistic in this home; there is none: train first"):
        registry.load(home, "logistic")


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


def test_the_best_is_best_on_validation_and_never_leaky(filled: tuple[Home, list[Meta]]) -> None:
    metas = filled[1]

    def judged(validation: float, test: float, label: str = "rv") -> Meta:
        return msgspec.structs.replace(
            metas[0], label=label, scores=msgspec.structs.replace(metas[0].scores, pr_auc=test),
            validation=msgspec.structs.replace(metas[0].validation, pr_auc=validation),
        )  # fmt: skip

    a, b, leaky = judged(0.4, 0.9), judged(0.5, 0.1), judged(0.99, 0.99, "next_row")
    assert registry.best([a, b, leaky]) == b
    assert registry.best([leaky]) is None


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
    assert registry.stale(trained[0].meta, settings) == sentence
