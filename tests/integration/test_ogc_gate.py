"""Who sees what over the OGC API: nothing by default, and never more by a roundabout way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import shapely

from sync_service.store.collections import COLLECTIONS
from sync_service.store.database import Database
from sync_service.store.tables import feature
from sync_service.sync.fields import field_table
from sync_service.sync.values import Visibility
from tests.ogc import BEARER, POINT

if TYPE_CHECKING:
    from tests.ogc import Town

PUBLIC = [name for name, each in COLLECTIONS.items() if each.public]
WORKING = [name for name, each in COLLECTIONS.items() if not each.public]
PROPOSALS = "/ogc/collections/proposals/items"
PRIVATE = {name for name, each in field_table().items() if not each.public}


@pytest.mark.parametrize("name", WORKING)
@pytest.mark.parametrize("rest", ["", "/items", "/items/x", "/queryables", "/schema", "/items?limit=nonsense"])
def test_working_collections_want_a_right(full_town: Town, name: str, rest: str) -> None:
    answer = full_town.get(f"/ogc/collections/{name}{rest}")
    assert answer.status_code == 401
    assert full_town.get(f"/ogc/collections/{name}", **BEARER).status_code == 200


def test_working_collections_are_listed_to_staff_only(full_town: Town) -> None:
    def names(**headers: str) -> list[str]:
        return [each["id"] for each in full_town.json("/ogc/collections", **headers)["collections"]]

    assert names() == PUBLIC
    assert names(**BEARER) == list(COLLECTIONS)
    for text in (full_town.get("/ogc/collections?f=html").text, full_town.get("/ogc/api").text):
        assert not any(f"/collections/{name}" in text for name in WORKING)


def test_working_collections_are_not_for_the_public_when_publishing_is_off(full_town: Town) -> None:
    assert full_town.client(publish=False).get("/ogc/collections/working_points").status_code == 401


@pytest.mark.parametrize("name", PUBLIC)
def test_nothing_is_public_while_publishing_is_off(full_town: Town, name: str) -> None:
    client = full_town.client(publish=False)
    page = client.get(f"/ogc/collections/{name}/items").json
    assert page
    assert (page["numberMatched"], page["numberReturned"], page["features"]) == (0, 0, [])
    described = client.get(f"/ogc/collections/{name}").json
    assert described
    assert "extent" not in described
    for guid in full_town.planted:
        assert client.get(f"/ogc/collections/{name}/items/{guid}").status_code == 404
    for card in range(1, 8):
        assert client.get(f"/board/cards/{card}").status_code == 404


def test_public_collections_are_empty_to_staff_too_while_publishing_is_off(full_town: Town) -> None:
    page = full_town.client(publish=False).get(PROPOSALS, headers=BEARER).json
    assert page
    assert page["features"] == []


@pytest.mark.parametrize("visibility", [Visibility.HIDDEN, Visibility.RETIRED])
def test_what_is_not_public_is_nowhere(town: Town, visibility: Visibility) -> None:
    guid = town.plant(POINT, visibility=visibility)
    assert town.cards() == []
    assert town.json(f"{PROPOSALS}?bbox=-180,-90,180,90")["numberMatched"] == 0
    for name in PUBLIC:
        assert town.get(f"/ogc/collections/{name}/items/{guid}").status_code == 404
    assert town.get("/board/cards/1").status_code == 404
    assert "extent" not in town.json("/ogc/collections/proposals")


def test_unpublished_proposal_is_read_by_its_editors(full_town: Town) -> None:
    hidden = full_town.planted[6]
    assert full_town.get(f"{PROPOSALS}/{hidden}").status_code == 404
    item = full_town.json(f"{PROPOSALS}/{hidden}", **BEARER)
    assert item["properties"]["title"] == "Тайное"
    assert not PRIVATE & set(item["properties"])
    unplaced = full_town.planted[5]
    assert full_town.json(f"{PROPOSALS}/{unplaced}", **BEARER)["geometry"] is None


def test_retired_proposal_is_read_by_nobody(town: Town) -> None:
    guid = town.plant(visibility=Visibility.RETIRED)
    for name in COLLECTIONS:
        assert town.get(f"/ogc/collections/{name}/items/{guid}", **BEARER).status_code == 404
    assert town.get("/board/cards/1", **BEARER).status_code == 404


def test_item_of_another_collection_is_not_there(full_town: Town) -> None:
    point, line = full_town.planted[0], full_town.planted[2]
    assert full_town.get(f"/ogc/collections/proposals_lines/items/{point}").status_code == 404
    assert full_town.get(f"/ogc/collections/working_points/items/{line}", **BEARER).status_code == 404
    assert full_town.get(f"/ogc/collections/proposals_lines/items/{line}").status_code == 200


@pytest.mark.parametrize("query", ["", "?crs=http://www.opengis.net/def/crs/EPSG/0/3857", "?f=html"])
def test_public_properties_only_for_the_public(town: Town, query: str) -> None:
    secret: dict[str, Any] = {
        name: f"тайна-{name}" for name in PRIVATE if field_table()[name].stored and name != "held"
    }
    guid = town.plant(**secret)
    for path in (PROPOSALS, f"{PROPOSALS}/{guid}"):
        for headers in ({}, BEARER):
            answer = town.get(f"{path}{query}", **headers)
            assert answer.status_code == 200
            assert "тайна" not in answer.text


def test_working_properties_for_staff(town: Town) -> None:
    guid = town.plant(responsible="Отдел", description="Служебное")
    properties = town.json(f"/ogc/collections/working_points/items/{guid}", **BEARER)["properties"]
    assert list(properties) == list(field_table())
    assert (properties["responsible"], properties["description"]) == ("Отдел", "Служебное")


def test_private_properties_cannot_be_asked_about(town: Town) -> None:
    town.plant(responsible="Отдел")
    for name in sorted(PRIVATE):
        assert town.get(f"{PROPOSALS}?{name}=x").status_code == 400
        assert town.get(f"{PROPOSALS}?filter={name} IS NOT NULL").status_code == 400
        assert town.get(f"{PROPOSALS}?properties={name}").status_code == 400
    assert town.cards("responsible=Отдел", collection="working_points", **BEARER) == ["1"]


# --- texts held back because they look personal

HELD: dict[str, Any] = {
    "title": "Звонить вахтёру",
    "summary": "т. 8 900 000-00-00",
    "held": "title,summary",
    "address": "ул. Мира, 1",
}


@pytest.mark.parametrize("query", ["", "?crs=http://www.opengis.net/def/crs/EPSG/0/3857", "?properties=title,summary"])
def test_held_texts_are_shown_nowhere(town: Town, query: str) -> None:
    guid = town.plant(**HELD)
    for path in (PROPOSALS, f"{PROPOSALS}/{guid}"):
        text = town.get(path + query).text
        assert "вахтёр" not in text
        assert "900 000" not in text
    for path in (f"{PROPOSALS}?f=html", f"{PROPOSALS}/{guid}?f=html", "/board/cards/1"):
        assert "вахтёр" not in town.get(path).text


@pytest.mark.parametrize(
    "query",
    [
        "title=Звонить вахтёру",
        "filter=title='Звонить вахтёру'",
        "filter=title LIKE '%вахтёр%'",
        "filter=CASEI(title) LIKE CASEI('%вахтёр%')",
        "filter=summary IS NOT NULL",
        "filter=summary LIKE '%900%'",
    ],
)
def test_held_texts_cannot_be_found_by_asking(town: Town, query: str) -> None:
    town.plant(**HELD)
    assert town.cards(query) == []


def test_what_is_shown_in_their_stead_can_be_found(town: Town) -> None:
    town.plant(**HELD)
    town.plant(title="Открытое", summary="Ясное")
    shown = town.json(PROPOSALS)["features"][0]["properties"]["title"]
    assert town.cards(f"title={shown}") == ["1"]
    assert town.cards("filter=summary IS NULL") == ["1"]
    assert town.cards("address=ул. Мира, 1") == ["1"]
    assert town.cards("title=Открытое") == ["2"]
    assert town.cards("filter=title LIKE '%вахтёр%'", collection="working_points", **BEARER) == ["1"]


# --- where a card is


def test_card_page_leads_to_the_map_and_the_data(full_town: Town) -> None:
    guid = full_town.planted[0]
    page = full_town.get("/board/cards/1", Accept_Language="en")
    assert page.mimetype == "text/html"
    assert f"http://map.test/city/?proposal={guid}" in page.text
    assert f"/ogc/collections/proposals/items/{guid}" in page.text
    assert "is on the map" in page.text


@pytest.mark.parametrize(
    ("card", "headers", "words"),
    [
        ("5", {}, "no place of its own"),
        ("6", {}, "no place on the map yet"),
        ("6", BEARER, "no place on the map yet"),
        ("7", BEARER, "not published"),
    ],
)
def test_card_page_says_how_it_stands(full_town: Town, card: str, headers: dict[str, str], words: str) -> None:
    page = full_town.get(f"/board/cards/{card}", Accept_Language="en", **headers)
    assert page.status_code == 200
    assert words in page.text
    assert ("unplaced/items" in page.text) == (card == "6" and bool(headers))


@pytest.mark.parametrize("card", ["7", "99", "x", "1%00", "../1"])
def test_card_nobody_may_know_of_is_404(full_town: Town, card: str) -> None:
    assert full_town.get(f"/board/cards/{card}").status_code == 404


def test_card_id_used_again_means_the_newer_card(town: Town) -> None:
    town.plant(card_id="5", visibility=Visibility.RETIRED)
    newer = town.plant(card_id="5")
    assert newer in town.get("/board/cards/5").text


# --- the rule of membership is one rule


def test_sql_and_code_agree_on_membership(town: Town) -> None:
    """Every combination of what decides it: the kept counts are made by code, the members found by SQL."""
    shapes = [None, POINT, shapely.LineString([(1, 1), (2, 2)]), shapely.box(1, 1, 2, 2)]
    stages = [None, "proposed", "approved", "done", "closed"]
    placements = [None, "placed", "unplaced", "district", "citywide", "none"]
    for visibility in Visibility:
        for shape in shapes:
            for stage in stages:
                for placement in placements:
                    town.plant(shape, visibility=visibility, stage=stage, placement=placement)
    for name in COLLECTIONS:
        path = f"/ogc/collections/{name}/items"
        kept = town.json(f"{path}?limit=1", **BEARER)["numberMatched"]
        found = town.json(f"{path}?limit=10000", **BEARER)["features"]
        counted = town.json(f"{path}?limit=1&row_version=1", **BEARER)["numberMatched"]
        assert kept == len(found) == counted > 0


def test_state_that_is_not_understood_is_not_public(town: Town) -> None:
    town.plant()
    with Database(town.database.url).writing() as connection:
        connection.execute(feature.update().values(visibility="Public"))
    assert town.cards() == []
