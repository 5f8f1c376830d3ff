"""GARCH(1,1) of one-second returns, its variance summed over the horizon.

Bollerslev 1986, doi:10.1016/0304-4076(86)90063-1: var[t+1] = omega + alpha r[t]^2 + beta var[t], by quasi maximum
likelihood (the `arch` library) on the returns of the training part. Unrolled, var[t+1] is omega / (1 - beta) plus alpha
times the sum of beta^k r[t-k]^2: a fading mean with memory beta, which a sum of the fading means among the features
gives within 3 % for any beta from 0.8 to 0.988. k bars ahead the variance is V + (alpha + beta)^(k-1) (var[t+1] - V), V
its long-run mean. P(it reaches tau) through the errors of log volatility on the training part (`_exceeding`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models._columns import Floats
from models._exceeding import Exceeding

NAME = "garch"
TITLE = "GARCH(1,1)"
BASELINE = True
DISTORTED = False
ABOUT = "Lets the variance of each second follow the squared return before it, and says how often its errors reach τ."

RETURN = "rms_1"
DECAYS = {RETURN: 0.0} | {f"ewma_{s}": 0.94 if s == 11 else 0.5 ** (1 / s) for s in (3, 6, 11, 22, 45, 90)}
"""The fading means by their decay a bar, as in docs/feature_spec.md; the last return is one that fades at once."""
BETAS = (0.8, 0.988)
MOST = 50_000
"""Returns that are estimated on, the newest: a bound on the time it takes."""


class Garch(Exceeding):
    """GARCH(1,1) with zero mean.

    Parameters
    ----------
    horizon_s : bars ahead that the variance is summed over

    Attributes
    ----------
    omega_ (bps^2), alpha_, beta_ : as estimated
    note_ : the same as a sentence
    """

    def __init__(self, horizon_s: int = 60) -> None:
        self.horizon_s = horizon_s

    def _learn_forecast(self, values: Floats, wanted: Floats, progress: Any) -> Floats:
        from arch.univariate import GARCH, ZeroMean

        returns = self._named(values, RETURN)
        returns = np.abs(returns[np.isfinite(returns)])[-MOST:]
        size = float(np.sqrt(np.mean(returns**2))) if returns.size else 0.0
        if not float(returns.std() if returns.size else 0.0) > 1e-12 * size:
            raise ValueError(
                f"{RETURN} does not vary in the training part ({returns.size:,} known returns): GARCH has nothing to "
                "follow. Train on ticks in which the price moves."
            )
        # the sign of a return is of no account in GARCH(1,1); in units of their own size, as the optimiser likes it
        model = ZeroMean(returns / size, volatility=GARCH(1, 0, 1), rescale=False)
        fit = model.fit(disp="off", show_warning=False, options={"maxiter": 200})
        omega, alpha, beta = (float(p) for p in fit.params)
        self.omega_, self.alpha_, self.beta_ = omega * size**2, alpha, beta
        self.columns_ = [name for name in DECAYS if self._has(name)] or [RETURN]
        self.weights_ = _as_a_sum([DECAYS[name] for name in self.columns_], float(np.clip(beta, *BETAS)))
        self.size_ = size
        self.floor_ = 1e-6 * size**2
        self.note_ = f"alpha {alpha:.3g}, beta {beta:.3g}, estimated on {returns.size:,} returns"
        return wanted - self._forecast(values)

    def _forecast(self, values: Floats) -> Floats:
        faded = np.zeros(len(values))
        for name, weight in zip(self.columns_, self.weights_, strict=True):
            column = self._named(values, name)
            column = np.where(np.isnan(column), self.size_, column)
            faded += weight * column * column
        next_one = (self.omega_ + self.alpha_ * np.maximum(faded, 0.0)) / (1.0 - min(self.beta_, BETAS[1]))
        persistence = self.alpha_ + self.beta_
        ahead = np.arange(self.horizon_s)
        if persistence < 1.0:
            fades = float((persistence**ahead).sum())
            long_run = self.omega_ / (1.0 - persistence)
            total = self.horizon_s * long_run + fades * (next_one - long_run)
        else:  # integrated: omega is added with each bar, and nothing is forgotten
            total = self.horizon_s * next_one + self.omega_ * float(ahead.sum())
        return 0.5 * np.log(np.maximum(total, 0.0) + self.floor_)


def _as_a_sum(decays: list[float], beta: float) -> list[float]:
    """Weights w with sum_j w_j mean_j(t) = (1 - beta) sum_k beta^k r2(t-k), nearly; mean_j fades by decays[j] a bar."""
    k = np.arange(2048)
    means = np.array([(1 - d) * d**k for d in decays]).T
    wanted = (1 - beta) * beta**k
    weights = np.linalg.lstsq(means, wanted, rcond=None)[0]
    return [float(w) for w in weights / weights.sum()]


def build(seed: int, volatility: str) -> Garch:  # noqa: ARG001
    """An unfitted model; `seed` is not used. The horizon is that of the label's trailing `volatility`."""
    return Garch(horizon_s=int(volatility.rsplit("_", 1)[1]))
