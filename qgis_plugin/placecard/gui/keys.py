"""What a single key does while a proposal is chosen. Pure.

A key counts by where it is, not by what it types: a Russian layout needs no switching.
"""

from __future__ import annotations

POINT, LINE, AREA, TAKE = "point", "line", "area", "take"
CITYWIDE, DISTRICT, NOWHERE = "citywide", "district", "none"
RIGHT, BROWSER = "right", "browser"

LETTERS = {
    POINT: "p",
    LINE: "l",
    AREA: "a",
    TAKE: "g",
    CITYWIDE: "w",
    DISTRICT: "d",
    NOWHERE: "n",
    RIGHT: "r",
    BROWSER: "o",
}
"""The letter of each act, as a Latin keyboard has it."""

_SAME_KEY = dict(zip("йцукенгшщзфывапролдячсмить", "qwertyuiopasdfghjklzxcvbnm"))
_ACTS = {letter: act for act, letter in LETTERS.items()}


def act_of(text: str) -> str | None:
    """The act of a typed letter of either layout, or None."""
    typed = text.lower()
    return _ACTS.get(_SAME_KEY.get(typed, typed))


def number_of(text: str) -> int | None:
    """The number of a suggestion, from 1 to 9, if a digit was typed."""
    return int(text) if text in tuple("123456789") else None


def cap(act: str) -> str:
    """How the act's key is named on a button."""
    return LETTERS[act].upper()
