"""The journey of the threshold: every decision with its reason, and whether it still means what it meant then.

`data/journey.jsonl` holds a line a decision, oldest first; no line is ever changed. A new one is added by writing the
whole to a temporary name and renaming it (a few hundred bytes a decision), so that a cut at any moment leaves the old
file or the new one.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated

import filelock
import msgspec

from core.config import Home, LabelName, change_settings, write_atomically
from core.disk import DISK
from core.errors import BadInput, Busy, Damaged
from core.features.dataset import SPLITS, Dataset, Labelled, shown
from core.features.labelled import worded
from core.features.labels import events

LONGEST = 200
"""Characters of a reason: a tag of MLflow's shows no more."""
MOVED = 1.5
"""How many times rarer or more frequent spikes must have become before a threshold is called out of date."""
GROWN = 2.0
"""How many times the rows a threshold was set on before it is worth a look."""
WAIT_S = 5


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One threshold and what it was set on; times in ns UTC.

    `tau_relative` is a multiple of slow volatility, None where tau is in bps; tau_bps is then its median over the
    training part. `percentile` is the share of the training part below it, in per cent; rows, spikes and episodes are
    per split.
    """

    decided_ns: int
    venue: str
    product: str
    label: LabelName
    horizon_s: int
    tau_bps: float
    tau_relative: float | None = None
    percentile: float
    rows: dict[str, int]
    spikes: dict[str, int]
    episodes: dict[str, int]
    first_ns: int
    last_ns: int
    why: Annotated[str, msgspec.Meta(max_length=LONGEST)] = ""

    @property
    def tau(self) -> float:
        """The threshold as it was set: bps, or a multiple of slow volatility."""
        return self.tau_bps if self.tau_relative is None else self.tau_relative

    @property
    def relative(self) -> bool:
        """Whether it is a multiple of slow volatility."""
        return self.tau_relative is not None

    @property
    def size(self) -> int:
        """Rows of all splits together."""
        return sum(self.rows.values())


class Advice(msgspec.Struct, frozen=True):
    """What has become of a threshold. `moved`: spikes are no longer as rare as they were; else the data has grown."""

    moved: bool
    sentence: str


def decision(rows: Labelled, tau: float, why: str, now_ns: int) -> Decision:
    """What `tau` (bps, or a multiple where the rows are relative) means on these rows, as it is kept.

    Raises BadInput where it is no threshold, or `why` is long.
    """
    if not 0 < tau < math.inf:
        raise BadInput(f"τ is {tau:g}: a threshold is a number above 0")
    why = " ".join(why.split())
    if len(why) > LONGEST:
        raise BadInput(f"the reason has {len(why):,} characters: keep it to {LONGEST}")
    n, spikes, episodes = {}, {}, {}
    every, times, split = rows.spikes(tau), rows.rows["bar_end_ns"].to_numpy(), rows.rows["split"].to_numpy()
    for name in SPLITS:
        at = split == name
        n[name], spikes[name] = int(at.sum()), int(every[at].sum())
        episodes[name] = events(every[at], times[at], rows.question.horizon_s)
    return Decision(
        decided_ns=now_ns, venue=rows.venue, product=rows.product, label=rows.question.label,
        horizon_s=rows.question.horizon_s, tau_bps=rows.bps(tau), tau_relative=tau if rows.relative else None,
        percentile=_percentile(n["train"], spikes["train"]), rows=n, spikes=spikes, episodes=episodes,
        first_ns=int(times[0]), last_ns=int(times[-1]), why=why,
    )  # fmt: skip


def decide(home: Home, rows: Labelled, tau: float, why: str, now_ns: int) -> Decision:
    """Make `tau` the home's threshold for the question of `rows`, and keep the decision with its reason.

    Raises BadInput, Damaged, and Busy where another decision is being written.
    """
    made = decision(rows, tau, why, now_ns)
    scale = "tau_relative" if rows.relative else "tau_bps"
    try:
        with filelock.FileLock(home.data / "journey.lock", timeout=WAIT_S):
            read(home)  # nothing is added to a file that cannot be read
            path = home.journey_file
            write_atomically(path, (DISK.read(path) if path.exists() else b"") + msgspec.json.encode(made) + b"\n")
            DISK.sync_folder(path.parent)
            change_settings(home, label=made.label, horizon_s=made.horizon_s, **{scale: tau})
    except filelock.Timeout:
        raise Busy(f"another decision is being written in {home.data}: try again") from None
    return made


def read(home: Home) -> list[Decision]:
    """All decisions of this home, oldest first. Raises Damaged where a line is none."""
    path = home.journey_file
    if not path.exists():
        return []
    lines = path.read_bytes().splitlines()
    try:
        return [msgspec.json.decode(line, type=Decision) for line in lines]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Damaged(f"{path} cannot be read ({error}): mend its {len(lines)} lines or move it away") from error


def of_market(decisions: list[Decision], venue: str, product: str) -> list[Decision]:
    """Those of one market."""
    return [d for d in decisions if (d.venue, d.product) == (venue, product)]


def behind(decisions: list[Decision], rows: Labelled | Dataset, tau: float | None) -> Decision | None:
    """The newest decision for `tau`, in what the rows have it in, on their question and market; None where there is
    none."""
    q = rows.question
    asked = (rows.venue, rows.product, q.label, q.horizon_s, rows.relative, tau)
    made = [d for d in decisions if (d.venue, d.product, d.label, d.horizon_s, d.relative, d.tau) == asked]
    return made[-1] if made else None


def advice(then: Decision, rows: Labelled) -> Advice | None:
    """Whether the rows have outgrown or left a threshold that was set on fewer; None where all is well.

    Compared are the shares of the training part that are spikes, then and now. The rows must have tau in what the
    decision has it in.
    """
    train, size = rows.quantity("train"), len(rows.rows)
    was, now = 1 - then.percentile / 100, float((train >= then.tau).mean()) if train.size else 0.0
    tau, at = worded(then.tau, then.relative), f"P{then.percentile:.1f}"
    on = f"of {then.rows['train']:,} training rows on {_day(then.decided_ns)}"
    if was > 0 and now == 0:
        return Advice(True, f"τ {tau} was {at} {on}; none of today's {train.size:,} reaches it. Set it anew.")
    if was > 0 and not 1 / MOVED <= now / was <= MOVED:
        times = f"{now / was:.1f} times more frequent" if now > was else f"{was / now:.1f} times rarer"
        same = worded(rows.tau_of(min(max(then.percentile / 100, 1e-6), 1 - 1e-6)), then.relative)
        return Advice(
            True,
            f"τ {tau} was {at} {on}; of today's {train.size:,} it is P{100 - 100 * now:.1f}: spikes are {times}. "
            f"{at} is {same} now: set that, or keep {shown(then.tau)} if the question is to stay.",
        )
    if size >= GROWN * then.size:
        return Advice(
            False,
            f"There are {size:,} rows, {size / then.size:.1f} times the {then.size:,} that τ {tau} was set on. It is "
            f"P{100 - 100 * now:.1f} (then {at}), so it holds: keep it, and train on the new rows.",
        )
    return None


def _percentile(rows: int, spikes: int) -> float:
    return round(100 * (1 - spikes / rows), 4) if rows else 0.0


def _day(ns: int) -> str:
    then = datetime.fromtimestamp(ns / 1e9, UTC)
    return f"{then.day} {then:%b}"
