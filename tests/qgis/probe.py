"""What QGIS sees of a collection, as JSON. Run by the system's Python, which has QGIS: it reads a question a line.

A question is `{"url", "collection"}` with, if wanted: `filter`, the layer's subset; `box`, only what meets it, asked of
the server; `expression`, a request's filter; `reload`, the layer opened before with this url, collection and filter,
refreshed as a person does; `token`, kept in an authentication configuration as QGIS keeps one and sent as a header;
`edits`, made in one edit session and saved, each `add`, `move`, `set` or `delete` (see `EDITS`). The answer, one line
beginning `ANSWER`, has the layer's geometry type, coordinate system, fields with their types, what may be edited, the
feature count and features; and of edits, whether they were saved and what QGIS says of it. The disk cache is kept
between questions as a person's is.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from qgis.core import (
    QgsApplication,
    QgsAuthMethodConfig,
    QgsDataSourceUri,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsNetworkAccessManager,
    QgsRectangle,
    QgsVectorDataProvider,
    QgsVectorLayer,
    QgsWkbTypes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Question = dict[str, Any]


def open_layer(question: Question) -> QgsVectorLayer:
    """The collection as the dialog for OGC API layers adds it."""
    uri = QgsDataSourceUri()
    uri.setParam("url", question["url"])
    uri.setParam("typename", question["collection"])
    if "filter" in question:
        uri.setParam("filter", question["filter"])
    if "box" in question:
        uri.setParam("restrictToRequestBBOX", "1")
    if "token" in question:
        uri.setAuthConfigId(keep_token(question["token"]))
    return QgsVectorLayer(uri.uri(False), question["collection"], "OAPIF")


@cache
def keep_token(token: str) -> str:
    """The token in QGIS's own encrypted store, as a person puts it there; the id of its configuration."""
    manager = QgsApplication.authManager()
    manager.setMasterPassword("of this test", True)
    config = QgsAuthMethodConfig("APIHeader")
    config.setName("token")
    config.setConfig("Authorization", f"Bearer {token}")
    assert manager.storeAuthenticationConfig(config)[0]
    return str(config.id())


def find_layer(question: Question, opened: dict[Any, Any]) -> QgsVectorLayer:
    """The layer a question is about: a new one, or the one opened before, reloaded."""
    key = tuple(question.get(name) for name in ("url", "collection", "filter", "token"))
    if question.get("reload"):
        opened[key].dataProvider().reloadData()
    else:
        opened[key] = open_layer(question)
    return opened[key]


def describe(question: Question, layer: QgsVectorLayer) -> dict[str, Any]:
    """What the layer says of itself and holds."""
    if not layer.isValid():
        return {"valid": False, "error": layer.error().message()}
    request = QgsFeatureRequest()
    if "box" in question:
        request.setFilterRect(QgsRectangle(*question["box"]))
    if "expression" in question:
        request.setFilterExpression(question["expression"])
    said = save(layer, question["edits"]) if "edits" in question else {}
    features = [tell(feature) for feature in layer.getFeatures(request)]
    capabilities = layer.dataProvider().capabilities()
    return {
        **said,
        "may": [name for name, flag in CAPABILITIES.items() if capabilities & flag],
        "valid": True,
        "geometry": QgsWkbTypes.displayString(layer.wkbType()),
        "crs": layer.crs().authid(),
        "fields": {field.name(): field.typeName() for field in layer.fields()},
        "count": layer.featureCount(),
        "features": features,
    }


CAPABILITIES = {
    "add": QgsVectorDataProvider.AddFeatures,
    "move": QgsVectorDataProvider.ChangeGeometries,
    "set": QgsVectorDataProvider.ChangeAttributeValues,
    "delete": QgsVectorDataProvider.DeleteFeatures,
}


def save(layer: QgsVectorLayer, edits: list[Any]) -> dict[str, Any]:
    """One edit session: everything is done in the layer first, then saved."""
    if not layer.startEditing():
        return {"saved": False, "said": ["not editable"]}
    for name, *rest in edits:
        assert EDITS[name](layer, *rest), (name, rest)
    saved = layer.commitChanges()
    said = list(layer.commitErrors())
    if not saved:
        layer.rollBack()
    return {"saved": saved, "said": said}


def _of(layer: QgsVectorLayer, guid: str) -> Any:
    return next(feature for feature in layer.getFeatures() if feature["id"] == guid)


def _add(layer: QgsVectorLayer, wkt: str, values: dict[str, object]) -> bool:
    """Draw a feature; what has no value is null."""
    feature = QgsFeature(layer.fields())
    feature.setGeometry(QgsGeometry.fromWkt(wkt))
    for name, value in values.items():
        feature[name] = value
    return bool(layer.addFeature(feature))


def _move(layer: QgsVectorLayer, guid: str, vertex: int, x: float, y: float) -> bool:
    """Drag one vertex."""
    return bool(layer.moveVertex(x, y, _of(layer, guid).id(), vertex))


def _set(layer: QgsVectorLayer, guid: str, name: str, value: object) -> bool:
    """Type a value into the attribute table."""
    return bool(layer.changeAttributeValue(_of(layer, guid).id(), layer.fields().indexOf(name), value))


def _delete(layer: QgsVectorLayer, guid: str) -> bool:
    return bool(layer.deleteFeature(_of(layer, guid).id()))


EDITS: dict[str, Callable[..., bool]] = {"add": _add, "move": _move, "set": _set, "delete": _delete}


def tell(feature: Any) -> dict[str, Any]:
    """One feature: its geometry as WKT, its attributes as text where JSON has no such type."""
    attributes = zip(feature.fields().names(), feature.attributes(), strict=True)
    values = {name: plain(value) for name, value in attributes}
    shape = feature.geometry()
    return {"geometry": None if shape.isNull() else shape.asWkt(6), "attributes": values}


def plain(value: Any) -> object:
    """An attribute as JSON has it."""
    if hasattr(value, "isNull") and value.isNull():
        return None
    return value if isinstance(value, int | float | str | bool | None) else value.toString(1)


def main() -> None:
    """Answer every question."""
    application = QgsApplication([], False)
    application.initQgis()
    QgsNetworkAccessManager.instance()
    opened: dict[Any, Any] = {}
    for line in sys.stdin:
        question = json.loads(line)
        answer = describe(question, find_layer(question, opened))
        sys.stdout.write("ANSWER " + json.dumps(answer, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    opened.clear()
    application.exitQgis()


if __name__ == "__main__":
    main()
