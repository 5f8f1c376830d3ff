"""`train`, `evaluate`, `infer`, `drift`: models, their scores, their forecasts, and whether their inputs moved."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import jobs
from core.config import LABELS, LEAKY_LABELS, Home, LabelName, Settings, load_settings
from core.errors import BadInput, NotThere
from core.evaluation.scores import as_row


def register(sub: Any) -> None:
    train = sub.add_parser("train", help="fit models, score them, log them to MLflow")
    train.add_argument("--label", choices=LABELS, help="what is forecast (the saved setting)")
    train.add_argument("--horizon", type=int, metavar="S", help="seconds ahead (the saved setting)")
    tau = train.add_mutually_exclusive_group()
    tau.add_argument("--quantile", type=float, metavar="Q", help="τ as a quantile of the training part, 0 to 1")
    tau.add_argument("--tau", type=float, metavar="BPS", help="τ in bps")
    train.add_argument("--models", default="", metavar="a,b,c", help="which models, comma between (all)")
    train.add_argument("--seed", type=int, metavar="N", help="of everything random (the saved setting)")
    _market(train)
    train.set_defaults(run=run_train)

    evaluate = sub.add_parser("evaluate", help="the scores of the newest training")
    evaluate.add_argument("--model", metavar="NAME", help="one trained model only (all of the newest training)")
    evaluate.set_defaults(run=run_evaluate)

    infer = sub.add_parser("infer", help="forecast every bar of the stored ticks with a trained model")
    infer.add_argument("--model", metavar="NAME", help="a trained model (the champion)")
    infer.add_argument("--out", type=Path, metavar="FILE.parquet", help="where to write the forecasts")
    infer.add_argument("--since", metavar="ISO", help="only bars from this time on, UTC unless it names a zone")
    _market(infer)
    infer.set_defaults(run=run_infer)

    drift = sub.add_parser("drift", help="have the features moved between two parts of the ticks?")
    parts = ("train", "validation", "test")
    drift.add_argument("--reference", choices=parts, default="train", help="compare with (train)")
    drift.add_argument("--current", choices=(*parts, "last"), default="test", help="what is compared (test)")
    drift.add_argument("--last-seconds", type=int, default=3600, metavar="S", help="length of --current last (3600)")
    _market(drift)
    drift.set_defaults(run=run_drift)


def run_train(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Train as the job "train"; the scores of each model on the test part, at the theta that validation chose."""
    settings = load_settings(home)
    with jobs.hold(home, "train") as me:
        beat = _told(me)
        beat(0.0, "reading ticks")
        from core.features.dataset import build, save
        from core.features.labels import Question
        from core.training.fit import train

        label: LabelName = args.label or settings.label
        question = Question(label, args.horizon if args.horizon is not None else settings.horizon_s)
        quantile, tau = _threshold(args, settings, question.label, question.horizon_s)
        by_quantile = {} if quantile is None else {"quantile": quantile}
        venue, product = _asked(args, settings, home)
        dataset = build(home, question, venue=venue, product=product, tau_bps=tau, **by_quantile)
        save(dataset, home)
        names = [name.strip() for name in args.models.split(",") if name.strip()]
        seed = settings.seed if args.seed is None else args.seed
        trained = train(home, dataset, names, seed, beat, quantile=quantile)
        result = {
            "label": label,
            "horizon_s": question.horizon_s,
            "tau": dataset.tau_bps,
            "quantile": quantile,
            "venue": dataset.venue,
            "product": dataset.product,
            "fingerprint": dataset.fingerprint,
            "splits": dataset.counts(),
            "models": [as_row(one.meta.scores) | _about(one.meta) for one in trained],
            "leakage": leakage(label),
            "missing": list(dataset.missing),
        }
        me.end("done", f"trained {len(trained)} models", {"models": [one.meta.name for one in trained]})
    return result


