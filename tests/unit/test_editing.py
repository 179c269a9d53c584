"""Edits of the map: every way in which one can meet what became of its proposal meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import shapely

from sync_service.sync.editing import Edit, EditOp, EditStatus, draw_feature, geometry_text, merge_edit, same_geometry
from sync_service.sync.state import Feature, Sides
from sync_service.sync.values import Hand, Visibility
from tests.builders import HERE, THERE, edit, make_feature

ELSEWHERE = shapely.to_wkb(shapely.Point(49.3, 53.5))
GUID = make_feature().guid
NEW = "0d6f0a52-6a1c-4c59-8f4e-0e4f8f1f7a10"
ADDRESSED = make_feature(HERE, address="Мира, 1", horizon=2030)
NOWHERE = make_feature(address="Мира, 1")
CITYWIDE = make_feature(placement="citywide")
DISTRICT = make_feature(placement="district", district="Центральный")
MOVED = replace(ADDRESSED, geometry=THERE, version=1)
T, H, E = (geometry_text(wkb) for wkb in (THERE, HERE, ELSEWHERE))


def update(geometry: bytes | None = None, **values: Any) -> Edit:
    return Edit(EditOp.UPDATE, GUID, values, geometry)


def unplace(**values: Any) -> Edit:
    return Edit(EditOp.UNPLACE, GUID, values)


@pytest.mark.parametrize(
    ("current", "base", "said", "status", "became"),
    [
        pytest.param(
            ADDRESSED,
            ADDRESSED,
            update(address="Мира, 2"),
            "applied",
            {"address": "Мира, 2"},
            id="nobody else was there",
        ),
        pytest.param(
            edit(ADDRESSED, horizon=2031),
            ADDRESSED,
            update(address="Мира, 2"),
            "merged",
            {"address": "Мира, 2", "horizon": 2031},
            id="another field changed meanwhile",
        ),
        pytest.param(MOVED, ADDRESSED, update(horizon=2032), "merged", {"horizon": 2032}, id="it was moved meanwhile"),
        pytest.param(ADDRESSED, ADDRESSED, update(address="Мира, 1"), "unchanged", {}, id="it says so already"),
        pytest.param(
            edit(ADDRESSED, address="Мира, 2"),
            ADDRESSED,
            update(address="Мира, 2"),
            "unchanged",
            {},
            id="both said the same",
        ),
        pytest.param(
            edit(ADDRESSED, address="Мира, 3"),
            ADDRESSED,
            update(address="Мира, 1"),
            "unchanged",
            {},
            id="a form sends its old value along",
        ),
        pytest.param(ADDRESSED, ADDRESSED, update(address="  "), "applied", {"address": None}, id="emptied"),
        pytest.param(ADDRESSED, ADDRESSED, update(address=" Мира, 1 "), "unchanged", {}, id="only blanks around"),
        pytest.param(
            edit(ADDRESSED, place_check="why"), None, update(place_check=None), "clash", {}, id="no base: all clashes"
        ),
        pytest.param(ADDRESSED, None, update(address="Мира, 1"), "unchanged", {}, id="no base, and the same"),
        pytest.param(
            make_feature(place_check="why"),
            make_feature(place_check="why"),
            update(place_check=None),
            "applied",
            {"place_check": None},
            id="the place was looked at",
        ),
        pytest.param(ADDRESSED, ADDRESSED, update(title="Сквер"), "unchanged", {}, id="the board's, as it is"),
        pytest.param(
            edit(ADDRESSED, title="Парк"),
            ADDRESSED,
            update(title="Сквер"),
            "unchanged",
            {},
            id="the board's, as it was",
        ),
        pytest.param(NOWHERE, NOWHERE, update(HERE), "applied", {"placement": "placed"}, id="placed"),
        pytest.param(CITYWIDE, CITYWIDE, update(HERE), "applied", {"placement": "placed"}, id="placed after all"),
        pytest.param(
            ADDRESSED,
            ADDRESSED,
            update(placement="citywide"),
            "applied",
            {"placement": "citywide"},
            id="of the whole city",
        ),
        pytest.param(
            ADDRESSED,
            ADDRESSED,
            update(placement="district", district="Центральный"),
            "applied",
            {"placement": "district", "district": "Центральный"},
            id="of a district, with its name",
        ),
        pytest.param(
            DISTRICT,
            DISTRICT,
            update(district="Автозаводский"),
            "applied",
            {"district": "Автозаводский"},
            id="district",
        ),
        pytest.param(ADDRESSED, ADDRESSED, unplace(), "applied", {"placement": "unplaced"}, id="unplaced"),
        pytest.param(
            ADDRESSED,
            ADDRESSED,
            unplace(placement="none"),
            "applied",
            {"placement": "none"},
            id="unplaced, in other words",
        ),
        pytest.param(NOWHERE, NOWHERE, unplace(), "unchanged", {}, id="unplaced already"),
        pytest.param(CITYWIDE, ADDRESSED, unplace(), "unchanged", {}, id="its place was taken away meanwhile"),
        pytest.param(
            replace(ADDRESSED, visibility=Visibility.PUBLIC),
            ADDRESSED,
            update(horizon=2031),
            "applied",
            {"horizon": 2031},
            id="only published meanwhile",
        ),
    ],
)
def test_edit(current: Feature, base: Feature | None, said: Edit, status: str, became: dict[str, Any]) -> None:
    done = merge_edit(current, base, said)
    assert (done.status, done.refusal) == (status, None)
    properties = {name: value for name, value in done.feature.properties.items() if name != "place_reason"}
    assert properties == {**current.properties, **became}


@pytest.mark.parametrize(
    ("current", "base", "said", "sides"),
    [
        pytest.param(
            edit(ADDRESSED, address="Мира, 3", horizon=2031),
            ADDRESSED,
            update(address="Мира, 2", horizon=2031),
            {"address": Sides("Мира, 1", "Мира, 3", "Мира, 2")},
            id="one field, not the other",
        ),
        pytest.param(MOVED, ADDRESSED, update(ELSEWHERE), {"geometry": Sides(H, T, E)}, id="moved by both"),
        pytest.param(
            MOVED,
            ADDRESSED,
            unplace(),
            {"geometry": Sides(H, T, None), "placement": Sides("placed", "placed", "unplaced")},
            id="moved and taken away",
        ),
        pytest.param(
            CITYWIDE,
            NOWHERE,
            update(HERE),
            {"geometry": Sides(None, None, H), "placement": Sides("unplaced", "citywide", "placed")},
            id="placed, while another said citywide",
        ),
        pytest.param(
            MOVED,
            ADDRESSED,
            update(placement="district", district="Центральный"),
            {
                "geometry": Sides(H, T, None),
                "placement": Sides("placed", "placed", "district"),
                "district": Sides(None, None, "Центральный"),
            },
            id="a district goes with its placement",
        ),
        pytest.param(ADDRESSED, None, update(THERE), {"geometry": Sides(None, H, T)}, id="no base"),
    ],
)
def test_clash_touches_only_its_own_fields(
    current: Feature, base: Feature | None, said: Edit, sides: dict[str, Sides]
) -> None:
    done = merge_edit(current, base, replace(said, set={**said.set, "cadastral_number": "63:09:1"}))
    if base is None:
        sides = {**sides, "cadastral_number": Sides(None, None, "63:09:1")}
    assert (done.status, done.clashes) == (EditStatus.CLASH, sides)
    kept = current if base is None else edit(current, cadastral_number="63:09:1")
    assert replace(done.feature, version=0) == replace(kept, version=0)


@pytest.mark.parametrize(
    ("current", "said", "code", "data"),
    [
        pytest.param(ADDRESSED, update(title="Парк"), "read_only", {"field": "title"}, id="the board's"),
        pytest.param(ADDRESSED, update(modified="2026"), "read_only", {"field": "modified"}, id="computed"),
        pytest.param(ADDRESSED, update(guid=NEW), "read_only", {"field": "guid"}, id="another guid"),
        pytest.param(ADDRESSED, update(district="Мой"), "read_only", {"field": "district"}, id="a district computed"),
        pytest.param(ADDRESSED, update(colour="red"), "unknown_property", {"field": "colour"}, id="nobody's"),
        pytest.param(ADDRESSED, update(horizon="2030"), "bad_value", {"field": "horizon"}, id="text for a year"),
        pytest.param(ADDRESSED, update(horizon=True), "bad_value", {"field": "horizon"}, id="yes for a year"),
        pytest.param(ADDRESSED, update(horizon=20300), "bad_value", {"field": "horizon"}, id="no year"),
        pytest.param(ADDRESSED, update(address=7), "bad_value", {"field": "address"}, id="a number for a text"),
        pytest.param(ADDRESSED, update(address="∅"), "bad_value", {"field": "address"}, id="our sign for nothing"),
        pytest.param(ADDRESSED, update(address="a\0b"), "bad_value", {"field": "address"}, id="no text"),
        pytest.param(
            ADDRESSED, update(address="a" * 256), "too_long", {"field": "address", "limit": 255}, id="more than fits"
        ),
        pytest.param(ADDRESSED, update(placement="there"), "bad_value", {"field": "placement"}, id="no such placement"),
        pytest.param(ADDRESSED, update(placement=None), "bad_value", {"field": "placement"}, id="no placement"),
        pytest.param(NOWHERE, update(placement="placed"), "placed_without_geometry", {}, id="placed nowhere"),
        pytest.param(NOWHERE, update(HERE, placement="none"), "place_contradicts", {}, id="a place, and none"),
        pytest.param(NOWHERE, unplace(placement="placed"), "place_contradicts", {}, id="unplaced, and placed"),
        pytest.param(replace(ADDRESSED, visibility=Visibility.RETIRED), update(horizon=1999), "gone", {}, id="retired"),
    ],
)
def test_rejected_whole(current: Feature, said: Edit, code: str, data: dict[str, Any]) -> None:
    done = merge_edit(current, current, replace(said, set={"cadastral_number": "63:09:1", **said.set}))
    assert done.status is EditStatus.REJECTED
    assert done.refusal is not None
    assert (done.refusal.code, done.refusal.data) == (code, data)
    assert done.feature == current


def test_what_the_same_hand_said_since_its_base_does_not_clash() -> None:
    now = edit(replace(ADDRESSED, geometry=THERE), address="Мира, 2", horizon=2031)
    said = update(ELSEWHERE, address="Мира, 3", horizon=2032)
    done = merge_edit(now, ADDRESSED, said, spoken=frozenset({"geometry", "address"}))
    assert done.clashes == {"horizon": Sides(2030, 2031, 2032)}
    assert (done.feature.geometry, done.feature.properties["address"]) == (ELSEWHERE, "Мира, 3")


def test_who_overwrites_learns_what_was_replaced() -> None:
    now = edit(ADDRESSED, address="Мира, 3")
    done = merge_edit(now, None, update(address="Мира, 2"), overwrite=True)
    assert done.status is EditStatus.APPLIED
    assert done.feature.properties["address"] == "Мира, 2"
    assert done.clashes == {"address": Sides(None, "Мира, 3", "Мира, 2")}


def test_place_set_on_the_map_is_the_maps() -> None:
    done = merge_edit(NOWHERE, NOWHERE, update(HERE))
    assert (done.feature.geometry, done.feature.hand) == (HERE, Hand.MAP)
    assert done.touched == {"geometry", "placement"}


@pytest.mark.parametrize(
    ("one", "other", "rounded", "same"),
    [
        pytest.param("POINT (49.1 53.1)", "POINT (49.1000000001 53.1)", None, True, id="below the tolerance"),
        pytest.param("POINT (49.1 53.1)", "POINT (49.10000002 53.1)", None, False, id="above it"),
        pytest.param("MULTIPOINT (49.1 53.1)", "POINT (49.1 53.1)", None, True, id="one part of many is the same"),
        pytest.param("MULTIPOINT (49.1 53.1, 1 1)", "POINT (49.1 53.1)", None, False, id="one part more"),
        pytest.param("LINESTRING (1 1, 2 2)", "LINESTRING (1 1, 1.5 1.5, 2 2)", None, False, id="one vertex more"),
        pytest.param("POINT (49.123457 53.1)", "POINT (49.1234567 53.1)", 6, True, id="ours, rounded"),
        pytest.param("POINT (49.123456 53.1)", "POINT (49.1234567 53.1)", 6, False, id="ours, rounded otherwise"),
        pytest.param("POINT (49.123457 53.1)", "POINT (49.1234567 53.1)", None, False, id="not rounded"),
    ],
)
def test_same_geometry(one: str, other: str, rounded: int | None, same: bool) -> None:
    wkbs = [shapely.to_wkb(shapely.from_wkt(text)) for text in (one, other)]
    assert same_geometry(wkbs[0], wkbs[1], rounded) is same


def test_a_text_that_rounds_moves_nothing() -> None:
    exact = replace(ADDRESSED, geometry=shapely.to_wkb(shapely.Point(49.1234567, 53.1234567)))
    coarse = shapely.to_wkb(shapely.Point(49.123457, 53.123457))
    said = replace(update(coarse, address="Мира, 2"), rounded=6)
    done = merge_edit(exact, exact, said)
    assert (done.feature.geometry, done.feature.hand) == (exact.geometry, exact.hand)


def draw(geometry: bytes | None = None, *, may_approve: bool = False, **values: Any) -> Any:
    return draw_feature(Edit(EditOp.CREATE, NEW, values, geometry), may_approve=may_approve)


@pytest.mark.parametrize(
    ("done", "stage", "placement", "hand"),
    [
        pytest.param(draw(HERE, title="Фонтан", address=None), "proposed", "placed", Hand.MAP, id="drawn"),
        pytest.param(draw(title="Фонтан"), "proposed", "unplaced", Hand.CARD, id="nothing said of the place"),
        pytest.param(draw(placement="citywide"), "proposed", "citywide", Hand.MAP, id="of the whole city"),
        pytest.param(draw(HERE, stage="approved", may_approve=True), "approved", "placed", Hand.MAP, id="approved"),
        pytest.param(draw(HERE, stage=None, placement=None), "proposed", "placed", Hand.MAP, id="nulls are defaults"),
        pytest.param(draw(placement="district", district="Мой"), "proposed", "district", Hand.MAP, id="a district's"),
    ],
)
def test_drawn(done: Any, stage: str, placement: str, hand: Hand) -> None:
    assert done.status is EditStatus.APPLIED
    drawn: Feature = done.feature
    assert (drawn.properties["stage"], drawn.properties["placement"], drawn.hand) == (stage, placement, hand)
    assert drawn.visibility is Visibility.HIDDEN


@pytest.mark.parametrize(
    ("done", "code"),
    [
        pytest.param(draw(stage="approved"), "may_not_approve", id="approved by somebody who may not"),
        pytest.param(draw(stage="done", may_approve=True), "read_only", id="done at once"),
        pytest.param(draw(partner="Некто"), "read_only", id="the board's"),
        pytest.param(draw(HERE, district="Мой"), "read_only", id="a district computed"),
        pytest.param(draw(colour="red"), "unknown_property", id="nobody's"),
        pytest.param(draw(placement="placed"), "placed_without_geometry", id="placed nowhere"),
        pytest.param(draw(HERE, placement="citywide"), "place_contradicts", id="a place, and the whole city"),
        pytest.param(draw(title="a" * 256), "too_long", id="a title that fits no board"),
        pytest.param(draw_feature(Edit(EditOp.CREATE, "7"), may_approve=True), "bad_guid", id="no guid"),
    ],
)
def test_not_drawn(done: Any, code: str) -> None:
    assert (done.status, done.refusal.code) == (EditStatus.REJECTED, code)
