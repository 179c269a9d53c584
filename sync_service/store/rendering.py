"""Kept texts of a feature: its geometry and its public properties as GeoJSON, made once when it is written. Pure.

`overdue_days` changes with the date, so it is not kept: `properties_json` stops before it, and the query
that answers finishes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
import shapely

from sync_service.sync.fields import field_table
from sync_service.sync.values import Kind, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapely.geometry.base import BaseGeometry

_KINDS = {
    "Point": Kind.POINT,
    "MultiPoint": Kind.POINT,
    "LineString": Kind.LINE,
    "MultiLineString": Kind.LINE,
    "Polygon": Kind.AREA,
    "MultiPolygon": Kind.AREA,
}
_DIGITS = 9  # about 0.1 mm: below the 1e-8 degree that counts as an edit


@dataclass(frozen=True, slots=True)
class RenderedGeometry:
    """A geometry ready to be served: its kind, its box in degrees, and its two GeoJSON texts."""

    kind: Kind | None
    box: tuple[float, float, float, float] | None
    simple: str | None
    multi: str | None


NO_GEOMETRY = RenderedGeometry(None, None, None, None)


def render_geometry(wkb: bytes | None) -> RenderedGeometry:
    """Render WKB in CRS84. `simple` has one part where it can, `multi` is always Multi."""
    if wkb is None:
        return NO_GEOMETRY
    shape = shapely.from_wkb(wkb)
    west, south, east, north = shape.bounds
    texts = geometry_text(simplified(shape)), geometry_text(multiplied(shape))
    return RenderedGeometry(kind_of(shape), (west, south, east, north), *texts)


def kind_of(shape: BaseGeometry) -> Kind:
    """The kind of a geometry; a collection of mixed kinds has none and raises KeyError."""
    return _KINDS[shape.geom_type]


def simplified(shape: BaseGeometry) -> BaseGeometry:
    """The one part of a shape that has one, else the shape."""
    return shape.geoms[0] if hasattr(shape, "geoms") and len(shape.geoms) == 1 else shape


def multiplied(shape: BaseGeometry) -> BaseGeometry:
    """The shape as a Multi one."""
    if hasattr(shape, "geoms"):
        return shape
    if isinstance(shape, shapely.Point):
        return shapely.MultiPoint([shape])
    if isinstance(shape, shapely.LineString):
        return shapely.MultiLineString([shape])
    assert isinstance(shape, shapely.Polygon)
    return shapely.MultiPolygon([shape])


def geometry_text(shape: BaseGeometry) -> str:
    """GeoJSON of a geometry, coordinates rounded below what counts as an edit."""
    return orjson.dumps(
        {"type": shape.geom_type, "coordinates": _rounded(shape.__geo_interface__["coordinates"])}
    ).decode()


def _rounded(coordinates: object) -> object:
    if isinstance(coordinates, list | tuple):
        return [_rounded(item) for item in coordinates]
    assert isinstance(coordinates, float | int)
    return round(coordinates, _DIGITS)


def render_properties(values: Mapping[str, Value]) -> str:
    """Public properties as JSON, open at the end: the answer adds the days overdue and closes it.

    Texts named in `held` (comma separated) look personal: the public sees none, and the card's number for a title.
    """
    public = {f.name: values.get(f.name) for f in field_table().values() if f.public and f.name != "overdue_days"}
    for name in str(values.get("held") or "").split(","):
        if name in public:
            public[name] = f"№ {values.get('card_id')}" if name == "title" else None
    return orjson.dumps(public).decode()[:-1]
