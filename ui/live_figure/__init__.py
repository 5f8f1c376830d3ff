"""A plotly figure that is updated in place, with words for who cannot see it, and as wide as the paper in print.

`st.plotly_chart` remounts on every change even with a key: it blinks, and zoom and hover are lost. This component calls
`Plotly.react` on the same element. plotly.min.js is a static file of the app, so that it does not travel with the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import plotly.graph_objects as go
import streamlit as st

from ui.charts import spoken

_HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "tremor_live_figure",
    html='<div class="live-figure" role="img" style="width:100%"></div>',
    js=(_HERE / "live_figure.js").read_text(encoding="utf-8"),
    isolate_styles=False,  # plotly writes its CSS into the document's head; a shadow root would hide it
)


class Drawn(NamedTuple):
    """A figure as it travels: its JSON, its height in pixels and its words. Kept, it is not built for every viewer."""

    json: str
    height: int
    words: str


def drawn(figure: go.Figure) -> Drawn:
    """`figure` as it travels."""
    return Drawn(figure.to_json(), int(figure.layout.height), spoken(figure))


def live_figure(
    figure: go.Figure | Drawn, *, key: str, label: str, zoom: bool = True, play: Mapping[str, Any] | None = None
) -> None:
    """Draw `figure` at its own height and the width of the place.

    `label` says what it shows to who cannot see it; its main numbers are added. `zoom`: the wheel zooms, which only the
    figure of a page that watches should do: elsewhere the wheel scrolls the page. `play` (`charts.reveal`) lets the
    browser show what the figure holds little by little, on a clock of its own, until the next call.
    """
    sent = figure if isinstance(figure, Drawn) else drawn(figure)
    # of a figure that plays not all that it holds is shown yet: its label alone speaks
    said = label if play is not None else f"{label}. {sent.words}"
    message = {"figure": sent.json, "height": sent.height, "label": said, "zoom": zoom}
    _mount(key=key, data=message | {"play": None if play is None else dict(play)})


__all__ = ["Drawn", "drawn", "live_figure"]
