"""Export: the proposals as a plain GeoPackage for another GIS, to be taken back by the import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsProcessingException,
    QgsProcessingParameterFileDestination,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

from placecard.core.copyfile.layout import LAYERS, table
from placecard.processing.algorithm import COPY, Algorithm

if TYPE_CHECKING:
    from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProcessingParameterDefinition

OUTPUT = "OUTPUT"


class Export(Algorithm):
    """Write every layer of the copy into one file that holds nothing of ours but ids and versions."""

    key = "export"
    writes = False

    def parameters(self) -> list[QgsProcessingParameterDefinition]:
        """The file to make."""
        return [QgsProcessingParameterFileDestination(OUTPUT, self.say("export.output"), "GeoPackage (*.gpkg)")]

    def work(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """A layer a kind of place, named as in the copy."""
        copy = self.parameterAsFile(parameters, COPY, context)
        made = Path(self.parameterAsFileOutput(parameters, OUTPUT, context))
        made.unlink(missing_ok=True)
        for number, name in enumerate(LAYERS):
            layer = QgsVectorLayer(f"{copy}|layername={table(name)}", name, "ogr")
            how = QgsVectorFileWriter.SaveVectorOptions()
            how.driverName, how.layerName = "GPKG", name
            how.attributes = [index for index, each in enumerate(layer.fields()) if each.name() != "fid"]
            if number:
                how.actionOnExistingFile = QgsVectorFileWriter.ActionOnExistingFile.CreateOrOverwriteLayer
            written = QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(made), context.transformContext(), how)
            if written[0] != QgsVectorFileWriter.WriterError.NoError:
                raise QgsProcessingException(written[1])
            feedback.setProgress(100 * (number + 1) / len(LAYERS))
        return {OUTPUT: str(made)}
