"""What all actions share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.errors import TremorError
from ui.state import Session


def told(act: Callable[[], Any]) -> None:
    """Do it, or leave its error as the sentence that the page shows next."""
    try:
        act()
    except TremorError as error:
        Session().refuse(str(error))


def written(key: str) -> str:
    """What stands in the text field `key`, without blanks around it."""
    return str(Session().chosen(key) or "").strip()


__all__ = ["told", "written"]
