"""What one browser session remembers between reruns: the only user of st.session_state.

What outlives the session (threshold, feed, seed) is in core's settings; what widgets remember, they remember by key.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.playback import Playback

_PREFIX = "tremor."


class Session:
    """Typed view of this browser session. Every attribute has a value from the first run on."""

    def dialled(self, basis: str) -> float | None:
        """Where the dial was released, bps, before "Use this τ"; None where it was not moved on this `basis`.

        A basis names the market, the question and the saved τ that the dial was drawn on: on another one the old
        place of the handle means nothing.
        """
        held = st.session_state.get(_PREFIX + "dialled")
        return float(held[1]) if held is not None and held[0] == basis else None

    def dial(self, basis: str, tau_bps: float) -> None:
        """Remember that the dial was released at `tau_bps`."""
        st.session_state[_PREFIX + "dialled"] = (basis, tau_bps)

    def anew(self, key: str, basis: str = "") -> str:
        """The widget `key`'s key, another one whenever `basis` is another than at the last draw, or after `drop`.

        A page that refreshes by itself can send a widget's old value once more after Python has changed it, which
        would read as the user's own move: a widget of another key has no old value.
        """
        was, n = st.session_state.get(_PREFIX + "anew." + key, (basis, 0))
        n += was != basis
        st.session_state[_PREFIX + "anew." + key] = (basis, n)
        return f"{key}_{n}" if n else key

    def drop(self, key: str) -> None:
        """Let the widget that `anew` draws as `key` begin again."""
        was, n = st.session_state.get(_PREFIX + "anew." + key, ("", 0))
        st.session_state[_PREFIX + "anew." + key] = (was, n + 1)

    def show(self, key: str, value: Any) -> str:
        """Let the widget `key`, which is drawn next, show `value`: a setting may have been changed elsewhere.

        Gives back `key`. The widget must be drawn without a value of its own, and its `on_change` must save.
        """
        st.session_state[key] = value
        return key

    def place(self, key: str, basis: str) -> int:
        """Which one of a row of things is looked at, 0 at first and again on another `basis`."""
        was, n = st.session_state.get(_PREFIX + "place." + key, (basis, 0))
        return int(n) if was == basis else 0

    def put(self, key: str, basis: str, n: int) -> None:
        """Look at the thing `n` of the row."""
        st.session_state[_PREFIX + "place." + key] = (basis, n)

    def taken_pair(self, basis: str) -> tuple[int, float] | None:
        """Cooldown in s and re-arming share that were taken over to be tried, None where none were on this `basis`."""
        held = st.session_state.get(_PREFIX + "pair")
        return held[1] if held is not None and held[0] == basis else None

    def take_pair(self, basis: str, cooldown_s: int, rearm: float) -> None:
        """Try this cooldown and re-arming share from now on."""
        st.session_state[_PREFIX + "pair"] = (basis, (cooldown_s, rearm))
        self.drop("cooldown")
        self.drop("rearm")

    def hold(self, *keys: str) -> None:
        """Keep what these widgets hold, also those that are not drawn at present."""
        for key in keys:
            if key in st.session_state:
                st.session_state[key] = st.session_state[key]

    def chosen(self, key: str) -> Any:
        """What the widget with this key holds now; None when it was not drawn."""
        return st.session_state.get(key)

    def playback(self) -> Playback:
        """Where this viewer's replay stands."""
        held: Playback = st.session_state.get(_PREFIX + "playback", Playback())
        return held

    def replayed(self, basis: str) -> str:
        """The market that is replayed for as long as the pages show `basis`; "" where none was chosen on it."""
        held = st.session_state.get(_PREFIX + "replayed")
        return str(held[1]) if held is not None and held[0] == basis else ""

    def replay(self, basis: str, market: str) -> None:
        """Replay `market`, whatever other pages show, which is `basis` now."""
        st.session_state[_PREFIX + "replayed"] = (basis, market)

    def keep(self, playback: Playback) -> None:
        """Remember where the replay stands."""
        st.session_state[_PREFIX + "playback"] = playback

    def linked(self) -> dict[str, str]:
        """The address that this session wrote last for the replay: another one comes from a link or from a hand."""
        return dict(st.session_state.get(_PREFIX + "linked", {}))

    def link(self, written: dict[str, str]) -> None:
        """Remember the address that was written."""
        st.session_state[_PREFIX + "linked"] = written

    def look(self, training: str) -> None:
        """Remember that the evidence for this training was opened."""
        st.session_state[_PREFIX + "looked"] = training

    def looked(self, training: str) -> bool:
        """Whether the evidence for this training was opened."""
        return bool(st.session_state.get(_PREFIX + "looked") == training)

    def say(self, sentence: str) -> None:
        """Leave one sentence for the next run of any page, to be shown once."""
        st.session_state[_PREFIX + "notice"] = sentence

    def heard(self) -> str | None:
        """The sentence left by `say`, once."""
        value = st.session_state.pop(_PREFIX + "notice", None)
        return None if value is None else str(value)

    def answer(self, sentence: str) -> None:
        """Leave one sentence for the control that was pressed: what it found nothing of."""
        st.session_state[_PREFIX + "answer"] = sentence

    def answered(self) -> str | None:
        """The sentence left by `answer`, once."""
        value = st.session_state.pop(_PREFIX + "answer", None)
        return None if value is None else str(value)

    def refuse(self, sentence: str) -> None:
        """Leave an error that a button's callback met, so that the page's error box shows it."""
        st.session_state[_PREFIX + "refusal"] = sentence

    def refusal(self) -> str | None:
        """The error left by `refuse`, once."""
        value = st.session_state.pop(_PREFIX + "refusal", None)
        return None if value is None else str(value)


__all__ = ["Session"]
