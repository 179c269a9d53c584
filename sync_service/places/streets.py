"""Names and kinds of Russian streets, brought to one form. Pure.

A street is a kind («улица», «бульвар», …) and a name; either order, any abbreviation. The exact form tells streets
apart; the loose form forgives case endings, hyphens and spaces: it is believed only where exactly one street has it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_FORMS = {
    "улица": "ул улица улицы улице улицу улицей улиц ул-ца ул-цы",
    "бульвар": "б-р б-ра б-ре б-ров бр бул бульв бульвар бульвара бульваре бульвару бульваров",
    "проспект": "пр-т пр-та пр-те пр-кт пр-кта просп проспект проспекта проспекте проспекту проспектов",
    "переулок": "пер пер-к переулок переулка переулке переулку",
    "проезд": "пр-д пр-да пр-зд проезд проезда проезде проезду",
    "шоссе": "ш шоссе",
    "площадь": "пл площадь площади",
    "набережная": "наб наб-я набережная набережной набережную",
    "квартал": "кв-л кв-ла квл квартал квартала квартале",
    "микрорайон": "мкр мкрн мкр-н м-н мкр-на микрорайон микрорайона микрорайоне",
    "тупик": "туп тупик тупика тупике",
    "аллея": "аллея аллеи аллее аллею",
    "линия": "линия линии линию",
    "просека": "просека просеки просеке",
    "тракт": "тракт тракта тракте",
    "спуск": "спуск спуска спуске",
    "дорога": "дор дорога дороги дороге",
    "въезд": "въезд въезда въезде",
    "кольцо": "кольцо кольца кольце",
    "территория": "тер территория",
    "снт": "снт днт сдт",
}
EITHER_KIND = "пр"
"""«пр.» may be a проспект or a проезд."""

_KINDS = {form: kind for kind, forms in _FORMS.items() for form in forms.split()} | {"пр": EITHER_KIND}
NUMBERED_KINDS = frozenset({"квартал", "микрорайон", "линия", "просека", "снт", "территория", "тупик"})
"""Kinds whose name may be a bare number."""
PART_KINDS = frozenset({"квартал", "микрорайон", "снт", "территория"})
"""Kinds that hold streets of their own: beside a street they only say in which part of the settlement it lies."""

_DROPPED = frozenset({"им.", "им", "имени", "на", "по", "в", "во"})
_ORDINAL = re.compile(r"(\d{1,4})-?(?:я|й|ая|яя|ый|ой|ий|е|ое|ье|го|ого|ей|му)\Z")
_JUBILEE = re.compile(r"(\d{1,3})(?:-?(?:ти|и))?[\- ]?(?:летия|летие|летию|лет)\b")
_FIRST_TEN = {
    stem + ending: str(number)
    for number, stem in enumerate(
        ("перв", "втор", "треть", "четверт", "пят", "шест", "седьм", "восьм", "девят", "десят"), 1
    )
    for ending in (("я", "й", "е", "его", "ей") if stem == "треть" else ("ая", "ый", "ой", "ое", "ого"))
} | {"третий": "3"}
_GENDERS = {
    ending: frozenset(genders)
    for genders, endings in {
        "f": "ая яя ую юю ей",
        "m": "ый ий",
        "n": "ое ее",
        "mf": "ой",
        "mn": "ого его ому ему ом ем",
    }.items()
    for ending in endings.split()
}
"""Endings of adjectives, and the genders that have them in some case."""
_ENDING = re.compile(rf"(?:{'|'.join(_GENDERS)})\Z")
_UNSEEN = re.compile(r"[\u00ad\u0300-\u036f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]")
_PICTURES = re.compile(r"[\u2300-\u2bff\U0001f000-\U0001faff]")


@dataclass(frozen=True, slots=True)
class Street:
    """A street by its canonical kind (None when not said, `EITHER_KIND` for «пр.») and its folded name."""

    kind: str | None
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.kind else self.name

    def fits_kind(self, other: Street) -> bool:
        """Whether the kinds do not contradict each other; an unsaid kind fits every kind."""
        kinds = {self.kind, other.kind}
        if len(kinds) == 1 or None in kinds:
            return True
        return EITHER_KIND in kinds and kinds <= {EITHER_KIND, "проспект", "проезд"}

    def fits(self, other: Street) -> bool:
        """Whether this street, as somebody wrote it, may be `other`: initials and abbreviations stand for words."""
        if not self.fits_kind(other):
            return False
        if self.loose == other.loose:
            return _agree(self.name, other.name)
        return _abbreviates(self.name.split(), other.name.split())

    @property
    def loose(self) -> str:
        """The name without adjective endings, spaces and hyphens."""
        return "".join(_ENDING.sub("", word) for word in re.split(r"[\s\-]+", self.name))


def fold_text(text: str) -> str:
    """Fold for comparing: letter case, ё and е, kinds of dashes and spaces, quotes, marks of direction, pictures."""
    composed = _PICTURES.sub(" ", _UNSEEN.sub("", unicodedata.normalize("NFC", text)))
    folded = composed.casefold().replace("ё", "е")
    folded = re.sub(r"[‐‑‒–—−]", "-", folded)
    return " ".join(re.sub(r"[«»\"“”„'`*]", " ", folded).split())


def kind_of(word: str) -> str | None:
    """Give the canonical kind a word stands for, with or without its dot, or None."""
    return _KINDS.get(word.removesuffix("."))


def name_of(words: Sequence[str]) -> str:
    """Bring the words of a name (folded, without the kind) to one form, which may be empty."""
    kept = [_FIRST_TEN.get(word, word) for word in words if word not in _DROPPED]
    joined = _JUBILEE.sub(r"\1 лет", " ".join(kept))
    ordinals: list[str] = []
    others: list[str] = []
    for word in joined.split():
        ordinal = _ORDINAL.match(word)
        (ordinals if ordinal else others).append(ordinal[1] if ordinal else word)
    return " ".join(ordinals + others)


def read_street(text: str) -> Street | None:
    """Read the name of one street as a layer or a geocoder gives it ("Ленинградская улица"), or None if it is empty."""
    words = re.findall(r"[\w\-/]+\.?", fold_text(text))
    at = find_kind(words)
    kind = kind_of(words[at]) if at is not None else None
    name = name_of([word for index, word in enumerate(words) if index != at])
    return Street(kind, name.replace(".", "") if len(name) > 2 and "." not in name[:-1] else name) if name else None


def find_kind(words: Sequence[str]) -> int | None:
    """Index of the word that is the kind: «улица» before others («ул. Набережная»), the ends before the middle."""
    places = [index for index, word in enumerate(words) if kind_of(word)]
    ends = {0, len(words) - 1}
    return min(places, key=lambda at: (kind_of(words[at]) != "улица", at not in ends, at), default=None)


def _agree(name: str, other: str) -> bool:
    """Whether two names that differ in endings alone may be cases of one: «Южной» is «Южная», «Южное» is not."""
    pairs = zip(reversed(re.split(r"[\s\-]+", name)), reversed(re.split(r"[\s\-]+", other)), strict=False)
    return all(not _genders(first).isdisjoint(_genders(second)) for first, second in pairs)


def _genders(word: str) -> frozenset[str]:
    """Genders an adjective may have; all of them for another word."""
    ending = _ENDING.search(word)
    return _GENDERS[ending[0]] if ending else frozenset("fmn")


def _abbreviates(short: Sequence[str], full: Sequence[str]) -> bool:
    """Whether each dotted word of `short` begins the word of `full` in its place, and all others are equal.

    A second initial («Л. Н. Толстого») may be of a father's name that `full` does not give.
    """
    if len(short) == len(full) + 1 == 3 and all(len(word) == 2 and word[1] == "." for word in short[:2]):
        short = [short[0], short[2]]
    if len(short) != len(full) or not any(word.endswith(".") for word in short):
        return False
    return all(
        word == other or (word.endswith(".") and other.startswith(word[:-1]))
        for word, other in zip(short, full, strict=True)
    )
