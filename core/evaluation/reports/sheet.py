"""A4 pages in matplotlib on which text, tables and axes flow from the top: what does not fit begins a new page, so
nothing is clipped. Lengths are in points, 72 an inch.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from core.evaluation.reports.tables import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER, SURFACE, BORDER, GRID = "#FBFBF9", "#F1F1ED", "#D5D6D0", "#E7E7E2"
INK, MUTED, PRICE, VOL, TAU = "#1B2026", "#5A6470", "#2B3440", "#1B65A6", "#574500"
SPIKE, FORECAST, THETA, CHALLENGER, BASELINE = "#C1400B", "#00705A", "#A3247F", "#3F39B0", "#646E7A"
OK, WARN, BAD = "#00705A", "#805600", "#B3261E"
"""The light palette's roles, the one for reading and print."""

WIDTH, HEIGHT, MARGIN, FOOT, TOP = 595.3, 841.9, 40.0, 46.0, 44.0
INNER: Final = WIDTH - 2 * MARGIN
BODY, SMALL = 8.5, 7.5
FAMILY: Final = "DejaVu Sans"
"""matplotlib brings it, and it has τ, θ, ★ and the marks; the pages' own font is there as woff2 only, which
matplotlib does not read."""
LEADING: Final = 1.42
GAP, PITCH = 10.0, 1.35
Cells = Sequence[Sequence[str]]


def style() -> dict[str, Any]:
    """matplotlib's settings while a report is drawn: nothing depends on the machine's own."""
    return {
        "font.family": FAMILY, "pdf.fonttype": 42, "text.parse_math": False, "axes.unicode_minus": True,
        "text.color": INK, "axes.edgecolor": BORDER, "svg.hashsalt": "tremor", "path.simplify": True,
    }  # fmt: skip


@lru_cache(maxsize=20_000)
def width_of(text: str, size: float, bold: bool = False) -> float:
    """Width of one line of text."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=FAMILY, size=size, weight="bold" if bold else "normal")
    return float(text_to_path.get_text_width_height_descent(text, font, False)[0]) if text else 0.0


def wrapped(text: str, size: float, room: float, bold: bool = False) -> list[str]:
    """The text's lines broken so that none is wider than `room`; a word that is wider alone is cut."""
    lines = []
    space = width_of("a b", size, bold) - width_of("ab", size, bold)
    for paragraph in text.split("\n"):
        row, used = "", 0.0
        for whole in paragraph.split(" "):
            for word in _pieces(whole, size, room, bold):
                wide = width_of(word, size, bold)
                if row and used + space + wide > room:
                    lines.append(row)
                    row, used = word, wide
                else:
                    row, used = (f"{row} {word}", used + space + wide) if row else (word, wide)
        lines.append(row)
    return lines


def fitting(text: str, size: float, room: float, bold: bool = False) -> float:
    """The size, `size` at most, at which one line of text is no wider than `room`."""
    return min(size, size * room / max(width_of(text, size, bold), 1e-9))


def _pieces(word: str, size: float, room: float, bold: bool) -> list[str]:
    pieces = []
    while len(word) > 1 and width_of(word, size, bold) > room:
        fits = max(n for n in range(1, len(word)) if n == 1 or width_of(word[:n], size, bold) <= room)
        pieces.append(word[:fits])
        word = word[fits:]
    return [*pieces, word]


