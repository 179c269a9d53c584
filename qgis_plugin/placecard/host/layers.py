"""The copy's layers in a project: added once, found again, told to read anew. What the user made of them is let be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qgis.core import QgsProviderRegistry, QgsVectorLayer

from placecard.core.copyfile.layout import CHANGES, DISTRICTS, LAYERS, UNPLACED, table
from placecard.host.forms import set_forms, set_names
from placecard.host.style import style_by_stage, style_districts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qgis.core import QgsLayerTreeGroup, QgsMapLayer, QgsProject

    from placecard.core.copyfile.copy import WorkingCopy
    from placecard.core.words import Words

TABLES = {**{layer: table(layer) for layer in LAYERS}, "changes": CHANGES, "districts": DISTRICTS}
"""Every layer a copy shows, by its name among us, from top to bottom: the table it is of."""

PROPERTY = "placecard/layer"
"""A layer's property in the project: its name among us."""

GROUP = "placecard/group"


def add_copy(project: QgsProject, copy: WorkingCopy, title: str, words: Words) -> Iterator[QgsVectorLayer]:
    """Add what is not there yet, one layer a step, in a group called `title`; nothing is drawn before the last.

    A person goes on working between two steps: opening them all at once would be felt.
    """
    there = find_layers(project, copy.path)
    group = _find_group(project, copy.path) or _make_group(project, copy.path, title)
    for name, source in TABLES.items():
        if name in there or (name == "districts" and not copy.districts()):
            continue
        layer = QgsVectorLayer(f"{copy.path}|layername={source}", words.say(f"layer.{name}"), "ogr")
        if layer.isValid():
            _set_up(layer, name, copy, words)
            project.addMapLayer(layer, False)
            group.addLayer(layer)
            yield layer


def find_layers(project: QgsProject, path: Path) -> dict[str, list[QgsVectorLayer]]:
    """The layers of the copy at this path, by name, however they came into the project."""
    names = {source: name for name, source in TABLES.items()}
    found: dict[str, list[QgsVectorLayer]] = {}
    for layer in project.mapLayers().values():
        source = _source(layer)
        if source is not None and source[1] in names and same_file(source[0], path):
            found.setdefault(names[source[1]], []).append(layer)
    return found


def copies_in(project: QgsProject) -> list[Path]:
    """Files of the copies whose layers are in a project."""
    sources = (_source(layer) for layer in project.mapLayers().values())
    return sorted({path for path, name in filter(None, sources) if name in TABLES.values()})


def is_ours(layer: QgsMapLayer) -> bool:
    """Whether a layer shows a copy."""
    return layer.customProperty(PROPERTY) is not None


def being_edited(project: QgsProject, path: Path) -> list[QgsVectorLayer]:
    """The copy's layers that are in edit mode."""
    return [layer for layers in find_layers(project, path).values() for layer in layers if layer.isEditable()]


def is_unsaved(project: QgsProject, copy: WorkingCopy, guid: str) -> bool:
    """Whether a layer holds edits of a proposal that are not in the file yet."""
    layers = find_layers(project, copy.path)
    modified = [(name, layer) for name, group in layers.items() for layer in group if layer.isModified()]
    there = copy.standing(guid) if modified else set()
    return any(_holds(layer, guid, {fid for where, fid in there if where == name}) for name, layer in modified)


def refresh(project: QgsProject, path: Path) -> None:
    """Have the copy's layers read the file anew, whatever they look like; a layer being edited keeps its edits."""
    for layer in (each for layers in find_layers(project, path).values() for each in layers):
        selected = layer.selectedFeatureIds()
        layer.dataProvider().reloadData()
        if not layer.isEditable():
            layer.updateFields()
            layer.updateExtents()
        if layer.selectedFeatureIds() != selected:  # QGIS selects nothing in what it has read anew
            layer.selectByIds(selected)
        layer.triggerRepaint()


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths are of one file."""
    try:
        return one.samefile(other)
    except OSError:
        return one == other


def _source(layer: object) -> tuple[Path, str] | None:
    if not isinstance(layer, QgsVectorLayer) or layer.providerType() != "ogr":
        return None
    parts = QgsProviderRegistry.instance().decodeUri("ogr", layer.source())
    return Path(parts.get("path") or ""), str(parts.get("layerName") or "")


def _holds(layer: QgsVectorLayer, guid: str, fids: set[int]) -> bool:
    # Nothing is asked of the layer itself: one that cannot read just now says that it has no features.
    buffer, column = layer.editBuffer(), layer.fields().indexOf("guid")
    touched = {*buffer.changedGeometries(), *buffer.changedAttributeValues(), *buffer.deletedFeatureIds()}
    drawn = {each.attribute(column) for each in buffer.addedFeatures().values()}
    return bool(fids & touched) or guid in drawn


def _set_up(layer: QgsVectorLayer, name: str, copy: WorkingCopy, words: Words) -> None:
    layer.setCustomProperty(PROPERTY, name)
    if name == "changes":
        set_names(layer, {column: words.say(f"changes.column.{column}") for column in layer.fields().names()})
        layer.setReadOnly(True)
    elif name == "districts":
        set_names(layer, {"name": words.say("changes.column.district")})
        style_districts(layer)
        layer.setReadOnly(True)
    else:
        set_forms(layer, copy.capabilities.properties, words)
        if name != UNPLACED:
            style_by_stage(layer, words)


def _find_group(project: QgsProject, path: Path) -> QgsLayerTreeGroup | None:
    groups = project.layerTreeRoot().findGroups(True)
    return next((each for each in groups if each.customProperty(GROUP) == str(path)), None)


def _make_group(project: QgsProject, path: Path, title: str) -> QgsLayerTreeGroup:
    group = project.layerTreeRoot().insertGroup(0, title)
    group.setCustomProperty(GROUP, str(path))
    return group
