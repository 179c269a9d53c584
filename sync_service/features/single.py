"""One feature: who may see it at which address, and the answer that shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sync_service.features.answers import respond
from sync_service.features.asking import GEOJSON, HTML
from sync_service.features.cards import standing_of
from sync_service.features.items import properties_of, read_item, type_of, write_item
from sync_service.features.pages import item_page
from sync_service.store import queries
from sync_service.store.collections import collections_of
from sync_service.store.queries import Selection
from sync_service.sync.values import Stage, Visibility

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Response
    from sqlalchemy import RowMapping

    from sync_service.features.asking import Ask
    from sync_service.features.face import Face
    from sync_service.features.items import Shelf
    from sync_service.store.collections import Collection


def show_item(face: Face, ask: Ask, collection: Collection, guid: str) -> Response | None:
    """The feature as whoever asks sees it in a collection; None if there is none for them."""
    query = face.reader(collection).query(ask.parameters, collection)
    with face.shelf(collection) as shelf:
        row = queries.find_feature(shelf.connection, guid)
        if row is None or not is_shown(row, ask, shelf):
            return None
        write = item_page if ask.html else write_item
        return respond(
            ask,
            face.tag(ask, shelf.today, version=shelf.version(row["version"])),
            HTML if ask.html else GEOJSON,
            lambda: write(ask, collection, read_item(shelf, row, query, member=_is_member(row, shelf))),
            Content_Crs=f"<{query.crs.uri}>",
        )


@dataclass(frozen=True, slots=True)
class Item:
    """A feature before it is written: its version (`number`), and what the collection shows of it.

    `shown` are its properties, `shape_type` is the GeoJSON type of its geometry.
    """

    shelf: Shelf
    number: int
    shown: Mapping[str, Any]
    shape_type: str | None

    @property
    def version(self) -> str:
        """Its version, as on the wire."""
        return self.shelf.version(self.number)


def find_item(face: Face, ask: Ask, collection: Collection, guid: str) -> Item | None:
    """The same feature, for whoever writes."""
    with face.shelf(collection) as shelf:
        row = queries.find_feature(shelf.connection, guid)
        if row is None or not is_shown(row, ask, shelf):
            return None
        selection = Selection(collection, anyone=True).only((row["fid"],))
        (whole,) = queries.page_rows(shelf.connection, selection, shelf.today, 0, 1)
        return Item(shelf, row["version"], properties_of(whole, collection), type_of(whole, collection))


def is_shown(row: RowMapping, ask: Ask, shelf: Shelf) -> bool:
    """Whether whoever asks sees a feature at an address: a member of the collection or, to its editors, a future one.

    What is drawn on the map has no card yet, and no stage at which anybody else would see it. Where all kinds stand,
    editors find every proposal, placed or not.
    """
    return _is_member(row, shelf) or (ask.working and _is_ahead(row, shelf.collection))


def _is_member(row: RowMapping, shelf: Shelf) -> bool:
    return not shelf.empty and shelf.collection.name in collections_of(standing_of(row))


def _is_ahead(row: RowMapping, collection: Collection) -> bool:
    """Whether it would be a member if it were approved and published as it is."""
    standing = standing_of(row)
    if standing.visibility is Visibility.RETIRED:
        return False
    ahead = replace(standing, visibility=Visibility.PUBLIC, stage=Stage.APPROVED)
    return (collection.public and collection.kind is None) or collection.name in collections_of(ahead)
