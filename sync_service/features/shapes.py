"""Geometry as a writer sends it: GeoJSON in one of the offered systems, read strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely.errors import GEOSException

from sync_service.errors import Unprocessable
from sync_service.features.cql import GEOMETRY
from sync_service.store.rendering import kind_of, simplified
from sync_service.sync.values import Kind

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from sync_service.features.crs import Crs

_DEPTHS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
_WORDS = {Kind.POINT: "Point", Kind.LINE: "LineString", Kind.AREA: "Polygon"}
_WIDEST = (-180.0, -90.0, 180.0, 90.0)


def types_of(kind: Kind | None) -> tuple[str, ...]:
    """Types of geometry that a writer may send where this kind is wanted."""
    return tuple(_DEPTHS) if kind is None else (_WORDS[kind], f"Multi{_WORDS[kind]}")


def read_shape(given: object, crs: Crs, kind: Kind | None) -> bytes:
    """A GeoJSON geometry in the coordinates of `crs` as the store keeps it: WKB, CRS84, one part where that is all.

    Unprocessable if it is none, or not of the kind wanted. Whether it makes a good place is not looked at.
    """
    sent = _build(given)
    if kind not in (None, kind_of(sent)):
        raise Unprocessable(GEOMETRY, "geometry_kind", kind=str(kind))
    kept = crs.unproject(sent)
    if not (_is_on_earth(kept) and _comes_back(kept, sent, crs)):
        raise Unprocessable(GEOMETRY, "geometry_away", crs=crs.uri)
    return shapely.to_wkb(simplified(kept))


def _build(given: object) -> BaseGeometry:
    """The shape GeoJSON means, heights left out; empty ones and collections are none."""
    depth = _DEPTHS.get(str(given.get("type"))) if isinstance(given, Mapping) else None
    if depth is None or not isinstance(given, Mapping):
        raise Unprocessable(GEOMETRY, "geometry_type", choices=", ".join(_DEPTHS))
    try:
        coordinates = _coordinates(given.get("coordinates"), depth)
        shape: BaseGeometry = shapely.geometry.shape({"type": given["type"], "coordinates": coordinates})
    except (ValueError, GEOSException) as error:
        raise Unprocessable(GEOMETRY, "geometry_coordinates", why=str(error)) from error
    if shape.is_empty:
        raise Unprocessable(GEOMETRY, "geometry_empty")
    return shape


def _coordinates(given: object, depth: int) -> Any:
    if not isinstance(given, list):
        raise ValueError(f"{given!r:.40}")  # noqa: TRY004 - the caller turns it into an answer that shows it
    return [_coordinates(each, depth - 1) for each in given] if depth else _position(given)


def _position(given: Sequence[object]) -> tuple[float, float]:
    if not 2 <= len(given) <= 4 or not all(type(each) in (int, float) for each in given):
        raise ValueError(f"{given!r:.40}")
    first, second = float(given[0]), float(given[1])  # type: ignore[arg-type]  # both are numbers, as looked at above
    return first, second


def _is_on_earth(shape: BaseGeometry) -> bool:
    pairs = shapely.get_coordinates(shape)
    west, south, east, north = _WIDEST
    return bool(np.isfinite(pairs).all() and (pairs >= (west, south)).all() and (pairs <= (east, north)).all())


def _comes_back(kept: BaseGeometry, sent: BaseGeometry, crs: Crs) -> bool:
    """Whether the system has such a place: far outside they give one that is another's."""
    (again,) = crs.project([kept])
    return bool(np.allclose(shapely.get_coordinates(again), shapely.get_coordinates(sent), rtol=1e-6, atol=1e-5))
