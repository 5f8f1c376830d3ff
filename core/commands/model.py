"""`train`, `evaluate`, `infer`: models, their scores, their forecasts."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from core import jobs
from core.commands.asked import (
    MOST_FOLDS,
    chosen_seed,
    chosen_tau,
    market_options,
    question_options,
    refuse_beside,
    told,
)
from core.config import Home, Settings, load_settings
from core.errors import BadInput, NotThere
from core.evaluation import archive
from core.evaluation.scores import as_row

if TYPE_CHECKING:
    from core.evaluation.record import Evaluation
    from core.ingestion.store import Market, Reader
    from core.training.registry import Meta

EXAMINED = 0.15
"""Share of a training's progress that the leakage doctor takes."""


def register(sub: Any) -> None:
    train = sub.add_parser("train", help="fit models, score them, log them to MLflow")
    question_options(train)
    train.add_argument("--models", default="", metavar="a,b,c", help="which models, comma between (all)")
    train.add_argument(
        "--folds", type=int, default=5, metavar="N", help="walk-forward folds before the test part, 0 for none (5)"
    )
    train.add_argument("--untuned", action="store_true", help="leave aside what `tune` has found")
    train.set_defaults(run=run_train)

    evaluate = sub.add_parser("evaluate", help="the scores of the newest training")
    evaluate.add_argument("--model", metavar="NAME", help="one trained model only (all of the newest training)")
    evaluate.set_defaults(run=run_evaluate)

    infer = sub.add_parser("infer", help="forecast every bar of the stored ticks with a trained model")
    infer.add_argument("--model", metavar="NAME", help="a trained model (the champion)")
    infer.add_argument("--out", type=Path, metavar="FILE.parquet", help="where to write the forecasts")
    infer.add_argument("--since", metavar="ISO", help="only bars from this time on, UTC unless it names a zone")
    market_options(infer)
    infer.set_defaults(run=run_infer)


