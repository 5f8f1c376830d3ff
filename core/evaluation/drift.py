"""The Evidently adapter: have the features moved between a reference and a current part?

Evidently's own verdict per column is kept, but named as what it is: on volatility features, which wander for hours, it
cries wolf (on stationary simulated data without drift it cried drift in more than nine of ten runs). Rows and features
are bounded, since it takes minutes and a gigabyte on a whole history; it takes 9 s to import, so this runs as a job.
"""

from __future__ import annotations

import os
import re
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from core.config import Home, write_atomically
from core.errors import BadInput, Damaged, NotEnough
from core.features import formulas
from core.features.bars import Bars
from core.features.dataset import SPLITS, Labelled, table
from core.features.windows import CORE_S

SAMPLE_ROWS = 25_000
"""Rows of both parts together that Evidently is given at most."""
LEAST_ROWS = 50
"""Rows a part needs before a distribution can be compared."""
LONGEST_S = 10 * 366 * 86_400
"""Ten years: more seconds than any home holds."""
NOTE = (
    "Moved means moved by Evidently's default test. It calls ordinary changes of a market's mood drift: on simulated "
    "data without any drift it did so in more than nine of ten runs. Read it as a list of what to look at."
)
TABLE, HTML, JSON = "table.json", "report.html", "report.json"

Beat = Callable[[float, str], None]


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """One feature: Evidently's statistic, its value and threshold, and whether its default test calls that moved."""

    feature: str
    statistic: str
    value: float | None
    threshold: float
    moved: bool
    reference_median: float
    current_median: float


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one side was made of: rows there were, rows compared, first and last bar end in ns UTC."""

    name: str
    rows: int
    compared: int
    first_ns: int
    last_ns: int


class DriftTable(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison without its pictures. `left_out` are features that one part does not have at all."""

    made_ns: int
    fingerprint: str
    venue: str
    product: str
    reference: Part
    current: Part
    features: tuple[Moved, ...]
    left_out: tuple[str, ...]
    moved: int
    note: str = NOTE


def drift_table(home: Home) -> DriftTable | None:
    """The last comparison of this home, None when there was none. Raises Damaged when its file cannot be read."""
    path = home.drift / TABLE
    try:
        return msgspec.json.decode(path.read_bytes(), type=DriftTable)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise Damaged(f"{path} cannot be read ({error}): compare again") from error


def compare(
    home: Home,
    reference: pd.DataFrame,
    current: pd.DataFrame,
    features: Sequence[str],
    *,
    names: tuple[str, str],
    fingerprint: str,
    venue: str,
    product: str,
    beat: Beat,
    seed: int = 0,
) -> DriftTable:
    """Compare the distribution of each feature; write report.html, report.json and table.json below `home.drift`.

    Parameters
    ----------
    reference, current : rows with `bar_end_ns` and the features, in the order of time
    features : columns to compare; those that one part has nowhere are left out and named
    names : of the two parts ("train", "test")
    fingerprint : of the bars that both were taken from
    beat : told the share done, 0 to 1, and a few words
    seed : of the sample of rows, taken at random within each part when there are too many

    Raises
    ------
    NotEnough
        If a part has fewer than 50 rows, or no feature is there in both.
    """
    for name, part in zip(names, (reference, current), strict=True):
        if len(part) < LEAST_ROWS:
            raise NotEnough(f"the {name} part has {len(part):,} rows, a comparison needs {LEAST_ROWS}: capture more")
    sizes = (_share(len(reference), len(current)), _share(len(current), len(reference)))
    before, now = (
        _sample(_finite(side, features), size, seed) for side, size in zip((reference, current), sizes, strict=True)
    )
    shared = [f for f in features if before[f].notna().any() and now[f].notna().any()]
    if not shared:
        raise NotEnough(f"none of the {len(features)} features is there in both parts: compare ticks of one kind")
    before, now = before[shared], now[shared]
    beat(0.1, "starting Evidently")
    html, report = _evidently(before, now, beat)
    beat(0.9, "writing the report")
    rows = _moved(msgspec.json.decode(report), before, now)
    result = DriftTable(
        made_ns=time.time_ns(), fingerprint=fingerprint, venue=venue, product=product,
        reference=_part(names[0], reference, len(before)), current=_part(names[1], current, len(now)), features=rows,
        left_out=tuple(f for f in features if f not in shared), moved=sum(row.moved for row in rows),
    )  # fmt: skip
    write_atomically(home.drift / HTML, html)
    write_atomically(home.drift / JSON, report)
    write_atomically(home.drift / TABLE, msgspec.json.format(msgspec.json.encode(result), indent=1))
    return result


