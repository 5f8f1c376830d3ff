"""Numbers as they are written, and colours that can be read."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui import theme
from ui.theme import DARK, LIGHT, MISSING, Palette

ROOT = Path(__file__).resolve().parents[2]
TEXT_ROLES = [f.name for f in fields(DARK) if f.name not in ("bg", "surface", "border", "grid")]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("role", TEXT_ROLES)
def test_every_text_role_can_be_read(palette: Palette, role: str) -> None:
    assert contrast(getattr(palette, role), palette.bg) >= 4.5
    assert contrast(getattr(palette, role), palette.surface) >= 4.5


@pytest.mark.parametrize(("palette", "section"), [(DARK, "dark"), (LIGHT, "light")], ids=["dark", "light"])
def test_streamlits_theme_has_the_same_colours(palette: Palette, section: str) -> None:
    import tomllib

    said = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"][section]
    same = {"primaryColor": palette.vol, "backgroundColor": palette.bg, "textColor": palette.text,
            "secondaryBackgroundColor": palette.surface, "borderColor": palette.border, "yellowColor": palette.tau,
            "orangeColor": palette.spike, "blueColor": palette.vol, "grayColor": palette.muted,
            "violetColor": palette.theta, "greenColor": palette.ok, "redColor": palette.bad}  # fmt: skip
    assert {name: said[name] for name in same} == same


@given(st.floats(1e-6, 1e6))
def test_bps_have_two_digits_and_are_near(x: float) -> None:
    text = theme.bps(x)
    assert "e" not in text
    assert float(text.replace(",", "")) == pytest.approx(x, rel=0.051)
    digits = re.sub(r"^[0.]*", "", text.replace(",", "")).replace(".", "")
    assert len(digits) >= 2


@pytest.mark.parametrize(
    "write", [theme.price, theme.bps, theme.prob, theme.percent, theme.count, theme.lift, theme.rate, theme.age,
              theme.duration, theme.short_count, theme.size, theme.utc],
)  # fmt: skip
def test_a_missing_number_is_a_dash(write: object) -> None:
    assert write(None) == MISSING  # type: ignore[operator]


@pytest.mark.parametrize("write", [theme.price, theme.bps, theme.prob, theme.percent, theme.duration, theme.count])
def test_nan_and_infinity_are_a_dash_too(write: object) -> None:
    assert write(float("nan")) == write(float("inf")) == MISSING  # type: ignore[operator]


def test_minus_is_a_minus() -> None:
    assert theme.price(-12.5) == "−12.50"
    assert theme.bps(-0.031) == "−0.031"


@given(st.integers(0, 400 * 86400))
def test_durations_name_two_units_at_most(seconds: int) -> None:
    units = {"s": 1, "min": 60, "h": 3600, "d": 86400}
    parts = re.findall(r"([\d.]+) (min|s|h|d)", theme.duration(seconds))
    assert 1 <= len(parts) <= 2
    total = sum(float(n) * units[u] for n, u in parts)
    assert 0 <= seconds - total < units[parts[-1][1]] if seconds >= 100 else abs(total - seconds) <= 0.5
