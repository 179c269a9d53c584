"""The working copy's questions to the store: everything page by page, and the newest state of what changed since.

The feed is derived from the features themselves: each bears the number of its last change, retired ones stay, so a
reader who asks for what is above a number misses nothing. Each function is one statement on one snapshot.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Integer, and_, bindparam, case, literal, or_, select

from sync_service.store.filters import (
    Region,
    meets_region,
    not_retired,
    of_partners,
    once_of_partners,
    property_column,
    within_region,
)
from sync_service.store.tables import feature
from sync_service.sync.fields import field_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Select

    from sync_service.store.database import AnyRow

UPSERT, DELETE, LEAVE = "upsert", "delete", "leave"
"""What a change means for a working copy: keep this state; it is no more; it is outside the box now."""

_SINCE = bindparam("since", None, type_=Integer)
_LIMIT = bindparam("limit", None, type_=Integer)
_HEAD = (feature.c.guid, feature.c.version, feature.c.geometry)


Partners = tuple[str, ...]
"""Organisations, without letter case, whose proposals are all that somebody may see; None: they may see any."""


def snapshot_rows(
    connection: Connection,
    region: Region | None,
    *,
    today: str,
    after: int,
    limit: int,
    partners: Partners | None = None,
) -> Sequence[AnyRow]:
    """The next features after the fid `after` in the order of fid: fid, guid, version, geometry (WKB), properties.

    With a region, those that meet it and all that have no geometry. `properties` begin at the fifth column, in the
    order of the table of properties.
    """
    statement = _snapshot_statement() if region is None else _narrowed(_snapshot_statement(), region)
    values: dict[str, Any] = {"today": today, "since": after, "limit": limit}
    if partners is None:
        return connection.execute(statement, values).all()
    return connection.execute(statement.where(of_partners()), values | {"partners": partners}).all()


@cache
def _snapshot_statement() -> Select[Any]:
    rows = select(feature.c.fid, *_HEAD, *_properties()).where(not_retired(), feature.c.fid > _SINCE)
    return rows.order_by(feature.c.fid).limit(_LIMIT)


def _narrowed(statement: Select[Any], region: Region) -> Select[Any]:
    return statement.where(or_(feature.c.kind.is_(None), within_region(region)))


def row_with(connection: Connection, guid: str, *, today: str) -> AnyRow | None:
    """One feature that is not retired: guid, version, geometry, properties, as a snapshot has them."""
    return connection.execute(_single(), {"today": today, "this": guid}).one_or_none()


@cache
def _single() -> Select[Any]:
    return select(*_HEAD, *_properties()).where(not_retired(), feature.c.guid == bindparam("this"))


def change_rows(
    connection: Connection,
    region: Region | None,
    *,
    today: str,
    since: int,
    limit: int,
    partners: Partners | None = None,
) -> Sequence[AnyRow]:
    """The next changes after the number `since` in their order: seq, op, guid, version, geometry, properties.

    One row for each feature that changed, as it is now, however often it did. `properties` begin at the sixth column.
    What was never a partner's is not theirs to know of; what is so no longer is no more, to them.
    """
    values: dict[str, Any] = {"today": today, "since": since, "limit": limit}
    if partners is None:
        return connection.execute(_changes(region), values).all()
    return connection.execute(_changes(region, own=True), values | {"partners": partners}).all()


@lru_cache(maxsize=64)  # the same few boxes are asked about again and again
def _changes(region: Region | None, *, own: bool = False) -> Select[Any]:
    rows = select(feature.c.seq, _op(region, own=own), *_HEAD, *_properties()).where(feature.c.seq > _SINCE)
    rows = rows.where(or_(of_partners(), once_of_partners())) if own else rows
    return rows.order_by(feature.c.seq).limit(_LIMIT)


def _op(region: Region | None, *, own: bool) -> ColumnElement[str]:
    gone = (or_(~not_retired(), ~of_partners()) if own else ~not_retired(), literal(DELETE))
    if region is None:
        return case(gone, else_=literal(UPSERT))
    outside = and_(feature.c.kind.is_not(None), ~meets_region(region))
    return case(gone, (outside, literal(LEAVE)), else_=literal(UPSERT))


def _properties() -> list[ColumnElement[Any]]:
    return [property_column(each).label(each.name) for each in field_table().values()]
