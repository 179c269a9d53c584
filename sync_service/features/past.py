"""What happened to a proposal: every change with its author, before and after."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

import orjson
import shapely

from sync_service.access import Action, require
from sync_service.errors import NotFound
from sync_service.features.answers import respond, write_json
from sync_service.features.asking import JSON
from sync_service.features.cql import GEOMETRY
from sync_service.features.params import HISTORIC, read_before, read_limit
from sync_service.store import queries
from sync_service.store.history import pasts_of
from sync_service.store.rendering import geometry_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Blueprint, Response

    from sync_service.features.asking import Ask
    from sync_service.features.face import Face
    from sync_service.store.history import Past
    from sync_service.sync.values import Value


def add_history(blueprint: Blueprint, face: Face) -> None:
    """`…/items/{guid}/history`, for those who read what is not public; also of what has left the collection."""

    @blueprint.get("/ogc/collections/<name>/items/<guid>/history")
    def history(name: str, guid: str) -> Response:
        require(Action.READ_WORKING)
        ask = face.ask(*HISTORIC)
        collection = face.collection(ask, name)
        limit, before = read_limit(ask.parameters), read_before(ask.parameters)
        with face.shelf(collection) as shelf:
            row = queries.find_feature(shelf.connection, guid)
            if row is None:
                raise NotFound("feature", guid=guid)
            pasts = pasts_of(shelf.connection, guid, before=before, limit=limit + 1)
            tag = face.tag(ask, version=shelf.version(row["version"]))
        return respond(ask, tag, JSON, lambda: write_json(_document(ask, guid, pasts, limit)))


def _document(ask: Ask, guid: str, pasts: Sequence[Past], limit: int) -> dict[str, Any]:
    shown = pasts[:limit]
    links = [ask.link("self", JSON, ask.url(form=ask.form))]
    if len(pasts) > limit:
        links.append(ask.link("next", JSON, ask.url(form=ask.form, before=str(shown[-1].id))))
    return {"guid": guid, "history": [_change(past) for past in shown], "links": links}


def _change(past: Past) -> dict[str, Any]:
    return {
        "version": past.version,
        "at": past.at,
        "source": past.source,
        "who": past.who,
        "push": past.push,
        "before": None if past.before is None else _told(past.before),
        "after": _told(past.after),
    }


def _told(values: Mapping[str, Value]) -> dict[str, Any]:
    """Flat values with the geometry as GeoJSON."""
    wkb = values.get(GEOMETRY)
    if not isinstance(wkb, str):
        return dict(values)
    return {**values, GEOMETRY: orjson.Fragment(geometry_text(shapely.from_wkb(b64decode(wkb))))}
