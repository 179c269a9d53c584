"""What a write means for the map: the edit it makes of a proposal as its author had it before their eyes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sync_service.errors import Unprocessable
from sync_service.features.cql import GEOMETRY
from sync_service.sync.editing import Edit, EditOp
from sync_service.sync.fields import field_table, names_owned
from sync_service.sync.values import Owner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_service.features.bodies import Said
    from sync_service.store.collections import Collection
    from sync_service.sync.values import Value

_FOLLOWS = "placement"
"""Follows from the place: a replacement that does not name it leaves it alone."""

_VERSION = "row_version"


def draw(said: Said, guid: str, collection: Collection) -> Edit:
    """A new proposal. Null says nothing, and neither does what only the service computes."""
    if collection.placed and said.geometry is None:
        raise Unprocessable(GEOMETRY, "member_missing")
    named = {name: value for name, value in said.values.items() if value is not None and _is_kept(name)}
    if named.get("blocked") is False:
        del named["blocked"]
    return Edit(EditOp.CREATE, guid, named, said.geometry, said.decimals)


def replace(said: Said, guid: str, shown: Mapping[str, Any]) -> Edit:
    """A proposal as it shall be: shared properties it does not name become null. What is computed is not looked at.

    `shown` has the properties as the collection shows them: saying the same again is no edit, though the public is
    shown less than there is.
    """
    shared = (name for name in names_owned(Owner.SHARED) if name != _FOLLOWS)
    missing: dict[str, Value] = {name: None for name in shared if name in shown and name not in said.values}
    named = {name: value for name, value in said.values.items() if _is_kept(name)}
    return _change(said, guid, _differing(missing | named, shown))


def update(said: Said, guid: str, shown: Mapping[str, Any]) -> Edit:
    """What a patch changes of a proposal."""
    named = {name: value for name, value in said.values.items() if name != _VERSION}
    return _change(said, guid, _differing(named, shown))


def unplace(guid: str) -> Edit:
    """Nothing on the map's side deletes: the place is taken away."""
    return Edit(EditOp.UNPLACE, guid)


def _change(said: Said, guid: str, values: dict[str, Value]) -> Edit:
    cleared = said.placed and said.geometry is None
    return Edit(EditOp.UNPLACE if cleared else EditOp.UPDATE, guid, values, said.geometry, said.decimals)


def _is_kept(name: str) -> bool:
    return name == "guid" or field_table()[name].stored


def _differing(values: Mapping[str, Value], shown: Mapping[str, Any]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if value != shown[name]}
