"""Russian addresses as people write them, brought to parts that can be compared. Pure; refuses rather than guesses."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sync_service.places.houses import continues_house, is_house_like, is_marked, read_house
from sync_service.places.reason import Reason, ReasonCode
from sync_service.places.remarks import Spelling
from sync_service.places.segments import (
    DISTRICT_WORDS,
    PREPOSITIONS,
    REGION_WORDS,
    SETTLEMENT_WORDS,
    WIDE_SETTLEMENT,
    bare,
    cut_segments,
    is_name,
)
from sync_service.places.streets import (
    NUMBERED_KINDS,
    PART_KINDS,
    Street,
    find_kind,
    fold_text,
    kind_of,
    name_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_LONGEST = 400
"""A longer text is no address."""

_RELATIVE = re.compile(
    r"\b(?:напротив|рядом|возле|около|вблизи|близ|недалеко|неподалеку|между|меж|позади|вдоль|перед|через дорогу"
    r"|не доезжая"
    r"|окрестност\w{1,4}|в районе (?:дом|ул|д\.|пер|\d)\w*|район дома"
    r"|у дом(?:а|ов)|за дом(?:ом|ами)|за д\. ?\d|у д\. ?\d"
    r"|от .{1,120} до|opposite|near)\b"
)
_TURNED = re.compile(
    r"(?:\b(?:с|со|от)\s)?\bдом\w*\s?№?\s?(\d[\w/]*)(?:(?:\s?(?:,|и|-)\s?)\d[\w/]*)*\s+(?:по|на)\s+(.+)"
)
_CORNER = re.compile(r"\b(?:на )?(?:уг(?:лу|ол|\.)|пересечени[еия]|перекрест(?:ок|ке|ка)|перекр\.)")
_COUNTRY = frozenset({"россия", "рф", "российская федерация"})
_ORDINAL = re.compile(r"\d{1,3}-(?:я|й|ая|ый|ой|ий|е|ое)\Z")


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address, folded (lower case, е for ё). `street` with `house`, or with `crossing`, is a place.

    `part` is a named микрорайон, or another locality inside the settlement, that must fit if it is known.
    """

    street: Street
    house: str | None = None
    crossing: Street | None = None
    settlement: str | None = None
    district: str | None = None
    region: str | None = None
    part: str | None = None

    def query(self, home: str | None = None) -> str:
        """Write the address for a geocoder; `home` is the settlement when the address names none."""
        here = self.settlement or home
        parts = [self.region, here, self.district if not here else None, self.part, str(self.street), self.house]
        return ", ".join(part for part in parts if part)


def parse_address(text: str, *, settlements: Collection[str] = ()) -> Address | Reason:
    """Take an address apart, or say why it names no single house or crossing.

    `settlements` are folded names known to be settlements, recognised also without «г.» and comma. Never raises.
    """
    if len(text) > _LONGEST:
        return Reason.of(ReasonCode.ADDRESS_UNREADABLE, text=text)
    folded = fold_text(text)
    if _RELATIVE.search(folded):
        return Reason.of(ReasonCode.ADDRESS_RELATIVE, text=text)
    corner = _CORNER.search(folded) is not None
    draft = _Draft(frozenset(settlements), Spelling.of(text))
    draft.read(cut_segments(folded, aside=lambda said: not corner and draft.is_aside(said)))
    return draft.cross(text) if corner else draft.finish(text)


def near_address(text: str, *, settlements: Collection[str] = ()) -> Address | None:
    """The address a text speaks of, also where it says no more than a street, or "opposite": to offer, not to believe.

    Of several houses it is the first. Without a house or a crossing it is the street.
    """
    said = _TURNED.sub(r"\2, \1", " ".join(_RELATIVE.sub(" ", fold_text(text[:_LONGEST])).split()))
    parsed = parse_address(said, settlements=settlements)
    if isinstance(parsed, Address):
        return parsed
    draft = _Draft(frozenset(settlements), Spelling.of(text))
    draft.read(cut_segments(said, aside=draft.is_aside))
    return draft.guess()


