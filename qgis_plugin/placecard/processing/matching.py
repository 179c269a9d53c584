"""Match: which feature of a layer (parcels, buildings, streets) is the place of which proposal, by what both name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import (
    Qgis,
    QgsFeature,
    QgsFeatureSink,
    QgsField,
    QgsFields,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
)
from qgis.PyQt.QtCore import QMetaType

from placecard.core.copyfile import edits
from placecard.core.errors import BadGeometry
from placecard.host.transform import to_copy
from placecard.processing.algorithm import Algorithm
from placecard.processing.finding import PROPERTIES, Finder

if TYPE_CHECKING:
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProcessingParameterDefinition

    from placecard.core.copyfile.copy import Proposal

INPUT, FIELD, PROPERTY, PLACE, OUTPUT = "INPUT", "FIELD", "PROPERTY", "PLACE", "OUTPUT"
OUTPUTS = ("MATCHED", "PLACED")
ADDED = ("guid", "title", "stage", "placement", "matches")


class Match(Algorithm):
    """Find for each feature the proposals that name it, and place those that wait for a place if wanted."""

    key = "match"

    def parameters(self) -> list[QgsProcessingParameterDefinition]:
        """The layer, its field, the property to compare with, and whether what matches once is placed."""
        for name in OUTPUTS:
            self.addOutput(QgsProcessingOutputNumber(name, self.say(f"match.{name.lower()}")))
        names = [self.say(f"property.{name}") for name in PROPERTIES]
        kinds = [Qgis.ProcessingSourceType.VectorAnyGeometry]
        return [
            QgsProcessingParameterFeatureSource(INPUT, self.say("layer"), kinds),
            QgsProcessingParameterField(FIELD, self.say("field"), parentLayerParameterName=INPUT),
            QgsProcessingParameterEnum(PROPERTY, self.say("property"), names, defaultValue=2),
            QgsProcessingParameterBoolean(PLACE, self.say("match.place"), defaultValue=False),
            QgsProcessingParameterFeatureSink(OUTPUT, self.say("match.output")),
        ]

    def work(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """One row a pair of feature and proposal."""
        copy = self.copy(parameters, context)
        source = self.parameterAsSource(parameters, INPUT, context)
        field = self.parameterAsString(parameters, FIELD, context)
        finder = Finder(copy, PROPERTIES[self.parameterAsEnum(parameters, PROPERTY, context)])
        pairs = [
            (feature, found) for feature in source.getFeatures() for found in [finder.find(feature[field])] if found
        ]
        fields = with_proposal(source.fields())
        kind, crs = source.wkbType(), source.sourceCrs()
        sink, made = self.parameterAsSink(parameters, OUTPUT, context, fields, kind, crs)
        wanted = self.parameterAsBoolean(parameters, PLACE, context)
        named = _features_by_proposal(pairs)
        placed = 0
        for number, (feature, found) in enumerate(pairs):
            if feedback.isCanceled():
                break
            for proposal in found:
                sink.addFeature(_row(fields, feature, proposal, len(found)), QgsFeatureSink.Flag.FastInsert)
            alone = len(found) == 1 and named[found[0].guid] == 1
            if wanted and alone and found[0].placement == "unplaced":
                try:
                    edits.place(copy, found[0].guid, to_copy(feature.geometry(), crs, context.transformContext()).wkb)
                    placed += 1
                except BadGeometry as error:
                    feedback.pushWarning(f"{found[0].title}: {self.words.say(error.key, **error.data)}")
            feedback.setProgress(100 * (number + 1) / len(pairs))
        return {OUTPUT: made, "MATCHED": sum(len(found) for _, found in pairs), "PLACED": placed}


def with_proposal(fields: QgsFields) -> QgsFields:
    """The fields of a layer, and those of the proposal beside them, named apart."""
    taken = {name.lower() for name in fields.names()}
    made = QgsFields(fields)
    for name in ADDED:
        kind = QMetaType.Type.Int if name == "matches" else QMetaType.Type.QString
        made.append(QgsField(f"proposal_{name}" if name in taken else name, kind))
    return made


def _row(fields: QgsFields, feature: QgsFeature, proposal: Proposal, matches: int) -> QgsFeature:
    row = QgsFeature(fields)
    row.setGeometry(feature.geometry())
    told = (proposal.guid, proposal.title, proposal.stage, proposal.placement, matches)
    row.setAttributes([*feature.attributes(), *told])
    return row


def _features_by_proposal(pairs: list[tuple[QgsFeature, list[Proposal]]]) -> dict[str, int]:
    """How many features name each proposal: where there are several, a person chooses."""
    count: dict[str, int] = {}
    for _, found in pairs:
        for proposal in found:
            count[proposal.guid] = count.get(proposal.guid, 0) + 1
    return count