def run_train(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Train as the job "train"; the scores of each model on the test part, at the theta that validation chose.

    `tau` is in bps; where tau is relative it is the median over the training part, and `tau_relative` the multiple.
    """
    settings = load_settings(home)
    with jobs.hold(home, "train") as me:
        refuse_beside(home, "tune")
        beat = told(me)
        beat(0.0, "reading ticks")
        from core.evaluation.leakage import examine
        from core.features.dataset import bars, label, save
        from core.features.labels import asked_question
        from core.features.markets import chosen
        from core.ingestion.store import Reader
        from core.training.fit import train

        question = asked_question(args, settings)
        seed, asked = chosen_seed(args, settings), chosen_tau(args, settings)
        if not 0 <= args.folds <= MOST_FOLDS:
            raise BadInput(f"{args.folds} folds: give a number from 0 (none) to {MOST_FOLDS}")
        with Reader(home) as reader:
            market = chosen(reader, settings, args.venue, args.product)
            history = bars(reader, market.venue, market.product)
            unmended = reader.unmended(market.venue, market.product)
        rows, tau = asked.on(label(history, question, market.venue, market.product, unmended))
        dataset = rows.at(tau)
        save(dataset, home)
        names = [name.strip() for name in args.models.split(",") if name.strip()]
        found = examine(
            history, question, unmended=unmended, tau=asked.number, quantile=asked.quantile, relative=asked.relative,
            seed=seed, beat=lambda share, message: beat(EXAMINED * share, f"leakage: {message}"),
        )  # fmt: skip
        trained = train(
            home, dataset, names, seed, lambda share, message: beat(EXAMINED + (1 - EXAMINED) * share, message),
            quantile=asked.quantile, leakage=found, folds=args.folds, untuned=args.untuned,
        )  # fmt: skip
        evaluation = archive.load(home, trained[0].meta.training)
        result = {
            "label": question.label,
            "horizon_s": question.horizon_s,
            "tau": dataset.tau_bps,
            "tau_relative": dataset.tau_relative,
            "quantile": asked.quantile,
            "warming": rows.warming,
            "venue": dataset.venue,
            "product": dataset.product,
            "fingerprint": dataset.fingerprint,
            "splits": dataset.counts(),
            "models": [
                as_row(one.meta.scores) | _about(one.meta) | judged(evaluation, one.meta.name) for one in trained
            ],
            "leakage": msgspec.to_builtins(evaluation.leakage),
            "verdict": msgspec.to_builtins(evaluation.verdict),
            "evidence": msgspec.to_builtins(evaluation.meter),
            "champion": evaluation.champion,
            "folds": list(msgspec.to_builtins(evaluation.folds)),
            "folds_note": evaluation.folds_note,
            "missing": list(dataset.missing),
        }
        me.end("done", f"trained {len(trained)} models", {"models": [one.meta.name for one in trained]})
    return result


def run_evaluate(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """The stored scores of the newest training, or of one trained model. Raises NotThere when there is none."""
    from core.ingestion.store import Reader
    from core.training import registry

    runs = registry.runs(home)
    if not runs:
        raise NotThere("nothing was trained in this home yet: train first")
    metas = list(runs[0].models) if args.model is None else [registry.find(home, args.model)]
    first, champion, settings = metas[0], registry.champion(home), load_settings(home)
    try:
        evaluation = archive.load(home, first.training)
    except NotThere:  # trained before evaluations were kept
        evaluation = None
    with Reader(home) as reader:
        market = _market_if_any(reader, settings)
    return {
        "label": first.label,
        "horizon_s": first.horizon_s,
        "tau": first.tau_bps,
        "tau_relative": first.tau_relative,
        "venue": first.venue,
        "product": first.product,
        "fingerprint": first.fingerprint,
        "splits": first.splits,
        "models": [
            as_row(meta.scores)
            | _about(meta)
            | {"validation_pr_auc": meta.validation.pr_auc, "stale": registry.stale(meta, settings, market)}
            | judged(evaluation, meta.name)
            for meta in metas
        ],
        "champion": champion.name if champion else None,
        "leakage": msgspec.to_builtins(first.leakage),
        "verdict": msgspec.to_builtins(evaluation.verdict) if evaluation else None,
        "evidence": msgspec.to_builtins(evaluation.meter) if evaluation else None,
        "folds": list(msgspec.to_builtins(evaluation.folds)) if evaluation else [],
        "folds_note": evaluation.folds_note if evaluation else "",
        "missing": list(first.missing),
    }


def run_infer(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Forecast every bar that the monitor would forecast; with --out, write them as Parquet."""
    from core.features.dataset import bars
    from core.features.markets import chosen
    from core.ingestion.store import Reader
    from core.training import registry
    from core.training.infer import forecasts

    since = _since_ns(args.since)
    name = args.model
    if name is None:
        champion = registry.champion(home)
        if champion is None:
            raise NotThere("there is no champion in this home: train first, or name a trained model with --model")
        name = champion.name
    estimator, meta = registry.load(home, name)
    settings = load_settings(home)
    theta = settings.theta_for(meta.name, meta.theta)
    with Reader(home) as reader:
        market = chosen(reader, settings, args.venue, args.product)
        history = bars(reader, market.venue, market.product)
    made = forecasts(estimator, meta, history, market.venue, market.product, theta, since)
    rows = made.rows
    if args.out is not None:
        import pyarrow as pa

        from core.ingestion.store import parquet

        parquet.write(pa.Table.from_pandas(rows, preserve_index=False), args.out)
    times = rows["bar_end_ns"]
    return {
        "model": meta.name,
        "leaky": meta.leaky,
        "venue": market.venue,
        "product": market.product,
        "note": _foreign(meta, market),
        "missing": list(made.missing),
        "theta": theta,
        "tau": meta.tau_bps,
        "tau_relative": meta.tau_relative,
        "bars": int((history.bar_end_ns >= since).sum()),
        "rows": len(rows),
        "alerts": int(rows["alert"].sum()),
        "first_bar_end_ns": int(times.iloc[0]) if len(rows) else None,
        "last_bar_end_ns": int(times.iloc[-1]) if len(rows) else None,
        "last_p": float(rows["p"].iloc[-1]) if len(rows) else None,
        "out": str(args.out) if args.out else None,
    }


def judged(evaluation: Evaluation | None, name: str) -> dict[str, Any]:
    """What the evaluation says of one model beyond its scores: intervals, inside sessions, alerts, probability."""
    found = next((m for m in evaluation.models if m.name == name), None) if evaluation else None
    if found is None:
        return {}
    fields = ("ap", "over_base", "over_best", "within", "alerts", "probability", "calibration")
    said: dict[str, Any] = msgspec.to_builtins({field: getattr(found, field) for field in fields})
    return said


def _about(meta: Any) -> dict[str, Any]:
    names = ("title", "baseline", "run_id", "seed", "note")
    return {"artifact": meta.name} | {name: getattr(meta, name) for name in names}


def _market_if_any(reader: Reader, settings: Settings) -> Market | None:
    """The market that the settings ask about, None in a home without ticks: stored scores are shown there too."""
    from core.features.markets import market_of

    return market_of(reader.markets(), settings)


def _foreign(meta: Meta, market: Market) -> str | None:
    """That the model has learned from another market, or None."""
    learned, here = f"{meta.venue} {meta.product}", f"{market.venue} {market.product}"
    if learned == here:
        return None
    return f"The model was trained on {learned}; its τ, θ and scores say nothing yet of {here}."


def _since_ns(text: str | None) -> int:
    if text is None:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"since is {text}: write a time such as 2026-04-06T15:02:00") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000
