"""The features of a collection, page by page, and one by one. Bodies join texts kept in the store where they can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import shapely

from sync_service.editing.versions import version_text
from sync_service.features.asking import GEOJSON, HTML, JSON
from sync_service.features.params import CURSOR, Cursor, Query
from sync_service.features.schemas import fields_of
from sync_service.store import queries
from sync_service.store.counter import Identity
from sync_service.store.queries import Selection, Texts
from sync_service.store.rendering import geometry_text, multiplied, simplified

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry
    from sqlalchemy import Connection, RowMapping

    from sync_service.features.answers import Memo
    from sync_service.features.asking import Ask
    from sync_service.features.crs import Crs
    from sync_service.pages.packing import Body
    from sync_service.store.collections import Collection
    from sync_service.store.queries import State


@dataclass(frozen=True, slots=True)
class Page:
    """Features as GeoJSON in pieces, how many there are, and where the next page begins (None: nowhere)."""

    texts: Body
    number: int
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class Shelf:
    """A collection as one request sees it: `state` and all that is read belong to one snapshot."""

    connection: Connection
    collection: Collection
    state: State
    empty: bool
    today: str
    memo: Memo

    def version(self, number: int) -> str:
        """The version of a feature of this store, as its ETag says it."""
        me = Identity(self.state.store, self.state.epoch, self.state.seq, None, None)
        return version_text(me, number)

    def selection(self, query: Query | None = None) -> Selection:
        """Its members, or those a query asks for."""
        return Selection(self.collection, query.conditions if query else (), self.empty)

    def matched(self, ask: Ask, query: Query) -> int:
        """How many features a query matches: the kept count, or counted once for this state and these parameters."""
        if self.empty:
            return 0
        if not query.conditions:
            return self.state.size
        asked = tuple(sorted((k, v) for k, v in ask.parameters.items() if k not in {"limit", CURSOR, "crs"}))
        selection = self.selection(query)
        key = ("matched", self.collection.name, self.state, self.today, asked)
        return self.memo.get(key, lambda: queries.count_features(self.connection, selection, self.today))

    def samples(self, query: Query) -> tuple[int, ...]:
        """Fids to show first, so that who guesses types from the first features guesses right."""
        if query.conditions or self.empty or self.state.size == 0:
            return ()
        key = ("samples", self.collection.name, self.state)
        return self.memo.get(key, lambda: queries.read_samples(self.connection, self.selection()))[: query.limit]

    def sample_texts(self, query: Query, shown: tuple[int, ...]) -> bytes:
        """Those features."""
        key = ("sample_texts", self.collection.name, self.state, self.today, query.crs, query.names, shown)
        return self.memo.get(key, lambda: _texts(self, self.selection().only(shown), query, 0, len(shown)).text)

    def extent(self) -> queries.Extent:
        """Where and when its features are."""
        if self.empty or self.state.size == 0:
            return queries.Extent(None, None, None)
        key = ("extent", self.collection.name, self.state)
        return self.memo.get(key, lambda: queries.read_extent(self.connection, self.selection()))


def read_page(shelf: Shelf, query: Query) -> Page:
    """One page: on the first, the samples come before all others."""
    cursor, parts, count = query.cursor, [], 0
    if cursor == Cursor():
        cursor = Cursor(0, shelf.samples(query))
        count = len(cursor.shown)
        parts = [shelf.sample_texts(query, cursor.shown)] if count else []
    selection = shelf.selection(query).but(cursor.shown)
    text, number, last = _texts(shelf, selection, query, cursor.after, query.limit - count)
    count += number
    after = last or cursor.after
    more = count >= query.limit and queries.any_after(shelf.connection, selection, shelf.today, after)
    texts = [*parts, b",", text] if parts and text else [*parts, text]
    return Page(texts, count, Cursor(after, cursor.shown) if more else None)


def _texts(shelf: Shelf, selection: Selection, query: Query, after: int, limit: int) -> Texts:
    if limit == 0:
        return Texts(b"", 0, 0)
    if query.crs.stored and query.names is None and selection.collection.public:
        return _kept_texts(shelf, selection, after, limit)
    rows = queries.page_rows(shelf.connection, selection, shelf.today, after, limit)
    return Texts(b",".join(render_rows(rows, selection.collection, query)), len(rows), rows[-1]["fid"] if rows else 0)


def _kept_texts(shelf: Shelf, selection: Selection, after: int, limit: int) -> Texts:
    """A page joined from kept texts. Every visitor of the map asks the same ones: a plain page is joined once."""

    def join() -> Texts:
        return queries.page_texts(shelf.connection, selection, shelf.today, after, limit)

    if not selection.plain:
        return join()
    key = ("page", selection.collection.name, shelf.state, shelf.today, selection.without, after, limit)
    return shelf.memo.get(key, join, lambda texts: len(texts.text))


def render_rows(rows: Sequence[RowMapping], collection: Collection, query: Query) -> list[bytes]:
    """Features that no kept text fits: other coordinates, some properties only, or those not for the public."""
    shapes = _shapes(rows, collection, query.crs)
    return [_feature(row, shape, collection, query) for row, shape in zip(rows, shapes, strict=True)]


def _shapes(rows: Sequence[RowMapping], collection: Collection, crs: Crs) -> list[str]:
    stored = [_shape(row, collection) for row in rows]
    return ["null" if shape is None else geometry_text(shape) for shape in crs.project(stored)]


def _shape(row: RowMapping, collection: Collection) -> BaseGeometry | None:
    form = simplified if collection.kind is None else multiplied
    return None if row["geometry"] is None else form(shapely.from_wkb(row["geometry"]))


def type_of(row: RowMapping, collection: Collection) -> str | None:
    """The GeoJSON type of a row's geometry as this collection shows it; None if there is none."""
    shape = _shape(row, collection)
    return None if shape is None else shape.geom_type


