"""A training of a part of the history, and what is asked of it later, as their verbs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.config import Home
from core.errors import BadInput, NotEnough
from tests.training.conftest import START_NS, named, run


@pytest.mark.usefixtures("quick")
def test_a_range_is_trained_on_alone_and_what_a_model_leans_on_can_be_asked_for_later(
    result: dict[str, Any], filled: Home
) -> None:
    at = [(START_NS // 10**9 + s) for s in (100, 5360)]
    ends = [datetime.fromtimestamp(s, UTC).isoformat() for s in at]
    one = run(
        filled, "train", "--quantile", "0.8", "--models", "zscore", "--folds", "0", "--from", ends[0], "--to", ends[1]
    )
    assert (one["from_ns"], one["to_ns"]) == (at[0] * 10**9, at[1] * 10**9) and one["folds"] == []
    assert one["fingerprint"] != result["fingerprint"]
    rows = sum(split["rows"] for split in one["splits"].values())
    assert rows == 5260 - 60 - 60 - 2 * 60, "a window to fill, a horizon at the end, two purges"
    assert run(filled, "evaluate")["from_ns"] == one["from_ns"] == result["from_ns"] + 100 * 10**9
    said = run(filled, "importance", "--model", one["models"][0]["artifact"])
    assert said["groups"][0]["features"].count("rv_60") == 1 and said["fingerprint"] == one["fingerprint"]
    assert all(group["ap"]["value"] == 0 for group in said["groups"][1:]), "the z-score reads one column"
    assert run(filled, "compare", one["models"][0]["artifact"], named(result, "zscore")["artifact"])["paired"] is False
    for argv, error, text in (
        (["--from", "2030-01-01"], NotEnough, "the range holds no bar: there are 5,3"),
        (["--from", "soon"], BadInput, "from is soon: write a time"),
        (["--last-hours", "0"], BadInput, "give a number above 0"),
        (["--last-hours", "1", "--to", "2030-01-01"], BadInput, "at once"),
    ):
        with pytest.raises(error, match=text):
            run(filled, "train", "--models", "zscore", *argv)
