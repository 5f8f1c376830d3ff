"""Words of the pages: what terms mean, and the names that people read for what core calls by a short name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ui.theme import MISSING, bps

HELP: Final[dict[str, str]] = {
    "tau": "τ: the threshold on the volatility of the next seconds. A second is a spike when it is τ or more. It is "
    "in bps, or a multiple of slow volatility, which the last hour had: then it asks the same of busy and quiet days. "
    "Changing τ changes the question, so a model trained before is stale.",
    "relative": "In bps τ is the same number on a busy day and on a quiet one. As a multiple of slow volatility (what "
    "the trailing hour would give over the horizon, known at each second) it stays the same question on both.",
    "theta": "θ: the probability at which to alert. Changing θ does not make the model stale.",
    "ap": "Average precision (PR-AUC): mean precision over all θ, weighted by recall. At random: the base rate.",
    "base_rate": "Base rate: the share of seconds that are spikes. It is what an alert at random would score.",
    "lift": "Lift: average precision divided by the base rate. 1 is no skill.",
    "precision": "Precision: the share of alerts that are right.",
    "recall": "Recall: the share of spike seconds that were alerted.",
    "f1": "F1: harmonic mean of precision and recall at θ.",
    "horizons": "Independent horizons: seconds that share no part of what they forecast. Neighbouring seconds share "
    "nearly all of it, so thousands of rows may be a hundred trials.",
    "episode": "Episode: a run of volatility above τ; runs closer than the horizon are one.",
    "skill": "Brier score: mean squared distance of the probability from what happened, 0 is perfect. Skill: 1 less "
    "the Brier score over that of always saying the share of spikes there was; 0 is no better, below 0 is worse.",
    "within": "Inside sessions: each forecast is replaced by its rank in its session (cut at each full hour), so that "
    "telling a busy day from a quiet one earns nothing. It is the harder score, and the one a verdict is made of.",
    "interval": "Interval: 95 %, by drawing stretches of five horizons anew 500 times. A difference is paired: both "
    "models are drawn on the same stretches.",
    "brier": "Brier skill: 1 - Brier score / that of always saying the base rate of train. 0 is no skill, 1 perfect.",
    "ece": "ECE, expected calibration error: how far a forecast lies from what came, on average over ten bins.",
    "log_loss": "Log loss: the mean of -log of the probability given to what came. Lower is better.",
    "onset": "Onset: only alerts and episodes while volatility is not already above τ. It is the harder question.",
    "lead": "Lead: seconds from the alert that caught an episode to the episode's start.",
    "budget": "Budget: the lowest θ that keeps to so many alerts an hour on validation, with a horizon between alerts.",
    "cooldown": "Cooldown: seconds from one alert to the next at least. P still at θ when they are over alerts again.",
    "rearm": "Hysteresis: after an alert the odds of P must fall below this share of θ's before the next. 1 is none.",
    "miss": "How many false alerts you would bear to be told of one episode.",
    "gap": "Gap: a stretch in which events are known or suspected to be missing.",
    "repaired": "Repaired: no trade is missing any more. The quotes of a gap stay unknown, nothing is interpolated, "
    "and the session that ended at it stays ended.",
    "quarantine": "Quarantine: frames that no parser accepted, kept with their bytes.",
    "champion": "Champion: the model that watches the market. It is chosen by its average precision on validation, or "
    "by its mean lift over walk-forward folds where validation holds too little.",
    "purge": "Purge: the first horizon of rows behind each boundary is dropped, so that no label of an earlier split "
    "reaches a row of a later one.",
    "speed": "Market seconds a second. It begins six hours back and slows to 1x once it is at the clock.",
    "seed": "The same seed gives the same simulated market in a new home. A second capture into the same home goes on "
    "with another path, so that no stretch is stored twice.",
    "embedded": "A market simulated on this machine, in Coinbase's protocol. Its ticks never mix with real ones.",
}

FATES: Final[tuple[tuple[str, str], ...]] = (
    ("stored", "stored"),
    ("duplicates", "held already"),
    ("quarantined", "in quarantine"),
    ("shed", "shed"),
)
"""What becomes of all that is received: the counters, and the words for them."""

JOBS: Final[dict[str, str]] = {
    "sample": "sample day",
    "import": "import",
    "reparse": "reparse",
    "train": "training",
    "tune": "tuning",
    "leakage": "planting",
    "report": "report",
    "drift": "comparison",
    "escrow": "check",
    "theta": "logging",
    "importance": "importance",
}
"""Jobs that the status line of every page tells of, by core's name. Capture and monitor run on and are no jobs."""

FIGURES: Final[dict[str, str]] = {
    "ap": "Average precision of each model on the test split, with its interval and the base rate",
    "ap_within": "Average precision of each model inside sessions, with its interval and the base rate",
    "pr": "Precision against recall of the champion and the baselines",
    "pr_compared": "Precision against recall of two trainings",
    "illusion": "Precision against recall with the planted leak",
    "honest": "Precision against recall without the leak",
    "reliability": "How often a spike came, against the probability that was forecast",
    "sessions": "Lift of each model in each session",
    "events": "Alerts and episodes of the test split on a time line: caught, missed and wrong",
    "alert_curve": "Alerts an hour and the share of episodes caught, against θ",
    "alert_history": "Alerts and episodes of the test split: caught, missed and false, with their lead",
    "hour": "Mid price with the spikes that τ makes, and volatility of the next seconds against τ",
    "signature": "Volatility against the interval of the returns it is measured on",
    "journey": "Each τ that was decided, in the order of time",
}
"""What the figures that stand still show, by their key, for who cannot see them."""

