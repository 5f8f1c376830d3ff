"""A stored stretch replayed: the monitor's own step on bars that the store holds, and what became of them.

Events come in the order of arrival, through the sampler, kernel, formulas and model of the live loop, so that a
replayed forecast has the bits of the live one; `core.live.agreement` holds both side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.config import Home, load_settings
from core.errors import BadInput, NotThere
from core.evaluation.events import REARM, Alarm, episodes
from core.features.bars import SECOND_NS, Bars
from core.features.formulas import Rows
from core.features.labels import Question, forward_volatility, held_against
from core.features.markets import chosen
from core.ingestion.store import Reader
from core.ingestion.ticks import SILENCE_NS
from core.live.alerts import Outcome, started
from core.live.step import doubts, levels, probabilities
from core.live.tail import Stepper, Stretch, read_from_ns
from core.training import registry
from core.training.seen import MISSING

if TYPE_CHECKING:
    import pyarrow as pa

    from core.training.registry import Meta

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PIECE_S = 3600
"""A session that lasts longer is cut at each full hour."""
_CHUNK = 65_536
NEVER = 2**63 - 1


@dataclass(frozen=True)
class Replay:
    """One model on one stretch, bar by bar. The first `asked` bars are those asked for; the horizon behind them only
    shows what became of them.

    age : bars of its session behind each, at most what one forecast reads
    p : P(spike in the horizon after the bar), NaN while windows warm up
    doubt : why not to trust it (`step.doubts`), None where nothing speaks against it
    vol_bps, standing_bps : trailing volatility and the τ it is held against; a bar is in a spike where the first
    reaches the second
    starts : where an episode starts, known at the bar
    tau_bps : τ on the volatility of the horizon after the bar; another one only where τ is relative
    forward_bps : volatility of the horizon AFTER the bar, NaN where the session ended within it; at the bar itself
    nobody knows it
    """

    venue: str
    product: str
    meta: Meta
    stretch: Stretch
    asked: int
    age: Ints
    p: Floats
    doubt: list[str | None]
    vol_bps: Floats
    tau_bps: Floats
    standing_bps: Floats
    starts: NDArray[np.bool_]
    forward_bps: Floats

    @property
    def bars(self) -> Bars:
        return self.stretch.bars

    @property
    def spike(self) -> NDArray[np.bool_]:
        """Whether the horizon after each bar was a spike; False where that is not known, shape (n,)."""
        return self.forward_bps >= self.tau_bps

    @property
    def hot(self) -> NDArray[np.bool_]:
        """Whether volatility up to each bar reaches τ: known at the bar, shape (n,)."""
        return self.vol_bps >= self.standing_bps

    def seen(self, first_ns: int, last_ns: int) -> Ints:
        """When the episodes of the bars that end from `first_ns` to `last_ns` (ns UTC, both included) come into sight:
        at their start, or where one is on already, at the first of these bars that shows it; shape (m,), ns."""
        ends = self.bars.bar_end_ns
        cut = slice(int(np.searchsorted(ends, first_ns)), int(np.searchsorted(ends, last_ns, side="right")))
        session, vol_bps, standing_bps = self.bars.session[cut], self.vol_bps[cut], self.standing_bps[cut]
        return ends[cut][
            episodes(ends[cut], session, vol_bps, tau_bps=standing_bps, horizon_s=self.meta.horizon_s).seen
        ]


@dataclass(frozen=True)
class Raised:
    """The alerts that one θ raises on a replayed stretch, oldest first.

    at : their rows, shape (m,); known_ns : from when on their outcome is known (NEVER where it is not in the stretch);
    lead_s : from the alert to the episode it caught, NaN for the others.
    """

    theta: float
    at: Ints
    outcome: tuple[Outcome | None, ...]
    known_ns: Ints
    lead_s: Floats

    def counts(self, now_ns: int, bar_end_ns: Ints, since_ns: int = 0) -> dict[str, int]:
        """Alerts from `since_ns` on, and of them right, false, unknown and open, as somebody at `now_ns` can count
        them."""
        raised = (bar_end_ns[self.at] >= since_ns) & (bar_end_ns[self.at] <= now_ns)
        said = [o if k <= now_ns else None for o, k in zip(self.outcome, self.known_ns.tolist(), strict=True)]
        kinds = [o or "open" for o, there in zip(said, raised.tolist(), strict=True) if there]
        return {"alerts": len(kinds)} | {kind: kinds.count(kind) for kind in ("right", "false", "unknown", "open")}


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A session of a market, or an hour of a long one: its first and last bar's end and that of its session's first bar
    (ns UTC), its bars, the seconds of them in a spike (trailing volatility reaching τ) and the episodes of these."""

    session_ns: int
    first_ns: int
    last_ns: int
    bars: int
    spikes: int
    episodes: int


