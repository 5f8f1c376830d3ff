"""Numbers that argparse takes and no training can use."""

from __future__ import annotations

import pytest

from core.__main__ import main
from core.config import Home


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--tau", "inf"], "τ is inf bps: give a number above 0"),
        (["--tau", "nan"], "τ is nan bps: give a number above 0"),
        (["--tau", "0"], "τ is 0 bps: give a number above 0"),
        (["--tau", "-3"], "τ is -3 bps: give a number above 0"),
        (["--tau", "1e-320"], "bps: give a number above 0"),
        (["--tau", "1e300"], "τ is 1e+300 bps: give a number above 0"),
        (["--quantile", "0"], "the quantile is 0: give a number between 0 and 1"),
        (["--quantile", "1"], "the quantile is 1: give a number between 0 and 1"),
        (["--quantile", "nan"], "the quantile is nan: give a number between 0 and 1"),
        (["--seed", "-1"], "the seed is -1: give a whole number from 0 to"),
        (["--seed", str(2**32)], "give a whole number from 0 to 4,294,967,295"),
        (["--horizon", "0"], "horizon of 0 s"),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused_in_one_line(
    home: Home, argv: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *argv, "--models", "zscore", "--home", str(home.root), "--json"]) == 1
    out, err = capsys.readouterr()
    (line,) = [line for line in err.splitlines() if not line.endswith("reading ticks")]
    assert out == "" and line.startswith("train: ") and sentence in line
