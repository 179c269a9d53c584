"""House numbers as people write them, brought to one form: «13 корп. 2» is "13к2", «дом №13-А» is "13а". Pure."""

from __future__ import annotations

import re

_LOOKALIKES = str.maketrans("aceoxkp", "асеохкр")
_MARKER = r"(?:(?:дома|доме|дом|домовладение|здание|зд|д)\b\.?\s?)"
_HOUSE = re.compile(
    rf"{_MARKER}?(?P<plot>(?:владение|влад|вл)\b\.?\s?|вл(?=\d))?(?:№\s?)?(?P<number>[1-9]\d{{0,3}})"
    r"(?:\s?-?\s?(?P<letter>[а-я]))?"
    r"(?:\s?/\s?(?P<part>\d{1,4})(?:\s?(?P<part_letter>[а-я]))?)?"
    r"(?:,?\s?(?:корпус|корп|кор|к)\.?\s?№?\s?(?P<block>\d{1,3}[а-я]?|(?<=[ .])[а-я]))?"
    r"(?:,?\s?(?:строение|стр|с)\.?\s?№?\s?(?P<building>\d{1,3}[а-я]?))?"
    r"(?:,?\s?(?:литера|литер|лит)\.?\s?(?P<liter>[а-я]))?"
    r"[.\s]*\Z"
)
_HOUSE_LIKE = re.compile(
    rf"(?:{_MARKER}(?:№\s?)?\d|\d)[\d\s\-/.,]*(?:(?:корпус|корп|стр|дом|лит|и|[а-яa-z])\b\.?[\d\s\-/.,]*)*\Z"
)
_MARKED = re.compile(rf"{_MARKER}(?:№\s?)?\d|(?:владение|влад|вл)\.?\s?\d")

_CONTINUED = re.compile(
    r"(?:(?:корпуса?|корп|кор|к|строение|стр|с|литера?|лит|блок)\.?\s?№?\s?\d"
    r"|(?:корпус|корп|кор|к|строение|стр|литера|литер|лит|блок)(?:\.\s?|\s)№?\s?[а-я]\b|лит[а-я]\b|[а-я]\Z)"
)


def read_house(text: str) -> str | None:
    """Give the canonical form of a house number (text folded by `fold_text`), or None if it is not exactly one.

    Letters that look alike in Latin and Russian are taken as Russian.
    """
    match = _HOUSE.match(text.translate(_LOOKALIKES))
    if match is None:
        return None
    parts = (
        ("вл" if match["plot"] else "", match["number"]),
        ("", match["letter"]),
        ("/", match["part"]),
        ("", match["part_letter"]),
        ("к", match["block"]),
        ("с", match["building"]),
        ("лит", match["liter"]),
    )
    return "".join(prefix + value for prefix, value in parts if value)


def is_house_like(text: str) -> bool:
    """Whether the text can be nothing but house numbers, though perhaps not exactly one («13-15», «5 и 7»)."""
    return len(text) <= 60 and _HOUSE_LIKE.match(text) is not None


def is_marked(text: str) -> bool:
    """Whether the text begins with a word for house («дом 5», «д. 5», «вл. 3»)."""
    return _MARKED.match(text) is not None


def continues_house(text: str) -> bool:
    """Whether the text goes on with a house number that stood before it («корп. 2», «к2», «лит. А»)."""
    return _CONTINUED.match(text) is not None
