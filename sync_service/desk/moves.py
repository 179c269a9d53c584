"""What became of a place, in words: set, taken away, moved so far, of another shape. Pure."""

from __future__ import annotations

from base64 import b64decode
from functools import cache
from typing import TYPE_CHECKING

import shapely
from pyproj import Geod

from sync_service.store.rendering import kind_of

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from sync_service.desk.wording import Wording
    from sync_service.sync.values import Kind, Value

_KILOMETRE = 1000
_LEAST = 1.0
"""Metres: what moved less has only another shape."""


def read_shape(text: Value) -> BaseGeometry | None:
    """The geometry of a history entry or a clash (base64 of WKB, CRS84)."""
    return shapely.from_wkb(b64decode(str(text))) if text else None


def say_move(before: Value, after: Value, wording: Wording) -> str:
    """What became of a place."""
    one, other = read_shape(before), read_shape(after)
    if one is None or other is None:
        return _say_end(one, other, wording)
    distance = metres_between(one, other)
    if kind_of(one) is not kind_of(other):
        return wording.say("place.kind", before=_kind(one, wording), after=_kind(other, wording))
    if distance < _LEAST:
        return wording.say("place.shape")
    return wording.say("place.moved", distance=say_distance(distance, wording))


def _say_end(one: BaseGeometry | None, other: BaseGeometry | None, wording: Wording) -> str:
    if other is not None:
        return wording.say("place.set", kind=_kind(other, wording))
    return wording.say("place.taken" if one is not None else "place.none")


def say_place(text: Value, wording: Wording) -> str:
    """A place: its kind, and where a point of it lies, latitude first as on the cards."""
    shape = read_shape(text)
    if shape is None:
        return wording.say("place.none")
    point = shape.representative_point()
    return f"{_kind(shape, wording)}, {point.y:.5f}, {point.x:.5f}"


def _kind(shape: BaseGeometry, wording: Wording) -> str:
    kind: Kind = kind_of(shape)
    parts = shapely.get_num_geometries(shape)
    word = wording.say(f"place.kind_{kind.value}")
    return word if parts == 1 else wording.say("place.several", kind=word, n=int(parts))


def metres_between(one: BaseGeometry, other: BaseGeometry) -> float:
    """Metres on the ellipsoid between the middles of two geometries in CRS84."""
    first, second = one.centroid, other.centroid
    return float(_ellipsoid().inv(first.x, first.y, second.x, second.y)[2])


@cache
def _ellipsoid() -> Geod:
    return Geod(ellps="WGS84")


def say_distance(metres: float, wording: Wording) -> str:
    """A distance as people say it."""
    if round(metres) < _KILOMETRE:
        return wording.say("metres", n=round(metres))
    number = f"{metres / _KILOMETRE:.1f}"
    return wording.say("kilometres", n=number.replace(".", ",") if wording.language == "ru" else number)