def _feature(row: RowMapping, shape: str, collection: Collection, query: Query) -> bytes:
    properties = properties_of(row, collection)
    if query.names is not None:
        properties = {name: properties[name] for name in query.names}
    return b'{"type":"Feature","id":"%s","geometry":%s,"properties":%s}' % (
        row["guid"].encode(), shape.encode(), orjson.dumps(properties),
    )  # fmt: skip


def properties_of(row: RowMapping, collection: Collection) -> dict[str, Any]:
    """A row's properties as this collection shows them: of a public one, what its kept text says and no more."""
    if collection.public:
        return {**orjson.loads(row["properties_json"] + "}"), "overdue_days": row["overdue_days"]}
    return {name: row[name] for name in fields_of(collection)}


def write_collection(ask: Ask, shelf: Shelf, query: Query) -> Body:
    """The page as a GeoJSON FeatureCollection."""
    page = read_page(shelf, query)
    whole = query.cursor == Cursor() and page.next is None
    head = orjson.dumps(
        {
            "type": "FeatureCollection",
            "numberMatched": page.number if whole else shelf.matched(ask, query),
            "numberReturned": page.number,
            "links": page_links(ask, shelf.collection, page.next),
        }
    )
    return [head[:-1] + b',"features":[', *page.texts, b"]}"]


def page_links(ask: Ask, collection: Collection, following: Cursor | None) -> list[dict[str, str]]:
    """`self`, `alternate`, `collection`, and `next` while there is more."""
    path = f"/collections/{collection.name}"
    links = [*ask.own_links(GEOJSON), ask.link("collection", JSON, ask.url(path))]
    if following is not None:
        media = HTML if ask.html else GEOJSON
        links.append(ask.link("next", media, ask.url(form=ask.form, **{CURSOR: following.text()})))
    return links


def write_item(ask: Ask, collection: Collection, text: bytes) -> Body:
    """One feature with its links."""
    links = [*ask.own_links(GEOJSON), ask.link("collection", JSON, ask.url(f"/collections/{collection.name}"))]
    return [text[:-1], b',"links":', orjson.dumps(links), b"}"]


def read_item(shelf: Shelf, row: RowMapping, query: Query, *, member: bool) -> bytes:
    """The text of one feature. `member` is False for one its editors read before it is in the collection."""
    selection = Selection(shelf.collection, query.conditions, anyone=not member).only((row["fid"],))
    return _texts(shelf, selection, query, 0, 1).text
