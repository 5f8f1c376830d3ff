"""Seven well-known leaks, each as a pipeline with one step replaced, and what each of them would have earned."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.config import Home, write_atomically
from core.errors import BadInput, Damaged, NotEnough
from core.evaluation.leakage.doctor import Beat, diagnose, silent
from core.evaluation.leakage.pipeline import Pipeline
from core.evaluation.record import Leakage
from core.evaluation.scores import Scores, score
from core.features import formulas
from core.features.bars import SECOND_NS, Bars
from core.features.dataset import SPLITS, Dataset, Labelled
from core.features.labelled import quantity
from core.features.labels import Question, forward_volatility
from core.features.steps import HONEST, SHARES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CAUGHT_BY: dict[str, str] = {
    "next_row": "label_interval",
    "shift_before_rolling": "feature_interval",
    "centred_window": "feature_interval",
    "random_split": "split_order",
    "label_as_feature": "label_among_features",
    "tau_on_all_rows": "tau_from_train",
    "scaler_on_all_rows": "scaler_from_train",
}
"""Each leak, and the check that must fail for it to count as caught."""
PLANTS: tuple[str, ...] = tuple(CAUGHT_BY)
TITLES: dict[str, str] = {
    "next_row": "the label is the trailing volatility of the next row: all but one of its seconds are in the features",
    "shift_before_rolling": "returns are shifted by a horizon before windows roll over them: features of the future",
    "centred_window": "windows are centred on t: half of each feature lies in the future",
    "random_split": "rows are split at random: each test row has neighbours of the same minute in the training part",
    "label_as_feature": "the log of the forward volatility is left among the columns",
    "tau_on_all_rows": "the threshold is a quantile of all rows, test included",
    "scaler_on_all_rows": "columns are scaled with the mean and deviation of all rows, test included",
}
MODELS = ("zscore", "logistic", "xgboost")
"""The rule, the linear model and the trees whose curves are drawn."""


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """One leak planted: whether the doctor caught it, and its scores beside the honest ones.

    caught: the check of CAUGHT_BY failed. by: all checks that failed on the planted pipeline. illusion, honest: Scores
    of the same models on the test part of the planted and of the honest pipeline, at `illusion_tau_bps` and
    `honest_tau_bps`; empty, with the reason in `note`, where a part has one class only. fingerprint: of the honest
    dataset ("" without one).
    """

    name: str
    title: str
    caught: bool
    by: tuple[str, ...]
    leakage: Leakage
    illusion: tuple[Scores, ...]
    honest: tuple[Scores, ...]
    illusion_tau_bps: float
    honest_tau_bps: float
    note: str
    label: str
    horizon_s: int
    seed: int
    made_ns: int
    fingerprint: str
    venue: str = ""
    product: str = ""
    illusion_tau_relative: float | None = None
    honest_tau_relative: float | None = None
    """tau as a multiple of slow volatility where it is relative; its bps are then the median over the training part."""


def plant(
    name: str,
    history: Bars,
    question: Question,
    *,
    unmended: Ints | None = None,
    tau: float | None = None,
    quantile: float | None = None,
    relative: bool = False,
    seed: int = 0,
    beat: Beat = silent,
    honest: tuple[Scores, ...] = (),
    venue: str = "",
    product: str = "",
) -> Planted:
    """Plant one leak of PLANTS into the pipeline of a training, examine it, and score both.

    Parameters
    ----------
    history, question, unmended, tau, quantile, relative, seed, beat : as of `examine`
    honest : the honest scores, where another leak of the same question, threshold and seed has them already
    venue, product : whose bars these are, kept in the result

    Raises
    ------
    BadInput
        For a name that is no leak.
    NotEnough
        If the history gives no labelled rows.
    """
    clean = Pipeline(question, tau, 0.95 if quantile is None else quantile, relative)
    clean_rows = clean.labelled(history, unmended)
    leaking = with_leak(name, clean, clean_rows, seed)
    leakage = diagnose(leaking, history, unmended=unmended, seed=seed, beat=lambda s, m: beat(0.6 * s, m))
    failed = tuple(check.name for check in leakage.checks if check.passed is False)
    rows = leaking.labelled(history, unmended)
    beat(0.6, "scoring what the leak earns")
    after, note = _scored(leaking, rows, seed, lambda s, m: beat(0.6 + 0.2 * s, m))
    before, why = (honest, "") if honest else _scored(clean, clean_rows, seed, lambda s, m: beat(0.8 + 0.2 * s, m))
    fingerprint = clean_rows.at(clean.threshold(clean_rows)).fingerprint if before else ""
    beat(1.0, f"planted {name}")
    return Planted(
        name=name, title=TITLES[name], caught=CAUGHT_BY[name] in failed, by=failed, leakage=leakage, illusion=after,
        honest=before, illusion_tau_bps=rows.bps(leaking.threshold(rows)),
        honest_tau_bps=clean_rows.bps(clean.threshold(clean_rows)),
        illusion_tau_relative=leaking.threshold(rows) if relative else None,
        honest_tau_relative=clean.threshold(clean_rows) if relative else None,
        note=note or why, label=question.label, horizon_s=question.horizon_s, seed=seed, made_ns=time.time_ns(),
        fingerprint=fingerprint, venue=venue, product=product,
    )  # fmt: skip


def with_leak(name: str, clean: Pipeline, rows: Labelled, seed: int = 0, *, ahead_s: int | None = None) -> Pipeline:
    """The pipeline with the leak `name` in it, one step replaced.

    Parameters
    ----------
    rows : of the clean pipeline; where tau was given as a number, they tell which quantile it is
    seed : of the random split
    ahead_s : how far `shift_before_rolling` shifts, bars (the horizon)
    """
    steps = HONEST
    horizon = clean.question.horizon_s
    if name == "next_row":
        return replace(clean, steps=replace(steps, forward=_next_row))
    if name == "shift_before_rolling":
        shifts = np.full(len(formulas.FEATURES), horizon if ahead_s is None else ahead_s)
        return replace(clean, steps=replace(steps, features=_ahead(shifts)))
    if name == "centred_window":
        return replace(
            clean, steps=replace(steps, features=_ahead(np.array([f.window_s // 2 for f in formulas.FEATURES])))
        )
    if name == "random_split":
        return replace(clean, steps=replace(steps, splits=_at_random(seed)))
    if name == "label_as_feature":
        return replace(clean, inputs=_with_the_label)
    if name == "scaler_on_all_rows":
        return replace(clean, inputs=_scaled_on_all)
    if name == "tau_on_all_rows":
        below = float((rows.quantity("train") < clean.threshold(rows)).mean())
        quantile = clean.quantile if clean.given is None else min(max(below, 0.001), 0.999)
        return replace(clean, given=None, quantile=quantile, tau=_quantile_of_all)
    raise BadInput(f"no leak named {name}: there is {', '.join(PLANTS)}")


def scored(pipeline: Pipeline, rows: Labelled, seed: int, beat: Beat = silent) -> tuple[Scores, ...]:
    """Scores of MODELS on the pipeline's test part. Raises NotEnough where a part has one class only."""
    dataset = pipeline.dataset(rows)
    found = []
    (x_val, y_val), (x, y) = dataset.part("validation"), dataset.part("test")
    for i, model in enumerate(MODELS):
        beat(i / len(MODELS), f"fitting {model}")
        estimator = pipeline.fit(model, dataset, seed)
        p_val, p = (estimator.predict_proba(part)[:, 1] for part in (x_val, x))
        found.append(score(model, y_val, p_val, y, p))
    return tuple(found)


