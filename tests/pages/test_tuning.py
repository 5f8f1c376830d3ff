"""The training page's folds and tuning: before, while, after, stopped, failed."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.config import Home
from core.evaluation.record import UNCHECKED, Evaluation, Fold, Meter, Verdict
from core.training.tuned import Trial, Tuned
from tests.pages.conftest import saved

Visit = Callable[[Home, str], AppTest]
PAGE = "pages/3_Training.py"


def words(app: AppTest) -> str:
    return " ".join(str(element.proto.body) for element in app.get("html"))


def buttons(app: AppTest) -> dict[str, AppTest]:
    return {str(b.key): b for b in app.button}


def tuned(home: Home, **changes: object) -> None:
    """A tuning of XGBoost on the question that `crowned` asks."""
    trials = tuple(Trial(params={"depth": n}, aps=(0.1, None), lifts=(1.0 + n, None)) for n in range(7))
    made = Tuned(
        model="xgboost", title="gradient boosting", label="rv", horizon_s=60, venue="embedded", product="BTC-USD",
        tau_bps=3.0, quantile=None, fingerprint="f", space="s", seed=0, folds=5, asked=20, until_ns=1, made_ns=1,
        trials=trials, params={"depth": 6}, lift=1.48, own_lift=1.07, gain=0.32, error=0.24, used=True,
    )  # fmt: skip
    (home.data / "tuned").mkdir(parents=True, exist_ok=True)
    (home.data / "tuned" / "a.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(made, **changes)))


def evaluated(home: Home, training: str = "t1") -> None:
    """An evaluation of the training of `crowned` with folds of two models."""
    folds = tuple(
        Fold(
            number=n, model=model, train_rows=1000 * n, rows=900, spikes=90, first_ns=10**18 * n, last_ns=10**18 * n,
            tau_bps=3.0 + n, base_rate=0.1, ap=None if lift is None else lift / 10, lift=lift,
            note="not fitted: <b>too few</b>" if lift is None else "",
        )
        for model, lifts in {"zscore": (1.0, 4.0), "logistic": (None, 9.0), "xgboost": (2.0, 4.5)}.items()
        for n, lift in enumerate(lifts, 1)
    )  # fmt: skip
    made = Evaluation(
        training=training, made_ns=1, label="rv", horizon_s=60, tau_bps=3.0, quantile=None, venue="embedded",
        product="BTC-USD", fingerprint="f", seed=0, replicates=0, block_s=300, base_rate=0.1,
        meter=Meter(splits=(), enough=False, sentence="", hours_needed=None, width=0.1, hours_to_width=None),
        leakage=UNCHECKED, verdict=Verdict(word="no conclusion", sentence="None."), champion="xgboost-t1",
        best_baseline=None, best_within=None, models=(), folds=folds, folds_note="Chosen on 2 folds instead.",
    )  # fmt: skip
    home.evaluations.mkdir(parents=True, exist_ok=True)
    (home.evaluations / f"{training}.json").write_bytes(msgspec.json.encode(made))


def test_before_a_tuning_the_page_offers_one_and_says_what_becomes_of_it(
    visit: Visit, full: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(jobs, "start", lambda _home, name, argv: asked.append((name, list(argv))))
    app = visit(full, PAGE)
    assert "Nothing tuned on this question yet" in words(app) and "Folds of this" not in words(app)
    app.selectbox(key="tune_model").select("xgboost").run()
    app.selectbox(key="tune_trials").select(10).run()
    assert buttons(app)["tune"].label == "Tune gradient boosting"
    app.button(key="tune").click().run()
    assert not app.exception
    ((name, argv),) = asked
    assert (name, argv[0]) == ("tune", "tune")
    options = dict(zip(argv[1::2], argv[2::2], strict=True))
    assert (options["--model"], options["--trials"], options["--quantile"]) == ("xgboost", "10", "0.95")
    assert (options["--venue"], options["--product"], options["--seed"]) == ("embedded", "BTC-USD", "0")


def test_while_a_tuning_runs_it_can_be_stopped_and_nothing_else_begins(
    visit: Visit, crowned: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []
    monkeypatch.setattr(jobs, "stop", lambda _home, name: stopped.append(name))
    with jobs.hold(crowned, "tune") as me:
        me.beat(0.3, "trial 7 of 20, best lift 1.32", every_s=0)
        app = visit(crowned, PAGE)
        assert not app.exception
        (bar,) = app.get("progress")
        assert (bar.proto.text, bar.proto.value) == ("trial 7 of 20, best lift 1.32", 30)  # type: ignore[attr-defined]
        assert "tune" not in buttons(app) and buttons(app)["train"].disabled
        assert "A tuning runs" in words(app)
        buttons(app)["stop_tune"].click().run()
    assert stopped == ["tune"]
    with jobs.hold(crowned, "train"):
        assert buttons(visit(crowned, PAGE))["tune"].disabled


@pytest.mark.parametrize(
    ("state", "said"),
    [("stopped", "trials that were finished are kept"), ("failed", "The last tuning failed: no row is left")],
)
def test_how_a_tuning_ended_is_said(visit: Visit, crowned: Home, state: str, said: str) -> None:
    with jobs.hold(crowned, "tune") as me:
        me.end(state, "no row is left")
    app = visit(crowned, PAGE)
    assert not app.exception and said in words(app)
    assert not buttons(app)["tune"].disabled


def test_what_a_tuning_found_is_shown_for_its_question_only(visit: Visit, crowned: Home) -> None:
    tuned(crowned)
    said = words(visit(crowned, PAGE))
    for cell in ("gradient boosting", "in use", "7 of 20", "1.1", "1.5", "+38 ± 27 %"):
        assert f">{cell}</td>" in said
    tuned(crowned, used=False, gain=0.1)
    said = words(visit(crowned, PAGE))
    assert ">own parameters</td>" in said and "and not used" in said
    saved(crowned, tau_bps=4.0)
    assert "Nothing tuned on this question yet" in words(visit(crowned, PAGE))


def test_the_folds_of_the_newest_training_are_a_table_best_mean_lift_first(visit: Visit, crowned: Home) -> None:
    evaluated(crowned)
    app = visit(crowned, PAGE)
    assert not app.exception
    said = words(app)
    assert "Folds of this training" in said and "Chosen on 2 folds instead." in said
    table = said[said.index("lowest to highest") : said.index("scored from, UTC")]
    # 9.0 on one fold only; 3.0 is the geometric mean of 2.0 and 4.5
    assert table.index("logistic") < table.index("gradient boosting ★") < table.index("z-score rule")
    assert ">3.0</td>" in table and ">2.0 to 4.5</td>" in table and ">–</td>" in table
    assert "logistic: not fitted: &lt;b&gt;too few" in said
    assert ">10.0 %</td>" in said[said.index("scored from, UTC") :]
