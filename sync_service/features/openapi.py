"""The API definition: OpenAPI 3.0, made of the same tables as the answers, for what whoever asks may read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sync_service.features.asking import GEOJSON, HTML, JSON, OPENAPI, SCHEMA
from sync_service.features.bodies import PATCH_MEDIA, WHOLE_MEDIA
from sync_service.features.crs import STORAGE
from sync_service.features.params import CURSOR, FILTER_LANGUAGE, LAST, LIMIT, MOST
from sync_service.features.schemas import fields_of, title_of, value_schema
from sync_service.features.shapes import types_of
from sync_service.words import say

if TYPE_CHECKING:
    from collections.abc import Collection as Names
    from collections.abc import Iterable, Mapping

    from sync_service.features.asking import Ask
    from sync_service.store.collections import Collection
    from sync_service.sync.fields import Field

_PROBLEM = "application/problem+json"
_OBJECT = {"type": "object"}


def definition(
    ask: Ask, collections: Iterable[Collection], editable: Names[str], offered: Names[str], version: str
) -> dict[str, Any]:
    """The whole definition. `editable` names the collections whoever asks may write to."""
    kept = list(collections)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": say("features.title", ask.language),
            "description": say("features.description", ask.language),
            "version": version,
        },
        "servers": [{"url": ask.root}],
        "paths": _paths(ask, kept, editable),
        "components": {"parameters": _parameters(ask, kept, offered), "responses": _failures(ask)},
    }


def _paths(ask: Ask, collections: Iterable[Collection], editable: Names[str]) -> dict[str, Any]:
    t = _titles(ask)
    paths = {
        "/": _get("landing", t("title"), [JSON, HTML]),
        "/api": _get("api", t("api"), [OPENAPI, HTML]),
        "/conformance": _get("conformance", t("conformance"), [JSON, HTML]),
        "/collections": _get("collections", t("collections"), [JSON, HTML]),
    }
    for collection in collections:
        paths |= _collection_paths(ask, collection)
        items = f"/collections/{collection.name}/items"
        if ask.working:
            asked = [*map(_reference, ("featureId", "limit", "before"))]
            summary = f"{title_of(ask, collection)}: {t('history')}"
            paths[f"{items}/{{featureId}}/history"] = _get(
                f"{collection.name}.history", summary, [JSON], asked, missing=True
            )
        if collection.name in editable:
            paths[items] |= _create(ask, collection)
            paths[f"{items}/{{featureId}}"] |= _change(ask, collection)
    return paths


def _collection_paths(ask: Ask, collection: Collection) -> dict[str, Any]:
    name, title, t = collection.name, title_of(ask, collection), _titles(ask)
    path = f"/collections/{name}"
    shared = ("limit", CURSOR, "bbox", "bbox-crs", "datetime", "filter", "filter-lang", "filter-crs")
    chosen = _chosen(collection)
    paged = [*map(_reference, (*shared, "crs", chosen))]
    queried = [_property(field, ask) for field in fields_of(collection).values()]
    single = [_reference(each) for each in ("featureId", "crs", chosen)]
    return {
        path: _get(f"{name}.collection", title, [JSON, HTML], missing=True),
        f"{path}/items": _get(f"{name}.items", title, [GEOJSON, HTML], [*paged, *queried], missing=True),
        f"{path}/items/{{featureId}}": _get(f"{name}.item", title, [GEOJSON, HTML], single, missing=True),
        f"{path}/queryables": _get(f"{name}.queryables", f"{title}: {t('queryables')}", [SCHEMA, HTML], missing=True),
        f"{path}/schema": _get(f"{name}.schema", f"{title}: {t('schema')}", [SCHEMA, HTML], missing=True),
    }


def _chosen(collection: Collection) -> str:
    """The parameter that chooses among its properties: the public ones are fewer."""
    return "properties" if collection.public else "working-properties"


def _get(
    operation: str, summary: str, media: Iterable[str], parameters: Iterable[Any] = (), *, missing: bool = False
) -> dict[str, Any]:
    failures = {"400": "Invalid", "404": "NotFound"} if missing else {"400": "Invalid"}
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "tags": [operation.partition(".")[0]],
            "parameters": [*parameters, _reference("f")],
            "responses": {
                "200": {"description": summary, "content": {each: {"schema": _OBJECT} for each in media}},
                **{status: {"$ref": f"#/components/responses/{name}"} for status, name in failures.items()},
                "default": {"$ref": "#/components/responses/Failed"},
            },
        }
    }


def _create(ask: Ask, collection: Collection) -> dict[str, Any]:
    body = _body(ask, collection, WHOLE_MEDIA, required=("type", "geometry", "properties"))
    return {"post": _write(ask, collection, "create", ("Content-Crs", "Idempotency-Key"), body)}


def _change(ask: Ask, collection: Collection) -> dict[str, Any]:
    whole = _body(ask, collection, WHOLE_MEDIA, required=("type", "geometry", "properties"))
    part = _body(ask, collection, PATCH_MEDIA)
    wanted = ("featureId", "Content-Crs", "If-Match")
    return {
        "put": _write(ask, collection, "replace", wanted, whole),
        "patch": _write(ask, collection, "update", wanted, part),
        "delete": _write(ask, collection, "delete", ("featureId", "If-Match")),
    }


_SUCCESS = {"create": "201", "replace": "200", "update": "200", "delete": "204"}


def _write(
    ask: Ask, collection: Collection, verb: str, parameters: Iterable[str], body: dict[str, Any] | None = None
) -> dict[str, Any]:
    told, success = {"description": _titles(ask)(f"write.{verb}")}, _SUCCESS[verb]
    content = {} if success == "204" else {"content": {GEOJSON: {"schema": _OBJECT}}}
    failures = {"400": "Invalid", "404": "NotFound", "412": "Changed", "415": "Media", "422": "Refused"}
    return {
        "operationId": f"{collection.name}.{verb}",
        "summary": f"{title_of(ask, collection)}: {told['description']}",
        "tags": [collection.name],
        "parameters": [_reference(name) for name in parameters],
        **({} if body is None else {"requestBody": body}),
        "responses": {
            success: told | content,
            # What is written may leave the collection, so that there is nothing to show.
            **({"204": told} if success == "200" else {}),
            **{status: {"$ref": f"#/components/responses/{name}"} for status, name in failures.items()},
            "default": {"$ref": "#/components/responses/Failed"},
        },
    }


def _body(ask: Ask, collection: Collection, media: Iterable[str], required: Iterable[str] = ()) -> dict[str, Any]:
    fields, wanted = fields_of(collection).values(), list(required)
    values = {f.name: {"title": f.title(ask.language), **value_schema(f), "nullable": True} for f in fields}
    members = {
        "type": {"type": "string", "enum": ["Feature"]},
        "geometry": _shape(collection, whole=bool(wanted)),
        "properties": {"type": "object", "properties": values},
    }
    schema: dict[str, Any] = {"type": "object", "properties": members}
    schema |= {"required": wanted} if wanted else {}
    return {"required": True, "content": {each: {"schema": schema} for each in media}}


def _shape(collection: Collection, *, whole: bool) -> dict[str, Any]:
    """A geometry of one of the types that the collection takes, or none; unless `whole`, what of it changes."""
    members = {"type": {"type": "string", "enum": list(types_of(collection.kind))}, "coordinates": {"type": "array"}}
    schema: dict[str, Any] = {"type": "object", "nullable": True, "properties": members}
    return {**schema, "required": [*members]} if whole else schema


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/parameters/{name}"}


def _property(field: Field, ask: Ask) -> dict[str, Any]:
    return _query(field.name, field.title(ask.language), value_schema(field))


def _query(name: str, description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "description": description,
        "required": False,
        "schema": schema,
        "style": "form",
        "explode": False,
    }


def _parameters(ask: Ask, readable: Iterable[Collection], offered: Names[str]) -> dict[str, Any]:
    uri = {"type": "string", "format": "uri", "enum": list(offered), "default": STORAGE}
    text = {"type": "string"}
    schemas: dict[str, Any] = {
        # QGIS reads its page size from here.
        "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT},
        CURSOR: text,
        "bbox": {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}},
        "bbox-crs": uri,
        "datetime": text,
        "filter": text,
        "filter-lang": {"type": "string", "enum": [FILTER_LANGUAGE], "default": FILTER_LANGUAGE},
        "filter-crs": uri,
        "crs": uri,
        "before": {"type": "integer", "minimum": 0, "maximum": LAST},
        "f": {"type": "string", "enum": ["json", "html"]},
    }
    t = _titles(ask)
    found = {name: _query(name, t(f"parameter.{name}"), schema) for name, schema in schemas.items()}
    for each in readable:
        names = {"type": "array", "items": {"type": "string", "enum": list(fields_of(each))}}
        found[_chosen(each)] = _query("properties", t("parameter.properties"), names)
    found["featureId"] = {
        "name": "featureId", "in": "path", "description": t("parameter.featureId"), "required": True, "schema": text,
    }  # fmt: skip
    systems = {"type": "string", "enum": [f"<{each}>" for each in offered]}
    for name, schema in (("Content-Crs", systems), ("If-Match", text), ("Idempotency-Key", {**text, "maxLength": 200})):
        about = t(f"parameter.{name}")
        found[name] = {"name": name, "in": "header", "description": about, "required": False, "schema": schema}
    return found


def _failures(ask: Ask) -> dict[str, Any]:
    t = _titles(ask)
    content = {_PROBLEM: {"schema": _OBJECT}}
    names = ("Invalid", "NotFound", "Changed", "Media", "Refused", "Failed")
    return {name: {"description": t(f"failure.{name}"), "content": content} for name in names}


def _titles(ask: Ask) -> Any:
    return lambda key: say(f"features.{key}", ask.language)
