"""Which district a point of the map lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.core import QgsCsException, QgsGeometry

from placecard.host.transform import point_in_copy

if TYPE_CHECKING:
    from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransformContext, QgsPointXY

    from placecard.core.copyfile.copy import WorkingCopy


class Districts:
    """The districts of a copy, read when they are first asked for."""

    def __init__(self) -> None:
        self._known: list[tuple[str, QgsGeometry]] | None = None

    def clear(self) -> None:
        """The copy may have others now."""
        self._known = None

    def at(
        self,
        copy: WorkingCopy | None,
        point: QgsPointXY,
        crs: QgsCoordinateReferenceSystem,
        context: QgsCoordinateTransformContext,
    ) -> str | None:
        """The name of the district around a point; None where there is none."""
        if copy is None:
            return None
        if self._known is None:
            self._known = [(name, _shape(wkb)) for name, wkb in copy.districts()]
        try:
            place = QgsGeometry.fromPointXY(point_in_copy(point, crs, context))
        except QgsCsException:
            return None
        return next((name for name, shape in self._known if shape.contains(place)), None)


def _shape(wkb: bytes) -> QgsGeometry:
    shape = QgsGeometry()
    shape.fromWkb(wkb)
    return shape
