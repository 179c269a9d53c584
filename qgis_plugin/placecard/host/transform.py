"""From whatever coordinate system a person works in to the one of the copy (CRS84: degrees, longitude first)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform, QgsCsException, QgsGeometry

from placecard.core.errors import BadGeometry

if TYPE_CHECKING:
    from qgis.core import QgsCoordinateTransformContext, QgsPointXY

CRS = "OGC:CRS84"
SEGMENTS = 0.01
"""Curves are drawn as straight lines no further off than this share of a radian."""
BALLPARK = "ballpark"
"""PROJ's word for a step that knows no shift between two datums: off by up to hundreds of metres."""


@dataclass(frozen=True)
class Moved:
    """A geometry in CRS84, as WKB, and whether the way there is only roughly known."""

    wkb: bytes
    ballpark: bool


def to_copy(geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem, context: QgsCoordinateTransformContext) -> Moved:
    """The geometry in CRS84, flat and without curves. BadGeometry if it is empty or cannot be transformed."""
    if geometry.isNull() or geometry.isEmpty():
        raise BadGeometry(reason="empty")
    flat = QgsGeometry(geometry)
    flat.get().dropZValue()
    flat.get().dropMValue()
    if flat.get().hasCurvedSegments():
        flat = QgsGeometry(flat.constGet().segmentize(SEGMENTS))
    way = transform_from(crs, context)
    try:
        flat.transform(way)
    except QgsCsException as error:
        raise BadGeometry(reason="transform", detail=str(error)) from error
    return Moved(bytes(flat.asWkb()), is_ballpark(crs, context))


def from_copy(wkb: bytes, crs: QgsCoordinateReferenceSystem, context: QgsCoordinateTransformContext) -> QgsGeometry:
    """A geometry of the copy, in the coordinate system of a map."""
    geometry = QgsGeometry()
    geometry.fromWkb(wkb)
    geometry.transform(QgsCoordinateTransform(QgsCoordinateReferenceSystem(CRS), crs, context))
    return geometry


def point_in_copy(
    point: QgsPointXY, crs: QgsCoordinateReferenceSystem, context: QgsCoordinateTransformContext
) -> QgsPointXY:
    """A point in CRS84."""
    return transform_from(crs, context).transform(point)


def transform_from(crs: QgsCoordinateReferenceSystem, context: QgsCoordinateTransformContext) -> QgsCoordinateTransform:
    """The way from a coordinate system to CRS84, by what the project says of datums."""
    return QgsCoordinateTransform(crs, QgsCoordinateReferenceSystem(CRS), context)


def is_ballpark(crs: QgsCoordinateReferenceSystem, context: QgsCoordinateTransformContext) -> bool:
    """Whether nobody knows how the datum of this system lies to WGS 84: places may be off by hundreds of metres."""
    if not crs.isValid():
        return True
    chosen = transform_from(crs, context).instantiatedCoordinateOperationDetails()
    return BALLPARK in chosen.name.lower()
