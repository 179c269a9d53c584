"""A piece of text that says where something is, or tries to: the common answer of coordinates, links and parcels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sync_service.places.reason import Reason


class PlaceSource(StrEnum):
    """What the place was read from."""

    COORDINATES = "coordinates"
    LINK = "link"
    PARCEL = "parcel"
    ADDRESS = "address"
    WORDS = "words"


class Position(NamedTuple):
    """A point in degrees, CRS84: longitude first."""

    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Sighting:
    """A stretch `text[start:end]` that gives a position, or the reason why not.

    `firm` tells whether it surely was meant as a place: a firm failure stops the reading, another is only remembered.
    """

    text: str
    start: int
    end: int
    source: PlaceSource
    position: Position | None = None
    reason: Reason | None = None
    firm: bool = True
