"""Which features a fitted model leans on: how much worse it forecasts the validation part once they are shuffled.

Permutation importance: L. Breiman, "Random Forests", Machine Learning 45 (2001), section 10; as the reliance of one
given model, A. Fisher, C. Rudin and F. Dominici, "All Models are Wrong, but Many are Useful", JMLR 20 (2019). Two
things differ from the textbook, because seconds are no independent rows and features no independent columns:

- Whole blocks of five horizons change places, never single rows: a shuffled column keeps its own memory, and only its
  tie to what follows is cut. Each repeat is one cycle through all blocks, so that none stays where it was.
- Features that move together are shuffled together: a model that lost one of two twins would read the other, and both
  would look useless. Two are twins where their ranks on the training part correlate by 0.7 or more, and a group is one
  in which every two are (complete linkage).

The test part is not looked at: what is read off here may decide which features are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.config import Home, write_atomically
from core.errors import Damaged, NotEnough
from core.evaluation.record import Estimate
from core.evaluation.scores import score_at

if TYPE_CHECKING:
    from core.features.dataset import Dataset

TOGETHER = 0.7
"""Rank correlation from which two features are twins."""
REPEATS = 5
THINNED = 4_000
"""Rows of the training part that the ranks are taken of."""
TINY = 1e-9

Floats = NDArray[np.float64]
Predict = Callable[[pd.DataFrame], Floats]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Features that were shuffled together, and what that cost: mean over the repeats with the lowest and highest.

    ap : fall of average precision; log_loss : rise of log loss, nats. About 0 says that the model does without them.
    """

    features: tuple[str, ...]
    ap: Estimate
    log_loss: Estimate


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """One forecast taken apart: log-odds of `p` = base + the sum of `adds`, one for each feature.

    why : in a few words, why this row is shown; spike : what came, None where that is not known
    values : of the features at that row, None where one is missing
    """

    bar_end_ns: int
    why: str
    p: float
    spike: bool | None
    base: float
    features: tuple[str, ...]
    values: tuple[float | None, ...]
    adds: tuple[float, ...]


class Importance(msgspec.Struct, frozen=True, kw_only=True):
    """What one model leans on, the group that costs most average precision first.

    ap, base_rate, log_loss : of the validation part as it is; rows, blocks : what was shuffled; block_s : of a block
    """

    name: str
    fingerprint: str
    ap: float
    base_rate: float
    log_loss: float
    rows: int
    blocks: int
    block_s: int
    repeats: int
    groups: tuple[Group, ...]
    explained: tuple[Explained, ...] = ()
    """Some forecasts of the test part taken apart, () for a model whose log-odds are no sum over features."""


def permutation(
    name: str, dataset: Dataset, predict: Predict, block_s: int, *, repeats: int = REPEATS, seed: int = 0,
    beat: Callable[[float, str], None] = lambda _share, _message: None,
) -> Importance:  # fmt: skip
    """Shuffle each group of features of the validation part, and score what `predict` then says.

    Parameters
    ----------
    name : of the model, kept with the result
    predict : features (n, k) -> probability of a spike (n,), of the fitted and calibrated model
    block_s : seconds of a block; five horizons

    Raises
    ------
    NotEnough
        If the validation part has fewer than two blocks.
    """
    x, y = dataset.part("validation")
    blocks = -(-len(x) // block_s)
    if len(x) < 2 * block_s:
        raise NotEnough(
            f"validation has {len(x):,} rows, blocks of {block_s} s change places in {2 * block_s:,} or more"
        )
    groups = twins(dataset.rows.loc[dataset.rows["split"] == "train", list(dataset.features)])
    rng = np.random.default_rng(seed)
    takes = [shuffled(len(x), block_s, rng) for _ in range(repeats)]
    whole = _scores(name, y, predict(x))
    found = []
    for i, group in enumerate(groups):
        beat(i / len(groups), f"importance, {i + 1} of {len(groups)} groups of features")
        columns = x[list(group)].to_numpy()
        cost = []
        for take in takes:
            changed = x.assign(**dict(zip(group, columns[take].T, strict=True)))
            ap, loss = _scores(name, y, predict(changed))
            cost.append((whole[0] - ap, loss - whole[1]))
        aps, losses = zip(*cost, strict=True)
        found.append(Group(features=group, ap=_spread(aps), log_loss=_spread(losses)))
    found.sort(key=lambda g: -(g.ap.value or 0.0))
    return Importance(
        name=name, fingerprint=dataset.fingerprint, ap=whole[0], base_rate=float(y.mean()), log_loss=whole[1],
        rows=len(x), blocks=blocks, block_s=block_s, repeats=repeats, groups=tuple(found),
    )  # fmt: skip


def shuffled(rows: int, block: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Where each of n rows takes its values from: whole blocks of rows, each in another's place, (n,), all n once.

    The order of the blocks is one random cycle through all of them (S. Sattolo, 1986): none stays in its place.
    """
    cut = np.array_split(np.arange(rows), -(-rows // block))
    cycle = rng.permutation(len(cut))
    takes_from = np.empty(len(cut), np.intp)
    takes_from[cycle] = np.roll(cycle, 1)
    return np.concatenate([cut[at] for at in takes_from])


def twins(x: pd.DataFrame, together: float = TOGETHER) -> list[tuple[str, ...]]:
    """The columns of x (n, k) in groups whose members' ranks all correlate by `together` or more, up or down.

    A missing value has the median's rank; a column that does not vary is alone. In the order of the columns.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if x.shape[1] < 2:
        return [tuple(x.columns)]
    thin = x.iloc[:: max(1, len(x) // THINNED)]
    ranks = thin.fillna(thin.median()).fillna(0.0).rank().to_numpy()
    moving = ranks.std(axis=0) > 0
    alike = np.zeros((x.shape[1], x.shape[1]))
    alike[np.ix_(moving, moving)] = np.abs(np.corrcoef(ranks[:, moving], rowvar=False))
    apart = 1 - np.clip(alike, 0, 1)
    np.fill_diagonal(apart, 0)
    numbers = fcluster(linkage(squareform(apart, checks=False), "complete"), 1 - together, "distance")
    groups: dict[int, list[str]] = {}
    for name, number in zip(x.columns, numbers, strict=True):
        groups.setdefault(int(number), []).append(str(name))
    return [tuple(group) for group in groups.values()]


def file(home: Home, name: str) -> Path:
    """Where the importance of the trained model `name` is kept."""
    return home.data / "importance" / f"{name}.json"


def save(home: Home, made: Importance) -> Path:
    """Keep it; the file."""
    path = file(home, made.name)
    write_atomically(path, msgspec.json.format(msgspec.json.encode(made), indent=1))
    return path


def load(home: Home, name: str) -> Importance | None:
    """What is kept of the trained model `name`, None where nothing is. Raises Damaged."""
    path = file(home, name)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Importance)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise Damaged(f"{path} cannot be read ({error}): delete it and ask for it again") from error


def _scores(name: str, y: NDArray[np.bool_], p: Floats) -> tuple[float, float]:
    """Average precision, and log loss in nats: the mean of -log of the probability given to what came."""
    given = np.clip(np.where(y, p, 1 - p), TINY, 1.0)
    return score_at(name, y, p, 0.5, "validation").pr_auc, float(-np.log(given).mean())


def _spread(values: Sequence[float]) -> Estimate:
    return Estimate(value=float(np.mean(values)), low=float(min(values)), high=float(max(values)))


__all__ = ["Explained", "Group", "Importance", "file", "load", "permutation", "save", "shuffled", "twins"]
