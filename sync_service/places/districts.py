"""Districts of a city, and which of them a place lies in. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely
from pyproj import Geod

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shapely.geometry.base import BaseGeometry

_GEOD = Geod(ellps="WGS84")
_OVERLAP_SQUARE_METRES = 100.0


@dataclass(frozen=True, slots=True)
class District:
    """A district: its name and its area as ISO WKB, CRS84, valid."""

    name: str
    wkb: bytes


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two districts that claim the same ground, in square metres."""

    first: str
    second: str
    square_metres: float


def find_overlaps(districts: Sequence[District]) -> list[Overlap]:
    """Report every two districts that share more than 100 square metres."""
    shapes = [shapely.from_wkb(district.wkb) for district in districts]
    overlaps = []
    for first, second in shapely.STRtree(shapes).query(shapes, predicate="intersects").T.tolist():
        if first < second:
            shared = abs(_GEOD.geometry_area_perimeter(shapely.intersection(shapes[first], shapes[second]))[0])
            if shared > _OVERLAP_SQUARE_METRES:
                overlaps.append(Overlap(districts[first].name, districts[second].name, shared))
    return sorted(overlaps, key=lambda overlap: (overlap.first, overlap.second))


class DistrictIndex:
    """Which district a place lies in. Ties, as on a border, go to the name that sorts first."""

    def __init__(self, districts: Iterable[District]) -> None:
        self._districts = sorted(districts, key=lambda district: district.name)
        self._shapes = [shapely.from_wkb(district.wkb) for district in self._districts]
        self._tree = shapely.STRtree(self._shapes)
        shapely.prepare(self._shapes)

    def district_of(self, geometry: BaseGeometry) -> str | None:
        """Name the district with the largest share (of points, length or area) of a geometry in CRS84, or None."""
        touched = sorted(int(at) for at in self._tree.query(geometry, predicate="intersects"))
        if len(touched) < 2:
            return self._districts[touched[0]].name if touched else None
        shares = [(_share(shapely.intersection(geometry, self._shapes[at])), -at) for at in touched]
        return self._districts[-max(shares)[1]].name

    @property
    def areas(self) -> dict[str, BaseGeometry]:
        """The area of each district, CRS84, by name."""
        return {district.name: shape for district, shape in zip(self._districts, self._shapes, strict=True)}


def _share(geometry: BaseGeometry) -> tuple[float, float, int]:
    """Area, then length, then number of points; degrees of longitude shrunk to the latitude so that lengths compare."""
    latitude = math.radians(shapely.centroid(geometry).y)
    flat = shapely.transform(geometry, lambda xy: xy * [math.cos(latitude), 1.0])
    points = len(shapely.get_parts(geometry)) if geometry.geom_type in {"Point", "MultiPoint"} else 0
    return round(flat.area, 14), round(flat.length, 11), points