def between(reader: Reader, venue: str, product: str, from_ns: int, to_ns: int) -> tuple[Stretch, Ints]:
    """The bars that end from `from_ns` to `to_ns`, both included, with the features they had live, and their ages."""
    valid_from, read_from = read_from_ns(from_ns)
    until = to_ns + SILENCE_NS + 2 * SECOND_NS  # an event in here closes the last bar, or the session has ended before
    stepper = Stepper()
    read = stepper.push(reader.tape(venue, product, from_ns=read_from, to_ns=until))
    # a session's last bars close with the next event, whenever that comes
    read = Stretch.joined([read, stepper.push(reader.tape(venue, product, from_ns=until, limit=1))])
    ends, session = read.bars.bar_end_ns, read.bars.session
    age = np.arange(len(read)) - np.searchsorted(session, session)
    cut = slice(int(np.searchsorted(ends, max(from_ns, valid_from))), int(np.searchsorted(ends, to_ns, side="right")))
    return read[cut], age[cut]


def replay(
    home: Home,
    venue: str | None = None,
    product: str | None = None,
    *,
    from_ns: int,
    to_ns: int,
    model: str | None = None,
) -> Replay:
    """What the monitor says of the bars that end from `from_ns` to `to_ns` (ns UTC, both included).

    Parameters
    ----------
    venue, product : as everywhere, the market of the settings where nothing is asked
    model : an artifact by its name; None for the champion

    Raises
    ------
    NotThere where the store holds no such market, no bar in the stretch, or no model; BadInput for a stretch that ends
    before it begins.
    """
    if to_ns < from_ns:
        raise BadInput(f"the stretch ends before it begins: from {stamp(from_ns)} to {stamp(to_ns)}")
    reader = Reader(home)
    market = chosen(reader, load_settings(home), venue, product)
    name = model
    if name is None:
        champion = registry.champion(home)
        if champion is None:
            raise NotThere("no model has been trained in this home: train first, or name one")
        name = champion.name
    estimator, meta = registry.load(home, registry.find(home, name).name)
    horizon_ns = meta.horizon_s * SECOND_NS
    read, age = between(reader, market.venue, market.product, from_ns - horizon_ns, to_ns + horizon_ns)
    begin = int(np.searchsorted(read.bars.bar_end_ns, from_ns))
    stretch = read[begin:]
    asked = int(np.searchsorted(stretch.bars.bar_end_ns, to_ns, side="right"))
    if not asked:
        raise NotThere(
            f"no bar of {market.venue} {market.product} ends from {stamp(from_ns)} to {stamp(to_ns)}: its ticks go "
            f"from {stamp(market.first_ns)} to {stamp(market.last_ns)}"
        )
    vol_bps, tau_bps, standing_bps = levels(read, meta)
    starts = started(
        read.bars, vol_bps, standing_bps, meta.horizon_s
    )  # a horizon back: an episode that is on starts none
    ends, session = stretch.bars.bar_end_ns, stretch.bars.session
    forward = forward_volatility(Question(meta.label, meta.horizon_s), stretch.features, ends, session)
    p = probabilities(stretch, estimator, meta)
    return Replay(
        market.venue, market.product, meta, stretch, asked, age[begin:], p, doubts(stretch, p, meta), vol_bps[begin:],
        tau_bps[begin:], standing_bps[begin:], starts[begin:], forward,
    )  # fmt: skip


