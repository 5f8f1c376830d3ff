"""The model card, in Markdown. Its headings follow Mitchell et al. (2019), "Model Cards for Model Reporting", FAT*."""

from __future__ import annotations

from collections.abc import Mapping

from core.evaluation.drift import DriftTable
from core.evaluation.record import Evaluation
from core.evaluation.reports import tables
from core.evaluation.reports.tables import Table
from core.evaluation.reports.words import (
    FEW_BLOCKS,
    LABELS,
    count,
    lead,
    lift,
    no_interval,
    percent,
    plural,
    question,
    said,
    shifted,
    signed,
    tau,
    title_of,
    traced,
    unit,
    utc,
    verdict,
)


def card(e: Evaluation, drift: DriftTable | None, versions: Mapping[str, str]) -> str:
    """The card of the training's champion. versions : of the packages, by name."""
    m = lead(e)
    alarm = ["> **LEAKY.** No score here says anything of the future. Do not use this model.", ""]
    parts: list[tuple[str, list[str]]] = [
        ("Verdict", [f"**{e.verdict.word.capitalize()}.** {verdict(e)}", unit(e), no_interval(e)]),
        ("Intended use", _use(e)),
        ("Data", [_data(e), markdown(tables.evidence(e)), e.meter.sentence]),
        ("Metrics", [_metrics(e), markdown(tables.models(e)), no_interval(e)]),
        ("Baselines", _baselines(e)),
        ("Inside sessions, days and regimes", _groups(e)),
        ("Events", _events(e)),
        ("Calibration", [m.calibration, _probability(e), markdown(tables.probabilities(e))]),
        ("Folds", [e.folds_note, markdown(tables.folds(e)) or "No folds: these scores rest on one split in time."]),
        ("Leakage", [e.leakage.words.capitalize() + ".", markdown(tables.checks(e))]),
        ("Drift", [_drift(e, drift)]),
        ("Limits", [_list(limits(e))]),
        ("Ethics and misuse", [_list(MISUSE)]),
        ("Reproduce", _reproduce(e)),
        ("Versions", [", ".join(f"{name} {version}" for name, version in versions.items()) + "."]),
        ("Runs", [markdown(_runs(e))]),
    ]
    lines = [f"# Model card v1: {m.title}", "", *(alarm if e.leakage.verdict == "leaky" else []), question(e), ""]
    lines += [markdown(tables.identity(e)), ""]
    for heading, texts in parts:
        lines += [f"## {heading}", "", *(line for text in texts if text for line in (text, "")), f"*{traced(e)}*", ""]
    return "\n".join(lines).rstrip() + "\n"


def markdown(table: Table) -> str:
    """A table of Markdown, "" where it has no rows; the row of the champion is bold in its first cell."""
    if not table.rows:
        return ""

    def row(cells: tuple[str, ...], bold: bool = False) -> str:
        flat = [cell.replace("\n", " ").replace("|", "\\|") for cell in cells]
        return "| " + " | ".join([f"**{flat[0]}**" if bold else flat[0], *flat[1:]]) + " |"

    rule = "|" + "---|" * len(table.columns)
    return "\n".join([row(table.columns), rule, *(row(cells, i in table.marked) for i, cells in enumerate(table.rows))])


MISUSE = (
    "Not advice: nothing here says what to buy or sell, and no score is a promise of return.",
    "Not a direction: a spike is volatility at or above τ, up or down alike.",
    (
        "Not for automatic trading: fees, slippage and the size of a position are in no figure here, and an alert "
        "reaches its reader later than it was made by the latency of feed, network and page."
    ),
    (
        "No guarantee: markets change, the feed has gaps, and a score of the past holds at most for a future that is "
        "like it."
    ),
    (
        "Prices are public market data; nothing of any person is in them. An alert that many act upon at once can move "
        "what it warns of."
    ),
)


def _use(e: Evaluation) -> list[str]:
    uses = [
        (
            f"For a person who watches {e.venue} {e.product} and wants to be told that volatility may rise within "
            f"{e.horizon_s} s, with the alerts an hour that he or she can bear."
        ),
        (
            f"The question is one number: {LABELS[e.label]} over the next {e.horizon_s} s at or above τ "
            f"{tau(e.tau_bps, e.tau_relative)}. Another τ, horizon, market or feed is another question, and needs "
            "another training."
        ),
        "Not for anything else; see Ethics and misuse.",
    ]
    return [_list(uses)]


def _data(e: Evaluation) -> str:
    train, test = e.meter.splits[0], e.meter.splits[-1]
    missing = f" Features that this data lacks: {', '.join(e.missing)}." if e.missing else ""
    return (
        f"{e.venue} {e.product}, {count(sum(s.rows for s in e.meter.splits))} rows of one second, "
        f"{utc(train.first_ns)} to {utc(test.last_ns)}; fingerprint `{e.fingerprint}`. Split in time, with a horizon "
        f"left out between the parts: no row of one part reads a second that another part's labels stand on.{missing}"
    )


def _metrics(e: Evaluation) -> str:
    return (
        "Average precision (AP) on the test part, which no fit, threshold or calibration has seen. Intervals are 95 "
        f"%, by {e.replicates} replicates of blocks of {e.block_s} s, seed {e.seed}. Inside sessions each forecast "
        "is replaced by its rank in its session: telling a busy day from a quiet one earns nothing there. Lift is AP "
        "/ base rate."
    )