@dataclass(slots=True)
class _Draft:
    """The parts found so far while segments are read from left to right."""

    known: frozenset[str]
    spelling: Spelling
    settlement: str | None = None
    district: str | None = None
    region: str | None = None
    streets: list[Street] = field(default_factory=list)
    quarters: list[Street] = field(default_factory=list)
    loose: list[tuple[str, str | None]] = field(default_factory=list)
    houses: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    corner: list[list[str]] = field(default_factory=list)
    noise: bool = False

    def is_aside(self, said: str) -> bool:
        """Whether what stands in brackets is only a remark."""
        return self.spelling.is_aside(said, self.known)

    def read(self, segments: list[list[str]]) -> None:
        """Take every segment for what it is."""
        for segment in segments:
            if not (self._take_locality(segment) or self._take_corner(segment)):
                self._take_street(self._without_settlement(segment))

    def _take_locality(self, words: list[str]) -> bool:
        """Country, region, district or a marked settlement."""
        text = " ".join(words)
        plain = [bare(word) for word in words]
        if text in _COUNTRY:
            return True
        if (plain[-1] in REGION_WORDS or plain[0] in REGION_WORDS) and len(words) > 1:
            self.region = " ".join(word for word in plain if word not in REGION_WORDS)
            return True
        if (plain[-1] in DISTRICT_WORDS or plain[0] in DISTRICT_WORDS) and len(words) > 1:
            named = [word for word in plain if word not in DISTRICT_WORDS and word not in PREPOSITIONS]
            self.district = _district(" ".join(named))
            return True
        return self._take_settlement([word for word in words if word not in PREPOSITIONS], text)

    def _take_settlement(self, words: list[str], text: str) -> bool:
        if text in self.known:
            self.settlement = text
            return True
        words = _kind_first(words)
        if len(words) < 2 or bare(words[0]) not in SETTLEMENT_WORDS or not is_name(words[1]):
            return False
        if kind_of(words[1]) or any(word[0].isdigit() for word in words) or _CORNER.match(words[1]):
            return False
        if bare(words[0]) not in WIDE_SETTLEMENT or self.settlement is None:
            self.settlement = " ".join(words[1:])
        return True

    def _take_corner(self, words: list[str]) -> bool:
        """Anything about a crossing: the word itself, or a street while no house is in sight."""
        if not (self.corner or any(_CORNER.match(word) for word in words)):
            return False
        self.corner.append(words)
        return True

    def _without_settlement(self, words: list[str]) -> list[str]:
        """Take a known settlement, or a marked one of one word, off the front of a longer segment."""
        for length in (3, 2, 1):
            head = " ".join(words[:length])
            if len(words) > length and head in self.known:
                self.settlement = head
                return words[length:]
        marked = len(words) > 2 and bare(words[0]) in SETTLEMENT_WORDS and is_name(words[1])
        if marked and words[0] not in {"д", "с", "п", "х"} and kind_of(words[1]) is None:
            self.settlement = words[1]
            return words[2:]
        return words

    def _take_street(self, words: list[str]) -> None:
        text = " ".join(words)
        if is_house_like(text) or read_house(text) or (self.houses and continues_house(text)):
            self.houses.append(text)
            return
        at = find_kind(words)
        if at is None:
            self._take_loose(words)
            return
        street, house = _split_street(words, at)
        if street is None:
            self.noise = True
        elif street.kind in PART_KINDS:
            self.quarters.append(street)
        else:
            self.streets.append(street)
        if house:
            self.houses.append(house)

    def _take_loose(self, words: list[str]) -> None:
        """Words without a kind: a street before its house, a settlement, or a remark."""
        if any("№" in word for word in words) and not any(is_marked(" ".join(words[at:])) for at in range(len(words))):
            return
        name, house = _split_house(words)
        known = bool(self.streets or self.quarters) or any(taken for _, taken in self.loose) or bool(self.houses)
        if house is None and known:
            if self.spelling.may_name(words):
                self.behind.append(" ".join(words))
            return
        self.loose.append((" ".join(name), house))

    def finish(self, text: str) -> Address | Reason:
        """Put the parts together as a street and a house."""
        unreadable = Reason.of(ReasonCode.ADDRESS_UNREADABLE, text=text)
        if self.noise:
            return unreadable
        self._settle_loose()
        if len(self.streets) > 1 or (self.streets and any(house for _, house in self.loose)):
            return Reason.of(ReasonCode.ADDRESS_SEVERAL, text=text)
        street = self._street()
        if street is None or len(self.loose) > 1:
            return unreadable
        if not self.houses:
            return Reason.of(ReasonCode.ADDRESS_NO_HOUSE, text=text)
        house = read_house(", ".join(self.houses))
        if house is None:
            return Reason.of(ReasonCode.ADDRESS_HOUSE_UNCLEAR, text=text)
        return self._address(street, house=house)

    def guess(self) -> Address | None:
        """The first street, and the first of the houses that can be read; None without a street."""
        self._settle_loose()
        street = self._street()
        if street is None:
            return None
        return self._address(street, house=next(filter(None, map(read_house, self.houses)), None))

    def _settle_loose(self) -> None:
        """Where no segment names a street by kind, the words that carry or precede the house are the street."""
        if self.streets or not self.loose:
            return
        housed = [item for item in self.loose if item[1]]
        if len(housed) == 1 and not (self.quarters and self.houses):
            self.loose.remove(housed[0])
            self.streets.append(Street(None, name_of(housed[0][0].split())))
            self.houses.insert(0, housed[0][1] or "")
        elif not housed and self.houses and not self.quarters:
            name, _ = self.loose.pop()
            self.streets.append(Street(None, name_of(name.split())))

    def _street(self) -> Street | None:
        chosen = self.streets or self.quarters[-1:]
        return chosen[0] if chosen and chosen[0].name else None

    def _address(self, street: Street, *, house: str | None = None, crossing: Street | None = None) -> Address:
        named = [quarter.name for quarter in self.quarters if quarter != street and not quarter.name[0].isdigit()]
        spare = self.loose[0][0] if self.loose else None
        settlement = self.settlement or spare or (self.behind[0] if self.behind else None)
        part = (named[-1] if named else None) or (spare if self.settlement else None)
        return Address(street, house, crossing, settlement, self.district, self.region, part)

    def cross(self, text: str) -> Address | Reason:
        """Put the parts together as the crossing of two streets."""
        unreadable = Reason.of(ReasonCode.ADDRESS_UNREADABLE, text=text)
        named = [_corner_street(words) for words in _corner_words(self.corner)]
        streets = self.streets + [street for street in named if street]
        if None in named or len(streets) != 2 or self.houses or self.noise or len(self.loose) > 1:
            return unreadable
        first, second = streets
        if self._plural() and second.kind is None:
            second = Street(first.kind, second.name)
        return unreadable if first == second else self._address(first, crossing=second)

    def _plural(self) -> bool:
        return any(word in {"улиц", "проспектов", "бульваров"} for words in self.corner for word in words)


