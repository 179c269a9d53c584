"""The area a project is about: a place outside is not believed. Longitudes and latitudes in degrees, CRS84."""

from __future__ import annotations

import math
from typing import NamedTuple

from sync_service.places.reason import Reason, ReasonCode


class Area(NamedTuple):
    """A box in degrees, CRS84. `west` greater than `east` is a box over the antimeridian."""

    west: float = -180.0
    south: float = -90.0
    east: float = 180.0
    north: float = 90.0

    @classmethod
    def parse(cls, text: str) -> Area:
        """Read "west,south,east,north"; `ValueError` when it is not four numbers that make a box on the globe."""
        numbers = [float(part) for part in text.split(",")]
        if len(numbers) != 4:
            raise ValueError(f"an area is west,south,east,north, not {text!r}")
        west, south, east, north = numbers
        if not (_on_globe(west, south) and _on_globe(east, north) and south < north and west != east):
            raise ValueError(f"not a box on the globe: {text!r}")
        return cls(west, south, east, north)

    def contains(self, lon: float, lat: float) -> bool:
        """Tell whether the point lies in the box or on its edge."""
        if not (self.south <= lat <= self.north):
            return False
        if self.west <= self.east:
            return self.west <= lon <= self.east
        return _on_globe(lon, lat) and (lon >= self.west or lon <= self.east)

    def refuse(self, lon: float, lat: float) -> Reason | None:
        """Say why a point written by somebody is not believed, or None. The order is never turned round."""
        said = {"lat": f"{lat:.10g}", "lon": f"{lon:.10g}"}
        if not _on_globe(lon, lat):
            return Reason.of(ReasonCode.COORDINATES_IMPOSSIBLE, **said)
        if lon == 0 and lat == 0:
            return Reason.of(ReasonCode.COORDINATES_ZERO)
        if self.contains(lon, lat):
            return None
        swapped = self.contains(lat, lon)
        return Reason.of(ReasonCode.OUTSIDE_AREA_SWAPPED if swapped else ReasonCode.OUTSIDE_AREA, **said)


WORLD = Area()


def _on_globe(lon: float, lat: float) -> bool:
    return math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90
