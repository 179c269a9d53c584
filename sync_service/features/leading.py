"""Old addresses: what stands for a proposal whose card was closed as a duplicate, for whoever may know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request

from sync_service.features.cards import find_whereabouts, standing_of
from sync_service.store import merged, queries
from sync_service.store.collections import collections_of
from sync_service.sync.values import Visibility

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

    from sync_service.store.collections import Collection
    from sync_service.store.database import Database


def follow_card(connection: Connection, row: RowMapping | None, *, publish: bool, working: bool) -> str | None:
    """The number of the card that stands for this one."""
    survivor = None if row is None else merged.survivor_row(connection, row["guid"])
    if survivor is None:
        return None
    found = queries.find_feature(connection, survivor.guid)
    shown = find_whereabouts(found, publish=publish, working=working)
    return None if shown is None else survivor.card_id


def follow_item(connection: Connection, collection: Collection, guid: str, *, publish: bool) -> str | None:
    """The guid of the member of a collection that stands for what is no member of it."""
    survivor = merged.survivor_row(connection, guid)
    if survivor is None or (collection.public and not publish):
        return None
    own, other = queries.find_feature(connection, guid), queries.find_feature(connection, survivor.guid)
    if own is None or other is None or collection.name in collections_of(standing_of(own)):
        return None
    return survivor.guid if collection.name in collections_of(standing_of(other)) else None


def public_survivor(database: Database, guid: str) -> str | None:
    """The guid of the public proposal that stands for this one."""
    with database.reading() as connection:
        survivor = merged.survivor_row(connection, guid)
    return survivor.guid if survivor is not None and survivor.visibility == Visibility.PUBLIC else None


def point_to(neighbour: str) -> Response:
    """Send whoever asks on to the neighbouring address, with the same parameters; it may be otherwise tomorrow."""
    query = request.query_string.decode()
    return Response(status=302, headers={"Location": f"{neighbour}?{query}" if query else neighbour})
