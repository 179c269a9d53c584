"""Cutting a folded Russian address into segments that each say one thing: region, settlement, street, house. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sync_service.places.houses import is_house_like
from sync_service.places.streets import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_QUARTER = re.compile(r"\bкв\.?\s?(\d{1,3})(?=[\s,]+(?:д|дом)\b)")
_INSIDE = re.compile(
    r"[,\s]+(?:кв|квартира|кварт|оф|офис|помещение|пом|подъезд|под|этаж|эт|комната|комн|ком)\b\.?\s?№?\s?\d{1,4}[а-я]?(?![\w\-])"
    r"|[,\s]+\d{1,2}(?:-?й)?\s(?:этаж|подъезд)\b"
)
_BRACKETS = re.compile(r"\([^()]{0,200}\)")
REGION_WORDS = frozenset({"область", "области", "обл", "край", "края", "крае", "республика", "республики", "респ"})
DISTRICT_WORDS = frozenset({"район", "района", "районе", "р-н", "р-на", "р-не"})
SETTLEMENT_WORDS = frozenset(
    {
        *(
            "г",
            "гор",
            "город",
            "города",
            "городе",
            "пгт",
            "пос",
            "поселок",
            "поселка",
            "поселке",
            "п",
            "рп",
            "с",
            "село",
        ),
        *("села", "селе", "дер", "деревня", "деревни", "деревне", "д", "х", "хутор", "ст-ца", "станица", "аул"),
        *("г.о", "го", "с/п", "сп", "г/о"),
    }
)
WIDE_SETTLEMENT = frozenset({"г.о", "го", "с/п", "сп", "г/о"})
_PHRASES = (
    ("городской округ", "г.о."),
    ("городского округа", "г.о."),
    ("сельское поселение", "с/п"),
    ("поселок городского типа", "пгт"),
    ("внутригородской район", "район"),
    ("муниципальный район", "район"),
    ("мун. район", "район"),
    ("м.р-н", "р-н"),
    ("м. р-н", "р-н"),
)
PREPOSITIONS = frozenset({"на", "по", "в", "во", "у"})


def cut_segments(folded: str, *, aside: Callable[[str], bool]) -> list[list[str]]:
    """Cut a folded address into segments of words, at commas and where a new part begins without one.

    `aside` tells whether what stands in brackets is only a remark, and left out.
    """
    plain = _BRACKETS.sub(lambda match: " " if aside(match[0][1:-1].strip()) else f",{match[0][1:-1]},", folded)
    for phrase, short in _PHRASES:
        plain = plain.replace(phrase, short)
    plain = _INSIDE.sub(" ", _QUARTER.sub(r"квартал \1", plain))
    plain = re.sub(r"(?<![\d])(\d{6})(?![\d])", " , ", plain)
    segments = []
    for piece in re.split(r"[,;\n]", plain):
        words = re.findall(r"г\.\s?о\.|[гс]/[оп]|№\s?[\w\-]+|[\w\-/]+\.?|[^\s\w]", piece)
        segments += _cut(["г.о." if word.replace(" ", "") == "г.о." else word for word in words])
    return [segment for segment in segments if segment]


def _cut(words: list[str]) -> list[list[str]]:
    """Begin a new segment before a marked settlement or street, and after a region or district."""
    segments: list[list[str]] = [[]]
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else ""
        current = segments[-1]
        marks = _marks_settlement(word, following) and not _is_initial(word, current)
        if current and (marks or _opens_street(words, index, current)):
            segments.append([])
        segments[-1].append(word)
        if bare(word) in REGION_WORDS | DISTRICT_WORDS and len(segments[-1]) > 1:
            segments.append([])
    return segments


def bare(word: str) -> str:
    """Take the dot of an abbreviation off."""
    return word.removesuffix(".")


def is_name(word: str) -> bool:
    """Whether the word can begin a name: letters, and more than one."""
    return len(bare(word)) > 1 and not word[0].isdigit() and word[0].isalpha()


def _marks_settlement(word: str, following: str) -> bool:
    """Whether a word within a segment opens a settlement: a full word, or an abbreviation with its dot."""
    known = bare(word) in SETTLEMENT_WORDS and (word.endswith(".") or len(bare(word)) > 2)
    return known and is_name(following) and kind_of(following) is None and not _is_house_word(following)


def _is_initial(word: str, current: Sequence[str]) -> bool:
    """Whether a letter with a dot stands for a first name: only a kind is before it («ул. С. Есенина»)."""
    return len(bare(word)) == 1 and all(kind_of(before) or bare(before) in {"им", "имени"} for before in current)


def _is_house_word(word: str) -> bool:
    return bare(word) in {"дом", "корп", "корпус", "стр", "строение", "лит", "литера", "вл", "владение", "угол", "и"}


def _opens_street(words: Sequence[str], index: int, current: Sequence[str]) -> bool:
    """Whether the word is a kind with its name after it («ул. Мира»), not before it («Ленинская ул.»)."""
    if kind_of(words[index]) is None or kind_of(current[-1]) is not None or current[-1] in PREPOSITIONS:
        return False
    after = list(words[index + 1 :])
    if not after or _is_house_word(after[0]) or bare(after[0]) == "д":
        return False
    return is_name(after[0]) or (
        len(after) > 1
        and after[0][0].isdigit()
        and is_name(after[1])
        and not _is_house_word(after[1])
        and not is_house_like(" ".join(after))
    )
