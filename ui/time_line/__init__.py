"""A slider of one stretch of market time that goes on by itself while the replay plays, with marks of what was known.

It stands inside the fragment that redraws the figure: a drag is the browser's own until its release, whatever Python
sends meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "tremor_time_line",
    html=(_HERE / "time_line.html").read_text(encoding="utf-8"),
    css=(_HERE / "time_line.css").read_text(encoding="utf-8"),
    js=(_HERE / "time_line.js").read_text(encoding="utf-8"),
)


def time_line(
    first_ns: int, last_ns: int, at_ns: int, *, speed: int, play: str, marks: Sequence[tuple[int, str]], key: str
) -> int | None:
    """Draw the line from `first_ns` to `last_ns` (bar ends, ns UTC) at `at_ns`, and give back where it was just
    released, ns; None where it was not.

    Parameters
    ----------
    speed : market seconds a second that the handle goes on by itself while it plays
    play : names what plays, from one anchor; "" where it stands
    marks : (ns, "spike" or "alert" or "ghost"), of what is known at `at_ns`
    """
    second = 1_000_000_000
    result = _mount(
        key=key,
        data={
            "first": first_ns // second,
            "last": last_ns // second,
            "at": at_ns // second,
            "speed": speed,
            "play": play,
            "marks": [[ns // second, kind] for ns, kind in marks],
        },
        on_at_change=lambda: None,
    )
    return None if result.at is None else min(max(int(result.at) * second, first_ns), last_ns)


__all__ = ["time_line"]
