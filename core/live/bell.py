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
from core.training.seen import MISSING

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
        self._rule: tuple[str, Rule, int] | None = None
        self._alarm: Alarm | None = None
        self._heeded_ns = 0
        self._unsettled: list[Alert] | None = None

    def close(self) -> None:
        self._post.close()
        self._ledger.close()

    def resume(self, meta: Meta, back_to: Callable[[int], Stretch]) -> None:
        """Take up the alarm from the ledger and the forecasts written so far, and settle what was left open; before the
        first of this monitor's.

        back_to : bars that reach back to a moment, ns
        """
        if not len(self._tail.kept):
            return
        self._unsettled = self._ledger.open(self._tail.venue, self._tail.product)
        session, now_ns = int(self._tail.kept.bars.session[-1]), int(self._tail.kept.bars.bar_end_ns[-1])
        oldest_ns = now_ns - LOOK_BACK_S * SECOND_NS
        if self._unsettled:
            first = min(self._unsettled, key=lambda alert: alert.bar_end_ns)
            self._settle(back_to(max(first.bar_end_ns - first.horizon_s * SECOND_NS, oldest_ns)))
        last = self._ledger.last(self._tail.venue, self._tail.product, meta.name)
        stretch = back_to(now_ns if last is None else max(last.bar_end_ns, oldest_ns))
        from_ns = int(stretch.bars.bar_end_ns[0])
        said = forecasts.table(self._home, self._tail.venue, self._tail.product, meta.name, from_ns)
        if not said.num_rows:
            self.heed()  # a model that has said nothing yet: what was before it is no news
            return
        ends, p = said["bar_end_ns"].to_numpy(), said["p"].to_numpy().astype(np.float64)
        self._heeded_ns = int(ends[-1])
        alerts.resume(self._following(meta), last, ends, p, stretch, session)

    def heed(self) -> None:
        """Raise nothing for the bars that are there: another model is asked about them late."""
        if len(self._tail.kept):
            self._heeded_ns = int(self._tail.kept.bars.bar_end_ns[-1])

    def ring(self, made: Sequence[Forecast], stretch: Stretch, meta: Meta, *, silent: bool = False) -> None:
        """Raise, write and send what the forecasts `made` on `stretch` call for, and settle what is known by now.

        Nothing is raised where `silent`, nor for a forecast that lacks a feature: its number is shown nowhere either.
        """
        muted_until_ns, now_ns = load_settings(self._home).muted_until_ns, self._clock_ns()
        due = np.array(
            [f.bar_end_ns > self._heeded_ns and not silent and not (f.doubt or "").startswith(MISSING) for f in made],
            dtype=bool,
        )
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
        self._settle(self._tail.kept)

    def _settle(self, stretch: Stretch) -> None:
        """Write what became of open alerts, as far as the bars of `stretch` tell."""
        newest_ns = int(stretch.bars.bar_end_ns[-1]) if len(stretch) else 0
        known: list[tuple[Alert, alerts.Outcome, float | None]] = []
        unsettled = self._unsettled or []
        for name in {alert.model for alert in unsettled}:
            of, mine = self._meta_of(name), [alert for alert in unsettled if alert.model == name]
            if of is None:  # what it was asked is lost, and with it what became of it
                known += [(a, "unknown", None) for a in mine if a.bar_end_ns + a.horizon_s * SECOND_NS <= newest_ns]
            else:
                taus = of.asked.standing(stretch.features, stretch.bars.bar_end_ns, stretch.bars.session)
                known += alerts.settled(mine, stretch, of.volatility, taus)
        if known:
            self._ledger.settle(known)
            done = {alert.bar_end_ns for alert, *_ in known}
            self._unsettled = [alert for alert in unsettled if alert.bar_end_ns not in done]

    def _following(self, meta: Meta) -> Alarm:
        """The alarm of the rule that is set now; another rule begins anew, and so does a tail that begins anew: it
        numbers its sessions from 0 again."""
        rule = rule_of(meta, load_settings(self._home))
        if self._alarm is None or (meta.name, rule, self._tail.begun) != self._rule:
            self._rule, self._alarm = (
                (meta.name, rule, self._tail.begun),
                Alarm(rule.theta, rule.cooldown_s, rule.rearm),
            )
        return self._alarm


__all__ = ["LOOK_BACK_S", "Bell"]
