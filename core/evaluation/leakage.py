from core.evaluation.record import Check, Leakage
def signatures(scores):
    return Check(name="illusion", passed=True, detail="x")
def verdict(checks):
    return Leakage(verdict="undecided", checks=tuple(checks))
