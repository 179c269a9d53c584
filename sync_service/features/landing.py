"""The documents that lead to the data: landing page, conformance, collections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sync_service.features.asking import GEOJSON, HTML, JSON, OPENAPI, SCHEMA
from sync_service.features.crs import STORAGE
from sync_service.features.schemas import title_of
from sync_service.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sync_service.features.asking import Ask
    from sync_service.store.collections import Collection
    from sync_service.store.queries import Extent

_OGC = "http://www.opengis.net/spec/"
_REL = "http://www.opengis.net/def/rel/ogc/1.0/"

CONFORMANCE = tuple(
    _OGC + name
    for name in (
        "ogcapi-features-1/1.0/conf/core",
        "ogcapi-features-1/1.0/conf/oas30",
        "ogcapi-features-1/1.0/conf/html",
        "ogcapi-features-1/1.0/conf/geojson",
        "ogcapi-features-2/1.0/conf/crs",
        "ogcapi-features-3/1.0/conf/queryables",
        "ogcapi-features-3/1.0/conf/queryables-query-parameters",
        "ogcapi-features-3/1.0/conf/filter",
        "ogcapi-features-3/1.0/conf/features-filter",
        "ogcapi-features-5/1.0/conf/schemas",
        "ogcapi-features-5/1.0/conf/core-roles-features",
        "cql2/1.0/conf/cql2-text",
        "cql2/1.0/conf/basic-cql2",
        "cql2/1.0/conf/advanced-comparison-operators",
        "cql2/1.0/conf/case-insensitive-comparison",
        "cql2/1.0/conf/basic-spatial-functions",
        "cql2/1.0/conf/basic-spatial-functions-plus",
        # The drafts' name of the same; QGIS looks for this one.
        "cql2/0.0/conf/basic-spatial-operators",
    )
)

WRITING = tuple(
    _OGC + name
    for name in (
        "ogcapi-features-4/1.0/conf/create-replace-delete",
        "ogcapi-features-4/1.0/conf/update",
        "ogcapi-features-4/1.0/conf/optimistic-locking-etags",
        # As the draft spells it.
        "ogcapi-features-4/1.0/req/optimistic-locking-etags",
        "ogcapi-features-4/1.0/conf/features",
    )
)
"""What is kept besides, once a collection is switched on for writing."""


def landing(ask: Ask) -> dict[str, Any]:
    """Where everything is."""
    t = _titles(ask)
    return {
        "title": t("title"),
        "description": t("description"),
        "links": [
            *ask.own_links(JSON),
            ask.link("service-desc", OPENAPI, ask.url("/api", form="json"), t("api")),
            ask.link("service-doc", HTML, ask.url("/api", form="html"), t("api")),
            ask.link("conformance", JSON, ask.url("/conformance"), t("conformance")),
            ask.link("data", JSON, ask.url("/collections"), t("collections")),
        ],
    }


def conformance(ask: Ask, *, writable: bool) -> dict[str, Any]:
    """Which parts of the standards this service keeps."""
    return {"conformsTo": [*CONFORMANCE, *(WRITING if writable else ())], "links": ask.own_links(JSON)}


def collection_list(ask: Ask, described: Iterable[dict[str, Any]], offered: Iterable[str]) -> dict[str, Any]:
    """All collections whoever asks may read."""
    return {"links": ask.own_links(JSON), "crs": list(offered), "collections": list(described)}


def describe(ask: Ask, collection: Collection, extent: Extent, offered: Iterable[str]) -> dict[str, Any]:
    """One collection."""
    t, path = _titles(ask), f"/collections/{collection.name}"
    own = ask.own_links(JSON) if ask.path == path else [ask.link("self", JSON, ask.url(path))]
    return {
        "id": collection.name,
        "title": title_of(ask, collection),
        "description": t(f"about.{collection.name}"),
        "itemType": "feature",
        **_extent(extent),
        "crs": list(offered),
        "storageCrs": STORAGE,
        "links": [
            *own,
            ask.link("items", GEOJSON, ask.url(f"{path}/items"), t("items")),
            ask.link("items", HTML, ask.url(f"{path}/items", form="html"), t("items")),
            ask.link(f"{_REL}queryables", SCHEMA, ask.url(f"{path}/queryables"), t("queryables")),
            ask.link(f"{_REL}schema", SCHEMA, ask.url(f"{path}/schema"), t("schema")),
        ],
    }


def _titles(ask: Ask) -> Any:
    return lambda key: say(f"features.{key}", ask.language)


def _extent(extent: Extent) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    if extent.box is not None:
        west, south, east, north = extent.box
        box = [_outward(west, -1), _outward(south, -1), _outward(east, 1), _outward(north, 1)]
        found["spatial"] = {"bbox": [box], "crs": STORAGE}
    if extent.first is not None or extent.last is not None:
        ends = [f"{day}T00:00:00Z" if day else None for day in (extent.first, extent.last)]
        found["temporal"] = {
            "interval": [ends],
            "trs": "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian",
        }
    return {"extent": found} if found else {}


def _outward(number: float, step: int) -> float:
    """A coordinate to six digits, rounded away from the middle: who asks with the extent gets everything."""
    rounded = round(number, 6)
    return rounded if (rounded - number) * step >= 0 else round(rounded + step * 1e-6, 6)
