"""What a collection's features look like, made of the table of properties: queryables (Part 3), schema (Part 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sync_service.features.cql import GEOMETRY
from sync_service.sync.editing import MOST_CHARACTERS, YEARS
from sync_service.sync.fields import field_table
from sync_service.sync.values import Kind, Owner
from sync_service.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_service.features.asking import Ask
    from sync_service.store.collections import Collection
    from sync_service.sync.fields import Field

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SHAPES = {
    Kind.POINT: ("geometry-multipoint", "MultiPoint"),
    Kind.LINE: ("geometry-multilinestring", "MultiLineString"),
    Kind.AREA: ("geometry-multipolygon", "MultiPolygon"),
    None: ("geometry-any", "Geometry"),
}
_ROLES = {"guid": "id", "start": "primary-interval-start", "due": "primary-interval-end"}
_FORMATS = {"date": "date", "datetime": "date-time"}


def fields_of(collection: Collection) -> Mapping[str, Field]:
    """The properties a collection's features have: the public ones, or all."""
    return {name: field for name, field in field_table().items() if field.public or not collection.public}


def value_schema(field: Field) -> dict[str, Any]:
    """JSON Schema of a property's value."""
    found: dict[str, Any] = {"type": field.type if field.type in {"integer", "boolean"} else "string"}
    if field.type in _FORMATS:
        found["format"] = _FORMATS[field.type]
    if field.values:
        found["enum"] = list(field.values)
    return found


def queryables(ask: Ask, collection: Collection) -> dict[str, Any]:
    """What can be asked about."""
    properties: dict[str, Any] = {}
    if collection.placed:
        _, shape = _SHAPES[collection.kind]
        # QGIS knows a geometry by this reference, others by the role.
        properties[GEOMETRY] = _geometry(ask, collection) | {"$ref": f"https://geojson.org/schema/{shape}.json"}
    for field in fields_of(collection).values():
        properties[field.name] = {"title": field.title(ask.language), **value_schema(field)}
    return _document(ask, collection, properties)


def schema(ask: Ask, collection: Collection) -> dict[str, Any]:
    """What a feature has, what plays which role, and what only the service or the board may write."""
    properties: dict[str, Any] = {}
    for place, field in enumerate(fields_of(collection).values(), 1):
        role = {"x-ogc-role": _ROLES[field.name]} if field.name in _ROLES else {}
        fixed = _limits(field) if field.owner is Owner.SHARED else {"readOnly": True}
        properties[field.name] = {
            "title": field.title(ask.language), **value_schema(field), **role, **fixed, "x-ogc-propertySeq": place,
        }  # fmt: skip
    if collection.placed:
        properties[GEOMETRY] = _geometry(ask, collection)
    return _document(ask, collection, properties)


def _limits(field: Field) -> dict[str, Any]:
    """What a value that is written must keep to, besides its type."""
    if field.values:
        return {}
    return {"minimum": YEARS[0], "maximum": YEARS[-1]} if field.type == "integer" else {"maxLength": MOST_CHARACTERS}


def _geometry(ask: Ask, collection: Collection) -> dict[str, Any]:
    shape, _ = _SHAPES[collection.kind]
    return {"title": say("features.geometry", ask.language), "format": shape, "x-ogc-role": "primary-geometry"}


def _document(ask: Ask, collection: Collection, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "$schema": _DRAFT,
        "$id": ask.url(ask.path),
        "type": "object",
        "title": title_of(ask, collection),
        "properties": properties,
        "additionalProperties": False,
    }


def title_of(ask: Ask, collection: Collection) -> str:
    """A collection's name for people."""
    return collection.ru if ask.language == "ru" else collection.en
