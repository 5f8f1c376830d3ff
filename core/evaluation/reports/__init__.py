"""The report of an evaluation for readers without this program: a PDF, a picture and a model card.

All three are made of one `Evaluation` value, and every number in them is traced by its MLflow run and the data's
fingerprint. They are kept with their training and also laid where the newest one is looked for:
`reports/model_eval.pdf`, `reports/model_comparison.png`, `docs/model_card_v1.md`. The same evaluation gives the same
bytes.
"""

from __future__ import annotations

import io
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

from core.config import Home, write_atomically
from core.errors import BadInput, NotThere
from core.evaluation.drift import drift_table
from core.evaluation.record import Evaluation

PDF, PNG, CARD = "model_eval.pdf", "model_comparison.png", "model_card_v1.md"
LEAST_REPLICATES = 100
"""Fewer draws give no 95 % interval: its ends would be the second or third of the extremes."""
PACKAGES = ("numpy", "pandas", "numba", "scikit-learn", "xgboost-cpu", "arch", "mlflow", "evidently", "matplotlib")


@dataclass(frozen=True)
class Written:
    """The three files of one training and how many pages its PDF has (None where that was not counted now)."""

    pdf: Path
    png: Path
    card: Path
    pages: int | None = None

    @property
    def files(self) -> list[Path]:
        return [self.pdf, self.png, self.card]


def write(home: Home, evaluation: Evaluation, rows: pd.DataFrame) -> Written:
    """Write PDF, picture and card of an evaluation: beside it, and as the newest below reports/ and docs/.

    Parameters
    ----------
    evaluation : of one training, with baselines, intervals and leakage checks
    rows : behind its pictures of events, as `archive.load_rows` gives them

    Returns
    -------
    The files below reports/ and docs/. Those kept with the training are found by `find`.

    Raises
    ------
    BadInput
        If a reader could not judge the scores: no baseline, no intervals, or no leakage check was made.
    Damaged
        If the home's last comparison of features cannot be read.
    """
    from core.evaluation.reports.card import card

    refuse(evaluation)
    drift = drift_table(home)
    pdf, png, pages = _drawn(home, evaluation, rows)
    text = card(evaluation, drift, versions()).encode()
    for place in (_kept(home, evaluation.training), _newest(home)):
        for path, content in zip(place.files, (pdf, png, text), strict=True):
            write_atomically(path, content)
    newest = _newest(home)
    return Written(newest.pdf, newest.png, newest.card, pages)


def find(home: Home, training: str) -> Written:
    """The report that was kept with a training. Raises NotThere where none was made."""
    kept = _kept(home, training)
    if not all(path.exists() for path in kept.files):
        raise NotThere(f"no report of the training {training} was made in this home: python -m core report")
    return kept


def refuse(e: Evaluation) -> None:
    """Raise BadInput for an evaluation whose scores a reader could not judge."""
    if not any(m.baseline for m in e.models):
        raise BadInput(
            f"the training {e.training} has no baseline among its {len(e.models)} models: a score without one to "
            "beat is not reported; train with a baseline such as zscore"
        )
    if e.replicates < LEAST_REPLICATES:
        raise BadInput(
            f"the training {e.training} was evaluated with {e.replicates} replicates, a 95 % interval needs "
            f"{LEAST_REPLICATES}: evaluate again"
        )
    if not e.leakage.checks:
        raise BadInput(f"no leakage check was made on the training {e.training}: train again")


def versions() -> Mapping[str, str]:
    """Versions of what computes and draws, by name; what is not installed is left out."""
    found = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _kept(home: Home, training: str) -> Written:
    folder = home.evaluations / training
    return Written(folder / PDF, folder / PNG, folder / CARD)


def _newest(home: Home) -> Written:
    return Written(home.reports / PDF, home.reports / PNG, home.root / "docs" / CARD)


def _drawn(home: Home, e: Evaluation, rows: pd.DataFrame) -> tuple[bytes, bytes, int]:
    """Bytes of the PDF and of the picture, and the number of pages. No date is in them but those of the evaluation."""
    import matplotlib
    from matplotlib.backends.backend_pdf import PdfPages

    from core.evaluation.reports import pages
    from core.evaluation.reports.sheet import style

    paper, picture = io.BytesIO(), io.BytesIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(style())
        figures = pages.report(e, rows, drift_table(home))
        about = {
            "Title": f"Tremor, evaluation of {e.training}",
            "CreationDate": None,
            "Creator": None,
            "Producer": None,
        }
        with PdfPages(paper, metadata=about) as book:
            for figure in figures:
                book.savefig(figure, facecolor=figure.get_facecolor())
        pages.comparison(e).savefig(picture, format="png", metadata={"Software": None})
    return paper.getvalue(), picture.getvalue(), len(figures)


__all__ = ["Written", "find", "refuse", "versions", "write"]