def _scored(pipeline: Pipeline, rows: Labelled, seed: int, beat: Beat) -> tuple[tuple[Scores, ...], str]:
    try:
        return scored(pipeline, rows, seed, beat), ""
    except NotEnough as error:
        return (), str(error)


def write_planted(home: Home, planted: Planted) -> None:
    """Keep it as `data/leakage/NAME.json`, where a page finds it."""
    content = msgspec.json.format(msgspec.json.encode(planted), indent=1)
    write_atomically(home.leakage / f"{planted.name}.json", content)


def read_planted(home: Home, name: str) -> Planted | None:
    """What was last planted under this name, None when nothing was. Raises Damaged when its file cannot be read."""
    path = home.leakage / f"{name}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Planted)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise Damaged(f"{path} cannot be read ({error}): plant it again") from error


def _next_row(question: Question, features: Floats, bar_end_ns: Ints, session: Ints) -> Floats:
    """The label's own trailing volatility one row later, on the rows that have an honest label."""
    trailing = features[formulas.NAMES.index(question.trailing)]
    honest = forward_volatility(question, features, bar_end_ns, session)
    return np.where(np.isnan(honest), np.nan, _later(trailing, 1, bar_end_ns, session))


def _later(values: Floats, ahead: int, bar_end_ns: Ints, session: Ints) -> Floats:
    """The value `ahead` bars later in the same session, the row's own where there is none; missing stays missing."""
    n = values.size - ahead
    if n <= 0 or ahead == 0:
        return values
    same = (session[ahead:] == session[:n]) & (bar_end_ns[ahead:] - bar_end_ns[:n] == ahead * SECOND_NS)
    out = values.copy()
    out[:n] = np.where(same & ~np.isnan(values[:n]), values[ahead:], values[:n])
    return out


def _ahead(bars: Ints) -> Callable[[Floats, Bars], Floats]:
    """Each feature (row j) taken from `bars[j]` bars later, on the rows that have the honest feature."""

    def features(values: Floats, history: Bars) -> Floats:
        times, session = history.bar_end_ns, history.session
        return np.stack([_later(row, int(ahead), times, session) for row, ahead in zip(values, bars, strict=True)])

    return features


def _at_random(seed: int) -> Callable[[Ints, int], NDArray[np.object_]]:
    def splits(bar_end_ns: Ints, _horizon_s: int) -> NDArray[np.object_]:
        named: NDArray[np.object_] = np.random.default_rng(seed).choice(
            np.array(SPLITS, dtype=object), bar_end_ns.size, p=SHARES
        )
        return named

    return splits


def _with_the_label(dataset: Dataset) -> Dataset:
    name = "log_volatility_ahead"
    log = np.log(dataset.rows["forward_vol_bps"].to_numpy() + 1e-9)
    return replace(dataset, rows=dataset.rows.assign(**{name: log}), features=(*dataset.features, name))


def _scaled_on_all(dataset: Dataset) -> Dataset:
    columns = dataset.rows[list(dataset.features)]
    scaled = (columns - columns.mean()) / columns.std().replace(0.0, 1.0)
    return replace(dataset, rows=dataset.rows.assign(**{c: scaled[c] for c in dataset.features}))


def _quantile_of_all(rows: Labelled, quantile: float) -> float:
    return float(np.quantile(quantity(rows.rows, rows.relative), quantile))
