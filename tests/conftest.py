"""What all tests share: a home of their own, the recordings, and which tests run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import run
from core.config import Home

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"

os.environ.update(run.QUIET)
os.environ.pop("TREMOR_HOME", None)  # no test may write into the home of whoever runs it

settings.register_profile(
    "tremor",
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile("search", settings.get_profile("tremor"), derandomize=False, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tremor"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", default=False, help="also run the tests marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--all"):
        return
    skip = pytest.mark.skip(reason="slow: runs with --all")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home of the test's own."""
    return Home(tmp_path / "home")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings beside the repository; without it the test is skipped by name."""
    if not SHARED.is_dir():
        pytest.skip("no folder ../shared/data with the real recordings")
    return SHARED
