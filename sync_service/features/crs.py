"""Coordinate reference systems offered at `/ogc/`. Everything is stored in CRS84: degrees, longitude first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from sync_service.store.filters import Region

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

STORAGE = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_EPSG = "http://www.opengis.net/def/crs/EPSG/0/{}"
_ALWAYS = (4326, 3857)
_STEPS = 32  # per side of a box that is no box in degrees


@dataclass(frozen=True)
class Crs:
    """One system: its URI, and its name for PROJ. Coordinates are in the order its authority defines."""

    uri: str
    name: str

    @property
    def stored(self) -> bool:
        """Whether it is the one the store keeps."""
        return self.uri == STORAGE

    @cached_property
    def geographic(self) -> bool:
        """Whether its coordinates are degrees: then a box may cross the antimeridian."""
        return bool(CRS.from_user_input(self.name).is_geographic)

    @property
    def _upright(self) -> bool:
        # A box in these is a box in the stored degrees too.
        return self.name in {"OGC:CRS84", "EPSG:4326", "EPSG:3857"}

    @cached_property
    def _from_storage(self) -> Transformer:
        return Transformer.from_crs("OGC:CRS84", self.name)

    @cached_property
    def _to_storage(self) -> Transformer:
        return Transformer.from_crs(self.name, "OGC:CRS84")

    def project(self, shapes: Sequence[BaseGeometry | None]) -> Sequence[BaseGeometry | None]:
        """Stored shapes in this system."""
        return shapes if self.stored else _transformed(shapes, self._from_storage)

    def unproject(self, shape: BaseGeometry) -> BaseGeometry:
        """A shape of this system as stored ones are."""
        return shape if self.stored else _transformed([shape], self._to_storage)[0]

    def region(self, first: float, second: float, third: float, fourth: float) -> Region:
        """The box of two corners, lower and upper along each axis of this system. ValueError if it is none."""
        west, south, east, north = self._ordered(first, second, third, fourth)
        if south > north or (west > east and not self.geographic):
            raise ValueError("corners")
        spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
        return region_of([self._in_degrees(shapely.box(w, south, e, north)) for w, e in spans], upright=self._upright)

    def _ordered(self, first: float, second: float, third: float, fourth: float) -> tuple[float, float, float, float]:
        return (second, first, fourth, third) if self._north_first else (first, second, third, fourth)

    @cached_property
    def _north_first(self) -> bool:
        return CRS.from_user_input(self.name).axis_info[0].direction.lower() == "north"

    def _in_degrees(self, box: BaseGeometry) -> BaseGeometry:
        if self.geographic and self._upright:
            return box
        longest = max(box.bounds[2] - box.bounds[0], box.bounds[3] - box.bounds[1]) / _STEPS or 1.0
        dense = box if self._upright else shapely.segmentize(box, longest)
        return self.unproject(_swapped(dense) if self._north_first else dense)


def region_of(shapes: Iterable[BaseGeometry], *, upright: bool = False) -> Region:
    """The region these shapes in CRS84 cover; `upright`: they are boxes. ValueError if there is nothing to look in."""
    kept = tuple(shapes)
    boxes = tuple((w, s, e, n) for w, s, e, n in (shape.bounds for shape in kept))
    if not np.isfinite(boxes).all():
        raise ValueError("coordinates")
    return Region(boxes, shapely.union_all(kept).wkb, upright)


def _swapped(shape: BaseGeometry) -> BaseGeometry:
    return shapely.transform(shape, lambda pairs: pairs[:, ::-1])


def _transformed(shapes: Sequence[Any], transformer: Transformer) -> Any:
    def move(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(pairs[:, 0], pairs[:, 1]))

    return shapely.transform(np.array(shapes, dtype=object), move)


def offered_crs(codes: Iterable[int]) -> dict[str, Crs]:
    """What is offered, by URI: CRS84, 4326, 3857 and these EPSG codes. ValueError for a code PROJ does not know."""
    offered = {STORAGE: Crs(STORAGE, "OGC:CRS84")}
    for code in dict.fromkeys((*_ALWAYS, *codes)):
        crs = Crs(_EPSG.format(code), f"EPSG:{code}")
        try:
            CRS.from_user_input(crs.name)
        except CRSError as error:
            raise ValueError(crs.name) from error
        offered[crs.uri] = crs
    return offered
