"""Geometries that come in: made what the store keeps, or refused with the reason. WKB, CRS84, longitude first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from sync_service.store.rendering import simplified
from sync_service.sync.editing import Refusal

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from sync_service.places.area import Area

_SIMPLE = {"Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"}
MOST_VERTICES = 20_000
"""Vertices of one proposal's geometry: a city's outline has fewer."""


def clean_geometry(wkb: bytes) -> bytes | Refusal:
    """The geometry as it is kept: two dimensions, one part where it has one; or why it is none.

    Accepts ISO and extended WKB with or without Z; a coordinate system named inside must be CRS84's.
    """
    if not wkb:
        return Refusal("geometry_null")
    try:
        shape = shapely.from_wkb(wkb)
    except shapely.errors.ShapelyError:
        return Refusal("geometry_unreadable")
    if shapely.get_srid(shape) not in (0, 4326):
        return Refusal("geometry_crs")
    if shape.geom_type not in _SIMPLE:
        return Refusal("geometry_kind", {"kind": shape.geom_type})
    if shape.is_empty or any(part.is_empty for part in shapely.get_parts(shape)):
        return Refusal("geometry_empty")
    flat = simplified(shapely.set_srid(shapely.force_2d(shape), 0))
    return shapely.to_wkb(flat, flavor="iso", byte_order=1)


def check_place(wkb: bytes, area: Area) -> Refusal | None:
    """Why a geometry that `clean_geometry` gave is not taken as a place; None when it is."""
    shape = shapely.from_wkb(wkb)
    points = shapely.get_coordinates(shape)
    if len(points) > MOST_VERTICES:
        return Refusal("geometry_too_big", {"limit": MOST_VERTICES})
    if not np.isfinite(points).all():
        return Refusal("geometry_invalid", {"why": "not a number"})
    return _check_area(points, area) or _check_valid(shape)


def _check_area(points: np.ndarray, area: Area) -> Refusal | None:
    for lon, lat in points.tolist():
        if area.refuse(lon, lat) is not None:
            return Refusal("outside_area", {"lon": f"{lon:.7g}", "lat": f"{lat:.7g}"})
    return None


def _check_valid(shape: BaseGeometry) -> Refusal | None:
    if shape.is_valid:
        return None
    return Refusal("geometry_invalid", {"why": shapely.is_valid_reason(shape)})
