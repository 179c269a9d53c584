"""Cadastral numbers of parcels, recognised in a text. Pure."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(?<![\d:.,])(\d{2})\s?:\s?(\d{1,2})\s?:\s?(\d{5,7})\s?:\s?(\d{1,6})(?![:\d])")
ParcelKey = tuple[int, int, int, int]
"""A cadastral number as numbers: leading zeros do not matter."""


def find_parcels(text: str) -> tuple[str, ...]:
    """Find the cadastral numbers in a text, each once, in order, in the form "63:09:0101152:1034". Never raises."""
    return tuple(dict.fromkeys(_write(match) for match in _NUMBER.finditer(text)))


def _write(match: re.Match[str]) -> str:
    region, district, block, parcel = match.groups()
    return f"{region}:{district.zfill(2)}:{block}:{parcel}"


def parcel_key(number: str) -> ParcelKey:
    """The key of a number as `find_parcels` writes it."""
    region, district, block, parcel = (int(part) for part in number.split(":"))
    return region, district, block, parcel
