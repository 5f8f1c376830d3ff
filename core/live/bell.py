"""The alerts of the running monitor: raised by the rule that is set, written, sent, and settled when the time has come.

A monitor that starts again takes the alarm up where the one before left it: it rings no alert anew, and the cooldown
and the hysteresis of the last one go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import compress

import numpy as np

from core.config import Home, load_settings
from core.evaluation.events import Alarm
from core.evaluation.policy import Rule
from core.features.bars import SECOND_NS
from core.live import alerts, forecasts
from core.live.alerts import Alert
from core.live.forecasts import Forecast
from core.live.sinks import Post
from core.live.tail import Stretch, Tail
from core.training.registry import Meta, rule_of

LOOK_BACK_S = 3600
"""An alert that is older at a start plays no part any more."""


class Bell:
    """Alerts on the market of `tail`, one monitor's; `of` gives what is known of a model, None where that is lost."""

    def __init__(
        self, home: Home, tail: Tail, clock_ns: Callable[[], int], meta_of: Callable[[str], Meta | None]
    ) -> None:
        self._home, self._tail, self._clock_ns, self._meta_of = home, tail, clock_ns, meta_of
        self._ledger = alerts.Ledger(home)
        self._post = Post(home, partial(alerts.delivered, home))
        self._rule: tuple[str, Rule] | None = None
        self._alarm: Alarm | None = None
        self._heeded_ns = 0
        self._unsettled: list[Alert] | None = None

    def close(self) -> None:
        self._post.close()
        self._ledger.close()

    def resume(self, meta: Meta, back_to: Callable[[int], Stretch]) -> None:
        """Take up the alarm from the ledger and the forecasts written so far; before the first of this monitor's.

        back_to : bars that reach back to a moment, ns
        """
        if not len(self._tail.kept):
            return
        session, now_ns = int(self._tail.kept.bars.session[-1]), int(self._tail.kept.bars.bar_end_ns[-1])
        last = self._ledger.last(self._tail.venue, self._tail.product, meta.name)
        since_ns = now_ns if last is None else max(last.bar_end_ns, now_ns - LOOK_BACK_S * SECOND_NS)
        stretch = back_to(since_ns)
        from_ns = int(stretch.bars.bar_end_ns[0])
        said = forecasts.table(self._home, self._tail.venue, self._tail.product, meta.name, from_ns)
        if said.num_rows:
            ends, p = said["bar_end_ns"].to_numpy(), said["p"].to_numpy().astype(np.float64)
            self._heeded_ns = int(ends[-1])
            alerts.resume(self._following(meta), last, ends, p, stretch, session)

    def ring(self, made: Sequence[Forecast], stretch: Stretch, meta: Meta) -> None:
        """Raise, write and send what the forecasts `made` on `stretch` call for, and settle what is known by now."""
        muted_until_ns, now_ns = load_settings(self._home).muted_until_ns, self._clock_ns()
        due = np.array([f.bar_end_ns > self._heeded_ns for f in made], dtype=bool)
        raised = alerts.raised(
            self._following(meta), list(compress(made, due)), stretch.bars.session[due], now_ns=now_ns,
            muted=now_ns < muted_until_ns,
        )  # fmt: skip
        new = self._ledger.append(raised)
        for alert in new:
            if not alert.muted:
                self._post.send(alert)
        if self._unsettled is None:
            self._unsettled = self._ledger.open(self._tail.venue, self._tail.product)
        else:
            self._unsettled += new
        kept = self._tail.kept
        newest_ns = int(kept.bars.bar_end_ns[-1]) if len(kept) else 0
        known: list[tuple[Alert, alerts.Outcome, float | None]] = []
        for name in {alert.model for alert in self._unsettled}:
            of, mine = self._meta_of(name), [alert for alert in self._unsettled if alert.model == name]
            if of is None:  # what it was asked is lost, and with it what became of it
                known += [(a, "unknown", None) for a in mine if a.bar_end_ns + a.horizon_s * SECOND_NS <= newest_ns]
            else:
                taus = of.asked.standing(kept.features, kept.bars.bar_end_ns, kept.bars.session)
                known += alerts.settled(mine, kept, of.volatility, taus)
        if known:
            self._ledger.settle(known)
            done = {alert.bar_end_ns for alert, *_ in known}
            self._unsettled = [alert for alert in self._unsettled if alert.bar_end_ns not in done]

    def _following(self, meta: Meta) -> Alarm:
        """The alarm of the rule that is set now; another rule begins anew."""
        of = rule_of(meta, load_settings(self._home))
        if self._alarm is None or (meta.name, of) != self._rule:
            self._rule, self._alarm = (meta.name, of), Alarm(of.theta, of.cooldown_s, of.rearm)
        return self._alarm


__all__ = ["LOOK_BACK_S", "Bell"]
