"""leakage: does the pipeline of a training let the future, or the test part, into what it learns from?"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from core import jobs
from core.config import LABELS, Home, load_settings
from core.errors import BadInput

if TYPE_CHECKING:
    from core.evaluation.scores import Scores


def register(verbs: Any) -> None:
    leakage = verbs.add_parser(
        "leakage",
        help="examine the pipeline of a training for leaks; --plant puts one in and shows that it is caught",
        description="Exit code 0 says that the examination was made, whatever it found: read `verdict`.",
    )
    leakage.add_argument("--plant", metavar="NAME", help="a leak to plant, or all; written to data/leakage/NAME.json")
    leakage.add_argument("--label", choices=LABELS, help="what is forecast (the saved setting)")
    leakage.add_argument("--horizon", type=int, metavar="S", help="seconds ahead (the saved setting)")
    tau = leakage.add_mutually_exclusive_group()
    tau.add_argument("--quantile", type=float, metavar="Q", help="τ as a quantile of the training part, 0 to 1")
    tau.add_argument("--tau", type=float, metavar="BPS", help="τ in bps")
    leakage.add_argument("--seed", type=int, metavar="N", help="of everything random (the saved setting)")
    leakage.add_argument("--venue", metavar="V", help="whose ticks (those of the saved feed)")
    leakage.add_argument("--product", metavar="P", help="of which product (the saved setting)")
    leakage.set_defaults(run=run_leakage)


def run_leakage(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Examine as the job "leakage"; the verdict on the real pipeline, and which planted leaks were caught, by what."""
    import msgspec

    settings = load_settings(home)
    seed = settings.seed if args.seed is None else args.seed
    if not 0 <= seed < 2**32:
        raise BadInput(f"the seed is {seed}: give a whole number from 0 to {2**32 - 1:,}")
    if args.tau is not None and not 1e-6 <= args.tau <= 1e6:
        raise BadInput(f"τ is {args.tau:g} bps: give a number above 0, from 0.000001 to 1,000,000")
    if args.quantile is not None and not 0 < args.quantile < 1:
        raise BadInput(f"the quantile is {args.quantile:g}: give a number between 0 and 1, such as 0.95")
    with jobs.hold(home, "leakage") as me:
        said = time.monotonic()

        def beat(share: float, message: str) -> None:
            nonlocal said
            me.beat(share, message)
            if time.monotonic() - said >= 1.0:
                said = time.monotonic()
                print(f"{share:4.0%} {message}", file=sys.stderr)

        beat(0.0, "reading ticks")
        from core.evaluation.leakage import PLANTS, examine, plant, write_planted
        from core.features.dataset import bars
        from core.features.labels import asked_question
        from core.features.markets import chosen
        from core.ingestion.store import Reader

        names = () if args.plant is None else PLANTS if args.plant == "all" else (args.plant,)
        unknown = [name for name in names if name not in PLANTS]
        if unknown:
            raise BadInput(f"no leak named {unknown[0]}: there is {', '.join(PLANTS)}, or all")
        question = asked_question(args, settings)
        tau, quantile = args.tau, settings.quantile if args.quantile is None else args.quantile
        same = (question.label, question.horizon_s) == (settings.label, settings.horizon_s)
        if tau is None and args.quantile is None and same:
            tau = settings.tau_bps
        with Reader(home) as reader:
            market = chosen(reader, settings, args.venue, args.product)
            history = bars(reader, market.venue, market.product)
            unmended = reader.unmended(market.venue, market.product)
        works = 1 + 2 * len(names)  # a planted leak is examined and scored: about twice the work
        found = examine(
            history, question, unmended=unmended, tau_bps=tau, quantile=quantile, seed=seed,
            beat=lambda share, message: beat(share / works, message),
        )  # fmt: skip
        planted: list[dict[str, Any]] = []
        honest: tuple[Scores, ...] = ()
        for i, name in enumerate(names):

            def told(share: float, message: str, i: int = i, name: str = name) -> None:
                beat((1 + 2 * (i + share)) / works, f"{name}: {message}")

            one = plant(
                name, history, question, unmended=unmended, tau_bps=tau, quantile=quantile, seed=seed, honest=honest,
                venue=market.venue, product=market.product,
                beat=told,
            )  # fmt: skip
            write_planted(home, one)
            planted.append({"name": one.name, "caught": one.caught, "by": list(one.by)})
            honest = one.honest
        caught = sum(one["caught"] for one in planted)
        me.end("done", found.verdict + (f"; {caught} of {len(planted)} planted leaks caught" if planted else ""))
    checks = [msgspec.to_builtins(check) for check in found.checks]
    return {"verdict": found.verdict, "checks": checks, "planted": planted}
