"""Old addresses of a duplicate lead to the survivor, for whoever may know of it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from sync_service.app import create_app
from sync_service.store import merged
from sync_service.sync.values import Visibility
from tests.ogc import BEARER, LINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.ogc import Town

ITEMS = "/ogc/collections/proposals/items"
WORKING = "/ogc/collections/working_points/items"


def lead(town: Town, *chain: str) -> None:
    """Have each lead to the next."""
    with town.database.writing() as connection:
        for guid, survivor in pairwise(chain):
            merged.lead(connection, guid, survivor, town.now)


def duplicate(town: Town) -> str:
    return town.plant(stage="closed", visibility=Visibility.HIDDEN)


@pytest.fixture
def pair(town: Town) -> Sequence[str]:
    """A duplicate with the card 1 that leads to a public proposal with the card 2."""
    old, new = duplicate(town), town.plant()
    lead(town, old, new)
    return old, new


@pytest.mark.parametrize("headers", [{}, BEARER], ids=["public", "editor"])
def test_old_addresses_lead_to_the_survivor(town: Town, pair: Sequence[str], headers: dict[str, str]) -> None:
    old, new = pair
    moved = town.get(f"{ITEMS}/{old}?f=html", **headers)
    assert (moved.status_code, moved.headers["Location"]) == (302, f"{new}?f=html")
    card = town.get("/board/cards/1", **headers)
    assert (card.status_code, card.headers["Location"]) == (302, "2")
    assert town.get(f"{ITEMS}/{new}", **headers).status_code == 200
    assert ("no-store" in card.headers["Cache-Control"]) == bool(headers)


def test_a_removed_duplicate_still_leads(town: Town) -> None:
    old, new = town.plant(stage="closed", visibility=Visibility.RETIRED), town.plant()
    lead(town, old, new)
    assert town.get(f"{ITEMS}/{old}").headers["Location"] == new
    assert town.get("/board/cards/1").headers["Location"] == "2"


def test_a_chain_leads_to_its_end_at_once(town: Town) -> None:
    chain = duplicate(town), duplicate(town), town.plant()
    lead(town, *chain)
    assert town.get("/board/cards/1").headers["Location"] == "3"


def test_a_circle_leads_nowhere(town: Town) -> None:
    first, second = duplicate(town), duplicate(town)
    lead(town, first, second, first)
    assert [town.get(path).status_code for path in (f"{ITEMS}/{first}", "/board/cards/1")] == [404, 404]


def test_a_hidden_survivor_is_not_given_away(town: Town) -> None:
    old, new = duplicate(town), town.plant(stage="review", visibility=Visibility.HIDDEN)
    lead(town, old, new)
    assert [town.get(path).status_code for path in (f"{ITEMS}/{old}", "/board/cards/1")] == [404, 404]
    assert town.get("/board/cards/1", **BEARER).headers["Location"] == "2"


def test_where_the_duplicate_itself_is_a_member_it_is_shown(town: Town, pair: Sequence[str]) -> None:
    old, _ = pair
    answer = town.get(f"{WORKING}/{old}", **BEARER)
    assert (answer.status_code, answer.get_json()["id"]) == (200, old)


def test_another_kind_is_no_member(town: Town) -> None:
    old, new = duplicate(town), town.plant(LINE)
    lead(town, old, new)
    assert town.get(f"/ogc/collections/proposals_points/items/{old}").status_code == 404


def test_links_to_the_public_map_lead_to_the_survivor(town: Town, pair: Sequence[str]) -> None:
    old, new = pair
    client = create_app(town.settings).test_client()
    moved = client.get("/", query_string={"proposal": old, "lang": "en"})
    assert (moved.status_code, moved.headers["Location"]) == (302, f"?proposal={new}&lang=en")
    assert client.get("/", query_string={"proposal": new}).status_code == 200
    assert client.get("/", query_string={"proposal": "nothing"}).status_code == 200


def test_the_public_map_gives_no_hidden_survivor_away(town: Town) -> None:
    old, new = duplicate(town), town.plant(stage="review", visibility=Visibility.HIDDEN)
    lead(town, old, new)
    assert create_app(town.settings).test_client().get("/", query_string={"proposal": old}).status_code == 200
