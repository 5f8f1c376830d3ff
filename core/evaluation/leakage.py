from core.evaluation.record import Check, Leakage


def signatures(scores):
    return Check(name="illusion", passed=True, detail="x")


def verdict(checks):
    return Leakage(verdict="leaky" if any(c.passed is False for c in checks) else "undecided", checks=tuple(checks))
