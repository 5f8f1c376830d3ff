"""The rule in use and what it costs."""

from __future__ import annotations

from core.evaluation.decision import Decision
from core.evaluation.record import Leakage
from core.features.dataset import ENOUGH_EVENTS
from core.training.registry import Meta
from ui.alert_decision import ends, per_hour, share
from ui.cells.models import champion_cell, leakage_cell
from ui.shell import Cell
from ui.theme import score


def tuning_cells(champion: Meta, stale: str | None, now: Decision, leakage: Leakage) -> list[Cell]:
    """Alert tuning: the champion, the rule in use, what that did on test, and what a rule is chosen on."""
    test, there = now.test, now.there
    rule = f"{now.rule.cooldown_s} s apart, re-arms at {now.rule.rearm:g}"
    hourly = f"{test.alerts} in {test.hours:.1f} h {ends(test.alerts_per_h, per_hour)}"
    return [
        champion_cell(champion, stale),
        Cell("ok", "θ in use", score(now.rule.theta), rule),
        Cell("idle", "Alerts an hour, test", per_hour(test.alerts_per_h.value), hourly),
        Cell("idle", "Episodes caught, test", f"{test.caught} of {test.episodes}", ends(test.recall, share)),
        Cell(
            "ok" if there.episodes >= ENOUGH_EVENTS else "warn",
            "Chosen on",
            now.chosen_on,
            f"{there.episodes} episodes in {there.hours:.1f} h",
        ),
        leakage_cell(leakage),
    ]


__all__ = ["tuning_cells"]
