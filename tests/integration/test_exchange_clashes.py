"""Clashes over the plugin's protocol: listed while they are open, and resolved by whoever saw how they stand."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import shapely

from tests.copies import ROOT, expect, shape_of
from tests.exchange import Exchange, change, wkb
from tests.ogc import AREA, LINE, POINT

CLASHES = f"{ROOT}/clashes"


def listed(exchange: Exchange) -> list[dict[str, Any]]:
    status, answer = exchange.ask("GET", CLASHES)
    assert status == 200
    found: list[dict[str, Any]] = expect("clashes", answer)["clashes"]
    return found


def disagree(exchange: Exchange) -> tuple[str, dict[str, Any]]:
    """A proposal whose year and place two hands changed differently, and the clash."""
    guid = exchange.town.plant(POINT, horizon=2030)
    base = exchange.row(guid)["version"]
    exchange.town.change(guid, shape=LINE, horizon=2040)
    exchange.send(change(guid, base_version=base, set={"horizon": 2050}, geometry=wkb(AREA)))
    (clash,) = listed(exchange)
    return guid, clash


def resolve(exchange: Exchange, clash: dict[str, Any], **chosen: Any) -> tuple[int, Any]:
    document = expect("resolution", {"revision": clash["revision"], **chosen})
    return exchange.post(f"{CLASHES}/{clash['id']}", document)


def test_open_clash_is_listed_with_its_sides(exchange: Exchange) -> None:
    guid, clash = disagree(exchange)
    assert (clash["guid"], clash["reason"], clash["who"]) == (guid, "edit", "token")
    assert clash["fields"]["horizon"] == {"base": 2030, "theirs": 2040, "mine": 2050}
    assert [shape_of(clash["geometry"][side]) for side in ("base", "theirs", "mine")] == [POINT, LINE, AREA]


def test_nothing_clashes_nothing_is_listed(exchange: Exchange) -> None:
    assert listed(exchange) == []


@pytest.mark.parametrize(("year", "shape"), [(2050, AREA), (2040, LINE), (2060, shapely.Point(49.3, 53.5))])
def test_mine_theirs_or_a_third_way_stands_afterwards(exchange: Exchange, year: int, shape: Any) -> None:
    guid, clash = disagree(exchange)
    status, answer = resolve(exchange, clash, fields={"horizon": year}, geometry=wkb(shape))
    assert status == 200
    resolved = expect("resolved", answer)
    assert resolved["clash"] is None
    found = exchange.row(guid)
    assert (found["properties"]["horizon"], shape_of(found["geometry"])) == (year, shape)
    assert found["version"] == resolved["version"]
    assert listed(exchange) == []


def test_one_field_is_resolved_and_the_other_stands(exchange: Exchange) -> None:
    guid, clash = disagree(exchange)
    left = expect("resolved", resolve(exchange, clash, fields={"horizon": 2050})[1])["clash"]
    assert (left["fields"], listed(exchange)) == ({}, [left])
    assert shape_of(exchange.row(guid)["geometry"]) == LINE
    assert resolve(exchange, left, geometry=wkb(AREA))[1]["clash"] is None


def test_no_place_may_be_what_stands(exchange: Exchange) -> None:
    guid = exchange.town.plant(POINT)
    base = exchange.row(guid)["version"]
    exchange.town.change(guid, shape=LINE)
    exchange.send(change(guid, op="unplace", base_version=base))
    (clash,) = listed(exchange)
    assert clash["geometry"]["mine"] is None
    status, answer = resolve(exchange, clash, geometry=None)
    assert (status, answer["clash"]) == (200, None)
    found = exchange.row(guid)
    assert (found["geometry"], found["properties"]["placement"]) == (None, "unplaced")


def test_clash_that_moved_is_not_resolved_by_what_was_seen_before(exchange: Exchange) -> None:
    guid, clash = disagree(exchange)
    exchange.town.change(guid, horizon=2041)
    status, problem = resolve(exchange, clash, fields={"horizon": 2050})
    (now,) = listed(exchange)
    assert (status, expect("problem", problem)["reason"], problem["revision"]) == (409, "clash_moved", now["revision"])
    assert now["fields"]["horizon"]["theirs"] == 2041
    assert exchange.row(guid)["properties"]["horizon"] == 2041
    assert resolve(exchange, now, fields={"horizon": 2050})[0] == 200


def test_resolved_clash_is_no_more(exchange: Exchange) -> None:
    _, clash = disagree(exchange)
    chosen = {"fields": {"horizon": 2050}, "geometry": wkb(AREA)}
    assert [resolve(exchange, clash, **chosen)[0] for _ in range(2)] == [200, 404]
    assert resolve(exchange, {**clash, "id": str(uuid4())}, **chosen)[0] == 404


@pytest.mark.parametrize(
    ("chosen", "status", "field", "reason"),
    [
        ({}, 400, "#/fields", "clash_choice"),
        ({"fields": {}}, 400, "#/fields", "clash_choice"),
        ({"renew": True}, 400, "#/fields", "clash_choice"),
        ({"fields": {"address": "x"}}, 400, "#/fields/address", "not_clashing"),
        ({"fields": {"horizon": "soon"}}, 422, "#/fields/horizon", "bad_value"),
        ({"geometry": "AAAA"}, 422, "#/geometry", "geometry_unreadable"),
        ({"geometry": ""}, 400, "#/geometry", "geometry_unreadable"),
        ({"geometry": "это не base64"}, 400, "#/geometry", "geometry_unreadable"),
    ],
)
def test_what_cannot_stand_is_told_where(
    exchange: Exchange, chosen: dict[str, Any], status: int, field: str, reason: str
) -> None:
    _, clash = disagree(exchange)
    told, problem = resolve(exchange, clash, **chosen)
    assert (told, expect("problem", problem)["field"], problem["reason"]) == (status, field, reason)
    assert reason not in problem["detail"]
    assert listed(exchange) == [clash]


@pytest.mark.parametrize(
    "document", [{}, {"revision": "1"}, {"revision": 1, "field": {}}, {"revision": 1, "fields": 1}]
)
def test_wrong_resolution_is_told(exchange: Exchange, document: Any) -> None:
    status, problem = exchange.post(f"{CLASHES}/x", document)
    assert status == 400
    assert problem["field"].startswith("#")


def test_clashes_are_for_those_with_rights(exchange: Exchange) -> None:
    _, clash = disagree(exchange)
    assert exchange.client.get(CLASHES).status_code == 401
    assert exchange.client.post(f"{CLASHES}/{clash['id']}", json={"revision": 1}).status_code == 401
    assert listed(exchange) == [clash]
