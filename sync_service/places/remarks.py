"""What an address says besides: «(вход со двора)» is a remark, «(с. Подстёпки)» another settlement. Pure.

A settlement nobody marked can only be told by its capital letter. Taken for one it is looked up there and not found;
taken for a remark, the namesake at home would be: so in doubt it is one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sync_service.places.houses import continues_house
from sync_service.places.segments import DISTRICT_WORDS, REGION_WORDS, SETTLEMENT_WORDS, bare, is_name
from sync_service.places.streets import PART_KINDS, find_kind, fold_text, kind_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_WORD = re.compile(r"[^\W\d_][\w\-]*")
_THING = (
    "парк сквер двор вход въезд дом здание корпус школа лицей гимназия колледж институт университет детсад сад магазин"
    " рынок центр дворец музей театр библиотека стадион бассейн больница поликлиника аптека завод гараж гаражи крыша"
    " подвал остановка стоянка парковка площадка подъезд этаж офис бывший бывшая бывшее ныне координаты"
)
_THINGS = frozenset(_THING.split())
"""Words no name of a settlement begins with, however they are written."""
_MOST_WORDS = 3


@dataclass(frozen=True, slots=True)
class Spelling:
    """Which words of an address (folded) begin small or are abbreviations, and so name no settlement."""

    common: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Self:
        """Read how a text is written. One written all in small or all in capital letters tells nothing."""
        words = _WORD.findall(unicodedata.normalize("NFC", text))
        short = {word for word in words if word[1:2].isupper()} if not text.isupper() else set()
        # The first letter is often made a capital by the keyboard.
        mixed = {word[0].isupper() for word in words[1:]} == {True, False}
        small = {word for word in words if word[0].islower()} if mixed else set()
        return cls(frozenset(map(fold_text, short | small)))

    def may_name(self, words: Sequence[str]) -> bool:
        """Whether the words may be the bare name of a settlement."""
        return (
            0 < len(words) <= _MOST_WORDS
            and all(is_name(word) and kind_of(word) is None and bare(word) not in self.common for word in words)
            and bare(words[0]) not in _THINGS
        )

    def is_aside(self, text: str, known: Collection[str]) -> bool:
        """Whether what stands in brackets says nothing of the settlement (`known`: some), its part, or the house."""
        words = text.split()
        return not (words and (text in known or continues_house(text) or _marks(words) or self.may_name(words)))


def _marks(words: Sequence[str]) -> bool:
    """Whether a settlement, a district, a region or a part of a settlement is named as such."""
    ends = {bare(words[0]), bare(words[-1])}
    if ends & (DISTRICT_WORDS | REGION_WORDS) and len(words) > 1:
        return True
    at = find_kind(words)
    if at is not None and kind_of(words[at]) in PART_KINDS:
        return True
    abbreviated = words[0].partition(".")
    head, rest = (abbreviated[0], abbreviated[2] or "".join(words[1:2])) if abbreviated[1] else (words[0], words[-1])
    marked = head in SETTLEMENT_WORDS and (bool(abbreviated[1]) or (len(head) > 1 and len(words) > 1))
    return marked and is_name(rest)
