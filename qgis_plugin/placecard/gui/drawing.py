"""Tools on the map: click a place, draw a line or an area for it, pick the shape of a feature of any layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import Qgis, QgsGeometry, QgsPointXY
from qgis.gui import QgsMapTool, QgsMapToolIdentify, QgsRubberBand
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor

from placecard.host import layers

if TYPE_CHECKING:
    from collections.abc import Callable

DRAWING = QColor(194, 94, 0)
FILL = QColor(194, 94, 0, 50)


class ShapeTool(QgsMapTool):
    """Draws what is placed: one click for a point, several for a line or an area.

    A right click or Enter ends a line or an area, Backspace takes the last corner back, Escape begins anew and, with
    nothing drawn, ends. Corners snap as the project says. `drawn` has the shape in the project's coordinate system.
    """

    drawn = pyqtSignal(object)
    ended = pyqtSignal()

    def __init__(self, canvas: Any, kind: Qgis.GeometryType, keyed: Callable[[Any], bool]) -> None:
        super().__init__(canvas)
        self.kind = kind
        self._keyed = keyed
        self._corners: list[QgsPointXY] = []
        self._band = QgsRubberBand(canvas, kind)
        self._band.setStrokeColor(DRAWING)
        self._band.setFillColor(FILL)
        self._band.setWidth(2)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def canvasMoveEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Show what would be drawn."""
        self._show(QgsPointXY(event.snapPoint()))

    def canvasReleaseEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """A corner, or the end of it."""
        if event.button() == Qt.MouseButton.RightButton:
            self._finish()
        elif event.button() == Qt.MouseButton.LeftButton:
            self._corners.append(QgsPointXY(event.snapPoint()))
            if self.kind == Qgis.GeometryType.Point:
                self._finish()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """The keys of drawing, else those of the list."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._finish()
        elif event.key() == Qt.Key.Key_Backspace and self._corners:
            self._corners.pop()
            self._show(None)
        elif event.key() == Qt.Key.Key_Escape:
            self._escape()
        elif not self._keyed(event):
            event.ignore()
            return
        event.accept()

    def deactivate(self) -> None:
        """Another tool was taken."""
        self._clear()
        super().deactivate()

    def clean(self) -> None:
        """Take the drawing off the map for good."""
        self._clear()
        self.canvas().scene().removeItem(self._band)

    def _escape(self) -> None:
        if self._corners:
            self._clear()
        else:
            self.ended.emit()

    def _finish(self) -> None:
        corners = self._corners
        wanted = {Qgis.GeometryType.Point: 1, Qgis.GeometryType.Line: 2, Qgis.GeometryType.Polygon: 3}[self.kind]
        if len(corners) < wanted:
            return
        shape = _shape(self.kind, corners)
        self._clear()
        self.drawn.emit(shape)

    def _show(self, pointer: Any) -> None:
        self._band.reset(self.kind)
        for corner in (*self._corners, *([pointer] if pointer is not None else [])):
            self._band.addPoint(corner)

    def _clear(self) -> None:
        self._corners = []
        self._band.reset(self.kind)


def _shape(kind: Qgis.GeometryType, corners: list[QgsPointXY]) -> QgsGeometry:
    if kind == Qgis.GeometryType.Point:
        return QgsGeometry.fromPointXY(corners[0])
    return (
        QgsGeometry.fromPolylineXY(corners) if kind == Qgis.GeometryType.Line else QgsGeometry.fromPolygonXY([corners])
    )


class PickTool(QgsMapToolIdentify):
    """Takes the shape of the feature that is clicked, of any layer that can be seen. `picked` has it and its system.

    Our own layers come last: districts lie over everything, and a proposal where another already is.
    """

    picked = pyqtSignal(object, object)
    missed = pyqtSignal()
    ended = pyqtSignal()

    def __init__(self, canvas: Any, keyed: Callable[[Any], bool]) -> None:
        super().__init__(canvas)
        self._keyed = keyed
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def canvasReleaseEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """The topmost feature under the pointer that is not ours, else the topmost."""
        if event.button() != Qt.MouseButton.LeftButton:
            self.ended.emit()
            return
        seen = [each for each in self.canvas().layers() if each.type() == Qgis.LayerType.Vector]
        asked = sorted(seen, key=layers.is_ours)
        mode = QgsMapToolIdentify.IdentifyMode.TopDownStopAtFirst
        found = self.identify(event.x(), event.y(), asked, mode) if asked else []
        shaped = [each for each in found if each.mFeature.hasGeometry()]
        if shaped:
            self.picked.emit(QgsGeometry(shaped[0].mFeature.geometry()), shaped[0].mLayer.crs())
        else:
            self.missed.emit()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Escape ends; the other keys are those of the list."""
        if event.key() == Qt.Key.Key_Escape:
            self.ended.emit()
        elif not self._keyed(event):
            event.ignore()
            return
        event.accept()
