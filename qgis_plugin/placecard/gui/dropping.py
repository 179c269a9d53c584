"""What is dropped and clicked on the map whatever its tool is: a dragged proposal, and the pins of suggestions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.gui import QgsVertexMarker
from qgis.PyQt.QtCore import QEvent, QObject, QPoint, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor

from placecard.gui.lists import MIME

if TYPE_CHECKING:
    from placecard.gui.pins import Pins


class CanvasWatch(QObject):
    """Looks at what reaches the canvas before its tool does.

    `dropped` has the guid and the point, in the project's coordinate system; `accepted` the number of a pin.
    """

    dropped = pyqtSignal(str, object)
    accepted = pyqtSignal(int)

    def __init__(self, canvas: Any, pins: Pins) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._pins = pins
        self._pressed = False
        self._waiting: tuple[str, Any] | None = None
        self._mark = QgsVertexMarker(canvas)
        self._mark.setIconType(QgsVertexMarker.IconType.ICON_CROSS)
        self._mark.setColor(QColor("#c25e00"))
        self._mark.setIconSize(20)
        self._mark.setPenWidth(2)
        self._mark.hide()
        canvas.viewport().setAcceptDrops(True)
        canvas.viewport().installEventFilter(self)

    def deliver(self) -> None:
        """Tell of the drop, if there was one: once the drag is over, for what is done then changes the dragged list."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.dropped.emit(*waiting)

    def leave(self) -> None:
        """Look no more."""
        self._canvas.viewport().removeEventFilter(self)
        self._canvas.scene().removeItem(self._mark)

    def eventFilter(self, _watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """Take what is ours; leave the rest."""
        kind = event.type()
        if kind in (QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop):
            return self._dragged(event, kind)
        if kind == QEvent.Type.DragLeave:
            self._mark.hide()
        elif kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease):
            return self._clicked(event, kind)
        return False

    def _dragged(self, event: Any, kind: Any) -> bool:
        if not event.mimeData().hasFormat(MIME):
            return False
        point = self._canvas.getCoordinateTransform().toMapCoordinates(pixel_of(event))
        self._mark.setCenter(point)
        self._mark.setVisible(kind != QEvent.Type.Drop)
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if kind == QEvent.Type.Drop:
            self._waiting = bytes(event.mimeData().data(MIME)).decode(), point
        return True

    def _clicked(self, event: Any, kind: Any) -> bool:
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        if kind == QEvent.Type.MouseButtonRelease:
            swallowed, self._pressed = self._pressed, False
            return swallowed
        number = self._pins.at(pixel_of(event))
        self._pressed = number is not None
        if number is not None:
            self.accepted.emit(number)
        return self._pressed


def pixel_of(event: Any) -> QPoint:
    """Where on the canvas, in either Qt."""
    return event.position().toPoint() if hasattr(event, "position") else event.pos()
