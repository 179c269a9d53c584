"""Coordinates in a text, decimal or in degrees, minutes and seconds; latitude first unless letters say otherwise.

Every quantifier is bounded or possessive, so a scan is linear in the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sync_service.places.reason import Reason, ReasonCode
from sync_service.places.sighting import PlaceSource, Position, Sighting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sync_service.places.area import Area

_Axis = Literal["lat", "lon"]

_LETTER = (
    r"(?:[NSEW](?![A-Za-z])|(?<=[\d°º'\"′″])[nsew](?![A-Za-z])|[СЮВЗ](?![^\W\d_])"
    r"|(?i:[сю]\.?\s?ш|[вз]\.?\s?д)\b\.?"
    r"|(?i:северн\w{2,3}|южн\w{2,3}|сев\.|юж\.)\s?(?i:широт\w{1,2}|шир\.)"
    r"|(?i:восточн\w{2,3}|западн\w{2,3}|вост\.|зап\.)\s?(?i:долгот\w{1,2}|долг\.)"
    r"|(?i:широта|долгота|latitude|longitude|lat|long?|lng)(?![^\W\d_])|(?i:шир|долг)\.)"
)
_BEFORE = rf"(?:(?P<p§>{_LETTER})\s{{0,2}}[:=]?\s{{0,2}})?"
_AFTER = rf"(?:\s{{0,2}}(?P<q§>{_LETTER}))?"
_SIGN = r"(?P<sign§>[-+−–]?)"
_DEGREE = r"\s?(?:°|º|˚|град(?:ус(?:ов|а)?|\.)?|(?<=\d)d(?![a-z]))"
_MINUTE = r"\s?(?:['′’‘ʹ`´](?!['′’‘ʹ`´])|мин(?:ут[аы]?|\.)?|(?<=\d)m(?![a-z]))"
_SECOND = r"\s?(?:[\"″”“]|''|′′|’’|‘‘|ʹʹ|´´|``|сек(?:унд[аы]?|\.)?|(?<=\d)s(?![a-z]))"
_FRACTION = r"(?:[.,]\d{1,12}+)?+(?!\d)"
_WHOLE = r"(?P<d§>\d{1,3}+)"
_MINUTES = rf"(?P<m§>\d{{1,2}}+{_FRACTION})"
_SECONDS = rf"(?P<s§>\d{{1,2}}+{_FRACTION})"
_SEPARATOR = r"(?P<sep>\s{0,3}(?:[,;/|]|и\b|and\b)?\s{0,3})"
_START = r"(?<![\w№#$€%])(?<!\w['\-–−+./*])(?<!\d[,:])"

_DECIMAL_ANGLE = _BEFORE + _SIGN + r"(?P<n§>\d{1,3}+[.,]\d{1,15}+)(?!\d)(?!\.\d)" + rf"(?P<deg§>{_DEGREE})?" + _AFTER
_SIGNED_ANGLE = (
    _BEFORE + _SIGN + _WHOLE + _DEGREE + r"\s{0,2}" + _MINUTES + rf"(?:{_MINUTE})?"
    rf"(?:\s{{0,2}}{_SECONDS}(?:{_SECOND})?)?" + _AFTER
)  # fmt: skip
_SPACED_ANGLE = _BEFORE + r"(?P<sign§>)" + _WHOLE + r"[ \-]" + _MINUTES + rf"(?:[ \-]{_SECONDS})?" + _AFTER


def _pair(angle: str) -> re.Pattern[str]:
    """Compile two angles with what may stand between them; § numbers their groups."""
    return re.compile(_START + angle.replace("§", "1") + _SEPARATOR + angle.replace("§", "2"))


_DECIMAL = _pair(_DECIMAL_ANGLE)
_SIGNED = _pair(_SIGNED_ANGLE)
_SPACED = _pair(_SPACED_ANGLE)

_UNIT = re.compile(
    r"\s?(?:%|‰|₽|(?i:м|м2|м²|м3|м³|км|см|мм|га|кв|куб|т|тонн\w?|кг|г|л|млн|млрд|тыс|руб\w*|р|шт|чел\w*|мест\w?|лет|года?"
    r"|балл\w*|квт|мвт|ч|час\w*|мин|раз\w?|этаж\w*|m|km|ha|kg|mln|rub)(?!\w))"
)
_LIST_BEFORE = re.compile(r"\d[,;]?\s{0,3}\Z")
_LIST_AFTER = re.compile(r"\s{0,3}[,;]?\s{0,3}[-+−]?\d{1,9}(?:[.,]\d|(?!\d))")
_INVISIBLE = dict.fromkeys((0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), " ")
_SURE_DIGITS = 3


@dataclass(frozen=True, slots=True)
class _Angle:
    """One number of a pair: size in degrees, the axis its letter names if any, and how exactly it was written."""

    size: float
    axis: _Axis | None
    digits: int
    contradicts: bool


def find_coordinates(text: str, area: Area, *, labelled: bool = False) -> tuple[Sighting, ...]:
    """Find every pair of coordinates in the text, in order of appearance.

    Each number needs a decimal digit (or seconds, or decimal minutes). Pairs outside `area` (degrees, CRS84) come with
    their reason. `labelled` says that the text stands behind a label such as «Место:», so that forms are accepted
    which alone in a text could be any two numbers. Never raises.
    """
    if not any(char.isdigit() for char in text):
        return ()
    plain = text.translate(_INVISIBLE)
    found: list[Sighting] = []
    for match in _matches(plain):
        sighting = _judge(plain, match, area, labelled=labelled)
        if sighting is not None:
            found.append(sighting)
    return tuple(found)


def format_coordinates(position: Position) -> str:
    """Write "latitude, longitude" as `find_coordinates` reads it, with seven decimals (about 1 cm)."""
    return f"{position.lat:.7f}, {position.lon:.7f}"


def _matches(text: str) -> Iterator[re.Match[str]]:
    """All candidates that do not overlap, in order; where two notations fit the same stretch the fuller one wins."""
    candidates = [match for pattern in (_SIGNED, _SPACED, _DECIMAL) for match in pattern.finditer(text)]
    end = -1
    for match in sorted(candidates, key=lambda match: (match.start(), -match.end())):
        if match.start() >= end and _separated(match):
            end = match.end()
            yield match


def _separated(match: re.Match[str]) -> bool:
    """Whether the two numbers are two: something stands between them, and spaces alone only where letters tell."""
    lettered = _lettered(match)
    if match.re is _SPACED:
        return lettered == 2
    if "\n" in match["sep"] and not lettered:
        return False
    return bool(match["sep"]) or match["q1"] is not None or match["p2"] is not None


def _letters(match: re.Match[str]) -> tuple[str | None, str | None, bool]:
    """Give the letter of each angle, and whether one has two. In "N 53.5 E 49.3" the E stands before the second."""
    before, between, ahead, after = match["p1"], match["q1"], match["p2"], match["q2"]
    if before and between and not ahead:
        ahead, between = between, None
    return before or between, ahead or after, bool((before and between) or (ahead and after))


def _lettered(match: re.Match[str]) -> int:
    first, second, _ = _letters(match)
    return bool(first) + bool(second)


def _judge(text: str, match: re.Match[str], area: Area, *, labelled: bool) -> Sighting | None:
    angles = _angle(match, "1"), _angle(match, "2")
    exact = min(angle.digits for angle in angles)
    marked = match.re is not _DECIMAL or bool(_lettered(match))
    if not marked and not _plausible(text, match, exact, labelled=labelled):
        return None
    position, reason = _position(match, angles, area)
    if reason is None and not marked and _in_list(text, match):
        position, reason = None, Reason.of(ReasonCode.COORDINATES_UNCLEAR, text=match[0].strip())
    return Sighting(
        text=match[0],
        start=match.start(),
        end=match.end(),
        source=PlaceSource.COORDINATES,
        position=position,
        reason=reason,
        firm=marked or labelled or exact >= _SURE_DIGITS,
    )


def _plausible(text: str, match: re.Match[str], exact: int, *, labelled: bool) -> bool:
    """Whether two bare decimal numbers may be coordinates rather than sizes, sums or a list."""
    separator, commas = match["sep"], match["n1"].count(",") + match["n2"].count(",")
    if commas == 1 or (commas == 2 and separator == ","):
        return False
    if exact >= _SURE_DIGITS:
        return True
    if _UNIT.match(text, match.end()) or _in_list(text, match):
        return False
    return labelled or (commas == 0 and separator.strip() in {",", ";"} and "\n" not in separator)


def _in_list(text: str, match: re.Match[str]) -> bool:
    """Whether the pair is part of a longer row of numbers with the same separator."""
    mark = match["sep"].strip()
    after = _LIST_AFTER.match(text, match.end())
    if after and "\n" not in after[0] and mark == after[0].strip()[:1].strip("-+−0123456789"):
        return True
    head = text[max(0, match.start() - 5) : match.start()]
    before = _LIST_BEFORE.search(head)
    return bool(before) and "\n" not in head and bool(mark) and head.rstrip().endswith(mark)


def _angle(match: re.Match[str], i: str) -> _Angle:
    negative = match[f"sign{i}"] in {"-", "−", "–"}
    first, second, doubled = _letters(match)
    letter = first if i == "1" else second
    axis, south_or_west = _read_letter(letter) if letter else (None, False)
    size, digits, sane = _size(match, i)
    return _Angle(
        size=-size if negative or south_or_west else size,
        axis=axis,
        digits=digits,
        contradicts=doubled or not sane or (negative and south_or_west),
    )


def _size(match: re.Match[str], i: str) -> tuple[float, int, bool]:
    """Size in degrees, number of decimal digits it is worth, and whether minutes and seconds are below sixty."""
    if match.re is _DECIMAL:
        number = match[f"n{i}"].replace(",", ".")
        return float(number), len(number.partition(".")[2]), True
    minutes = float(match[f"m{i}"].replace(",", "."))
    seconds = float((match[f"s{i}"] or "0").replace(",", "."))
    exact = bool(match[f"s{i}"]) or not match[f"m{i}"].isdigit()
    broken = bool(match[f"s{i}"]) and not match[f"m{i}"].isdigit()
    size = int(match[f"d{i}"]) + minutes / 60 + seconds / 3600
    return size, 4 if exact else 0, minutes < 60 and seconds < 60 and not broken


def _read_letter(letter: str) -> tuple[_Axis, bool]:
    """Axis a hemisphere letter or word names, and whether it turns the number negative."""
    folded = letter.casefold().replace(" ", "")
    first = folded[0]
    if folded.startswith(("шир", "lat")):
        return "lat", False
    if folded.startswith(("долг", "lon", "lng")):
        return "lon", False
    return ("lat" if first in "nsсю" else "lon"), first in "swюз"


def _position(match: re.Match[str], angles: tuple[_Angle, _Angle], area: Area) -> tuple[Position | None, Reason | None]:
    text = match[0].strip()
    first, second = angles
    if first.contradicts or second.contradicts or (first.axis and first.axis == second.axis):
        return None, Reason.of(ReasonCode.COORDINATES_UNCLEAR, text=text)
    if min(first.digits, second.digits) == 0:
        return None, Reason.of(ReasonCode.COORDINATES_COARSE, text=text)
    longitude_first = first.axis == "lon" or second.axis == "lat"
    lon, lat = (first.size, second.size) if longitude_first else (second.size, first.size)
    reason = area.refuse(lon, lat)
    return (None, reason) if reason else (Position(lon, lat), None)
