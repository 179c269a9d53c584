"""Features as pages for people: what the GeoJSON says, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from sync_service.features.answers import write_page
from sync_service.features.items import page_links, read_page
from sync_service.features.params import CURSOR, Cursor
from sync_service.features.schemas import fields_of, title_of
from sync_service.words import knows, say

if TYPE_CHECKING:
    from sync_service.features.asking import Ask
    from sync_service.features.items import Shelf
    from sync_service.features.params import Query
    from sync_service.pages.packing import Body
    from sync_service.store.collections import Collection

_COLUMNS = ("title", "stage", "direction", "district", "due")


def items_page(ask: Ask, shelf: Shelf, query: Query) -> Body:
    """One page of a collection."""
    page = read_page(shelf, query)
    features = orjson.loads(b"".join([b"[", *page.texts, b"]"]))
    names = [name for name in query.names or _COLUMNS if name in fields_of(shelf.collection)]
    rows = [(each["id"], _shown(ask, each["properties"], names)) for each in features]
    return write_page(
        ask,
        "items",
        collection=shelf.collection,
        title=title_of(ask, shelf.collection),
        headings=_headings(ask, shelf.collection, names),
        rows=rows,
        matched=shelf.matched(ask, query),
        first=query.cursor == Cursor(),
        start=ask.url(**{CURSOR: Cursor().text()}),
        links=page_links(ask, shelf.collection, page.next),
    )


def item_page(ask: Ask, collection: Collection, text: bytes) -> Body:
    """One feature."""
    feature: dict[str, Any] = orjson.loads(text)
    names = list(feature["properties"])
    shown = zip(_headings(ask, collection, names), _shown(ask, feature["properties"], names), strict=True)
    return write_page(
        ask,
        "item",
        collection=collection,
        collection_title=title_of(ask, collection),
        title=feature["properties"].get("title") or feature["id"],
        feature=feature,
        geometry=orjson.dumps(feature["geometry"]).decode() if feature["geometry"] else None,
        shown=list(shown),
        links=ask.own_links("application/geo+json"),
    )


def _headings(ask: Ask, collection: Collection, names: list[str]) -> list[str]:
    fields = fields_of(collection)
    return [fields[name].title(ask.language) for name in names]


def _shown(ask: Ask, properties: dict[str, Any], names: list[str]) -> list[str]:
    return [_text(ask, name, properties.get(name)) for name in names]


def _text(ask: Ask, name: str, value: Any) -> str:
    if value is None:
        return "–"
    key = f"features.value.{name}.{value}".lower()
    return say(key, ask.language) if knows(key) else str(value)
