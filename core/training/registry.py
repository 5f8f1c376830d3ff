"""What was trained: one folder a model below models/artifacts, and which of them is the champion.

The models of a training are written into one staging folder, `.staged-TRAINING`, and moved out of it; as long as that
folder is there none of them is seen, so that a reader sees all of a training or nothing. `meta.json` says what the
model answers and how well; it carries the sha256 of the model file, which is compared before that file is opened.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from core.config import LEAKY_LABELS, Home, LabelName, Settings, write_atomically
from core.errors import Damaged, NotThere
from core.evaluation.policy import Rule
from core.evaluation.record import UNCHECKED, Leakage
from core.evaluation.scores import Scores
from core.features.labels import Question, Threshold
from core.training.seen import Seen

if TYPE_CHECKING:
    from models import Estimator

META, POINTER, STAGED = "meta.json", "champion.json", ".staged-"


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """One trained model: the question it answers, what it was made from, and its scores.

    `scores` are of the test part, `validation` of the part that chose their theta, that of the best F1 (so they
    flatter). `theta` is the one that alerts begin with (`budget.theta_to_begin_with`).
    `training` is shared by the models of one training, `name` is the folder. Times in ns UTC. tau_relative is the
    multiple of slow volatility that tau is, None where it is in bps; tau_bps is then its median over the training part.
    """

    name: str
    model: str
    title: str
    baseline: bool
    training: str
    run_id: str
    trained_ns: int
    label: LabelName
    horizon_s: int
    tau_bps: float
    quantile: float | None
    theta: float
    volatility: str
    features: tuple[str, ...]
    missing: tuple[str, ...]
    seed: int
    params: dict[str, Any]
    note: str
    fingerprint: str
    venue: str
    product: str
    splits: dict[str, dict[str, int]]
    scores: Scores
    validation: Scores
    seconds: float
    file: str
    sha256: str
    calibration: tuple[float, float] | None = None
    """(slope, shift) of the sigmoid that bends the model's log-odds, None where it says frequencies by itself."""
    leakage: Leakage = UNCHECKED
    tau_relative: float | None = None
    seen: dict[str, Seen] = {}
    """What the training part held of each feature; {} where it was trained before that was kept."""
    from_ns: int | None = None
    """Start of the first bar and end of the last that the rows were made of; None in trainings before ranges."""
    to_ns: int | None = None

    @property
    def leaky(self) -> bool:
        """Whether the label itself gives its answer away (`next_row`)."""
        return self.label in LEAKY_LABELS

    @property
    def asked(self) -> Threshold:
        """The question with its threshold, for bars of any history."""
        return Threshold(Question(self.label, self.horizon_s), self.tau_bps, self.tau_relative)


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """The models that one click trained, on one dataset."""

    training: str
    trained_ns: int
    label: LabelName
    horizon_s: int
    tau_bps: float
    venue: str
    product: str
    fingerprint: str
    models: tuple[Meta, ...]
    tau_relative: float | None = None


def artifacts(home: Home) -> list[Meta]:
    """Every model of the whole trainings of this home, newest first; of one training, in the order they were trained.

    Raises
    ------
    Damaged
        If a meta.json cannot be read.
    """
    if not home.artifacts.is_dir():
        return []
    there = os.listdir(home.artifacts)  # once: folders and staging folders as they were at one moment
    found = [_meta(home, name) for name in there if name[0] != "." and (home.artifacts / name).is_dir()]
    found = [meta for meta in found if STAGED + meta.training not in there]
    return sorted(found, key=lambda meta: (-meta.trained_ns, not meta.baseline, meta.model))


def runs(home: Home) -> list[Training]:
    """Past trainings, newest first. Reads the artifacts only: quick, MLflow is not imported. Raises as `artifacts`."""
    grouped: dict[str, list[Meta]] = {}
    for meta in artifacts(home):
        grouped.setdefault(meta.training, []).append(meta)
    return [
        Training(
            training=training, trained_ns=first.trained_ns, label=first.label, horizon_s=first.horizon_s,
            tau_bps=first.tau_bps, venue=first.venue, product=first.product, fingerprint=first.fingerprint,
            models=(first, *rest), tau_relative=first.tau_relative,
        )
        for training, (first, *rest) in grouped.items()
    ]  # fmt: skip


