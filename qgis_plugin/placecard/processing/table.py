"""Place from table: a list of coordinates from somewhere else, a row a place, put to the proposals it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import (
    Qgis,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterCrs,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
)

from placecard.core.copyfile import edits
from placecard.core.errors import BadGeometry
from placecard.host.transform import is_ballpark, to_copy
from placecard.processing.algorithm import Algorithm
from placecard.processing.finding import PROPERTIES, Finder

if TYPE_CHECKING:
    from qgis.core import (
        QgsCoordinateReferenceSystem,
        QgsFeature,
        QgsProcessingContext,
        QgsProcessingFeedback,
        QgsProcessingParameterDefinition,
    )

INPUT, FIELD, PROPERTY, X, Y, CRS, ONLY_WAITING = "INPUT", "FIELD", "PROPERTY", "X", "Y", "CRS", "ONLY_WAITING"
OUTPUTS = ("PLACED", "MISSED")


class PlaceTable(Algorithm):
    """Give proposals the places that a table or a layer has for them."""

    key = "placefromtable"

    def parameters(self) -> list[QgsProcessingParameterDefinition]:
        """The table; the field that tells the proposal; coordinates, if the table has no geometry."""
        for name in OUTPUTS:
            self.addOutput(QgsProcessingOutputNumber(name, self.say(f"place.{name.lower()}")))
        names = [self.say(f"property.{name}") for name in PROPERTIES]
        return [
            QgsProcessingParameterFeatureSource(INPUT, self.say("table"), [Qgis.ProcessingSourceType.Vector]),
            QgsProcessingParameterField(FIELD, self.say("field"), parentLayerParameterName=INPUT),
            QgsProcessingParameterEnum(PROPERTY, self.say("property"), names, defaultValue=1),
            QgsProcessingParameterField(X, self.say("x"), parentLayerParameterName=INPUT, optional=True),
            QgsProcessingParameterField(Y, self.say("y"), parentLayerParameterName=INPUT, optional=True),
            QgsProcessingParameterCrs(CRS, self.say("crs"), defaultValue="EPSG:4326"),
            QgsProcessingParameterBoolean(ONLY_WAITING, self.say("only_waiting"), defaultValue=True),
        ]

    def work(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Place what is named once, and tell of the rest."""
        copy = self.copy(parameters, context)
        source = self.parameterAsSource(parameters, INPUT, context)
        field = self.parameterAsString(parameters, FIELD, context)
        name = PROPERTIES[self.parameterAsEnum(parameters, PROPERTY, context)]
        finder = Finder(copy, name, waiting=self.parameterAsBoolean(parameters, ONLY_WAITING, context))
        columns = tuple(self.parameterAsString(parameters, each, context) for each in (X, Y))
        crs = self.parameterAsCrs(parameters, CRS, context) if all(columns) else source.sourceCrs()
        if is_ballpark(crs, context.transformContext()):
            feedback.pushWarning(self.words.say("session.ballpark", crs=crs.userFriendlyIdentifier()))
        placed = missed = 0
        for number, feature in enumerate(source.getFeatures()):
            if feedback.isCanceled():
                break
            found = finder.find(feature[field])
            wkb = self._place(feature, columns, crs, context) if len(found) == 1 else None
            if wkb is None:
                missed += 1
                feedback.pushInfo(self.say("missed", value=feature[field], n=len(found)))
            else:
                edits.place(copy, found[0].guid, wkb)
                placed += 1
            feedback.setProgress(100 * (number + 1) / max(source.featureCount(), 1))
        return dict(zip(OUTPUTS, (placed, missed)))

    def _place(
        self,
        feature: QgsFeature,
        columns: tuple[str, ...],
        crs: QgsCoordinateReferenceSystem,
        context: QgsProcessingContext,
    ) -> bytes | None:
        geometry = point_of(feature, *columns) if all(columns) else feature.geometry()
        try:
            return to_copy(geometry, crs, context.transformContext()).wkb
        except BadGeometry:
            return None


def point_of(feature: QgsFeature, x: str, y: str) -> QgsGeometry:
    """The point in two columns, written with a point or a comma; an empty geometry if they hold no numbers."""
    try:
        values = [float(str(feature[name]).strip().replace(",", ".")) for name in (x, y)]
    except ValueError:
        return QgsGeometry()
    return QgsGeometry.fromPointXY(QgsPointXY(*values))
