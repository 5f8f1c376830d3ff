"""The report's pictures, each drawn into axes that it is given. A thing that is not there is not drawn: no interval has
zero width, and a picture with nothing to show is a sentence in its place (the caller's)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.evaluation.record import Bin, Estimate, Evaluation, Judged
from core.evaluation.reports.sheet import BASELINE, CHALLENGER, FORECAST, GRID, INK, MUTED, PAPER, SMALL, THETA, fitting
from core.evaluation.reports.words import lead, named, percent, prob

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.ticker import MaxNLocator
    from numpy.typing import NDArray

CURVES = 5
"""Curves drawn at most: more hide each other, and each model has its dot."""


def colour_of(m: Judged, e: Evaluation) -> str:
    """The role of a model: the one shown, a baseline, or a challenger."""
    return FORECAST if m.name == lead(e).name else BASELINE if m.baseline else CHALLENGER


def quiet(axes: Axes, size: float = SMALL) -> None:
    """Hairline grid, no frame, small muted ticks."""
    axes.grid(color=GRID, lw=0.7)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelcolor=MUTED, labelsize=size)


def curves(axes: Axes, e: Evaluation) -> list[Judged]:
    """Precision over recall: the shown model with its band, the best baselines and the next best, and the base rate.

    Names stand in order of their curves' height beside the right edge, each joined to its curve by a hairline.
    """
    first = {lead(e).name, e.best_baseline, e.best_within}
    drawn = sorted(e.models, key=lambda m: (m.name not in first, -m.scores.pr_auc))[:CURVES]
    quiet(axes)
    axes.set(xlim=(0, 1), ylim=(0, 1.005), aspect="equal")
    axes.set_xlabel("recall: share of spikes caught", color=MUTED, fontsize=SMALL)
    axes.set_ylabel("precision: share of alerts that are right", color=MUTED, fontsize=SMALL)
    shown = lead(e)
    if shown.band.recall:
        axes.fill_between(shown.band.recall, shown.band.low, shown.band.high, color=FORECAST, alpha=0.16, lw=0)
    axes.axhline(e.base_rate, color=MUTED, lw=0.8, ls=(0, (1, 2)))
    ends = []
    for m in reversed(drawn):
        recall, precision = np.array(m.scores.curve.recall), np.array(m.scores.curve.precision)
        x = np.stack([np.append(0.0, recall[:-1]), recall], axis=1).ravel()
        y = np.repeat(precision, 2)  # the steps that average precision sums
        axes.plot(
            x, y, color=colour_of(m, e), lw=1.5 if m.name == shown.name else 1.0,
            ls=(0, (1, 1.5)) if m.baseline and m.name != shown.name else "-",
        )  # fmt: skip
        at = 0.35 + 0.12 * drawn.index(m)
        ends.append(
            (float(np.interp(at, recall, precision)), at, colour_of(m, e), f"{named(m, e)}  {prob(m.scores.pr_auc)}")
        )
    ends.append((e.base_rate, 1.0, MUTED, f"base rate  {prob(e.base_rate)}"))
    if shown.scores.precision is not None:
        axes.plot(
            shown.scores.recall, shown.scores.precision, "o", ms=6, mfc=PAPER, mec=FORECAST, mew=1.6, clip_on=False
        )
    ends.sort(key=lambda end: -end[0])
    for (height, start, colour, name), place in zip(ends, apart([end[0] for end in ends], 0.055)):
        axes.plot([start, 1.03], [height, place], color=colour, lw=0.5, alpha=0.4, clip_on=False)
        axes.text(1.04, place, name, color=colour, fontsize=SMALL, va="center")
    return drawn


def apart(heights: Sequence[float], least: float, low: float = 0.02, high: float = 0.98) -> list[float]:
    """Heights, falling, moved as little as it takes to be `least` apart and within `low` to `high`.

    >>> [round(y, 2) for y in apart([0.5, 0.5, 0.1], 0.1)]
    [0.5, 0.4, 0.1]
    """
    places: list[float] = []
    for y in heights:
        places.append(min(y, places[-1] - least if places else high))
    for i in range(len(places) - 1, -1, -1):
        floor = low if i == len(places) - 1 else places[i + 1] + least
        places[i] = max(places[i], floor)
    return places


def dots(axes: Axes, e: Evaluation, *, inside: bool, room: float, size: float = SMALL) -> None:
    """Average precision of each model, best on top, a dot with its interval beside the base rate as a line.

    inside : within sessions, else pooled
    room : points on the left for the models' names, 0 for none
    """
    found: list[tuple[Judged, Estimate]] = [(m, m.within.ap if inside else m.ap) for m in e.models]
    rate = e.models[0].within.base_rate if inside else e.base_rate
    quiet(axes, size)
    axes.grid(False, axis="y")
    rows = np.arange(len(found))[::-1]
    top = max([rate or 0.0, *(x.high or x.value or 0.0 for _, x in found)]) * 1.08 or 1.0
    for row, (m, x) in zip(rows, found):
        colour = colour_of(m, e)
        if x.value is None:
            axes.text(0, row, " no score", color=MUTED, fontsize=size, va="center")
            continue
        if x.low is not None and x.high is not None:
            axes.plot([x.low, x.high], [row, row], color=colour, lw=1.6, solid_capstyle="butt")
        hollow = x.low is None
        axes.plot(
            x.value, row, "o", ms=0.72 * size, mfc=PAPER if hollow else colour, mec=colour, mew=1.2, clip_on=False
        )
    if rate is not None:
        axes.axvline(rate, color=MUTED, lw=0.9, ls=(0, (1, 2)))
    axes.set(xlim=(0, top), ylim=(-0.6, len(found) - 0.4))
    axes.xaxis.set_major_locator(_steps(5))
    axes.set_yticks(rows, [named(m, e) for m, _ in found] if room else [""] * len(found))
    for label, (m, _) in zip(axes.get_yticklabels(), found):
        bold = m.name == e.champion
        label.set(color=colour_of(m, e), fontweight="bold" if bold else "normal")
        label.set_fontsize(fitting(named(m, e), size, room, bold))
    axes.set_title(
        f"{'inside sessions' if inside else 'pooled'}, base rate {percent(rate)} (dotted)", fontsize=size, color=INK,
        loc="left", pad=size * 0.7,
    )  # fmt: skip


def _steps(most: int) -> MaxNLocator:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(most, prune="upper")


def reliability(axes: Axes, bins: Sequence[Bin]) -> None:
    """Share of spikes over forecast, each point with its interval, and the line of a forecast that means what it
    says."""
    quiet(axes)
    top = min(1.0, 1.05 * max(max(b.p, b.high) for b in bins))
    axes.set(xlim=(0, top), ylim=(0, top), aspect="equal")
    axes.plot([0, top], [0, top], color=MUTED, lw=0.9, ls=(0, (1, 2)))
    p, share = np.array([b.p for b in bins]), np.array([b.share for b in bins])
    axes.vlines(p, [b.low for b in bins], [b.high for b in bins], color=FORECAST, lw=1.3)
    axes.plot(p, share, "o-", color=FORECAST, ms=4.5, lw=0.8, clip_on=False)
    axes.set_xlabel("forecast: mean P of the rows of a point", color=MUTED, fontsize=SMALL)
    axes.set_ylabel("what came: share of spikes", color=MUTED, fontsize=SMALL)


def lifts(axes: Axes, times: Sequence[str], mine: Sequence[float | None],
          theirs: Sequence[float | None] | None) -> None:  # fmt: skip
    """Lift in each session, in the order of time: the shown model filled, the best baseline open, no skill a line at
    1."""
    quiet(axes)
    at = np.arange(len(times))
    for values, colour, face in ((theirs, BASELINE, PAPER), (mine, FORECAST, FORECAST)):
        if values is not None:
            y: NDArray[np.float64] = np.array([np.nan if v is None else v for v in values])
            axes.plot(at, y, "o", ms=4.5, mfc=face, mec=colour, mew=1.2, clip_on=False)
    known = [v for v in (*mine, *(theirs or ())) if v is not None]
    axes.axhline(1, color=MUTED, lw=0.9, ls=(0, (1, 2)))
    axes.set(xlim=(-0.6, len(times) - 0.4), ylim=(0, 1.12 * max([1.3, *known])))
    step = max(1, -(-len(times) // 9))
    axes.set_xticks(at[::step], list(times)[::step])


def theta_tag(axes: Axes, theta: float) -> None:
    """The alert probability as a dashed line with its name at the right edge."""
    axes.axhline(theta, color=THETA, lw=1.0, ls=(0, (4, 3)))
    axes.text(
        1.005, theta, f"θ {prob(theta)}", color=THETA, fontsize=SMALL, va="center", transform=axes.get_yaxis_transform()
    )
