"""Below the time machine's figure: the two θ beside each other, and whether the live run said the same."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from core.live.agreement import Agreement
from core.live.replay import NEVER, Raised, stamp
from ui import loaders
from ui.scene import Scene
from ui.shell import block, box, code, note, table
from ui.text import plural
from ui.theme import count, score


def ghosts(s: Scene) -> None:
    """Alerts of the θ in use and of the ghost's over the whole stretch, for who asks for the end of the story."""
    with st.expander("How the whole stretch ended: alerts of θ and of the ghost"):
        rows = [_row("in use", s.alerts, s), *([] if s.ghosts is None else [_row("ghost", s.ghosts, s)])]
        table(["", "θ", "alerts", "caught", "false", "unknown"], rows, key="ghosts")
        note(
            f"{_spikes(s)} An alert is caught when one starts within {s.meta.horizon_s} s after it, and unknown when "
            "the session ended first."
        )


def _spikes(s: Scene) -> str:
    ends = s.replayed.bars.bar_end_ns[s.replayed.starts]
    on = ~np.isin(s.starts, ends)
    said = f"{plural(len(s.starts), 'spike')} in this stretch"
    return f"{said}, the first of them on when it came into sight: no alert could catch it." if on.any() else f"{said}."


def _row(name: str, raised: Raised, s: Scene) -> list[str]:
    n = raised.counts(NEVER, s.replayed.bars.bar_end_ns, s.piece.first_ns)
    return [name, score(raised.theta), *(count(n[kind]) for kind in ("alerts", "right", "false", "unknown"))]


def proof(s: Scene) -> None:
    """What the monitor said live of this stretch, held against the replay."""
    block("Held against the live run", "what the monitor wrote then, and what the replay says now")
    found = loaders.agreed(s.market, s.meta, s.piece)
    if not found:
        note("No monitor watched this stretch when it was live, so there is nothing to hold the replay against.")
    equal = [said for said in found if said.why is None and not said.different]
    if equal:
        names = ", ".join(code(said.model) for said in equal)
        note(f"All <b>{count(sum(said.live for said in equal))}</b> live forecasts of {names} are equal to the bit.")
    for said in found:
        if said not in equal:
            _fault(said)
    stretch = f"--from {stamp(s.piece.first_ns)} --to {stamp(s.piece.last_ns)}"
    market = f"--venue {s.market.venue} --product {s.market.product}"
    note("On the command line: " + code(f"python -m core replay {stretch} {market} --model {s.meta.name}"))


def _fault(said: Agreement) -> None:
    if said.why is not None:
        note(f"{count(said.live)} live forecasts of {code(said.model)} cannot be replayed: {escape(said.why)}.")
    else:
        box(
            f"{count(said.different)} of {count(said.live)} live forecasts differ. The first: {said.first}.",
            "bad",
            key=f"differs_{said.model}",
        )


__all__ = ["ghosts", "proof"]
