"""Clashes as they go over the wire, and what a person says shall stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sync_service.editing.resolving import Resolution
from sync_service.errors import BadRequest
from sync_service.exchange.pushing import read_geometry
from sync_service.exchange.wire import pointer_to
from sync_service.store.clashes import open_clashes
from sync_service.sync.editing import GEOMETRY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from sync_service.editing.resolving import Resolved


def clash_list(connection: Connection) -> dict[str, Any]:
    """The open clashes, oldest first."""
    return {"clashes": [item.document() for item in open_clashes(connection)]}


def read_resolution(document: Mapping[str, Any]) -> Resolution:
    """The resolution of a document that is what `resolution.json` wants."""
    fields = dict(document.get("fields", {}))
    if GEOMETRY in document:
        fields[GEOMETRY] = _checked(document[GEOMETRY])
    return Resolution(document["revision"], fields, document.get("renew"))


def _checked(geometry: str | None) -> str | None:
    if geometry is not None and read_geometry(geometry) is None:
        raise BadRequest(pointer_to([GEOMETRY]), "geometry_unreadable")
    return geometry


def resolved_document(resolved: Resolved, push: str) -> dict[str, Any]:
    """What came of it."""
    left = None if resolved.left is None else resolved.left.document()
    return {"guid": resolved.guid, "version": resolved.version, "clash": left, "push": push}