def part(rows: Labelled, history: Bars, name: str, last_s: int = 3600) -> pd.DataFrame:
    """One side of a comparison: `bar_end_ns` and all features, oldest first.

    `name` is a split, or "last": the bars of the last `last_s` seconds whose core windows are full. Those may
    have no labels yet, which drift does not ask for. Raises BadInput for another name or another length of time.
    """
    if not 0 < last_s <= LONGEST_S:
        raise BadInput(f"the last {last_s} seconds cannot be compared: give a number from 1 to {LONGEST_S:,}")
    if name in SPLITS:
        return rows.rows.loc[rows.rows["split"] == name, ["bar_end_ns", *formulas.NAMES]]
    if name != "last":
        raise BadInput(f"no part {name}: there is {', '.join(SPLITS)}, last")
    frame = pd.DataFrame(table(history).T, columns=list(formulas.NAMES))
    frame.insert(0, "bar_end_ns", history.bar_end_ns)
    newest = history.bar_end_ns[-1] if len(history) else 0
    recent = history.bar_end_ns > newest - last_s * 1_000_000_000
    return frame[recent & frame[f"rv_{CORE_S}"].notna().to_numpy()]


def _finite(rows: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
    """The features as float64; what is infinite reads as missing, which Evidently counts and does not choke on."""
    values = rows[list(features)].to_numpy(dtype=np.float64, copy=True)
    values[~np.isfinite(values)] = np.nan
    return pd.DataFrame(values, columns=list(features))


def _share(mine: int, other: int) -> int:
    """Rows of a part that are compared: half of the bound, or what the other part leaves free."""
    return min(mine, max(SAMPLE_ROWS // 2, SAMPLE_ROWS - other))


def _sample(rows: pd.DataFrame, size: int, seed: int) -> pd.DataFrame:
    kept = np.sort(np.random.default_rng(seed).choice(len(rows), size, replace=False))
    return rows.iloc[kept].reset_index(drop=True)


def _evidently(reference: pd.DataFrame, current: pd.DataFrame, beat: Beat) -> tuple[bytes, bytes]:
    """(HTML, JSON) of DataDriftPreset and DataSummaryPreset. It is told before its import to send nothing anywhere."""
    os.environ |= {"DO_NOT_TRACK": "true"}
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset, DataSummaryPreset

    beat(0.3, f"comparing {reference.shape[1]} features, {len(reference):,} rows with {len(current):,}")
    columns = DataDefinition(numerical_columns=list(reference.columns))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # correlations of columns that do not vary
        snapshot = Report([DataDriftPreset(), DataSummaryPreset()]).run(
            Dataset.from_pandas(current, data_definition=columns),
            Dataset.from_pandas(reference, data_definition=columns),
        )
        beat(0.7, "drawing the report")
        html = snapshot.get_html_str(as_iframe=False)
        report = snapshot.json()
    return _alone(html).encode(), report.encode()


def _alone(html: str) -> str:
    """The page, after making sure that a browser loads nothing from elsewhere for it; links one may click are left.

    The policy in its head lets the browser itself refuse whatever the page's scripts would want from outside.
    """
    outside = re.findall(r"""@import\s+(?:url\()?["']?(?:https?:)?//[^"')]+""", html)
    markup = re.sub(r"(<(script|style)\b[^>]*>).*?</\2>", r"\1", html, flags=re.DOTALL)
    outside += re.findall(r"""<(?:script|link|img|iframe)\b[^>]*?(?:src|href)\s*=\s*["'](?:https?:)?//[^"']+""", markup)
    if outside:
        raise Damaged(f"Evidently's page would load {outside[0][:120]} from the internet: it is not kept")
    policy = (
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline' "
        "'unsafe-eval' blob:; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; worker-src blob:\">"
    )
    head = re.search(r"<head[^>]*>", html)
    at = head.end() if head else 0
    return html[:at] + policy + html[at:]


def _moved(report: dict[str, Any], reference: pd.DataFrame, current: pd.DataFrame) -> tuple[Moved, ...]:
    """One row per ValueDrift metric of Evidently's JSON, in the order of the features.

    A test whose name ends in p_value calls a low value drift, a distance a high one.
    """
    rows = {}
    for metric in report["metrics"]:
        config = metric["config"]
        if not config["type"].endswith(":ValueDrift"):
            continue
        name, statistic, threshold = config["column"], config["method"], float(config["threshold"])
        value = metric["value"] if np.isfinite(metric["value"]) else None
        low_is_drift = statistic.endswith("p_value")
        rows[name] = Moved(
            feature=name, statistic=statistic, value=value, threshold=threshold,
            moved=value is not None and (value < threshold if low_is_drift else value >= threshold),
            reference_median=float(reference[name].median()), current_median=float(current[name].median()),
        )  # fmt: skip
    return tuple(rows[name] for name in reference.columns if name in rows)


def _part(name: str, rows: pd.DataFrame, compared: int) -> Part:
    times = rows["bar_end_ns"].to_numpy()
    return Part(name=name, rows=len(rows), compared=compared, first_ns=int(times[0]), last_ns=int(times[-1]))
