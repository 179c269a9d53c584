"""Which proposal a row of another table speaks of: by what both have in common, however it is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from placecard.core.copyfile.sql import quoted

if TYPE_CHECKING:
    from placecard.core.copyfile.copy import Proposal, WorkingCopy

PROPERTIES = ("guid", "card_id", "cadastral_number", "address", "title")
"""Properties that a proposal may be found by."""

_STREETS = re.compile(
    r"\b(?:улица|ул|проспект|пр-кт|пр|переулок|пер|бульвар|б-р|шоссе|ш|набережная|наб|площадь|пл|проезд|дом|д|г|город"
    r"|street|st|avenue|ave|road|rd)\b\.?"
)
_JOINTS = re.compile(r"[\W_]+")


def fold(name: str, value: object) -> str:
    """A value as it is compared: without what people write now one way and now another."""
    text = str(value if value is not None else "").strip().casefold().replace("ё", "е")
    if text.endswith(".0") and text[:-2].isdigit():
        text = text[:-2]  # a whole number from a table that knows no whole numbers
    if name == "address":
        text = " ".join(sorted(_JOINTS.sub(" ", _STREETS.sub(" ", text)).split()))
    elif name != "guid":
        text = _JOINTS.sub(" ", text).strip()
    return text


class Finder:
    """The proposals of a copy by one property."""

    def __init__(self, copy: WorkingCopy, name: str, *, waiting: bool = False) -> None:
        self._name = name
        self._known: dict[str, list[Proposal]] = {}
        values = values_of(copy, name)
        for proposal in copy.proposals("unplaced" if waiting else "all"):
            key = fold(name, values.get(proposal.guid))
            if key:
                self._known.setdefault(key, []).append(proposal)

    def find(self, value: object) -> list[Proposal]:
        """The proposals with this value: none, one, or several among which a person must choose."""
        return self._known.get(fold(self._name, value), [])


def values_of(copy: WorkingCopy, name: str) -> dict[str, object]:
    """What every proposal of a copy has as this property, by guid."""
    with copy.reading() as book:
        return dict(book.run("SELECT guid, $name FROM ($rows)", name=quoted(name), rows=book.layout.rows))
