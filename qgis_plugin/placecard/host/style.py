"""How the copy's layers look when they are first added: by stage, in the colours of the public map.

A layer is styled once. Afterwards its look is the user's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qgis.core import (
    Qgis,
    QgsCategorizedSymbolRenderer,
    QgsPalLayerSettings,
    QgsProperty,
    QgsRendererCategory,
    QgsSymbol,
    QgsSymbolLayer,
    QgsTextBufferSettings,
    QgsTextFormat,
    QgsVectorLayerSimpleLabeling,
)
from qgis.PyQt.QtGui import QColor

from placecard.core.stages import COLOURS, colour_of

if TYPE_CHECKING:
    from qgis.core import QgsVectorLayer

    from placecard.core.words import Words

LOOK_AGAIN = "#d4006a"
"""Around what should be looked at again."""

LABELS_FROM = 15_000
"""Scale from which titles are written on the map."""

_WIDTHS = {Qgis.GeometryType.Point: 3.2, Qgis.GeometryType.Line: 0.9}
"""Millimetres: the size of a point, the width of a line."""


def style_by_stage(layer: QgsVectorLayer, words: Words) -> None:
    """Colours by stage, titles from a near scale, and a mark around what should be looked at again."""
    categories = [_category(layer, stage, words.say(f"stage.{stage}")) for stage in COLOURS]
    categories.append(_category(layer, "", words.say("stage.none")))
    layer.setRenderer(QgsCategorizedSymbolRenderer("stage", categories))
    layer.setLabeling(QgsVectorLayerSimpleLabeling(_labels()))
    layer.setLabelsEnabled(True)


def style_districts(layer: QgsVectorLayer) -> None:
    """Thin outlines with nothing inside."""
    symbol = QgsSymbol.defaultSymbol(layer.geometryType())
    symbol.setColor(QColor("#00000000"))
    symbol.symbolLayer(0).setStrokeColor(QColor("#6b7280"))
    symbol.symbolLayer(0).setStrokeWidth(0.3)
    layer.renderer().setSymbol(symbol)


def _category(layer: QgsVectorLayer, stage: str, title: str) -> QgsRendererCategory:
    symbol = QgsSymbol.defaultSymbol(layer.geometryType())
    symbol.setColor(QColor(colour_of(stage)))
    _mark(symbol, layer.geometryType())
    return QgsRendererCategory(stage, symbol, title)


def _mark(symbol: QgsSymbol, kind: Qgis.GeometryType) -> None:
    inner = symbol.symbolLayer(0)
    marked = QgsProperty.fromExpression(f"if(\"place_check\" is not null, '{LOOK_AGAIN}', @symbol_color)")
    if kind == Qgis.GeometryType.Point:
        symbol.setSize(_WIDTHS[kind])
        marked = QgsProperty.fromExpression(f"if(\"place_check\" is not null, '{LOOK_AGAIN}', '#ffffff')")
    elif kind == Qgis.GeometryType.Line:
        symbol.setWidth(_WIDTHS[kind])
    else:
        symbol.setOpacity(0.6)
    inner.setDataDefinedProperty(QgsSymbolLayer.Property.StrokeColor, marked)


def _labels() -> QgsPalLayerSettings:
    buffer = QgsTextBufferSettings()
    buffer.setEnabled(True)
    looks = QgsTextFormat()
    looks.setSize(8)
    looks.setBuffer(buffer)
    labels = QgsPalLayerSettings()
    labels.fieldName = "title"
    labels.setFormat(looks)
    labels.scaleVisibility = True
    labels.minimumScale = LABELS_FROM
    labels.maximumScale = 0
    labels.autoWrapLength = 30
    return labels