def run_evaluate(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """The stored scores of the newest training, or of one trained model. Raises NotThere when there is none."""
    from core.training import registry

    runs = registry.runs(home)
    if not runs:
        raise NotThere("nothing was trained in this home yet: train first")
    metas = [registry.find(home, args.model)] if args.model else list(runs[0].models)
    first, champion = metas[0], registry.champion(home)
    return {
        "label": first.label,
        "horizon_s": first.horizon_s,
        "tau": first.tau_bps,
        "venue": first.venue,
        "product": first.product,
        "fingerprint": first.fingerprint,
        "splits": first.splits,
        "models": [
            as_row(meta.scores)
            | _about(meta)
            | {"validation_pr_auc": meta.validation.pr_auc, "stale": registry.stale(meta, load_settings(home))}
            for meta in metas
        ],
        "champion": champion.name if champion else None,
        "leakage": leakage(first.label),
        "missing": list(first.missing),
    }


def run_infer(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Forecast every bar whose features are all there; with --out, write them as Parquet."""
    from core.features.dataset import bars, pick
    from core.ingestion.store import Reader
    from core.training import registry
    from core.training.infer import forecasts

    since = _since_ns(args.since)
    champion = registry.champion(home)
    if args.model is None and champion is None:
        raise NotThere("there is no champion in this home: train first, or name a trained model with --model")
    estimator, meta = registry.load(home, args.model or champion.name)  # type: ignore[union-attr]
    theta = load_settings(home).theta or meta.theta
    with Reader(home) as reader:
        market = pick(reader, args.venue or (None if args.product else meta.venue), args.product or meta.product)
        history = bars(reader, market.venue, market.product)
    rows = forecasts(estimator, meta, history, market.venue, market.product, theta, since)
    if args.out is not None:
        import pyarrow as pa

        from core.ingestion.store import parquet

        parquet.write(pa.Table.from_pandas(rows, preserve_index=False), args.out)
    times = rows["bar_end_ns"]
    return {
        "model": meta.name,
        "venue": market.venue,
        "product": market.product,
        "theta": theta,
        "tau": meta.tau_bps,
        "bars": int((history.bar_end_ns >= since).sum()),
        "rows": len(rows),
        "alerts": int(rows["alert"].sum()),
        "first_bar_end_ns": int(times.iloc[0]) if len(rows) else None,
        "last_bar_end_ns": int(times.iloc[-1]) if len(rows) else None,
        "last_p": float(rows["p"].iloc[-1]) if len(rows) else None,
        "out": str(args.out) if args.out else None,
    }


def run_drift(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Compare two parts as the job "drift"; which features Evidently's default test calls moved."""
    import msgspec

    settings = load_settings(home)
    with jobs.hold(home, "drift") as me:
        beat = _told(me)
        beat(0.0, "reading ticks")
        from core.evaluation.drift import compare, part
        from core.features.dataset import bars, label, pick
        from core.features.labels import Question
        from core.ingestion.store import Reader

        venue, product = _asked(args, settings, home)
        with Reader(home) as reader:
            market = pick(reader, venue, product)
            history = bars(reader, market.venue, market.product)
        rows = label(history, Question(settings.label, settings.horizon_s), market.venue, market.product)
        table = compare(
            home, part(rows, history, args.reference), part(rows, history, args.current, args.last_seconds),
            rows.features, names=(args.reference, args.current), fingerprint=rows.digest[:16], venue=market.venue,
            product=market.product, beat=beat,
        )  # fmt: skip
        me.end("done", f"{table.moved} of {len(table.features)} features moved by Evidently's default test")
    result: dict[str, Any] = msgspec.to_builtins(table)
    result |= {"html": str(home.drift / "report.html"), "json": str(home.drift / "report.json")}
    return result


def leakage(label: str) -> dict[str, Any]:
    """What is known of leakage so far: a leaky label is leaky; of any other nothing has been checked."""
    from core.features.labels import LEAKY_WHY

    if label in LEAKY_LABELS:
        checks = [{"name": "label", "passed": False, "detail": LEAKY_WHY}]
        return {"verdict": "leaky", "checks": checks, "detail": LEAKY_WHY}
    detail = "Undecided: no leakage check has been run on these models."
    return {"verdict": "undecided", "checks": [], "detail": detail}


def _market(parser: Any) -> None:
    parser.add_argument("--venue", metavar="V", help="whose ticks (the venue with the most)")
    parser.add_argument("--product", metavar="P", help="of which product (the saved setting)")


def _about(meta: Any) -> dict[str, Any]:
    names = ("title", "baseline", "run_id", "seed", "note")
    return {"artifact": meta.name} | {name: getattr(meta, name) for name in names}


def _threshold(
    args: argparse.Namespace, settings: Settings, label: str, horizon_s: int
) -> tuple[float | None, float | None]:
    """(quantile, tau in bps), one of them None. A saved tau holds for the saved question only."""
    if args.tau is not None or args.quantile is not None:
        return args.quantile, args.tau
    same = (label, horizon_s) == (settings.label, settings.horizon_s)
    if settings.tau_bps is not None and same:
        return None, settings.tau_bps
    return settings.quantile, None


def _asked(args: argparse.Namespace, settings: Settings, home: Home) -> tuple[str | None, str | None]:
    """Venue and product: as asked, else the saved product where there are ticks of it, else any."""
    from core.ingestion.store import Reader

    if args.product is not None:
        return args.venue, args.product
    with Reader(home) as reader:
        there = any(m.product == settings.product and args.venue in (None, m.venue) for m in reader.markets())
    return args.venue, settings.product if there else None


def _since_ns(text: str | None) -> int:
    if text is None:
        return 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"since is {text}: write a time such as 2026-04-06T15:02:00") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000


def _told(me: jobs.Holder) -> Callable[[float, str], None]:
    """A beat that also writes to standard error, at most one line a second."""
    said = 0.0

    def beat(share: float, message: str) -> None:
        nonlocal said
        me.beat(share, message)
        if time.monotonic() - said >= 1.0:
            said = time.monotonic()
            print(f"{share:4.0%} {message}", file=sys.stderr)

    return beat
