"""Geometries of two sides drawn on the map, each in its colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import QgsCoordinateTransform, QgsProject, QgsRectangle
from qgis.gui import QgsRubberBand
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor

from placecard.gui.choices import BASE, MINE, OWN, THEIRS
from placecard.gui.placer import Placer, shape_of

if TYPE_CHECKING:
    from collections.abc import Mapping

COLOURS = {BASE: "#7a7f87", THEIRS: "#c2412d", MINE: "#1f6fd0", OWN: "#2b8a3e"}
"""Told apart by lightness and dash too: the former is dashed."""

AIR = 1.5
BELOW = 0.6
LEAST = 60.0
"""Metres, or units of the project, that the map shows at least."""


class Sketches:
    """What is drawn now."""

    def __init__(self, canvas: Any) -> None:
        self._canvas = canvas
        self._bands: list[Any] = []

    def draw(self, sides: Mapping[str, bytes | None]) -> None:
        """These sides and no others; WKB in CRS84. A side without a place is not drawn."""
        self.clear()
        for side in COLOURS:
            wkb = sides.get(side)
            if wkb is not None:
                self._bands.append(self._band(side, wkb))

    def _band(self, side: str, wkb: bytes) -> Any:
        shape = shape_of(wkb)
        band = QgsRubberBand(self._canvas, shape.type())
        colour = QColor(COLOURS[side])
        band.setStrokeColor(colour)
        fill = QColor(colour)
        fill.setAlpha(50)
        band.setFillColor(fill)
        band.setSecondaryStrokeColor(QColor(255, 255, 255, 200))
        band.setWidth(4)
        band.setIconSize(14)
        band.setIcon({BASE: band.IconType.ICON_X, THEIRS: band.IconType.ICON_BOX}.get(side, band.IconType.ICON_CIRCLE))
        band.setLineStyle(Qt.PenStyle.DashLine if side == BASE else Qt.PenStyle.SolidLine)
        band.setToGeometry(shape, Placer.crs84())
        return band

    def look(self, sides: Mapping[str, bytes | None]) -> None:
        """Let the map show all of them."""
        box = QgsRectangle()
        crs = self._canvas.mapSettings().destinationCrs()
        transform = QgsCoordinateTransform(Placer.crs84(), crs, QgsProject.instance())
        for wkb in sides.values():
            if wkb is not None:
                shape = shape_of(wkb)
                shape.transform(transform)
                box.combineExtentWith(shape.boundingBox())
        if box.isNull():
            return
        box.scale(AIR)
        least = LEAST if not crs.isGeographic() else LEAST / 111000
        if box.width() < least:
            box.grow(least / 2)
        # The window of the clash stands over the lower part of the map.
        box.setYMinimum(box.yMinimum() - box.height() * BELOW)
        self._canvas.setExtent(box)
        self._canvas.refresh()

    def clear(self) -> None:
        """Nothing."""
        for band in self._bands:
            self._canvas.scene().removeItem(band)
        self._bands = []
