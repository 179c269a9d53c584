"""OGC API Features, Part 1 Core: documents, forms, links, refusals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from sync_service.features.landing import CONFORMANCE
from sync_service.features.params import LIMIT, MOST
from sync_service.store.collections import COLLECTIONS
from sync_service.sync.fields import field_table
from tests.ogc import BEARER, HOME

if TYPE_CHECKING:
    from tests.ogc import Town

PUBLIC = [name for name, each in COLLECTIONS.items() if each.public]
PAGES = [
    "/ogc/",
    "/ogc/api",
    "/ogc/conformance",
    "/ogc/collections",
    "/ogc/collections/proposals",
    "/ogc/collections/proposals/queryables",
    "/ogc/collections/proposals/schema",
    "/ogc/collections/proposals/items",
    "/ogc/collections/proposals/items/{guid}",
]


def by_rel(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {link["rel"]: link for link in document["links"]}


def test_landing_leads_everywhere(full_town: Town) -> None:
    document = full_town.json("/ogc/")
    assert {"self", "alternate", "service-desc", "service-doc", "conformance", "data"} == set(by_rel(document))
    for link in document["links"]:
        assert link["href"].startswith(f"{HOME}/ogc/")
        answer = full_town.get(link["href"].removeprefix(HOME))
        assert answer.status_code == 200
        assert answer.content_type.split("; charset")[0] == link["type"]


def test_conformance_is_declared(full_town: Town) -> None:
    assert full_town.json("/ogc/conformance")["conformsTo"] == list(CONFORMANCE)


@pytest.mark.parametrize("headers", [{}, BEARER], ids=["anybody", "staff"])
def test_api_definition_is_valid(full_town: Town, headers: dict[str, str]) -> None:
    answer = full_town.get("/ogc/api", **headers)
    assert answer.content_type == "application/vnd.oai.openapi+json;version=3.0"
    assert answer.json
    validate(answer.json)
    names = {path.split("/")[2] for path in answer.json["paths"] if path.startswith("/collections/")}
    assert names == (set(COLLECTIONS) if headers else set(PUBLIC))


def test_api_definition_tells_qgis_its_page_size_and_what_to_ask(full_town: Town) -> None:
    document = full_town.json("/ogc/api")
    assert document["components"]["parameters"]["limit"]["schema"] | {"type": "integer"} == {
        "type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT,
    }  # fmt: skip
    asked = document["paths"]["/collections/proposals_points/items"]["get"]["parameters"]
    named = {each["name"] for each in asked if "name" in each}
    assert named == {name for name, each in field_table().items() if each.public}


def test_every_declared_parameter_is_taken(full_town: Town) -> None:
    document = full_town.json("/ogc/api")
    shared = document["components"]["parameters"]
    for given in document["paths"]["/collections/proposals/items"]["get"]["parameters"]:
        each = shared[given["$ref"].rpartition("/")[2]] if "$ref" in given else given
        answer = full_town.get(f"/ogc/collections/proposals/items?{each['name']}=")
        assert answer.status_code in {200, 400}
        assert (answer.json or {}).get("reason") != "parameter_unknown"


def test_collections_are_described(full_town: Town) -> None:
    document = full_town.json("/ogc/collections")
    assert [each["id"] for each in document["collections"]] == PUBLIC
    proposals = document["collections"][0]
    assert proposals["extent"]["spatial"]["bbox"] == [[49.3, 53.5, 49.6, 53.6]]
    assert proposals["extent"]["temporal"]["interval"] == [["2026-01-01T00:00:00Z", "2026-11-12T00:00:00Z"]]
    assert proposals["storageCrs"] in proposals["crs"]
    rels = {link["rel"].rpartition("/")[2] for link in proposals["links"]}
    assert rels == {"self", "items", "queryables", "schema"}
    assert "extent" not in full_town.json("/ogc/collections/proposals_noplace")


def test_collection_links_answer(full_town: Town) -> None:
    for link in full_town.json("/ogc/collections/proposals_lines")["links"]:
        answer = full_town.get(link["href"].removeprefix(HOME))
        assert answer.status_code == 200
        assert answer.content_type.split("; charset")[0] == link["type"]


def test_items_and_item_are_geojson_with_links(full_town: Town) -> None:
    page = full_town.json("/ogc/collections/proposals/items?limit=2")
    assert (page["type"], page["numberMatched"], page["numberReturned"]) == ("FeatureCollection", 4, 2)
    assert {"self", "alternate", "collection", "next"} == set(by_rel(page))
    first = page["features"][0]
    item = full_town.json(f"/ogc/collections/proposals/items/{first['id']}")
    assert {name: item[name] for name in first} == first
    assert {"self", "alternate", "collection"} == set(by_rel(item))
    assert by_rel(item)["self"]["href"] == f"{HOME}/ogc/collections/proposals/items/{first['id']}"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["ru", "en"])
def test_pages_for_people_need_nobody_else(full_town: Town, path: str, language: str) -> None:
    where = path.format(guid=full_town.planted[0])
    answer = full_town.get(where, Accept="text/html", Accept_Language=language)
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    assert f'<html lang="{language}">' in answer.text
    assert "<script" not in answer.text
    assert " style=" not in answer.text
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    loaded = re.findall(r'(?:src|<link[^>]+rel="(?:stylesheet|icon)"[^>]*href)="([^"]+)"', answer.text)
    assert loaded
    assert all(not address.startswith(("http:", "https:", "//")) for address in loaded)


def test_words_are_not_missing(full_town: Town) -> None:
    for path in PAGES:
        text = full_town.get(f"{path.format(guid=full_town.planted[0])}?f=html").text
        assert "features." not in text


@pytest.mark.parametrize(
    ("query", "accept", "mimetype"),
    [
        ("", None, "application/geo+json"),
        ("", "*/*", "application/geo+json"),
        ("", "application/geo+json, application/json", "application/geo+json"),
        ("", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("?f=json", "text/html", "application/geo+json"),
        ("?f=html", "application/json", "text/html"),
        ("", "image/png", "application/geo+json"),
    ],
)
def test_form_is_negotiated(full_town: Town, query: str, accept: str | None, mimetype: str) -> None:
    headers = {"Accept": accept} if accept else {}
    answer = full_town.get(f"/ogc/collections/proposals/items{query}", **headers)
    assert (answer.status_code, answer.mimetype) == (200, mimetype)
    assert "Accept" in answer.headers["Vary"]


def test_titles_follow_the_language(full_town: Town) -> None:
    path = "/ogc/collections/proposals"
    assert full_town.json(path, Accept_Language="en")["title"] == COLLECTIONS["proposals"].en
    assert full_town.json(path, Accept_Language="ru")["title"] == COLLECTIONS["proposals"].ru


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/ogc/?x=1", "x"),
        ("/ogc/api?limit=1", "limit"),
        ("/ogc/conformance?f=xml", "f"),
        ("/ogc/collections?bbox=1,2,3,4", "bbox"),
        ("/ogc/collections/proposals?datetime=2026-01-01", "datetime"),
        ("/ogc/collections/proposals/items?sortby=title", "sortby"),
        ("/ogc/collections/proposals/items?responsible=x", "responsible"),
        ("/ogc/collections/proposals/items?limit=1&limit=2", "limit"),
        ("/ogc/collections/proposals/items?f=json&f=html", "f"),
        ("/ogc/collections/proposals/items/{guid}?limit=1", "limit"),
    ],
)
def test_unknown_parameters_are_refused_by_name(full_town: Town, path: str, name: str) -> None:
    answer = full_town.get(path.format(guid=full_town.planted[0]))
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    assert answer.json
    assert answer.json["field"] == name
    assert name in answer.json["detail"]


@pytest.mark.parametrize(
    "path", ["/ogc/collections/none", "/ogc/collections/none/items", "/ogc/collections/proposals/items/none"]
)
def test_what_is_not_there_is_404(full_town: Town, path: str) -> None:
    answer = full_town.get(path)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_schema_and_queryables_describe_the_features(full_town: Town) -> None:
    for name in PUBLIC:
        described = full_town.json(f"/ogc/collections/{name}/schema")
        Draft202012Validator.check_schema(described)
        asked = full_town.json(f"/ogc/collections/{name}/queryables")
        Draft202012Validator.check_schema(asked)
        page = full_town.json(f"/ogc/collections/{name}/items")
        shown = {prop for each in page["features"] for prop in each["properties"]}
        assert shown <= set(described["properties"])
        assert ("geometry" in described["properties"]) == COLLECTIONS[name].placed
        assert set(asked["properties"]) == set(described["properties"])


def test_schema_marks_roles_owners_and_kinds(full_town: Town) -> None:
    described = full_town.json("/ogc/collections/proposals_lines/schema", Accept_Language="en")["properties"]
    assert described["guid"]["x-ogc-role"] == "id"
    assert described["geometry"]["x-ogc-role"] == "primary-geometry"
    assert described["geometry"]["format"] == "geometry-multilinestring"
    assert (described["start"]["x-ogc-role"], described["start"]["format"]) == ("primary-interval-start", "date")
    assert described["title"] | {"readOnly": True} == described["title"]
    assert "readOnly" not in described["address"]
    assert described["horizon"]["type"] == "integer"
    assert described["stage"]["enum"] == list(field_table()["stage"].values)
    assert described["title"]["title"] == field_table()["title"].en


def test_methods_allowed_are_those_of_reading(full_town: Town) -> None:
    for path in ("/ogc/collections/proposals/items", f"/ogc/collections/proposals/items/{full_town.planted[0]}"):
        answer = full_town.client().options(path)
        assert {each.strip() for each in answer.headers["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}
        assert full_town.client().post(path, json={}).status_code == 405
