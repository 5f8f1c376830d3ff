"""Two trainings side by side: in what they differ, and which scored higher, where that can be said at all."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from core.config import Home
from core.errors import NotThere
from core.evaluation import archive
from core.evaluation.intervals import Blocks, resampled
from core.evaluation.record import Estimate, Evaluation, Judged
from core.training import registry
from core.training.registry import Training

QUESTION = (
    "venue",
    "product",
    "label",
    "horizon_s",
    "tau_bps",
    "tau_relative",
    "quantile",
    "from_ns",
    "to_ns",
    "seed",
    "fingerprint",
)
"""Fields of `Meta` that the models of a training share and that two trainings may differ in."""
NONE = Estimate(value=None)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What two trainings differ in, and what each has; of lists (features, models) what it alone has."""

    what: str
    a: Any
    b: Any


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One model of both trainings, or both champions: pooled average precision of each on its own test part.

    difference : a's less b's on the same rows and draws, no value where the test rows are not the same
    """

    title: str
    a: Estimate
    b: Estimate
    difference: Estimate


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """`paired`: both test parts have the same seconds with the same spikes, so that a difference means something."""

    a: str
    b: str
    differences: tuple[Difference, ...]
    paired: bool
    why: str
    pairs: tuple[Pair, ...]


def compare(home: Home, a: Training, b: Training) -> Compared:
    """Hold two evaluated trainings against each other. Raises NotThere where one was not evaluated, Damaged."""
    first, second = (archive.load(home, t.training) for t in (a, b))
    rows = [archive.load_rows(home, t.training) for t in (a, b)]
    mine, other = (r[r["split"] == "test"] for r in rows)
    same_market = (first.venue, first.product) == (second.venue, second.product)
    same_seconds = same_market and np.array_equal(mine["bar_end_ns"].to_numpy(), other["bar_end_ns"].to_numpy())
    y = mine["spike"].to_numpy()
    paired = same_seconds and np.array_equal(y, other["spike"].to_numpy())
    if paired:
        blocks = Blocks(mine["bar_end_ns"].to_numpy(), first.block_s, first.replicates or 1, first.seed)
        why = f"Both are scored on the same {len(y):,} seconds with the same {int(y.sum()):,} spikes: paired."
    elif same_seconds:
        why = "The test parts are the same seconds with other spikes: another question, so the scores do not compare."
    elif not same_market:
        why = (
            f"They are of two markets, {first.product} of {first.venue} and {second.product} of {second.venue}: "
            "the scores do not compare."
        )
    else:
        why = (
            f"The test parts are different seconds ({len(mine):,} and {len(other):,}): the scores do not compare. "
            "Read each against its own base rate."
        )

    def pair(title: str, one: Judged, two: Judged) -> Pair:
        difference = NONE
        if paired:
            ours, theirs = (
                resampled(y, part[m.name].to_numpy(), m.theta, blocks) for part, m in ((mine, one), (other, two))
            )
            difference = ours.over(theirs)
        return Pair(title=title, a=one.ap, b=two.ap, difference=difference)

    pairs = []
    lead, rival = _champion(first), _champion(second)
    if lead and rival:
        both = lead.title if lead.model == rival.model else f"{lead.title} and {rival.title}"
        pairs.append(pair(f"champions: {both}", lead, rival))
    theirs = {m.model: m for m in second.models}
    pairs += [pair(m.title, m, theirs[m.model]) for m in first.models if m.model in theirs]
    return Compared(
        a=a.training, b=b.training, differences=tuple(differences(a, b)), paired=paired, why=why, pairs=tuple(pairs)
    )


def differences(a: Training, b: Training) -> list[Difference]:
    """What the question, the rows, the features, the models and their parameters differ in."""
    one, two = a.models[0], b.models[0]
    found = [Difference(what=f, a=getattr(one, f), b=getattr(two, f)) for f in QUESTION]
    found += [
        Difference(what=f"{split} {what}", a=one.splits[split][what], b=two.splits[split][what])
        for split in one.splits if split in two.splits
        for what in ("rows", "spikes")
    ]  # fmt: skip
    found += [_apart("features", one.features, two.features)]
    found += [_apart("models", [m.model for m in a.models], [m.model for m in b.models])]
    theirs = {m.model: m for m in b.models}
    for m in a.models:
        if m.model in theirs:
            was, now = m.params, theirs[m.model].params
            names = sorted(k for k in was.keys() | now.keys() if was.get(k) != now.get(k) and k != "seed")
            found += [Difference(what=f"{m.title}: {k}", a=was.get(k), b=now.get(k)) for k in names]
    return [d for d in found if d.a != d.b]


def find(home: Home, name: str) -> Training:
    """The training of that id, or the one that the artifact `name` is of. Raises NotThere."""
    for training in registry.runs(home):
        if training.training == name or any(m.name == name for m in training.models):
            return training
    raise NotThere(f"no training {name or '(its name is empty)'} in this home: `evaluate` names the newest one's")


def _champion(e: Evaluation) -> Judged | None:
    return next((m for m in e.models if m.name == e.champion), None)


def _apart(what: str, a: Any, b: Any) -> Difference:
    return Difference(what=what, a=[x for x in a if x not in b], b=[x for x in b if x not in a])


__all__ = ["Compared", "Difference", "Pair", "compare", "differences", "find"]
