"""Why a place was not believed, or a text not shown: a code and its data.

The wording stands in `config/words/places.*.toml`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 200


class ReasonCode(StrEnum):
    """Every reason the places package gives; the value is the key of its wording."""

    COORDINATES_IMPOSSIBLE = "coordinates_impossible"
    COORDINATES_ZERO = "coordinates_zero"
    COORDINATES_COARSE = "coordinates_coarse"
    COORDINATES_UNCLEAR = "coordinates_unclear"
    OUTSIDE_AREA = "outside_area"
    OUTSIDE_AREA_SWAPPED = "outside_area_swapped"
    LINK_SHORT = "link_short"
    LINK_NO_MARKER = "link_no_marker"
    LINK_BROKEN = "link_broken"
    SEVERAL_PLACES = "several_places"
    MIXED_KINDS = "mixed_kinds"
    PLACE_UNREADABLE = "place_unreadable"
    PARCEL_UNKNOWN = "parcel_unknown"
    PARCEL_AMBIGUOUS = "parcel_ambiguous"
    ADDRESS_UNREADABLE = "address_unreadable"
    ADDRESS_NO_HOUSE = "address_no_house"
    ADDRESS_HOUSE_UNCLEAR = "address_house_unclear"
    ADDRESS_SEVERAL = "address_several"
    ADDRESS_RELATIVE = "address_relative"
    ADDRESS_UNKNOWN = "address_unknown"
    ADDRESS_AMBIGUOUS = "address_ambiguous"
    ADDRESS_IMPRECISE = "address_imprecise"
    CROSSING_UNKNOWN = "crossing_unknown"
    NO_LOOKUP = "no_lookup"
    LAYER_UNREADABLE = "layer_unreadable"
    NOTHING_SAID = "nothing_said"
    PERSONAL_PHONE = "personal_phone"
    PERSONAL_EMAIL = "personal_email"
    PERSONAL_SNILS = "personal_snils"
    PERSONAL_PASSPORT = "personal_passport"


_POINT = frozenset({"lat", "lon"})
_TEXT = frozenset({"text"})
_LINK = frozenset({"link"})
_NUMBER = frozenset({"number"})

REASON_DATA: Mapping[ReasonCode, frozenset[str]] = MappingProxyType(
    {
        ReasonCode.COORDINATES_IMPOSSIBLE: _POINT,
        ReasonCode.COORDINATES_ZERO: frozenset(),
        ReasonCode.COORDINATES_COARSE: _TEXT,
        ReasonCode.COORDINATES_UNCLEAR: _TEXT,
        ReasonCode.OUTSIDE_AREA: _POINT,
        ReasonCode.OUTSIDE_AREA_SWAPPED: _POINT,
        ReasonCode.LINK_SHORT: _LINK,
        ReasonCode.LINK_NO_MARKER: _LINK,
        ReasonCode.LINK_BROKEN: _LINK,
        ReasonCode.SEVERAL_PLACES: frozenset({"first", "second"}),
        ReasonCode.MIXED_KINDS: frozenset(),
        ReasonCode.PLACE_UNREADABLE: _TEXT,
        ReasonCode.PARCEL_UNKNOWN: _NUMBER,
        ReasonCode.PARCEL_AMBIGUOUS: _NUMBER,
        ReasonCode.ADDRESS_UNREADABLE: _TEXT,
        ReasonCode.ADDRESS_NO_HOUSE: _TEXT,
        ReasonCode.ADDRESS_HOUSE_UNCLEAR: _TEXT,
        ReasonCode.ADDRESS_SEVERAL: _TEXT,
        ReasonCode.ADDRESS_RELATIVE: _TEXT,
        ReasonCode.ADDRESS_UNKNOWN: _TEXT,
        ReasonCode.ADDRESS_AMBIGUOUS: frozenset({"text", "found"}),
        ReasonCode.ADDRESS_IMPRECISE: _TEXT,
        ReasonCode.CROSSING_UNKNOWN: _TEXT,
        ReasonCode.NO_LOOKUP: _TEXT,
        ReasonCode.LAYER_UNREADABLE: frozenset({"why"}),
        ReasonCode.NOTHING_SAID: frozenset(),
        ReasonCode.PERSONAL_PHONE: frozenset(),
        ReasonCode.PERSONAL_EMAIL: frozenset(),
        ReasonCode.PERSONAL_SNILS: frozenset(),
        ReasonCode.PERSONAL_PASSPORT: frozenset(),
    }
)
"""Which data each code carries: what its wording may name in braces."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A code and the data its wording needs, as sorted pairs. Long data is cut; personal reasons carry none."""

    code: ReasonCode
    data: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, code: ReasonCode, **data: str) -> Reason:
        """Build a reason; `ValueError` when the data is not what `REASON_DATA` says."""
        if data.keys() != REASON_DATA[code]:
            raise ValueError(f"{code} needs {sorted(REASON_DATA[code])}, got {sorted(data)}")
        return cls(code, tuple(sorted((key, value[:_LONGEST]) for key, value in data.items())))

    def dump(self) -> str:
        """Give JSON text that `load` reads, the same for equal reasons."""
        return json.dumps({"code": self.code, **dict(self.data)}, ensure_ascii=False, sort_keys=True)

    @classmethod
    def load(cls, text: str) -> Reason:
        """Read what `dump` gave; `ValueError` for anything else."""
        content = json.loads(text)
        if not isinstance(content, dict):
            raise ValueError("a reason is a JSON object")  # noqa: TRY004 - the content is wrong, not the caller's type
        code = ReasonCode(content.pop("code", ""))
        return cls.of(code, **content)
