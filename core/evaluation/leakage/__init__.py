"""The leakage doctor: does a pipeline let the future, or the test part, into what it learns from?

`examine` asks a training's own pipeline, `plant` replaces one of its steps by a well-known mistake and shows that the
doctor catches it, beside the score the mistake would have earned. `signatures` reads the two marks of an illusion off
finished scores, `verdict` sums checks up.
"""

from core.evaluation.leakage.doctor import CHECKS, diagnose, examine, verdict
from core.evaluation.leakage.pipeline import Pipeline
from core.evaluation.leakage.plants import CAUGHT_BY, PLANTS, Planted, plant, read_planted, with_leak, write_planted
from core.evaluation.leakage.signatures import signatures

__all__ = [
    "CAUGHT_BY",
    "CHECKS",
    "PLANTS",
    "Pipeline",
    "Planted",
    "diagnose",
    "examine",
    "plant",
    "read_planted",
    "signatures",
    "verdict",
    "with_leak",
    "write_planted",
]