def raised(replayed: Replay, theta: float, *, cooldown_s: int | None = None, rearm: float = REARM) -> Raised:
    """The alerts of the live rule at `theta` (`Alarm`), which begins with the stretch as a monitor that starts there,
    and what became of them (`alerts.settled`). A forecast that lacks a feature raises none, as in `Bell.ring`."""
    meta, bars = replayed.meta, replayed.bars
    ends, session = bars.bar_end_ns, bars.session
    alarm = Alarm(theta, meta.horizon_s if cooldown_s is None else cooldown_s, rearm)
    lacks = np.array([(doubt or "").startswith(MISSING) for doubt in replayed.doubt], np.bool_)
    at = np.flatnonzero(alarm.push_all(ends, session, np.where(lacks, np.nan, replayed.p))[: replayed.asked])
    starts = np.flatnonzero(replayed.starts)
    horizon_ns = meta.horizon_s * SECOND_NS
    outcome: list[Outcome | None] = []
    known_ns, lead_s = np.full(at.size, NEVER), np.full(at.size, np.nan)
    for i, (a, s) in enumerate(zip(at.tolist(), np.searchsorted(starts, at, side="right").tolist(), strict=True)):
        until = int(ends[a]) + horizon_ns
        if until > ends[-1]:
            outcome.append(None)
            continue
        over = int(np.searchsorted(ends, until))
        known_ns[i] = ends[over]
        if ends[over] != until or session[over] != session[a]:
            outcome.append("unknown")
        elif s < starts.size and starts[s] <= over:
            outcome.append("right")
            lead_s[i] = (ends[starts[s]] - ends[a]) / SECOND_NS
        else:
            outcome.append("false")
    return Raised(theta, at, tuple(outcome), known_ns, lead_s)


def rows(replayed: Replay, alerts: Raised) -> pa.Table:
    """The asked bars as a table: bar_end_ns (ns UTC), venue, product, session, mid, model, p, vol_bps, tau_bps, alert,
    forward_bps and spike, the last two of the horizon after the bar (NULL where it was not observed)."""
    import pyarrow as pa

    n, bars = replayed.asked, replayed.bars
    alert = np.zeros(len(bars), np.bool_)
    alert[alerts.at] = True
    columns: dict[str, pa.Array] = {
        "bar_end_ns": pa.array(bars.bar_end_ns[:n]),
        "venue": pa.array([replayed.venue] * n),
        "product": pa.array([replayed.product] * n),
        "session": pa.array(bars.session[:n]),
        "mid": pa.array(bars.of("close")[:n]),
        "model": pa.array([replayed.meta.name] * n),
        "p": pa.array(replayed.p[:n], from_pandas=True),
        "vol_bps": pa.array(replayed.vol_bps[:n], from_pandas=True),
        "tau_bps": pa.array(replayed.tau_bps[:n], from_pandas=True),
        "alert": pa.array(alert[:n]),
        "forward_bps": pa.array(replayed.forward_bps[:n], from_pandas=True),
        "spike": pa.array(replayed.spike[:n], mask=np.isnan(replayed.forward_bps[:n])),
    }
    return pa.table(columns)


def pieces(history: Bars, meta: Meta) -> list[Piece]:
    """The sessions of a history, oldest first, those over an hour cut at each full one, at the τ of `meta`."""
    if not len(history):
        return []
    rows = Rows()
    vol_bps, tau_bps = np.empty(len(history)), np.empty(len(history))
    for start in range(0, len(history), _CHUNK):
        part = slice(start, min(start + _CHUNK, len(history)))
        bars = history[part]
        vol_bps[part], tau_bps[part], _ = levels(Stretch(bars, rows.push(bars)), meta)
    ends, session = history.bar_end_ns, history.session
    standing_bps = held_against(meta.asked.question, tau_bps, ends, session)
    hour = (ends - SECOND_NS) // (PIECE_S * SECOND_NS)
    begins = np.flatnonzero(np.append(True, (np.diff(session) != 0) | (np.diff(hour) != 0)))
    after = np.append(begins[1:], len(history))
    piece = np.repeat(np.arange(begins.size), after - begins)
    seen = episodes(ends, piece, vol_bps, tau_bps=standing_bps, horizon_s=meta.horizon_s).seen
    return [
        Piece(
            session_ns=int(ends[np.searchsorted(session, session[a])]),
            first_ns=int(ends[a]),
            last_ns=int(ends[b - 1]),
            bars=int(b - a),
            spikes=int((vol_bps[a:b] >= standing_bps[a:b]).sum()),
            episodes=int(seen[a:b].sum()),
        )
        for a, b in zip(begins.tolist(), after.tolist(), strict=True)
    ]


def stamp(ns: int) -> str:
    """A moment in UTC, to the second: what `--from` takes.

    >>> stamp(1_700_003_840_000_000_000)
    '2023-11-14T23:17:20Z'
    """
    return f"{datetime.fromtimestamp(ns // SECOND_NS, UTC):%Y-%m-%dT%H:%M:%SZ}"


__all__ = ["NEVER", "PIECE_S", "Piece", "Raised", "Replay", "between", "pieces", "raised", "replay", "rows", "stamp"]
