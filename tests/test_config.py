from pathlib import Path

import pytest

from core.config import REPOSITORY, Home, Settings, load_settings, save_settings, write_atomically
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
    "wrong", [{"tau_bps": 0}, {"theta": 1.0}, {"label": "best"}, {"horizon_s": 1}, {"quantile": 2}, {"speed": 0}]
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