FEEDS: Final[dict[str, str]] = {
    "embedded": "Embedded exchange (simulated)",
    "coinbase_exchange": "Coinbase Exchange (live)",
    "coinbase_advanced": "Coinbase Advanced (live)",
    "reference": "Reference prices (imported)",
}
VENUES: Final[dict[str, str]] = {
    "embedded": "simulated market",
    "coinbase": "Coinbase market",
    "reference": "imported reference prices",
}
SPEEDS: Final[tuple[float, ...]] = (1.0, 10.0, 60.0, 300.0)
PRODUCTS: Final[tuple[str, ...]] = ("BTC-USD", "ETH-USD", "SOL-USD")

LABELS: Final[dict[str, str]] = {
    "rv": "rv: realised volatility of 1 s returns",
    "tick_std": "tick_std: standard deviation of tick returns",
    "bipower": "bipower: realised volatility less jumps",
    "next_row": "next_row: trailing volatility of the next row (leaky)",
}
PLANTS: Final[dict[str, str]] = {
    "next_row": "the next row's trailing volatility as label",
    "shift_before_rolling": "returns shifted before the windows roll",
    "centred_window": "windows centred on now",
    "random_split": "rows split at random",
    "label_as_feature": "the label left among the features",
    "tau_on_all_rows": "τ taken from all rows",
    "scaler_on_all_rows": "scaler fitted on all rows",
}
"""Leaks that can be planted, by core's name."""
LEAKY: Final = (
    "The label next_row is leaky: it is the trailing volatility one row later, and all but one of its seconds are "
    "already in the features. Its scores near 1 say nothing about the future. It is here to be recognised."
)


def feed(name: str) -> str:
    """A feed's name for people; one that was added later reads as its file's name."""
    return FEEDS.get(name, f"{name.replace('_', ' ').title()} (live)")


def venue(name: str) -> str:
    """A venue's name for people."""
    return VENUES.get(name, f"{name.replace('_', ' ').title()} market")


def market_name(venue_name: str, product: str) -> str:
    """A market's name for people.

    >>> market_name("embedded", "BTC-USD")
    'BTC-USD, simulated market'
    """
    return f"{product}, {venue(venue_name)}"


def left_out(names: Sequence[str]) -> str:
    """Features that a source cannot give, a kind with all its windows; "" where it gives all.

    >>> left_out(["flow_10", "flow_30", "log_rv_10_60", "jump"])
    'Not in this source, so left out: flow 10, 30 s; log rv 10/60 s; jump.'
    """
    said = kinds(names)
    return f"Not in this source, so left out: {'; '.join(said)}." if said else ""


def kinds(names: Sequence[str]) -> list[str]:
    """Features as people read them: a kind with all its windows.

    >>> kinds(["rv_30", "rv_60", "log_rv_10_60", "jump"])
    ['rv 30, 60 s', 'log rv 10/60 s', 'jump']
    """
    found: dict[str, list[str]] = {}
    for name in names:
        kind = re.sub(r"(_\d+)+$", "", name)
        found.setdefault(kind.replace("_", " "), []).append(name[len(kind) + 1 :].replace("_", "/"))
    return [f"{kind} {', '.join(w)} s" if any(w) else kind for kind, w in found.items()]


def tau(tau_bps: float | None, relative: float | None = None, when: str = "median") -> str:
    """A threshold as every page says it: in bps, or as a multiple with what that comes to `when`.

    >>> tau(8.66), tau(12.2, 1.8), tau(12.2, 1.8, "now")
    ('8.7 bps', '1.8 × slow volatility (median 12 bps)', '1.8 × slow volatility (now 12 bps)')
    >>> tau(None, 1.8), tau(None)
    ('1.8 × slow volatility', '–')
    """
    absolute = MISSING if tau_bps is None else f"{bps(tau_bps)} bps"
    if relative is None:
        return absolute
    return f"{bps(relative)} × slow volatility" + ("" if tau_bps is None else f" ({when} {absolute})")


def tau_cell(tau_bps: float, relative: float | None, unit: str = "") -> str:
    """A threshold where there is room for a number: in bps, or the multiple with its sign.

    >>> tau_cell(8.66, None), tau_cell(8.66, None, " bps"), tau_cell(12.2, 1.8)
    ('8.7', '8.7 bps', '1.8 ×')
    """
    return f"{bps(tau_bps)}{unit}" if relative is None else f"{bps(relative)} ×"


def warming(rows: int) -> str:
    """How many rows a relative threshold leaves out; "" for none."""
    return f"{plural(rows, 'row')} left out: no slow volatility yet, the hour before had just begun." if rows else ""


def bands(horizon_s: int, tau: str) -> str:
    """What the bands of a live figure are: trailing volatility, which is known, and not the spikes to come. `tau` with
    its unit."""
    return f"bands: volatility of the last {horizon_s} s at or above τ {tau}"


def sentence(words: str) -> str:
    """The words with a capital and a full stop.

    >>> sentence("leakage: clean, 8 of 8 checks passed")
    'Leakage: clean, 8 of 8 checks passed.'
    """
    return words[:1].upper() + words[1:] + "."


def plural(n: int, one: str, many: str | None = None) -> str:
    """The count with its noun: "1 model", "3 models"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


__all__ = [
    "FATES",
    "FEEDS",
    "FIGURES",
    "HELP",
    "JOBS",
    "LABELS",
    "LEAKY",
    "PLANTS",
    "PRODUCTS",
    "SPEEDS",
    "VENUES",
    "bands",
    "feed",
    "kinds",
    "left_out",
    "market_name",
    "plural",
    "sentence",
    "tau",
    "tau_cell",
    "venue",
    "warming",
]
