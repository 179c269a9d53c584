"""The copy's fields as QGIS's forms and tables show them: named, listed, held to their kinds, the board's read-only.

Set once, when a layer is added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qgis.core import (
    Qgis,
    QgsDefaultValue,
    QgsEditFormConfig,
    QgsEditorWidgetSetup,
    QgsFieldConstraints,
    QgsProperty,
    QgsPropertyCollection,
)

if TYPE_CHECKING:
    from qgis.core import QgsVectorLayer

    from placecard.core.wire import Property
    from placecard.core.words import Words

HIDDEN = ("fid", "version")
"""Columns that mean nothing to a person."""

ON_CREATE = ("title", "description")
"""The board's, but whoever draws a new proposal writes them: the service makes its card of them."""

NEW_GUID = "uuid('WithoutBraces')"
YEARS = 1000, 9999
"""What the service takes as a horizon."""

_NEW = '"version" is null'
"""Whether the service does not know a feature yet."""


def set_forms(layer: QgsVectorLayer, properties: tuple[Property, ...], words: Words) -> None:
    """Set up every column of a layer of proposals."""
    form = layer.editFormConfig()
    for name in HIDDEN:
        layer.setEditorWidgetSetup(layer.fields().indexOf(name), QgsEditorWidgetSetup("Hidden", {}))
    for each in properties:
        index = layer.fields().indexOf(each.name)
        if index < 0:
            continue
        layer.setFieldAlias(index, each.titles.get(words.language, each.name))
        layer.setEditorWidgetSetup(index, QgsEditorWidgetSetup(*_widget(each, words)))
        _guard(layer, form, index, each)
    _keep_guids(layer)
    layer.setEditFormConfig(form)
    layer.setDisplayExpression('"title"')
    _hide_columns(layer)


def set_names(layer: QgsVectorLayer, titles: dict[str, str]) -> None:
    """Only names for a layer's columns."""
    for name, title in titles.items():
        layer.setFieldAlias(layer.fields().indexOf(name), title)


def value_titles(told: Property, words: Words) -> dict[str, str]:
    """The values of a closed list as people call them, by value; what has no name is called by itself."""
    return {value: _title(told.name, value, words) for value in told.values or ()}


def _title(name: str, value: str, words: Words) -> str:
    key = f"{name}.{value}"
    said = words.say(key)
    return value if said == key else said


def _widget(told: Property, words: Words) -> tuple[str, dict[str, Any]]:
    if told.values:
        nothing = [] if not told.writable else [{words.say("form.nothing"): "{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}"}]
        return "ValueMap", {"map": [*nothing, *({title: value} for value, title in value_titles(told, words).items())]}
    if told.type == "boolean":
        return "CheckBox", {}
    if told.type == "integer":
        return "TextEdit", {}
    if told.type in ("date", "datetime"):
        shown = "yyyy-MM-dd" if told.type == "date" else "yyyy-MM-dd HH:mm"
        return "DateTime", {"display_format": shown, "calendar_popup": True, "allow_null": True}
    return "TextEdit", {"IsMultiline": told.name in ("description", "summary")}


def _guard(layer: QgsVectorLayer, form: QgsEditFormConfig, index: int, told: Property) -> None:
    if told.name in ON_CREATE:
        form.setDataDefinedFieldProperties(told.name, _editable_while_new())
    elif not told.writable:
        form.setReadOnly(index, True)
    if told.name == "title":
        strength = QgsFieldConstraints.ConstraintStrength.ConstraintStrengthSoft
        layer.setFieldConstraint(index, QgsFieldConstraints.Constraint.ConstraintNotNull, strength)
    if told.name == "horizon":
        first, last = YEARS
        layer.setConstraintExpression(index, f'"horizon" is null or "horizon" between {first} and {last}')
        strength = QgsFieldConstraints.ConstraintStrength.ConstraintStrengthHard
        layer.setFieldConstraint(index, QgsFieldConstraints.Constraint.ConstraintExpression, strength)


def _editable_while_new() -> QgsPropertyCollection:
    asked = QgsPropertyCollection()
    asked.setProperty(QgsEditFormConfig.DataDefinedProperty.Editable, QgsProperty.fromExpression(_NEW))
    return asked


def _keep_guids(layer: QgsVectorLayer) -> None:
    """A new feature gets an id of its own, a copied one too; the parts of a split keep theirs."""
    guid, version = layer.fields().indexOf("guid"), layer.fields().indexOf("version")
    layer.setDefaultValueDefinition(guid, QgsDefaultValue(NEW_GUID))
    layer.setFieldSplitPolicy(guid, Qgis.FieldDomainSplitPolicy.Duplicate)
    layer.setFieldSplitPolicy(version, Qgis.FieldDomainSplitPolicy.Duplicate)
    layer.setFieldDuplicatePolicy(guid, Qgis.FieldDuplicatePolicy.DefaultValue)
    layer.setFieldDuplicatePolicy(version, Qgis.FieldDuplicatePolicy.UnsetField)


def _hide_columns(layer: QgsVectorLayer) -> None:
    config = layer.attributeTableConfig()
    config.update(layer.fields())
    columns = config.columns()
    for column in columns:
        column.hidden = column.name in HIDDEN
    config.setColumns(columns)
    layer.setAttributeTableConfig(config)
