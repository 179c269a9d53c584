"""What a working copy is made of and kept up with: pages of the snapshot, pages of changes, as documents."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sync_service.exchange.capabilities import schema_rev
from sync_service.exchange.cursor import Cursor
from sync_service.features.crs import STORAGE, Crs
from sync_service.store.feed import UPSERT, change_rows, snapshot_rows
from sync_service.sync.fields import field_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from sync_service.exchange.cursor import Scope
    from sync_service.store.database import AnyRow
    from sync_service.store.feed import Partners
    from sync_service.store.filters import Box, Region

_DEGREES = Crs(STORAGE, "OGC:CRS84")
_NAMES = tuple(field_table())


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer's view of the store: a connection on one snapshot, whose last change is `seq`; the local date.

    `partners` are the organisations whose proposals are all that is seen of it; None: everything is.
    """

    connection: Connection
    seq: int
    today: str
    version: Callable[[int], str]
    """The version of a feature as it goes over the wire."""
    partners: Partners | None = None


def snapshot_page(reading: Reading, scope: Scope, page: Cursor | None, limit: int) -> dict[str, Any]:
    """The first page of a snapshot, or the one that `page` leads to. Each repeats the first one's cursor."""
    cursor = page or Cursor(scope, reading.seq)
    rows = snapshot_rows(
        reading.connection,
        region_of(scope.box),
        today=reading.today,
        after=cursor.after or 0,
        limit=limit + 1,
        partners=reading.partners,
    )
    more, rows = len(rows) > limit, rows[:limit]
    return {
        "rows": [row_document(reading, row[1:]) for row in rows],
        "next": cursor.page(rows[-1].fid).text() if more else None,
        "has_more": more,
        "cursor": cursor.page(None).text(),
        "schema_rev": schema_rev(),
    }


def change_page(reading: Reading, cursor: Cursor, limit: int) -> dict[str, Any]:
    """The changes since a cursor, newest state per guid, in the order in which they came to be as they are."""
    rows = change_rows(
        reading.connection,
        region_of(cursor.scope.box),
        today=reading.today,
        since=cursor.seq,
        limit=limit + 1,
        partners=reading.partners,
    )
    more, rows = len(rows) > limit, rows[:limit]
    return {
        "changes": [_change(reading, row) for row in rows],
        "next": cursor.moved(rows[-1].seq if more else reading.seq).text(),
        "has_more": more,
        "schema_rev": schema_rev(),
    }


def region_of(box: Box | None) -> Region | None:
    """The region of a box."""
    return None if box is None else _DEGREES.region(*box)


def row_document(reading: Reading, row: Sequence[Any]) -> dict[str, Any]:
    """A row of the store (guid, version, geometry, properties) as a working copy has it."""
    guid, version, geometry, *values = row
    return {
        "guid": guid,
        "version": reading.version(version),
        "geometry": None if geometry is None else b64encode(geometry).decode(),
        "properties": dict(zip(_NAMES, values, strict=True)),
    }


def _change(reading: Reading, row: AnyRow) -> dict[str, Any]:
    op = row[1]
    if op == UPSERT:
        return {"op": op, **row_document(reading, row[2:])}
    # What is no longer theirs to see, or no longer in their box, is named and not told.
    return {"op": op, "guid": row[2], "version": reading.version(row[3]), "geometry": None, "properties": None}