def champion(home: Home) -> Meta | None:
    """The model that watches the market; None when none was chosen or its folder is gone.

    Raises
    ------
    Damaged
        If the pointer or the champion's meta.json cannot be read.
    """
    path = home.artifacts / POINTER
    if not path.exists():
        return None
    try:
        name = msgspec.json.decode(path.read_bytes(), type=dict[str, str])["name"]
    except (msgspec.MsgspecError, KeyError) as error:
        raise Damaged(f"{path} cannot be read ({error}): choose a champion again") from error
    return _whole(home, name)


def set_champion(home: Home, name: str) -> Meta:
    """Make the artifact `name` the champion. Raises NotThere."""
    meta = find(home, name)
    write_atomically(home.artifacts / POINTER, msgspec.json.encode({"name": meta.name}))
    return meta


def find(home: Home, name: str) -> Meta:
    """The artifact `name`, or the newest of the model `name` ("logistic"). Raises NotThere, naming what there is."""
    if "/" not in name and not name.startswith(".") and (meta := _whole(home, name)) is not None:
        return meta
    all_of_them = artifacts(home)
    for meta in all_of_them:
        if meta.model == name:
            return meta
    there = ", ".join(meta.name for meta in all_of_them[:6]) or "none: train first"
    raise NotThere(f"no trained model {name or '(its name is empty)'} in this home; there is {there}")


def load(home: Home, name: str) -> tuple[Estimator, Meta]:
    """The fitted model of the artifact `name` (or the newest of the model `name`), calibrated, and what is known of it.

    Raises
    ------
    NotThere
        If no such artifact exists.
    Damaged
        If its file is missing or is not the one that was written: it is then not opened.
    """
    import models

    meta = find(home, name)
    path = home.artifacts / meta.name / meta.file
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise Damaged(f"{path} is missing: delete the folder and train again") from error
    found = hashlib.sha256(content).hexdigest()
    if found != meta.sha256:
        raise Damaged(
            f"{path} is not the file that was trained (sha256 {found[:12]}, expected {meta.sha256[:12]}): "
            "it is not opened; delete the folder and train again"
        )
    return models.calibrated(models.from_bytes(path.suffix, content), meta.calibration), meta


def publish(home: Home, made: Sequence[tuple[Meta, bytes]]) -> None:
    """Put the models of one training in their places: they are seen together, when the last one is there, or never.

    `made` is what is known of each model, and its file's content, whose sha256 `Meta.sha256` must be. What an earlier
    training left when it was killed is cleared away first; one training runs at a time, so it is nobody's.
    """
    training = made[0][0].training
    home.artifacts.mkdir(parents=True, exist_ok=True)
    _clear_away(home)
    staged = home.artifacts / f"{STAGED}{training}"
    for meta, content in made:
        write_atomically(staged / meta.name / meta.file, content)
        write_atomically(staged / meta.name / META, msgspec.json.format(msgspec.json.encode(meta), indent=1))
    for meta, _ in made:
        (staged / meta.name).rename(home.artifacts / meta.name)
    staged.rmdir()


def _clear_away(home: Home) -> None:
    """Remove the trainings that were not wholly published."""
    left = [f for f in home.artifacts.iterdir() if f.name.startswith(STAGED)]
    for staged in left:
        for folder in home.artifacts.iterdir():
            if folder.is_dir() and folder.name[0] != "." and STAGED + _meta(home, folder.name).training == staged.name:
                shutil.rmtree(folder)
        shutil.rmtree(staged)


def rule_of(meta: Meta, settings: Settings) -> Rule:
    """The rule by which the monitor alerts with this model: the settings' where they are of it, else its own."""
    mine = settings if settings.theta_model in ("", meta.name) else Settings()
    return Rule(
        theta=mine.theta_for(meta.name, meta.theta),
        cooldown_s=meta.horizon_s if mine.cooldown_s is None else mine.cooldown_s,
        rearm=mine.rearm,
    )


def _whole(home: Home, name: str) -> Meta | None:
    """The artifact `name`, None where there is none or its training is not wholly published."""
    if not (home.artifacts / name / META).exists():
        return None
    meta = _meta(home, name)
    return None if (home.artifacts / f"{STAGED}{meta.training}").exists() else meta


def _meta(home: Home, name: str) -> Meta:
    path = home.artifacts / name / META
    try:
        return msgspec.json.decode(path.read_bytes(), type=Meta)
    except (msgspec.MsgspecError, FileNotFoundError) as error:
        raise Damaged(f"{path} cannot be read ({error}): delete the folder {name} and train again") from error
