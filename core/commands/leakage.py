"""leakage: does the pipeline of a training let the future, or the test part, into what it learns from?"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from core import jobs
from core.commands.asked import chosen_seed, chosen_tau, question_options
from core.config import Home, load_settings
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
    question_options(leakage)
    leakage.set_defaults(run=run_leakage)


def run_leakage(args: argparse.Namespace, home: Home) -> dict[str, Any]:
    """Examine as the job "leakage"; the verdict on the real pipeline, and which planted leaks were caught, by what."""
    import msgspec

    settings = load_settings(home)
    seed, asked = chosen_seed(args, settings), chosen_tau(args, settings)
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
        with Reader(home) as reader:
            market = chosen(reader, settings, args.venue, args.product)
            history = bars(reader, market.venue, market.product)
            unmended = reader.unmended(market.venue, market.product)
        works = 1 + 2 * len(names)  # a planted leak is examined and scored: about twice the work
        found = examine(
            history, question, unmended=unmended, tau=asked.number, quantile=asked.quantile, relative=asked.relative,
            seed=seed, beat=lambda share, message: beat(share / works, message),
        )  # fmt: skip
        planted: list[dict[str, Any]] = []
        honest: tuple[Scores, ...] = ()
        for i, name in enumerate(names):

            def told(share: float, message: str, i: int = i, name: str = name) -> None:
                beat((1 + 2 * (i + share)) / works, f"{name}: {message}")

            one = plant(
                name, history, question, unmended=unmended, tau=asked.number, quantile=asked.quantile,
                relative=asked.relative, seed=seed, honest=honest, venue=market.venue, product=market.product,
                beat=told,
            )  # fmt: skip
            write_planted(home, one)
            planted.append({"name": one.name, "caught": one.caught, "by": list(one.by)})
            honest = one.honest
        caught = sum(one["caught"] for one in planted)
        me.end("done", found.verdict + (f"; {caught} of {len(planted)} planted leaks caught" if planted else ""))
    checks = [msgspec.to_builtins(check) for check in found.checks]
    return {"verdict": found.verdict, "checks": checks, "planted": planted}
