"""Import: what another GIS made of an exported file comes back as edits, through the same merge as those made here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessingException,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFile,
    QgsVectorLayer,
)

from placecard.core.copyfile.foreign import Foreign, take_foreign
from placecard.core.errors import BadGeometry
from placecard.host.transform import to_copy
from placecard.processing.algorithm import Algorithm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qgis.core import (
        QgsCoordinateTransformContext,
        QgsFeature,
        QgsProcessingContext,
        QgsProcessingFeedback,
        QgsProcessingParameterDefinition,
    )

INPUT = "INPUT"
OUTPUTS = ("CHANGED", "ADDED", "UNKNOWN")
GUID, VERSION = "guid", "version"


class Import(Algorithm):
    """Take an exported file back. What it lacks is not deleted."""

    key = "import"

    def parameters(self) -> list[QgsProcessingParameterDefinition]:
        """The file: a GeoPackage, or whatever else QGIS reads layers from."""
        for name in OUTPUTS:
            self.addOutput(QgsProcessingOutputNumber(name, self.say(f"import.{name.lower()}")))
        return [QgsProcessingParameterFile(INPUT, self.say("import.input"))]

    def work(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Every layer that has our ids."""
        source = self.parameterAsFile(parameters, INPUT, context)
        layers = [layer for layer in layers_in(source) if layer.fields().indexOf(GUID) >= 0]
        if not layers:
            raise QgsProcessingException(self.say("import.foreign", path=source))
        features = [each for layer in layers for each in read_layer(layer, context.transformContext())]
        came = take_foreign(self.copy(parameters, context), features)
        for guid in came.unknown:
            feedback.pushWarning(self.say("import.not_here", guid=guid))
        for guid in came.edited:
            feedback.pushWarning(self.say("import.push_first", guid=guid))
        for guid in came.broken:
            feedback.pushWarning(f"{guid}: {self.words.say('error.geometry')}")
        return dict(zip(OUTPUTS, (len(came.changed), len(came.added), len(came.unknown))))


def layers_in(source: str) -> list[QgsVectorLayer]:
    """All layers of a file."""
    first = QgsVectorLayer(source, "", "ogr")
    parts = [text.split("!!::!!") for text in first.dataProvider().subLayers()] if first.isValid() else []
    names = [part[1] for part in parts]
    found = [QgsVectorLayer(f"{source}|layername={name}", name, "ogr") for name in names] or [first]
    return [layer for layer in found if layer.isValid()]


def read_layer(layer: QgsVectorLayer, context: QgsCoordinateTransformContext) -> Iterator[Foreign]:
    """The features of a layer, their places in CRS84."""
    names = layer.fields().names()
    for feature in layer.getFeatures():
        values = {name: _plain(feature[name]) for name in names}
        yield Foreign(
            guid=str(values.get(GUID) or ""),
            version=values.get(VERSION) or None,
            values=values,
            geometry=_place(layer, feature, context),
        )


def _place(layer: QgsVectorLayer, feature: QgsFeature, context: QgsCoordinateTransformContext) -> bytes | None:
    if not feature.hasGeometry():
        return None
    try:
        return to_copy(feature.geometry(), layer.crs(), context).wkb
    except BadGeometry:
        return b""  # no place at all, and no place taken away: it is told


def _plain(value: Any) -> Any:
    if hasattr(value, "isNull") and value.isNull():
        return None
    if hasattr(value, "toString") and not isinstance(value, str):
        return value.toString("yyyy-MM-dd" if hasattr(value, "year") else "yyyy-MM-ddTHH:mm:ss.zzzZ")
    return value
