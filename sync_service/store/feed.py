"""The working copy's questions to the store: everything page by page, and the newest state of what changed since.

The feed is derived from the features themselves: each bears the number of its last change, retired ones stay, so a
reader who asks for what is above a number misses nothing. Each function is one statement on one snapshot.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Integer, and_, bindparam, case, literal, or_, select

from sync_service.store.filters import Region, meets_region, not_retired, property_column, within_region
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


def snapshot_rows(
    connection: Connection, region: Region | None, *, today: str, after: int, limit: int
) -> Sequence[AnyRow]:
    """The next features after the fid `after` in the order of fid: fid, guid, version, geometry (WKB), properties.

    With a region, those that meet it and all that have no geometry. `properties` begin at the fifth column, in the
    order of the table of properties.
    """
    statement = _snapshot_statement() if region is None else _narrowed(_snapshot_statement(), region)
    return connection.execute(statement, {"today": today, "since": after, "limit": limit}).all()


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
    connection: Connection, region: Region | None, *, today: str, since: int, limit: int
) -> Sequence[AnyRow]:
    """The next changes after the number `since` in their order: seq, op, guid, version, geometry, properties.

    One row for each feature that changed, as it is now, however often it did. `properties` begin at the sixth column.
    """
    values = {"today": today, "since": since, "limit": limit}
    return connection.execute(_changes(region), values).all()


@lru_cache(maxsize=64)  # the same few boxes are asked about again and again
def _changes(region: Region | None) -> Select[Any]:
    rows = select(feature.c.seq, _op(region), *_HEAD, *_properties()).where(feature.c.seq > _SINCE)
    return rows.order_by(feature.c.seq).limit(_LIMIT)


def _op(region: Region | None) -> ColumnElement[str]:
    gone = (~not_retired(), literal(DELETE))
    if region is None:
        return case(gone, else_=literal(UPSERT))
    outside = and_(feature.c.kind.is_not(None), ~meets_region(region))
    return case(gone, (outside, literal(LEAVE)), else_=literal(UPSERT))


def _properties() -> list[ColumnElement[Any]]:
    return [property_column(each).label(each.name) for each in field_table().values()]
