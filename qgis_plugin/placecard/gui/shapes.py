"""Asks for a shape on the map for a dialog: of the selected feature, or of the one that is clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import QgsCoordinateReferenceSystem, QgsGeometry, QgsProject

from placecard.gui.drawing import PickTool
from placecard.gui.placer import has_selection, union
from placecard.host.transform import to_copy

if TYPE_CHECKING:
    from collections.abc import Callable


class ShapeAsker:
    """One question at a time."""

    def __init__(self, iface: Any) -> None:
        self._iface = iface
        self._canvas = iface.mapCanvas()
        self._asked: Callable[[bytes], None] | None = None
        self._former: Any = None
        self._tool = PickTool(self._canvas, lambda _: False)
        self._tool.picked.connect(self._picked)
        self._tool.ended.connect(self._end)

    def ask(self, wanted: Callable[[bytes], None]) -> None:
        """Call `wanted` with WKB in CRS84: at once if the active layer has a selection, else after a click."""
        self._asked = wanted
        layer = self._iface.activeLayer()
        if has_selection(layer):
            self._picked(union([each.geometry() for each in layer.selectedFeatures()]), layer.crs())
            return
        self._former = self._canvas.mapTool()
        self._canvas.setMapTool(self._tool)

    def leave(self) -> None:
        """Ask no more."""
        self._end()

    def _picked(self, shape: QgsGeometry, crs: QgsCoordinateReferenceSystem) -> None:
        asked, self._asked = self._asked, None
        self._end()
        if asked is not None:
            asked(to_copy(shape, crs, QgsProject.instance().transformContext()).wkb)

    def _end(self) -> None:
        self._asked = None
        if self._canvas.mapTool() is self._tool and self._former is not None:
            self._canvas.setMapTool(self._former)