def _kind_first(words: list[str]) -> list[str]:
    """Turn a settlement as registers write it («Подстёпки с») round; other words stay as they are."""
    if len(words) < 2:
        return words
    *named, last = words
    turned = bare(last) in SETTLEMENT_WORDS and bare(named[0]) not in SETTLEMENT_WORDS
    return [last, *named] if turned and all(is_name(word) and not kind_of(word) for word in named) else words


def _district(name: str) -> str:
    """Nominative of a district's name from the locative or genitive: «автозаводском» is «автозаводский»."""
    return re.sub(r"(?<=[скн])(?:ом|ого)\Z", "ий", name) if name.endswith(("ском", "ского")) else name


def _split_street(words: list[str], at: int) -> tuple[Street | None, str | None]:
    """Split a segment with a kind into street and house."""
    kind = kind_of(words[at])
    behind = words[at + 1 :]
    if at > 0 and (not behind or _tail_is_house(behind)):
        name, house = words[:at], " ".join(behind) or None
    elif at == 0:
        name, house = _split_house(behind, least=1)
    else:
        name, house = _split_house(words[:at] + behind, least=1)
    written = name_of(name)
    if not written or (written.isdigit() and kind not in NUMBERED_KINDS and not _is_ordinal(name)):
        return None, house
    return Street(kind, written), house


def _is_ordinal(name: Sequence[str]) -> bool:
    return any(not word.isdigit() for word in name)


def _tail_is_house(words: Sequence[str]) -> bool:
    text = " ".join(words)
    return read_house(text) is not None or is_house_like(text)


def _split_house(words: list[str], *, least: int = 1) -> tuple[list[str], str | None]:
    """Split words into a name of at least `least` words and the house behind it, as early as the house can begin."""
    for is_house in (read_house, lambda tail: is_house_like(tail) or is_marked(tail)):
        for start in range(least, len(words)):
            tail = " ".join(words[start:])
            if not _belongs_to_name(words, start) and is_house(tail):
                return words[:start], tail
    return words, None


def _belongs_to_name(words: Sequence[str], start: int) -> bool:
    """Whether a number is part of the name: an ordinal («1-я») or the years of a jubilee («40 лет»)."""
    return _ORDINAL.match(words[start]) is not None or (start + 1 < len(words) and words[start + 1] in {"лет", "летия"})


_JOINERS = frozenset({"и", "с", "со", "/", "-", "x", "х", "&"})


def _corner_words(segments: list[list[str]]) -> list[list[str]]:
    """Cut what was said of a crossing into one list of words for each street."""
    pieces: list[list[str]] = []
    for segment in segments:
        pieces.append([])
        for word in (part for whole in segment for part in _slashed(whole)):
            if word in _JOINERS or _CORNER.match(word):
                pieces.append([])
            elif word not in PREPOSITIONS and word.isprintable():
                pieces[-1].append(word)
    return [piece for piece in pieces if piece]


def _slashed(word: str) -> list[str]:
    return re.split(r"(/)", word) if "/" in word.strip("/") else [word]


def _corner_street(words: list[str]) -> Street | None:
    at = find_kind(words)
    kind = kind_of(words[at]) if at is not None else None
    written = [word for index, word in enumerate(words) if index != at]
    name = name_of(written)
    if not name or name.isdigit() or any(read_house(word) for word in written[1:]) or _odd(name):
        return None
    return Street(kind, name)


def _odd(name: str) -> bool:
    return re.search(r"[^\w\s\-.]", name) is not None or len(name.split()) > 5
