"""What QGIS sees of views in PostgreSQL, as one line of JSON: `views.py PORT DATABASE USER VIEW…`, by its Python."""

from __future__ import annotations

import json
import os
import sys

from qgis.core import QgsApplication, QgsDataSourceUri, QgsFeatureRequest, QgsRectangle, QgsVectorLayer, QgsWkbTypes

port, database, user, *views = sys.argv[1:]
application = QgsApplication([], False)
application.initQgis()


def look(view: str) -> dict[str, object]:
    """The layer as the browser's list of tables adds it: geometry column and key, nothing more said."""
    uri = QgsDataSourceUri()
    uri.setConnection("127.0.0.1", port, database, user, "")
    uri.setDataSource("gis", view, "geom", "", "fid")
    layer = QgsVectorLayer(uri.uri(False), view, "postgres")
    near = QgsFeatureRequest(QgsRectangle(49.34, 53.53, 49.35, 53.54))
    return {
        "valid": layer.isValid(),
        "type": QgsWkbTypes.displayString(layer.wkbType()),
        "crs": layer.crs().authid(),
        "fields": {field.name(): field.typeName() for field in layer.fields()},
        "titles": sorted(each["title"] for each in layer.getFeatures()),
        "near": sorted(each["title"] for each in layer.getFeatures(near)),
        "editable": layer.startEditing() and layer.deleteFeature(1) and layer.commitChanges(),
    }


sys.stdout.write(json.dumps({view: look(view) for view in views}, ensure_ascii=False) + "\n")
sys.stdout.flush()
os._exit(0)  # QGIS does not always survive being taken down in order
