"""Homes in the states that pages must cope with, and pages opened in them without a browser."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

import models
from core import jobs
from core.config import Home
from core.evaluation.scores import score
from core.features.bars import SECOND_NS
from core.live.monitor import Monitor
from core.training import registry
from core.training.registry import Meta
from tests.live.conftest import crown
from tests.pages.filled import fill
from ui import time_machine

ROOT = Path(__file__).resolve().parents[2]
MARKET_S = 1800
MACHINE = "pages/8_Time_machine.py"
START_S = 1_700_003_840
"""When the market of `stored` begins."""
Visit = Callable[..., AppTest]


@pytest.fixture
def full(home: Home) -> Home:
    """Half an hour of the simulated market that ends now."""
    fill(home, MARKET_S, time.time_ns() - MARKET_S * 10**9)
    return home


def trained(
    home: Home, *, label: str = "rv", tau_bps: float = 3.0, pr: float = 0.5, venue: str = "embedded",
    product: str = "BTC-USD", missing: tuple[str, ...] = (), tau_relative: float | None = None,
) -> list[Meta]:  # fmt: skip
    """Three artifacts of one training with real scores of made-up forecasts; the second is champion. All three hold the
    same small rule, which can be asked."""
    rng = np.random.default_rng(1)
    y = rng.random(600) < 0.1
    estimator = models.discover()["zscore"].build(0, "rv_60")
    estimator.fit(pd.DataFrame({"rv_60": 3 + 2 * y + rng.random(600)}), y)
    suffix, content = models.to_bytes(estimator)
    made = []
    for i, (model, title) in enumerate(
        [("zscore", "z-score rule"), ("logistic", "logistic"), ("xgboost", "gradient boosting")]
    ):
        p = np.clip(0.2 + pr * 0.4 * y + rng.normal(0, 0.15, 600), 0, 1)
        scores = score(model, y[:300], p[:300], y[300:], p[300:])
        meta = Meta(
            name=f"{model}-{i}", model=model, title=title, baseline=i == 0, training="t1", run_id=f"run{i}",
            trained_ns=time.time_ns(), label=label, horizon_s=60, tau_bps=tau_bps, quantile=None, theta=scores.theta,
            volatility="rv_60", features=("rv_60",), missing=missing, seed=0, params={}, note="", fingerprint="f",
            venue=venue, product=product,
            splits={s: {"rows": 300, "spikes": 30} for s in ("train", "validation", "test")},
            scores=scores, validation=scores, seconds=1.0, file=f"model{suffix}",
            sha256=hashlib.sha256(content).hexdigest(), tau_relative=tau_relative,
        )  # fmt: skip
        registry.publish(home, [(meta, content)])
        made.append(meta)
    registry.set_champion(home, made[1].name)
    return made


@pytest.fixture
def crowned(full: Home) -> Home:
    """A filled home with three trained models, a champion among them, on the question that the settings ask."""
    trained(full)
    saved(full, tau_bps=3.0)
    return full


def saved(home: Home, **settings: object) -> None:
    """Write the settings file as somebody else would: no check stands between."""
    home.settings_file.parent.mkdir(parents=True, exist_ok=True)
    home.settings_file.write_bytes(msgspec.json.encode(settings))


@contextmanager
def capturing(
    home: Home, venue: str, *products: str, age_s: float | None, message: str = "receiving"
) -> Iterator[None]:
    """A capture runs in this home while the block does; its last tick is `age_s` old, None before the first."""
    with jobs.hold(home, "capture") as me:
        heard_ns = None if age_s is None else time.time_ns() - int(age_s * 1e9)
        said = {"feed": "coinbase_exchange", "venue": venue, "products": list(products), "last_tick_ns": heard_ns}
        me.beat(message=message, every_s=0, **said)
        yield


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch) -> Callable[[Home, str], AppTest]:
    """Open a page of a home: `visit(home, "pages/3_Training.py")`."""

    def opened(home: Home, page: str) -> AppTest:
        monkeypatch.setenv("TREMOR_HOME", str(home.root))
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        return app.run() if page == "app.py" else app.switch_page(page).run()

    return opened


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two sessions of the simulated market with a gap between them, a model, and what a monitor said of the end."""
    home = Home(tmp_path_factory.mktemp("machine") / "home")
    fill(home, 1200, START_S * SECOND_NS)
    fill(home, 480, (START_S + 1260) * SECOND_NS, seed=1)
    crown(home, "zscore", 0.9, "embedded")
    monitor = Monitor(home)
    monitor.step()
    monitor.close()
    return home


class Clock:
    """Our clock, which tests move."""

    def __init__(self) -> None:
        self.now_s = 1_000

    def __call__(self) -> int:
        return self.now_s * SECOND_NS


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time_machine, "now_ns", made)
    return made


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Visit:
    """The page of a home, by a link: `machine(home, at="...", speed="60")`."""

    def opened(home: Home, **link: str) -> AppTest:
        monkeypatch.setenv("TREMOR_HOME", str(home.root))
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page(MACHINE)
        for name, value in link.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return opened
