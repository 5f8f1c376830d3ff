"""Report and card: what they say, where, that nothing is clipped or covered, and what they refuse to print."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import matplotlib
import msgspec
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from core.config import Home
from core.errors import BadInput, NotThere
from core.evaluation import reports
from core.evaluation.drift import DriftTable, Moved, Part
from core.evaluation.record import UNCHECKED, Estimate, Evaluation, Leakage
from core.evaluation.reports.card import card, limits
from core.evaluation.reports.pages import comparison, report
from core.evaluation.reports.sheet import style, width_of, wrapped
from tests.evaluation.reported import LEAKY, by_hand, made

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "report" / "model_card.md"
NO_ROWS = pd.DataFrame({"split": [], "bar_end_ns": []})
DRIFT = DriftTable(
    made_ns=1, fingerprint="0" * 16, venue="embedded", product="BTC-USD", moved=20, left_out=(),
    reference=Part(name="train", rows=9, compared=9, first_ns=0, last_ns=1),
    current=Part(name="test", rows=9, compared=9, first_ns=0, last_ns=1),
    features=tuple(
        Moved(feature=f"feature_{i}", statistic="Wasserstein distance (normed)", value=0.1 * i, threshold=0.1,
              moved=i % 2 == 0, reference_median=1.0, current_median=2.0)
        for i in range(40)
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evaluation, pd.DataFrame]:
    return made(Home(tmp_path_factory.mktemp("real")))


@pytest.fixture(scope="module")
def scarce(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evaluation, pd.DataFrame]:
    """Two episodes in the test part: no interval anywhere."""
    return made(Home(tmp_path_factory.mktemp("scarce")), burst_every_s=2200)


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evaluation, pd.DataFrame]:
    return made(Home(tmp_path_factory.mktemp("leaky")), leakage=LEAKY)


def drawn(e: Evaluation, rows: pd.DataFrame, drift: DriftTable | None = None) -> list[Figure]:
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(style())
        figures = report(e, rows, drift)
        for figure in figures:
            FigureCanvasAgg(figure)
            figure.set_dpi(216)  # at 72 an Agg canvas rounds the width of each letter, which a PDF does not
            figure.draw_without_rendering()
    return figures


def texts(figure: Figure) -> list[Text]:
    return [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible()]


def said(figures: list[Figure]) -> str:
    return " ".join(t.get_text() for figure in figures for t in texts(figure))


def wrong_places(figure: Figure) -> list[str]:
    """Texts that leave the page or cover one another; ticks beyond an axis are not drawn."""
    page = figure.bbox
    hidden = {
        id(label)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for label, at in zip(axis.get_ticklabels(), axis.get_majorticklocs())
        if not min(axis.get_view_interval()) - 1e-9 <= at <= max(axis.get_view_interval()) + 1e-9
    }
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts(figure) if id(t) not in hidden]
    found = [f"outside: {text}" for text, b in boxes if b.x0 < 0 or b.y0 < 0 or b.x1 > page.x1 or b.y1 > page.y1]
    for (a, first), (b, second) in combinations(boxes, 2):
        over = Bbox.intersection(first, second)
        if over is not None and min(over.width, over.height) > 3 * figure.dpi / 72:
            found.append(f"covered: {a} / {b}")
    return found


def test_the_card_is_the_golden_one() -> None:
    text = card(by_hand(), None, {"Python": "3.11", "numpy": "2.4"})
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_every_part_of_the_card_names_run_and_data() -> None:
    e = by_hand()
    parts = card(e, None, {}).split("\n## ")[1:]
    assert len(parts) == 16
    for part in parts:
        assert f"run {e.run_id}, data {e.fingerprint}" in part, part.splitlines()[0]


def test_it_is_written_beside_the_evaluation_and_as_the_newest(
    real: tuple[Evaluation, pd.DataFrame], home: Home
) -> None:
    with pytest.raises(NotThere, match="no report of the training t1"):
        reports.find(home, "t1")
    newest = reports.write(home, *real)
    assert newest.files == [
        home.root / "reports/model_eval.pdf", home.root / "reports/model_comparison.png",
        home.root / "docs/model_card_v1.md",
    ]  # fmt: skip
    kept = reports.find(home, "t1")
    assert [a.read_bytes() == b.read_bytes() for a, b in zip(kept.files, newest.files)] == [True, True, True]
    pages = len(re.findall(rb"/Type /Page\b", newest.pdf.read_bytes()))
    assert pages == newest.pages and pages >= 4
    width, height = np.frombuffer(newest.png.read_bytes()[16:24], ">u4")
    assert width == 1605 and height > 300


def test_the_same_evaluation_gives_the_same_bytes(real: tuple[Evaluation, pd.DataFrame], home: Home) -> None:
    first = [path.read_bytes() for path in reports.write(home, *real).files]
    before = dict(matplotlib.rcParams)
    assert [path.read_bytes() for path in reports.write(home, *real).files] == first
    assert dict(matplotlib.rcParams) == before
    assert b"CreationDate" not in first[0]


@pytest.mark.parametrize("which", ["real", "scarce", "leaky", "by hand"])
def test_nothing_is_clipped_or_covered(which: str, request: pytest.FixtureRequest) -> None:
    e, rows = (by_hand(), NO_ROWS) if which == "by hand" else request.getfixturevalue(which)
    figures = drawn(e, rows, DRIFT)
    assert len(figures) >= 4
    assert {n: wrong for n, figure in enumerate(figures, 1) if (wrong := wrong_places(figure))} == {}
    for n, figure in enumerate(figures, 1):
        page = said([figure])
        assert f"run {e.run_id}, data {e.fingerprint}" in page and f"page {n} of {len(figures)}" in page
        assert len(texts(figure)) > 10, "no page is nearly empty"
        assert ("LEAKY" in page) == (which == "leaky")
        assert re.search(r"\b(nan|None|inf)\b", page) is None
    picture = comparison(e)
    picture.draw_without_rendering()
    assert wrong_places(picture) == []


def test_a_clipped_and_a_covered_text_would_be_found() -> None:
    figure = Figure(figsize=(4, 4), dpi=72)
    FigureCanvasAgg(figure)
    figure.text(0.9, 0.5, "much too long for here")
    figure.text(0.1, 0.1, "one text")
    figure.text(0.12, 0.1, "another")
    figure.canvas.draw()
    assert sorted(text[:7] for text in wrong_places(figure)) == ["covered", "outside"]


def test_intervals_are_drawn_where_there_are_some(real: tuple[Evaluation, pd.DataFrame]) -> None:
    e, rows = real
    model = next(m for m in e.models if m.name == "logistic-t")
    assert model.ap.low is not None and model.band.recall
    page = said(drawn(e, rows))
    assert f"({model.ap.low:.2f} to {model.ap.high:.2f})" in page
    assert "No band" not in page and "reading, not a score" not in page


def test_an_interval_that_is_not_there_is_said_and_not_drawn(scarce: tuple[Evaluation, pd.DataFrame]) -> None:
    e, rows = scarce
    assert all(m.ap.low is None and not m.band.recall for m in e.models)
    figures = drawn(e, rows)
    page = said(figures)
    assert "No band: too few blocks hold a spike." in page and "(no interval: too few blocks hold a spike)" in page
    assert not re.search(r"\(0\.\d\d to 0\.\d\d\) AP", page)
    dots = next(a for figure in figures for a in figure.axes if a.get_title(loc="left").startswith("pooled"))
    wide = [line for line in dots.lines if line.get_linestyle() == "-" and len(set(line.get_xdata())) > 1]
    assert wide == []


def test_the_time_line_shows_what_was_counted(real: tuple[Evaluation, pd.DataFrame]) -> None:
    e, rows = real
    at = next(a for a in e.models[[m.name for m in e.models].index("logistic-t")].alerts if a.budget_per_h == 2)
    assert at.episodes >= 5
    assert f"{at.caught} of {at.episodes} episodes caught" in said(drawn(e, rows))
    other = rows.assign(**{"logistic-t": rows["logistic-t"].to_numpy()[::-1]})
    assert "No time line" in said(drawn(e, other)), "forecasts that were not counted are not drawn"
    assert "No time line" in said(drawn(e, NO_ROWS))


def test_what_has_nothing_to_show_is_a_sentence() -> None:
    e = by_hand()
    models = tuple(
        msgspec.structs.replace(
            m, alerts=(), groups=(), within=msgspec.structs.replace(m.within, ap=Estimate(value=None), base_rate=None)
        )
        for m in e.models
    )
    bare = msgspec.structs.replace(e, models=models, folds=(), folds_note="", run_id="")
    figures = drawn(bare, NO_ROWS)
    page = said(figures)
    for sentence in (
        "No picture: no session holds both", "No time line", "No alerts were judged", "No folds in this evaluation",
        "were not compared yet", "run not logged",
    ):  # fmt: skip
        assert sentence in page
    assert {n: wrong for n, figure in enumerate(figures, 1) if (wrong := wrong_places(figure))} == {}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"models": by_hand().models[:1]}, "has no baseline among its 1 models"),
        ({"replicates": 99}, "99 replicates, a 95 % interval needs 100"),
        ({"leakage": UNCHECKED}, "no leakage check was made"),
    ],
)
def test_it_refuses_what_a_reader_could_not_judge(changes: dict[str, object], why: str, home: Home) -> None:
    with pytest.raises(BadInput, match=why):
        reports.write(home, msgspec.structs.replace(by_hand(), **changes), NO_ROWS)
    assert not home.reports.exists() and not (home.root / "docs").exists()


def test_the_limits_come_from_the_evidence() -> None:
    e = by_hand()
    told = " ".join(limits(e))
    assert "validation part holds 3 episodes" in told and "flow_60" in told
    assert "pooled lift of 6.2 there is 4.2 inside sessions" in told
    assert "walk-forward" not in told and "not shown" not in told and "Brier skill" not in told
    assert "5.0 % in the training part and is 1.0 % on test" in " ".join(
        limits(msgspec.structs.replace(e, base_rate=0.01))
    )
    asked = Leakage(verdict="undecided", checks=(msgspec.structs.replace(e.leakage.checks[0], passed=None),))
    told = " ".join(limits(msgspec.structs.replace(e, leakage=asked, folds=())))
    assert "Not asked by the leakage doctor" in told and "truncation" in told and "no walk-forward folds" in told


def test_a_broken_line_is_never_wider_than_its_room() -> None:
    text = "short words and oneverylongwordthatfitsnowhere_in_a_narrow_column, then more"
    lines = wrapped(text, 8.5, 60)
    assert max(width_of(line, 8.5) for line in lines) <= 60
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