def _baselines(e: Evaluation) -> list[str]:
    rules = [m.title for m in e.models if m.baseline]
    m = lead(e)
    best, inside = title_of(e, e.best_baseline), title_of(e, e.best_within)
    about = (
        f"{plural(len(rules), 'baseline')}: {', '.join(rules)}. Best pooled: {best}; best inside sessions: {inside}; "
        "both are the best on test, so luck among them counts against the models."
    )
    lines = [about]
    if m.name != e.best_within and m.within.over_best.value is not None:
        lines.append(
            f"{m.title} over the best baseline inside sessions: {said(m.within.over_best, signed, FEW_BLOCKS)}."
        )
    if m.name != e.best_baseline and m.over_best.value is not None:
        lines.append(f"{m.title} over the best baseline pooled: {said(m.over_best, signed, FEW_BLOCKS)}.")
    return lines


def _groups(e: Evaluation) -> list[str]:
    w = lead(e).within
    counted = (
        f"{plural(w.sessions, 'stretch', 'es')} (sessions cut at each full hour) with spikes and calm seconds, "
        f"{count(w.rows)} rows, {plural(w.spikes, 'spike')}, base rate {percent(w.base_rate)}."
    )
    return [counted, markdown(tables.groups(e))]


def _events(e: Evaluation) -> list[str]:
    rule = (
        f"An alert is right when an episode starts within {e.horizon_s} s after it. θ is chosen on validation for each "
        "budget, with hysteresis and a cooldown of one horizon. Alerts and episodes are counted, never rows."
    )
    return [rule, markdown(tables.budgets(e)) or "No alerts were judged."]


def _probability(e: Evaluation) -> str:
    q = lead(e).probability
    return (
        f"Brier skill against the training part's base rate {said(q.brier_skill, signed, FEW_BLOCKS)}, expected "
        f"calibration error {q.ece:.3f}, log loss {q.log_loss:.3f}."
    )


def _drift(e: Evaluation, drift: DriftTable | None) -> str:
    if drift is None:
        return "The features of two parts were not compared yet (`python -m core drift`)."
    other = "" if drift.fingerprint == e.fingerprint else f" Those are other data (fingerprint `{drift.fingerprint}`)."
    return (
        f"{drift.moved} of {len(drift.features)} features moved from {drift.reference.name} to {drift.current.name}."
        f"{other} {drift.note}"
    )


def limits(e: Evaluation) -> list[str]:
    """What these scores cannot bear, as far as the evaluation itself shows it."""
    m, test = lead(e), e.meter.splits[-1]
    found = []
    if e.leakage.verdict == "leaky":
        found.append("A leakage check failed: the scores are an illusion, whatever their intervals say.")
    if open_ := [c.name.replace("_", " ") for c in e.leakage.checks if c.passed is None]:
        found.append(f"Not asked by the leakage doctor, or not to be answered on this data: {', '.join(open_)}.")
    elif e.leakage.verdict == "undecided":
        found.append("Not all leakage checks were asked; a leak cannot be excluded.")
    if not e.meter.enough:
        found.append(e.meter.sentence)
    elif e.verdict.word == "not shown":
        found.append("That the champion is better than the best simple rule is not shown.")
    days = len({g.name for g in m.groups if g.kind == "day"})
    found.append(
        f"One market, {plural(test.sessions, 'session')} of {plural(days, 'day')} in the test part, {test.hours:.1f} "
        f"h and {plural(test.episodes, 'episode')}: other days and other moods of the market are not in it."
    )
    if why := no_interval(e):
        found.append(why)
    if m.lift.value and m.within.lift.value and m.within.lift.value < 0.8 * m.lift.value:
        found.append(
            f"Of the pooled lift of {lift(m.lift.value)} there is {lift(m.within.lift.value)} inside sessions: the "
            "rest is the skill to tell a busy session from a quiet one."
        )
    if why := shifted(e):
        found.append(why)
    for part in e.meter.splits[:-1]:
        if not part.enough:
            done = "θ and calibration were chosen" if part.split == "validation" else "the models learned"
            found.append(
                f"The {part.split} part holds {plural(part.episodes, 'episode')} and {plural(part.spikes, 'spike')}: "
                f"{done} on little."
            )
    if e.missing:
        found.append(f"Without {', '.join(e.missing)}: this data does not have what they are made of.")
    if not e.folds:
        found.append("One split in time, no walk-forward folds: how the score varies from week to week is not known.")
    found.append("The interval is that of this test part; it does not hold what a change of the market would add.")
    return found


def _reproduce(e: Evaluation) -> list[str]:
    scale, number = ("", e.tau_bps) if e.tau_relative is None else ("-relative", e.tau_relative)
    threshold = f"--quantile{scale} {e.quantile:g}" if e.quantile is not None else f"--tau{scale} {number!r}"
    names = ",".join(sorted(m.model for m in e.models))
    return [
        "In a home with the same ticks (their fingerprint is in the answer of `train`):",
        (
            "```\n"
            f"python -m core train --label {e.label} --horizon {e.horizon_s} {threshold} --seed {e.seed} "
            f"--venue {e.venue} --product {e.product} \\\n    --models {names}\n"
            "python -m core report\n```"
        ),
    ]


def _runs(e: Evaluation) -> Table:
    return Table(("model", "file", "MLflow run"), tuple((m.title, m.name, m.run_id or "not logged") for m in e.models))


def _list(items: tuple[str, ...] | list[str]) -> str:
    return "\n".join(f"- {item}" for item in items)
