"""`report`: the evaluation of a training as a PDF, a picture and a model card."""

from __future__ import annotations

import argparse
from typing import Any

from core import jobs
from core.commands.asked import told
from core.config import Home
from core.errors import NotThere


def register(sub: Any) -> None:
    report = sub.add_parser("report", help="write the evaluation of a training as PDF, picture and model card")
    report.add_argument("--training", metavar="ID", help="which training (the newest)")
    report.set_defaults(run=run_report)


def run_report(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Write all three as the job "report"; where they are, the verdict, and what their numbers are traced by.

    Raises NotThere where nothing was trained or the training was not evaluated, BadInput where its scores cannot be
    judged by a reader.
    """
    with jobs.hold(home, "report") as me:
        beat = told(me)
        beat(0.0, "reading the evaluation")
        from core.evaluation import archive, reports
        from core.training import registry

        training = args.training
        if training is None:
            runs = registry.runs(home)
            if not runs:
                raise NotThere("nothing was trained in this home yet: train first")
            training = runs[0].training
        evaluation = archive.load(home, training)
        reports.refuse(evaluation)
        rows = archive.load_rows(home, training)
        beat(0.2, "drawing the pages")
        made = reports.write(home, evaluation, rows)
        me.end("done", f"wrote {made.pages} pages on the training {training}")
    return {
        "training": training,
        "pdf": str(made.pdf),
        "png": str(made.png),
        "card": str(made.card),
        "pages": made.pages,
        "verdict": evaluation.verdict.word,
        "sentence": evaluation.verdict.sentence,
        "leakage": evaluation.leakage.verdict,
        "run_id": evaluation.run_id,
        "fingerprint": evaluation.fingerprint,
    }
