from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import pytest

from core.config import (
    REPOSITORY,
    Home,
    Horizon,
    Settings,
    change_settings,
    load_settings,
    save_settings,
    write_atomically,
)
from core.errors import BadInput


def test_a_home_is_given_or_named_or_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Home.resolve().root == REPOSITORY
    monkeypatch.setenv("TREMOR_HOME", str(tmp_path / "a"))
    assert Home.resolve().root == tmp_path / "a"
    assert Home.resolve(tmp_path / "b").root == tmp_path / "b"


def test_settings_make_the_round_trip(home: Home) -> None:
    assert load_settings(home) == Settings()
    chosen = Settings().replace(tau_bps=8.7, theta=0.4, label="bipower")
    save_settings(home, chosen)
    assert load_settings(home) == chosen


@pytest.mark.parametrize(
    "wrong",
    [
        {"tau_bps": 0},
        {"tau_bps": float("inf")},
        {"tau_relative": 0},
        {"tau_relative": float("inf")},
        {"tau_bps": 8.7, "tau_relative": 1.8},
        {"theta": 1.0},
        {"label": "best"},
        {"horizon_s": 17},
        {"quantile": 2},
        {"speed": 0},
        {"seed": -1},
        {"feed": "nosuch"},
        {"product": "../etc"},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="settings"):
        Settings().replace(**wrong)


def test_a_damaged_file_says_what_to_do(home: Home) -> None:
    write_atomically(home.settings_file, b'{"tau_bps": "lots"}')
    with pytest.raises(BadInput, match="mend it or delete it"):
        load_settings(home)


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.json"
    write_atomically(path, b"old")

    def fails(_descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_home_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(BadInput, match="is a file"):
        Home.resolve(tmp_path / "x")


def test_two_clicks_at_once_lose_neither(home: Home) -> None:
    def click(i: int) -> None:
        for _ in range(30):
            change_settings(home, **({"tau_bps": 8.7} if i % 2 else {"seed": 7}))

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(click, i) for i in range(8)]:
            done.result()
    settings = load_settings(home)
    assert (settings.tau_bps, settings.seed) == (8.7, 7)
    assert [p.name for p in home.data.iterdir()] == ["settings.json"]


def test_one_threshold_replaces_the_other(home: Home) -> None:
    absolute = change_settings(home, tau_bps=8.7)
    relative = change_settings(home, tau_relative=1.8)
    assert (absolute.tau_bps, absolute.tau_relative) == (8.7, None)
    assert (relative.tau_bps, relative.tau_relative) == (None, 1.8)
    assert load_settings(home) == relative
    assert relative.replace(seed=3).tau_relative == 1.8
    assert relative.replace(tau_bps=None).tau_relative == 1.8
    assert relative.replace(tau_relative=None) == Settings()
    assert relative.replace(tau_bps=2.0).tau_relative is None


def test_theta_belongs_to_the_model_it_was_set_for() -> None:
    settings = Settings(theta=0.3, theta_model="a")
    assert settings.theta_for("a", 0.5) == 0.3
    assert settings.theta_for("b", 0.5) == 0.5
    assert Settings().theta_for("a", 0.5) == 0.5


def test_horizons_are_the_windows() -> None:
    from core.features.windows import WINDOWS_S

    assert get_args(Horizon) == WINDOWS_S
