"""What one browser session remembers between reruns: the only user of st.session_state.

What outlives the session (threshold, feed, seed) is in core's settings; what widgets remember, they remember by key.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

_PREFIX = "tremor."


class Session:
    """Typed view of this browser session. Every attribute has a value from the first run on."""

    @property
    def tau_bps(self) -> float | None:
        """Where the dial was released, before "Use this τ"; None as long as it was not moved."""
        value = st.session_state.get(_PREFIX + "tau_bps")
        return None if value is None else float(value)

    @tau_bps.setter
    def tau_bps(self, value: float | None) -> None:
        st.session_state[_PREFIX + "tau_bps"] = value

    def chosen(self, key: str) -> Any:
        """What the widget with this key holds now; None when it was not drawn."""
        return st.session_state.get(key)

    def say(self, sentence: str) -> None:
        """Leave one sentence for the next run of any page, to be shown once."""
        st.session_state[_PREFIX + "notice"] = sentence

    def heard(self) -> str | None:
        """The sentence left by `say`, once."""
        value = st.session_state.pop(_PREFIX + "notice", None)
        return None if value is None else str(value)

    def refuse(self, sentence: str) -> None:
        """Leave an error that a button's callback met, so that the page's error box shows it."""
        st.session_state[_PREFIX + "refusal"] = sentence

    def refusal(self) -> str | None:
        """The error left by `refuse`, once."""
        value = st.session_state.pop(_PREFIX + "refusal", None)
        return None if value is None else str(value)


__all__ = ["Session"]
