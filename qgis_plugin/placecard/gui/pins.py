"""The geocoder's suggestions on the map: numbered pins to click, or to accept by their number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import Qgis, QgsCoordinateTransform, QgsGeometry, QgsPointXY, QgsRectangle
from qgis.gui import QgsMapCanvasItem, QgsRubberBand
from qgis.PyQt.QtCore import QPointF, QRectF, Qt
from qgis.PyQt.QtGui import QBrush, QColor, QFont, QPainter, QPainterPath, QPen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qgis.PyQt.QtCore import QPoint

COLOUR = QColor("#d08718")
RADIUS = 13.0
HEIGHT = 36.0


class Pin(QgsMapCanvasItem):
    """One suggestion: its tip is at the place. `place` is in the project's coordinate system."""

    def __init__(self, canvas: Any, number: int, place: QgsPointXY, label: str) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self.number = number
        self.place = place
        self.setToolTip(label)
        self.setZValue(200)
        self.updatePosition()

    def updatePosition(self) -> None:  # noqa: N802 - Qt's name
        """The map moved."""
        self.setPos(self.toCanvasCoordinates(self.place))

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """About the tip, in pixels."""
        return QRectF(-RADIUS - 2, -HEIGHT - 2, 2 * RADIUS + 4, HEIGHT + 4)

    def paint(self, painter: QPainter, *_: Any) -> None:
        """A drop with its number."""
        centre = QPointF(0, -HEIGHT + RADIUS)
        path = QPainterPath(QPointF(0, 0))
        path.lineTo(centre + QPointF(-RADIUS * 0.9, RADIUS * 0.42))
        path.lineTo(centre + QPointF(RADIUS * 0.9, RADIUS * 0.42))
        path.closeSubpath()
        round_ = QPainterPath()
        round_.addEllipse(centre, RADIUS, RADIUS)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor("white"), 2))
        painter.setBrush(QBrush(COLOUR))
        painter.drawPath(path.united(round_))
        font = QFont(painter.font())
        font.setBold(True)
        font.setPixelSize(15)
        painter.setFont(font)
        box = QRectF(centre.x() - RADIUS, centre.y() - RADIUS, 2 * RADIUS, 2 * RADIUS)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(self.number))

    def holds(self, pixel: QPoint) -> bool:
        """Whether a pixel of the canvas is on it."""
        return bool(self.boundingRect().translated(self.pos()).contains(QPointF(pixel)))


class Pins:
    """The pins there are now."""

    def __init__(self, canvas: Any) -> None:
        self._canvas = canvas
        self._pins: list[Pin] = []
        self._bands: list[QgsRubberBand] = []

    def show(self, places: Iterable[tuple[QgsGeometry, str]], transform: QgsCoordinateTransform) -> None:
        """These and no others; `transform` leads from theirs to the project's system."""
        self.clear()
        for number, (geometry, label) in enumerate(places, start=1):
            shape = QgsGeometry(geometry)
            shape.transform(transform)
            self._pins.append(Pin(self._canvas, number, middle(shape), label))
            if shape.type() != Qgis.GeometryType.Point:
                self._bands.append(self._band(shape))

    def _band(self, shape: QgsGeometry) -> QgsRubberBand:
        band = QgsRubberBand(self._canvas, shape.type())
        band.setColor(QColor(208, 135, 24, 130))
        band.setWidth(4)
        band.setToGeometry(shape)
        return band

    def at(self, pixel: QPoint) -> int | None:
        """The number of the pin under a pixel."""
        return next((pin.number for pin in reversed(self._pins) if pin.holds(pixel)), None)

    def box(self) -> QgsRectangle:
        """What holds all of them, in the project's system."""
        box = QgsRectangle()
        for pin in self._pins:
            box.combineExtentWith(pin.place)
        return box

    def clear(self) -> None:
        """None."""
        for item in (*self._pins, *self._bands):
            self._canvas.scene().removeItem(item)
        self._pins, self._bands = [], []

    def __len__(self) -> int:
        return len(self._pins)


def middle(shape: QgsGeometry) -> QgsPointXY:
    """Where the pin of a shape stands: on it, a line's in its middle."""
    if shape.type() == Qgis.GeometryType.Line:
        return shape.interpolate(shape.length() / 2).asPoint()
    return shape.pointOnSurface().asPoint()
