"""The precision-recall picture: every model's curve, its operating point and the base rate, without a legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.evaluation.scores import Curve, Scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#1B2026", "#5A6470", "#E7E7E2", "#FBFBF9"
CHAMPION, CHALLENGERS = "#00705A", ("#3F39B0", "#1B65A6", "#2B3440")
BASELINE, THETA = "#646E7A", "#A3247F"
"""The roles of the light palette, which is the one for reading and print."""

Floats = NDArray[np.float64]


def pr_figure(
    scores: Sequence[Scores],
    titles: Sequence[str],
    baselines: Sequence[bool],
    champion: str | None = None,
    *,
    heading: str = "",
) -> Figure:
    """Precision over recall on the test part, both 0 to 1 and square.

    Parameters
    ----------
    scores : of the models, all on the same test part
    titles, baselines : of the same length; what a model is called, and whether it is drawn dotted as a rule to beat
    champion : the `name` of the scores to draw as the champion
    heading : one line above the axes: which question and which rows

    Returns
    -------
    matplotlib Figure of 900 x 900 pixels with an Agg canvas; nothing global is touched.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 9), dpi=100, facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.1, 0.09, 0.86, 0.84), facecolor=PAPER)
    _frame(axes, heading)

    base_rate = scores[0].base_rate
    axes.axhline(base_rate, color=MUTED, lw=1, zorder=1)
    below = base_rate > 0.06
    axes.text(
        0.008, base_rate + (-0.008 if below else 0.008), f"base rate {100 * base_rate:.1f} %",
        color=MUTED, fontsize=9, va="top" if below else "bottom",
    )  # fmt: skip

    lines = [_steps(s.curve) for s in scores]
    crowd = np.vstack([_points(line) for line in lines] + [_points(np.array([[0.0, 1.0], [base_rate, base_rate]]))])
    others = iter(CHALLENGERS * len(scores))
    for i, (s, title, baseline) in enumerate(zip(scores, titles, baselines, strict=True)):
        is_champion = s.name == champion
        colour = CHAMPION if is_champion else BASELINE if baseline else next(others)
        axes.plot(
            *lines[i], color=colour, lw=2 if is_champion else 1.6, ls=(0, (1, 1.6)) if baseline else "-",
            zorder=4 if is_champion else 3, solid_joinstyle="round",
        )  # fmt: skip
        if s.precision is not None and s.recall is not None:
            axes.plot(s.recall, s.precision, "o", ms=8, mfc=PAPER, mec=colour, mew=2, zorder=5)
        name = f"{title}{' ★' if is_champion else ''}  AP {s.pr_auc:.2f}"
        x, y, side = _free(lines[i], crowd, width=0.0105 * len(name))
        text = axes.text(
            x, y, name, color=colour, fontsize=10, ha=side, va="center", zorder=6,
            fontweight="bold" if is_champion else "normal",
        )  # fmt: skip
        box = text.get_window_extent().transformed(axes.transData.inverted())
        grid = np.meshgrid(np.linspace(box.x0, box.x1, 30), np.linspace(box.y0, box.y1, 5))
        crowd = np.vstack([crowd, np.column_stack([part.ravel() for part in grid])])
    return figure


def _frame(axes: Axes, heading: str) -> None:
    axes.set(xlim=(0, 1), ylim=(0, 1.001), aspect="equal")
    axes.grid(color=GRID, lw=1)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelcolor=MUTED, labelsize=9)
    axes.set_xlabel("recall: share of spike seconds that were alerted", color=MUTED, fontsize=10)
    axes.set_ylabel("precision: share of alerts that were right", color=MUTED, fontsize=10)
    axes.text(0, 1.035, heading, color=INK, fontsize=11, transform=axes.transAxes)
    axes.text(1, 1.035, "○ at θ, chosen on validation", color=THETA, fontsize=9, ha="right", transform=axes.transAxes)


def _steps(curve: Curve) -> Floats:
    """The curve as the steps (2, 2 k) that average precision sums: the area under the drawn line is the score."""
    recall, precision = np.array(curve.recall), np.array(curve.precision)
    return np.array([np.stack([np.append(0.0, recall[:-1]), recall], axis=1).ravel(), np.repeat(precision, 2)])


def _points(line: Floats) -> Floats:
    """Points (n, 2) along a line (2, k), dense enough that no name fits between two of them."""
    way = np.append(0.0, np.cumsum(np.abs(np.diff(line, axis=1)).sum(axis=0)))
    even = np.linspace(0, way[-1], 400)
    return np.column_stack([np.interp(even, way, line[0]), np.interp(even, way, line[1])])


def _free(line: Floats, crowd: Floats, width: float) -> tuple[float, float, str]:
    """Where beside its line a name covers the least of what is drawn: (x, y, side it is written from)."""
    best, cost = (0.5, 0.5, "left"), np.inf
    for x, y in _points(line)[::4]:
        for side, low, high, middle in (
            ("left", x + 0.01, x + 0.01 + width, y + 0.03),
            ("right", x - 0.01 - width, x - 0.01, y - 0.03),
        ):
            if low < 0 or high > 1 or not 0.02 < middle < 0.98:
                continue
            covered = (crowd[:, 0] > low) & (crowd[:, 0] < high) & (np.abs(crowd[:, 1] - middle) < 0.024)
            here = float(covered.sum()) + abs(x - 0.45)
            if here < cost:
                best, cost = (float(low if side == "left" else high), float(middle), side), here
    return best