class Paper:
    """Pages in the making. `y` is how far down the present page is filled.

    head : small text at the top of each page; warning : large above it, in the colour of what is broken
    """

    def __init__(self, head: str, foot: str, warning: str = "") -> None:
        self.head, self.foot, self.warning = head, foot, warning
        self.pages: list[Figure] = []
        self.y = 0.0
        self.page()

    @property
    def figure(self) -> Figure:
        return self.pages[-1]

    @property
    def left(self) -> float:
        """Points that are still free on this page."""
        return HEIGHT - FOOT - self.y

    def page(self) -> None:
        """Begin a page."""
        from matplotlib.figure import Figure

        self.pages.append(Figure(figsize=(WIDTH / 72, HEIGHT / 72), dpi=72, facecolor=PAPER))
        self.write(MARGIN, 30, self.head, SMALL, MUTED)
        self.y = TOP
        if self.warning:
            self.write(MARGIN, 60, self.warning, fitting(self.warning, 20, INNER, bold=True), BAD, bold=True)
            self.y += 34

    def room(self, height: float) -> None:
        """Begin a new page unless so much is free."""
        if height > self.left:
            self.page()

    def write(
        self, x: float, baseline: float, text: str, size: float, colour: str = INK, *, bold: bool = False,
        align: str = "left",
    ) -> None:  # fmt: skip
        """One line of text, x points from the left edge and its baseline so far from the top."""
        self.figure.text(
            x / WIDTH, 1 - baseline / HEIGHT, text, fontsize=size, color=colour, ha=align, va="baseline",
            fontweight="bold" if bold else "normal",
        )  # fmt: skip

    def text(
        self, text: str, size: float = BODY, colour: str = INK, *, bold: bool = False, after: float = 6,
        x: float = MARGIN, room: float = INNER,
    ) -> None:  # fmt: skip
        """A paragraph, wrapped."""
        lines = wrapped(text, size, room, bold)
        self.room(min(len(lines), 3) * size * LEADING)
        for line in lines:
            self.room(size * LEADING)
            self.write(x, self.y + size, line, size, colour, bold=bold)
            self.y += size * LEADING
        self.y += after

    def block(self, title: str, context: str = "", *, needs: float = 60) -> None:
        """A heading with its context muted below it; it begins a page when less than `needs` is free for what
        follows."""
        lines = wrapped(context, SMALL, INNER) if context else []
        self.room(30 + len(lines) * SMALL * LEADING + needs)
        self.y += 10
        self.write(MARGIN, self.y + 11, title, 11, bold=True)
        self.y += 18
        for line in lines:
            self.write(MARGIN, self.y + SMALL, line, SMALL, MUTED)
            self.y += SMALL * LEADING
        self.y += 4

    def axes(self, x: float, width: float, height: float, top: float | None = None) -> Axes:
        """Axes at x points from the left edge, `top` from the upper one (where the page is filled to, unless given)."""
        top = self.y if top is None else top
        box = (x / WIDTH, 1 - (top + height) / HEIGHT, width / WIDTH, height / HEIGHT)
        return self.figure.add_axes(box, facecolor=PAPER)

    def table(self, table: Table, size: float = SMALL, *, empty: str = "") -> None:
        """Rows below their header, which is repeated on a new page; a row is never cut. `empty` is said instead of a
        table without rows."""
        if not table.rows:
            self.text(empty, colour=MUTED)
            return
        header, rows, widths, size = _laid(table, size)
        self.room(self.needs(table, size))
        self._row(header, widths, size, muted=True)
        for i, row in enumerate(rows):
            if _height(row, size) > self.left:
                self.page()
                self._row(header, widths, size, muted=True)
            self._row(row, widths, size, bold=i in table.marked)
        self.y += 8

    def needs(self, table: Table, size: float = SMALL) -> float:
        """Height that must be free for a table to begin: all of a short one, a few rows of a long one."""
        if not table.rows:
            return size * LEADING
        header, rows, _, size = _laid(table, size)
        whole = _height(header, size) + sum(_height(row, size) for row in rows)
        some = _height(header, size) + sum(_height(row, size) for row in rows[:4])
        return whole if whole < 0.45 * (HEIGHT - FOOT - TOP) else some

    def _row(
        self, cells: Cells, widths: Sequence[float], size: float, *, muted: bool = False, bold: bool = False
    ) -> None:
        x, pitch = MARGIN, size * PITCH
        for i, (lines, width) in enumerate(zip(cells, widths)):
            for n, line in enumerate(lines):
                second = (n > 0 and line.startswith(("(", "no interval"))) or (line.endswith("%") and n > 0)
                colour = MUTED if muted or second else _colour(line)
                self.write(x, self.y + size + 2 + n * pitch, line, size, colour, bold=bold and i == 0)
            x += width
        self.y += _height(cells, size)
        self.rule()

    def rule(self) -> None:
        """A hairline across the page."""
        from matplotlib.lines import Line2D

        y = 1 - self.y / HEIGHT
        self.figure.add_artist(Line2D([MARGIN / WIDTH, 1 - MARGIN / WIDTH], [y, y], color=BORDER, lw=0.5))

    def finished(self) -> list[Figure]:
        """All pages, each with its footer: what the numbers are traced by, and page n of m."""
        for n, figure in enumerate(self.pages, 1):
            for x, text, align in (
                (MARGIN, self.foot, "left"), (WIDTH - MARGIN, f"page {n} of {len(self.pages)}", "right"),
            ):  # fmt: skip
                figure.text(x / WIDTH, 24 / HEIGHT, text, fontsize=SMALL, color=MUTED, ha=align, va="baseline")
        return self.pages


@lru_cache(maxsize=64)
def _laid(table: Table, size: float) -> tuple[Cells, list[Cells], list[float], float]:
    """Header and rows as lines of text, the columns' widths, and the size that fits."""
    widths, size = _fitting(table, size)
    header = [column.split("\n") for column in table.columns]
    rows: list[Cells] = [
        [
            wrapped(cell, size, widths[i] - GAP) if i == table.wide else cell.split("\n")
            for i, cell in enumerate(row)
        ]
        for row in table.rows
    ]  # fmt: skip
    return header, rows, widths, size


def _height(cells: Cells, size: float) -> float:
    return max(len(lines) for lines in cells) * size * PITCH + 5


def _fitting(table: Table, size: float) -> tuple[list[float], float]:
    """Widths of the columns at the largest size, `size` at most, at which they fit the page: what their text needs and
    a gap; the wide column takes what is left, at least 100."""
    texts = [[column, *(row[i] for row in table.rows)] for i, column in enumerate(table.columns)]
    while True:
        needs = [
            max(
                width_of(line, size, bold=i == 0 and bool(table.marked)) for text in column for line in text.split("\n")
            )
            for i, column in enumerate(texts)
        ]
        if table.wide is not None:
            needs[table.wide] = min(needs[table.wide], 100.0)
        free = INNER - sum(needs) - GAP * (len(needs) - 1)
        if free >= 0 or size < 4:
            break
        size -= 0.25
    if table.wide is not None:
        needs[table.wide] += free
        return [n + GAP for n in needs], size
    share = min(free / len(needs), 26.0)  # a narrow table is not spread over the whole page
    return [n + GAP + share for n in needs], size


def _colour(text: str) -> str:
    return {"●": OK, "▲": WARN, "■": BAD, "○": MUTED}.get(text[:1], INK)
