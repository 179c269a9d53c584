"""Writing over the OGC API, Part 4: who may, what is written, and what no write may do to anything else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from sqlalchemy import update

from sync_service.editing.applying import EditRules
from sync_service.editing.pushes import Change, Push, apply_push
from sync_service.editing.versions import version_text
from sync_service.features.landing import CONFORMANCE, WRITING
from sync_service.store.clashes import open_clashes
from sync_service.store.collections import COLLECTIONS
from sync_service.store.counter import identity
from sync_service.store.features import Author, find_feature, write_feature
from sync_service.store.history import pasts_of
from sync_service.store.inbox import hinted_among
from sync_service.store.tables import store
from sync_service.sync.editing import Edit, EditOp
from sync_service.sync.values import Hand, Visibility
from tests.ogc import AREA, BEARER, HOME
from tests.postgres import both_stores

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from sync_service.sync.state import Feature
    from tests.ogc import Town

pytestmark = both_stores

EDITABLE = tuple(COLLECTIONS)
WORKING = "/ogc/collections/working_points/items"
PUBLIC = "/ogc/collections/proposals_points/items"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
GEOJSON, PATCH = "application/geo+json", "application/merge-patch+json"


class Desk:
    """Somebody with the token, writing."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.client: FlaskClient = town.client(native_edits=EDITABLE)

    def send(self, method: str, path: str, body: object = None, media: str = GEOJSON, **headers: str) -> TestResponse:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        options: dict[str, Any] = {} if body is None else {"json": body, "content_type": media}
        return self.client.open(path, method=method, headers={**BEARER, **given}, **options)

    def post(self, body: object, path: str = WORKING, **headers: str) -> TestResponse:
        return self.send("POST", path, body, **headers)

    def put(self, guid: str, body: object, path: str = WORKING, **headers: str) -> TestResponse:
        return self.send("PUT", f"{path}/{guid}", body, **headers)

    def patch(self, guid: str, body: object, path: str = WORKING, **headers: str) -> TestResponse:
        return self.send("PATCH", f"{path}/{guid}", body, PATCH, **headers)

    def delete(self, guid: str, path: str = WORKING, **headers: str) -> TestResponse:
        return self.send("DELETE", f"{path}/{guid}", **headers)

    def get(self, guid: str, path: str = WORKING) -> TestResponse:
        return self.send("GET", f"{path}/{guid}")

    def document(self, guid: str, path: str = WORKING) -> dict[str, Any]:
        answer = self.get(guid, path)
        assert answer.status_code == 200
        document: dict[str, Any] = told(answer)
        return document

    def feature(self, guid: str) -> Feature:
        with self.town.database.reading() as connection:
            found = find_feature(connection, guid)
        assert found is not None
        return found

    def everything(self) -> dict[str, Feature]:
        return {guid: self.feature(guid) for guid in self.town.planted}

    def board_sets(self, guid: str, **values: Any) -> None:
        """The engine brings something from the board."""
        self.town.change(guid, **values)

    def plugin_sets(self, guid: str, **values: Any) -> None:
        """Somebody else who holds the token pushes, knowing what is there."""
        rules = EditRules(shared_name=True)
        with self.town.database.reading() as connection:
            base = version_text(identity(connection), self.feature(guid).version)
        change = Change(str(uuid4()), Edit(EditOp.UPDATE, guid, values), base)
        push = Push(str(uuid4()), "a working copy", "qgis", (change,))
        (result,) = apply_push(self.town.database, push, Author("qgis", "token"), rules, self.town.now).results
        assert not result.failed

    def clashes(self) -> list[tuple[str, str, dict[str, Any]]]:
        with self.town.database.reading() as connection:
            return [
                (each.reason, each.guid, {name: side.mine for name, side in each.fields.items()})
                for each in open_clashes(connection)
            ]


@pytest.fixture
def desk(full_town: Town) -> Desk:
    return Desk(full_town)


def told(answer: TestResponse) -> Any:
    """The document of an answer."""
    return answer.json


def point(*coordinates: float, multi: bool = False) -> dict[str, Any]:
    if multi:
        return {"type": "MultiPoint", "coordinates": [list(coordinates)]}
    return {"type": "Point", "coordinates": list(coordinates)}


def body_of(geometry: object, **properties: object) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def where(feature: Feature) -> tuple[float, ...] | None:
    if feature.geometry is None:
        return None
    return tuple(shapely.get_coordinates(shapely.from_wkb(feature.geometry))[0])


# --- who may, and where


def allowed(answer: TestResponse) -> set[str]:
    return {each.strip() for each in answer.headers["Allow"].split(",")}


@pytest.mark.parametrize("name", EDITABLE)
def test_options_offer_writing_whole_to_those_who_may(full_town: Town, name: str) -> None:
    items = f"/ogc/collections/{name}/items"
    desk, read = Desk(full_town), {"GET", "HEAD", "OPTIONS"}
    assert allowed(desk.send("OPTIONS", items)) == {*read, "POST"}
    for guid in (full_town.planted[0], "unknown"):
        answer = desk.send("OPTIONS", f"{items}/{guid}")
        assert allowed(answer) == {*read, "PUT", "PATCH", "DELETE"}
        assert answer.headers["Accept-Patch"] == PATCH
    stranger = desk.client.options(items)
    assert stranger.status_code == (204 if COLLECTIONS[name].public else 401)
    assert COLLECTIONS[name].public is False or allowed(stranger) == read


def test_off_is_off_for_everybody(full_town: Town) -> None:
    guid = full_town.planted[0]
    client = full_town.client(native_edits=("working_lines",))
    for method, path in (("POST", WORKING), *((each, f"{WORKING}/{guid}") for each in ("PUT", "PATCH", "DELETE"))):
        answer = client.open(path, method=method, json={}, headers=BEARER)
        assert (answer.status_code, allowed(answer)) == (405, {"GET", "HEAD", "OPTIONS"})
        assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("path", [WORKING, PUBLIC])
def test_strangers_write_nothing(full_town: Town, path: str) -> None:
    desk = Desk(full_town)
    before = desk.everything()
    guid = full_town.planted[0]
    for method, where_to in (("POST", path), *((each, f"{path}/{guid}") for each in ("PUT", "PATCH", "DELETE"))):
        assert desk.client.open(where_to, method=method, json=body_of(point(49, 53))).status_code == 401
    assert desk.everything() == before


def test_cookie_alone_writes_nothing(full_town: Town) -> None:
    """A page of another site could send it."""
    client = full_town.client(native_edits=EDITABLE)
    page = client.get("/signin").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    client.post("/signin", data={"token": "a-token-long-enough-to-use", "csrf_token": token})
    assert client.get(WORKING).status_code == 200
    assert client.delete(f"{WORKING}/{full_town.planted[0]}").status_code == 400


def test_conformance_and_definition_tell_what_may_be_written(full_town: Town) -> None:
    desk = Desk(full_town)
    assert told(desk.client.get("/ogc/conformance"))["conformsTo"] == [*CONFORMANCE, *WRITING]
    document = told(desk.send("GET", "/ogc/api"))
    validate(document)
    for name in EDITABLE:
        items = document["paths"][f"/collections/{name}/items"]
        assert set(items) == {"get", "post"}
        assert set(document["paths"][f"/collections/{name}/items/{{featureId}}"]) == {"get", "put", "patch", "delete"}
    stranger = told(desk.client.get("/ogc/api"))
    assert set(stranger["paths"]["/collections/proposals_points/items"]) == {"get"}


def test_schema_says_what_will_be_taken(full_town: Town) -> None:
    """Part 4: what meets the schema of a property that is not read-only is taken; properties not in it are refused."""
    desk = Desk(full_town)
    described = told(desk.send("GET", "/ogc/collections/working_points/schema"))
    assert described["additionalProperties"] is False
    open_ones = {name: each for name, each in described["properties"].items() if not each.get("readOnly")}
    assert set(open_ones) == {"geometry", "address", "horizon", "placement", "cadastral_number", "place_check"}
    for value in (open_ones["horizon"]["minimum"], open_ones["horizon"]["maximum"]):
        assert desk.patch(full_town.planted[0], {"properties": {"horizon": value}}).status_code == 200
    for name in ("address", "cadastral_number", "place_check"):
        longest = "ж" * open_ones[name]["maxLength"]
        assert desk.patch(full_town.planted[0], {"properties": {name: longest}}).status_code == 200
        assert desk.patch(full_town.planted[0], {"properties": {name: longest + "ж"}}).status_code == 422


# --- create


def test_drawn_proposal_is_read_by_its_editors_alone(desk: Desk) -> None:
    answer = desk.post(body_of(point(49.4, 53.6), title="Качели", address="Мира, 1"))
    assert answer.status_code == 201
    guid = told(answer)["id"]
    assert answer.headers["Location"] == f"{HOME}{WORKING}/{guid}"
    document = desk.document(guid)
    assert (
        document["properties"] | {"title": "Качели", "address": "Мира, 1", "stage": "proposed"}
        == document["properties"]
    )
    assert (document["properties"]["placement"], document["properties"]["card_id"]) == ("placed", None)
    assert answer.headers["ETag"] == desk.get(guid).headers["ETag"]
    for path in (WORKING, PUBLIC, "/ogc/collections/proposals/items"):
        assert desk.get(guid, path).status_code == 200
        assert desk.client.get(f"{path}/{guid}").status_code in {401, 404}
    assert desk.get(guid, "/ogc/collections/proposals_areas/items").status_code == 404


def test_nulls_mean_defaults(desk: Desk) -> None:
    """QGIS sends every column it has no value for as null."""
    names = desk.document(desk.town.planted[0])["properties"]
    answer = desk.post(body_of(point(49.4, 53.6), **dict.fromkeys(names)))
    assert answer.status_code == 201
    properties = told(answer)["properties"]
    assert (properties["stage"], properties["blocked"], properties["overdue_days"]) == ("proposed", False, 0)
    assert (properties["placement"], properties["row_version"]) == ("placed", 1)


def test_request_sent_again_draws_nothing_twice(desk: Desk) -> None:
    body = body_of(point(49.4, 53.6), title="Качели")
    first, again = (desk.post(body, Idempotency_Key="a") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.headers["Location"] == again.headers["Location"]
    other = desk.post(body_of(point(49.5, 53.6)), Idempotency_Key="a")
    assert (other.status_code, told(other)["field"]) == (422, "Idempotency-Key")
    assert desk.post(body, Idempotency_Key="b").headers["Location"] != first.headers["Location"]
    assert desk.post(body, Idempotency_Key="x" * 300).status_code == 400


def test_who_draws_may_name_it_and_approve(desk: Desk) -> None:
    guid = str(uuid4())
    answer = desk.post(body_of(point(49.4, 53.6), guid=guid, stage="approved"))
    assert (answer.status_code, told(answer)["id"]) == (201, guid)
    again = desk.post(body_of(point(49.5, 53.6), guid=guid))
    assert (again.status_code, again.content_type) == (409, "application/problem+json")
    assert where(desk.feature(guid)) == (49.4, 53.6)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (body_of(None), "geometry"),
        (body_of({"type": "LineString", "coordinates": [[49, 53], [50, 54]]}), "geometry"),
        (body_of(point(49.4, 53.6), stage="done"), "stage"),
        (body_of(point(49.4, 53.6), card_id="7"), "card_id"),
        (body_of(point(49.4, 53.6), salary=7), "salary"),
        (body_of(point(49.4, 53.6), horizon=7), "horizon"),
        (body_of(point(49.4, 53.6), placement="citywide"), "placement"),
        (body_of(point(49.4, 53.6), address="x" * 300), "address"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(desk: Desk, body: object, field: str) -> None:
    answer = desk.post(body)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert told(answer)["field"] == field
    assert field in told(answer)["detail"]
    assert "{" not in told(answer)["detail"]


def test_crossing_outline_and_place_outside_the_area_are_refused(full_town: Town) -> None:
    desk = Desk(full_town)
    areas = "/ogc/collections/working_areas/items"
    bow = {"type": "Polygon", "coordinates": [[[49, 53], [50, 54], [50, 53], [49, 54], [49, 53]]]}
    answer = desk.post(body_of(bow), areas)
    assert (answer.status_code, told(answer)["field"]) == (422, "geometry")
    desk.client = full_town.client(native_edits=EDITABLE, area=(49.0, 53.3, 49.8, 53.7))
    assert told(desk.post(body_of(point(50.5, 53.5))))["reason"] == "outside_area"


@pytest.mark.parametrize(
    ("crs", "coordinates"),
    [(f"{EPSG}4326", (53.6, 49.4)), (f"<{EPSG}4326>", (53.6, 49.4)), (f"{EPSG}3857", (5499182.8, 7094793.1))],
)
def test_coordinates_are_in_the_system_content_crs_names(
    desk: Desk, crs: str, coordinates: tuple[float, float]
) -> None:
    answer = desk.post(body_of(point(*coordinates)), Content_Crs=crs)
    assert answer.status_code == 201
    found = where(desk.feature(told(answer)["id"]))
    assert found == pytest.approx((49.4, 53.6), abs=1e-2)
    assert answer.headers["Content-Crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"


def test_unknown_system_and_media_are_refused(desk: Desk) -> None:
    answer = desk.post(body_of(point(49.4, 53.6)), Content_Crs="EPSG:4326")
    assert (answer.status_code, told(answer)["field"]) == (400, "Content-Crs")
    for method, path, media in (
        ("POST", WORKING, "text/xml"),
        ("PUT", f"{WORKING}/{desk.town.planted[0]}", PATCH),
        ("PATCH", f"{WORKING}/{desk.town.planted[0]}", GEOJSON),
    ):
        answer = desk.send(method, path, body_of(point(49.4, 53.6)), media)
        assert (answer.status_code, answer.content_type) == (415, "application/problem+json")


# --- replace, update, delete


def test_put_replaces_what_is_shared_and_leaves_the_rest(desk: Desk) -> None:
    guid = desk.town.planted[0]
    shown = desk.document(guid)
    body = body_of(point(49.35, 53.54), **{**shown["properties"], "address": "Мира, 1", "horizon": None})
    answer = desk.put(guid, body)
    assert answer.status_code == 200
    after = desk.feature(guid)
    assert where(after) == (49.35, 53.54)
    assert (after.properties["address"], after.properties["horizon"], after.hand) == ("Мира, 1", None, Hand.MAP)
    assert (after.properties["title"], after.properties["due"]) == ("Сквер «Ромашка»", "2026-11-12")
    assert told(answer)["properties"]["address"] == "Мира, 1"


def test_put_without_a_shared_property_clears_it(desk: Desk) -> None:
    guid = desk.town.planted[0]
    assert desk.put(guid, body_of(point(49.3461, 53.5303))).status_code == 200
    after = desk.feature(guid)
    assert (after.properties["horizon"], after.properties["placement"]) == (None, "placed")
    assert after.properties["title"] == "Сквер «Ромашка»"


def test_public_collections_write_what_they_show(desk: Desk) -> None:
    guid = desk.town.planted[0]
    desk.town.change(guid, place_check="asked_on_card", held="title,summary", title="Звоните 8 917 123-45-67")
    shown = desk.document(guid, PUBLIC)["properties"]
    assert shown["title"] == "№ 1"
    answer = desk.put(guid, body_of(point(49.3461, 53.5303), **{**shown, "address": "Мира, 1"}), PUBLIC)
    assert answer.status_code == 200
    after = desk.feature(guid)
    assert (after.properties["address"], after.properties["place_check"]) == ("Мира, 1", "asked_on_card")
    assert after.properties["title"] == "Звоните 8 917 123-45-67"
    assert told(desk.patch(guid, {"properties": {"place_check": None}}, PUBLIC))["field"] == "place_check"


@pytest.mark.parametrize("crs", [None, f"{EPSG}4326", f"{EPSG}3857"])
@pytest.mark.parametrize("multi", [True, False])
def test_place_sent_back_rounded_moves_nothing(town: Town, crs: str | None, multi: bool) -> None:
    """QGIS rounds to six decimals whatever it puts, also where it was not touched."""
    desk = Desk(town)
    exact = shapely.Point(49.123456789012, 53.987654321098)
    guid = town.plant(exact)
    path = f"{WORKING}/{guid}" + (f"?crs={crs}" if crs else "")
    shown = told(desk.send("GET", path))["geometry"]["coordinates"][0]
    echo = point(*(round(number, 6) for number in shown), multi=multi)
    headers = {"Content_Crs": crs} if crs else {}
    answer = desk.put(guid, body_of(echo, address="Мира, 1"), **headers)
    assert answer.status_code == 200
    after = desk.feature(guid)
    assert (after.geometry, after.hand, after.properties["address"]) == (exact.wkb, Hand.CARD, "Мира, 1")
    moved = point(*(round(number, 6) + (0.000002 if crs != f"{EPSG}3857" else 0.2) for number in shown))
    desk.put(guid, body_of(moved), **headers)
    assert desk.feature(guid).geometry != exact.wkb


def test_outline_sent_back_rounded_moves_nothing(town: Town) -> None:
    desk = Desk(town)
    ring = [(49.4000001234, 53.5000004321), (49.4200007, 53.5), (49.42, 53.5200003333), (49.4000001234, 53.5000004321)]
    shape = shapely.MultiPolygon([shapely.Polygon(ring)])
    guid = town.plant(shape)
    echo = {"type": "MultiPolygon", "coordinates": [[[[round(x, 6), round(y, 6)] for x, y in ring]]]}
    assert desk.put(guid, body_of(echo), "/ogc/collections/working_areas/items").status_code == 200
    assert desk.feature(guid).geometry == shape.wkb


def test_patch_changes_what_it_says(desk: Desk) -> None:
    guid = desk.town.planted[0]
    before = desk.feature(guid)
    answer = desk.patch(guid, {"properties": {"address": "Мира, 1"}})
    assert (answer.status_code, told(answer)["properties"]["address"]) == (200, "Мира, 1")
    after = desk.feature(guid)
    assert after == replace(before, properties={**before.properties, "address": "Мира, 1"}, version=before.version + 1)
    assert desk.patch(guid, {"geometry": point(49.35, 53.54)}).status_code == 200
    assert where(desk.feature(guid)) == (49.35, 53.54)
    assert desk.patch(guid, {}).status_code == 200
    assert desk.feature(guid).version == before.version + 2
    assert desk.patch(guid, {"geometry": {"coordinates": [[49.36, 53.55]]}}).status_code == 200
    assert where(desk.feature(guid)) == (49.36, 53.55)


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"title": "Другое"}, "title"),
        ({"stage": "done"}, "stage"),
        ({"overdue_days": 77}, "overdue_days"),
        ({"created": "2020-01-01T00:00:00Z"}, "created"),
        ({"guid": "6b0c0f3e-2f5c-4a7e-9d4b-0d8c6d0f0a11"}, "guid"),
        ({"district": "Другой"}, "district"),
        ({"placement": "here"}, "placement"),
        ({"horizon": 12}, "horizon"),
        ({"salary": 7}, "salary"),
        ({"address": "Мира, 1", "title": "Другое"}, "title"),
    ],
)
def test_patch_that_cannot_be_done_does_nothing(desk: Desk, properties: dict[str, object], field: str) -> None:
    before = desk.everything()
    answer = desk.patch(desk.town.planted[0], {"properties": properties})
    assert (answer.status_code, told(answer)["field"]) == (422, field)
    assert desk.everything() == before


def test_delete_takes_the_place_away_and_deletes_nothing(desk: Desk) -> None:
    guid = desk.town.planted[0]
    assert desk.delete(guid).status_code == 204
    after = desk.feature(guid)
    assert (after.geometry, after.properties["placement"], after.hand) == (None, "unplaced", Hand.MAP)
    assert (after.visibility, after.properties["title"]) == (Visibility.PUBLIC, "Сквер «Ромашка»")
    assert desk.get(guid).status_code == 404
    assert desk.delete(guid).status_code == 404
    assert desk.get(guid, "/ogc/collections/unplaced/items").status_code == 200


def test_null_geometry_takes_the_place_away(desk: Desk) -> None:
    first, second = desk.town.planted[:2]
    assert desk.patch(first, {"geometry": None}).status_code == 204
    shown = desk.document(second)["properties"]
    assert desk.put(second, body_of(None, **shown)).status_code == 204
    assert {desk.feature(each).geometry for each in (first, second)} == {None}


def test_placement_may_be_said_instead_of_a_place(desk: Desk) -> None:
    guid = desk.town.planted[0]
    assert desk.patch(guid, {"properties": {"placement": "citywide"}}).status_code == 204
    after = desk.feature(guid)
    assert (after.geometry, after.properties["placement"]) == (None, "citywide")
    unplaced = desk.town.planted[5]
    queue = "/ogc/collections/unplaced/items"
    assert told(desk.patch(unplaced, {"properties": {"placement": "placed"}}, queue))["field"] == "placement"
    assert desk.patch(unplaced, {"geometry": point(49.4, 53.6)}, queue).status_code == 204
    assert where(desk.feature(unplaced)) == (49.4, 53.6)


@pytest.mark.parametrize("guid", ["none", "6b0c0f3e-2f5c-4a7e-9d4b-0d8c6d0f0a11"])
def test_what_is_not_there_cannot_be_written(desk: Desk, guid: str) -> None:
    answers = [desk.put(guid, body_of(point(49, 53))), desk.patch(guid, {}), desk.delete(guid)]
    assert [each.status_code for each in answers] == [404, 404, 404]


def test_what_stands_elsewhere_or_is_retired_cannot_be_written(desk: Desk) -> None:
    park = desk.town.planted[3]
    assert desk.patch(park, {"geometry": point(49, 53)}).status_code == 404
    desk.town.change(desk.town.planted[0], visibility=Visibility.RETIRED)
    assert desk.patch(desk.town.planted[0], {}).status_code == 404


def test_write_is_known_by_whom_and_hints_the_card(desk: Desk) -> None:
    guid = desk.town.planted[0]
    desk.patch(guid, {"properties": {"address": "Мира, 1"}}, User_Agent="Mozilla/5.0 QGIS/34006/Linux")
    desk.patch(guid, {"properties": {"address": "Мира, 2"}}, User_Agent="curl/8")
    with desk.town.database.reading() as connection:
        pasts = pasts_of(connection, guid, limit=2)
        assert [(each.source, each.who) for each in pasts] == [("ogc", "token"), ("qgis", "token")]
        assert hinted_among(connection, ["1", "2"]) == {"1"}


# --- If-Match


def etag(answer: TestResponse) -> str:
    return answer.headers["ETag"]


CHANGES: list[tuple[str, object, str]] = [
    ("PUT", body_of(point(49.35, 53.54)), GEOJSON),
    ("PATCH", {"geometry": point(49.35, 53.54)}, PATCH),
    ("DELETE", None, ""),
]


@pytest.mark.parametrize(("method", "body", "media"), CHANGES)
def test_if_match_is_enforced(desk: Desk, method: str, body: object, media: str) -> None:
    guid = desk.town.planted[0]
    old = etag(desk.get(guid))
    desk.board_sets(guid, due="2027-01-01")
    new, before = etag(desk.get(guid)), desk.everything()
    for wrong in (old, f"W/{new}", '"x"', "x", "", f"W/{new}, {old}", '":"'):
        answer = desk.send(method, f"{WORKING}/{guid}", body, media, If_Match=wrong)
        assert (answer.status_code, answer.content_type) == (412, "application/problem+json"), wrong
    assert desk.everything() == before
    assert desk.send(method, f"{WORKING}/{guid}", body, media, If_Match=f"{old}, {new}").status_code < 300
    assert desk.everything() != before


@pytest.mark.parametrize(("method", "body", "media"), CHANGES)
def test_if_match_of_anything(desk: Desk, method: str, body: object, media: str) -> None:
    assert desk.send(method, f"{WORKING}/{desk.town.planted[0]}", body, media, If_Match="*").status_code < 300
    missing = desk.send(method, f"{WORKING}/{uuid4()}", body, media, If_Match="*")
    assert missing.status_code == 404
    assert desk.post(body_of(point(49.4, 53.6)), If_Match="*").status_code == 412


def test_of_many_with_the_same_if_match_one_wins(desk: Desk) -> None:
    guid, app = desk.town.planted[0], desk.town.app(native_edits=EDITABLE)
    headers = {**BEARER, "If-Match": etag(desk.get(guid)), "Content-Type": PATCH}

    def write(number: int) -> int:
        body = orjson.dumps({"properties": {"address": f"Мира, {number}"}})
        return app.test_client().patch(f"{WORKING}/{guid}", data=body, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(write, range(8)))
    assert statuses == [200] + [412] * 7
    assert desk.feature(guid).version == 2


def test_any_form_of_the_present_version_matches_on_any_day(desk: Desk) -> None:
    guid = desk.town.planted[0]
    tags = [etag(desk.get(guid)), etag(desk.get(guid, PUBLIC)), etag(desk.send("GET", f"{WORKING}/{guid}?f=html"))]
    desk.town.now += timedelta(days=1)
    for tag in tags:
        assert desk.patch(guid, {}, If_Match=tag).status_code == 200


def test_answer_to_a_write_has_the_next_if_match(desk: Desk) -> None:
    guid = desk.town.planted[0]
    tag = etag(desk.get(guid))
    for number in range(3):
        answer = desk.patch(guid, {"properties": {"address": f"Мира, {number}"}}, If_Match=tag)
        assert answer.status_code == 200
        tag = etag(answer)
    assert tag == etag(desk.get(guid))
    answer = desk.delete(guid, If_Match=tag)
    assert answer.status_code == 204
    queue = "/ogc/collections/unplaced/items"
    assert desk.patch(guid, {"geometry": point(49.4, 53.6)}, queue, If_Match=etag(answer)).status_code == 204


def test_if_none_match_keeps_from_writing_over(desk: Desk) -> None:
    guid = desk.town.planted[0]
    for tag in ("*", etag(desk.get(guid)), f"W/{etag(desk.get(guid))}"):
        assert desk.patch(guid, {"properties": {"address": "Мира, 1"}}, If_None_Match=tag).status_code == 412
    assert desk.post(body_of(point(49.4, 53.6)), If_None_Match="*").status_code == 201


# --- without If-Match: merged by field, and what was written over is offered back


def test_row_version_in_the_body_is_what_was_seen(desk: Desk) -> None:
    """Rule 12: fields equal to that version are no edits, however much they differ from the present ones."""
    guid = desk.town.planted[0]
    seen = desk.document(guid)
    assert seen["properties"]["row_version"] == 1
    desk.board_sets(guid, shape=shapely.Point(49.5, 53.6), horizon=2040, due="2027-01-01", stage="in_progress")
    body = body_of(seen["geometry"], **{**seen["properties"], "address": "Мира, 1"})
    assert desk.put(guid, body).status_code == 200
    after = desk.feature(guid)
    assert where(after) == (49.5, 53.6)
    assert (after.properties["horizon"], after.properties["address"]) == (2040, "Мира, 1")
    assert (after.properties["due"], after.properties["stage"]) == ("2027-01-01", "in_progress")
    assert desk.clashes() == []


def test_value_of_another_hand_written_over_is_offered_back(desk: Desk) -> None:
    guid = desk.town.planted[0]
    desk.board_sets(guid, horizon=2040, address="Ленина, 2")
    assert desk.patch(guid, {"properties": {"horizon": 2035}}).status_code == 200
    assert desk.feature(guid).properties["horizon"] == 2035
    assert desk.clashes() == [("overwritten", guid, {"horizon": 2040})]


def test_of_many_with_one_token_each_client_is_a_hand(desk: Desk) -> None:
    guid = desk.town.planted[0]
    desk.plugin_sets(guid, horizon=2040)
    for horizon in (2035, 2036):
        assert desk.patch(guid, {"properties": {"horizon": horizon}}).status_code == 200
    assert desk.clashes() == [("overwritten", guid, {"horizon": 2040})]
    desk.plugin_sets(guid, horizon=2041)
    assert desk.clashes() == []
    desk.patch(guid, {"properties": {"horizon": 2037}}, User_Agent="Mozilla/5.0 QGIS/34006")
    desk.patch(guid, {"properties": {"horizon": 2038}})
    both = sorted(desk.clashes(), key=lambda clash: clash[2]["horizon"])  # of one moment: in no order
    assert both == [("overwritten", guid, {"horizon": 2037}), ("overwritten", guid, {"horizon": 2041})]


def test_nothing_is_offered_back_that_was_seen_or_ones_own_or_old(desk: Desk) -> None:
    guid = desk.town.planted[0]
    desk.board_sets(guid, horizon=2040, address="Ленина, 2")
    tag = etag(desk.get(guid))
    desk.patch(guid, {"properties": {"horizon": 2035}}, If_Match=tag)
    desk.patch(guid, {"properties": {"horizon": 2036}})
    desk.patch(guid, {"properties": {"row_version": desk.feature(guid).version, "address": "Мира, 1"}})
    desk.board_sets(guid, address="Ленина, 3")
    desk.town.now += timedelta(days=1, minutes=1)
    desk.patch(guid, {"properties": {"address": "Мира, 2"}})
    assert desk.feature(guid).properties["address"] == "Мира, 2"
    assert desk.clashes() == []


def test_place_of_another_hand_written_over_is_offered_back(desk: Desk) -> None:
    guid = desk.town.planted[0]
    with desk.town.database.writing() as connection:
        moved = replace(desk.feature(guid), geometry=shapely.Point(49.5, 53.6).wkb, hand=Hand.MAP)
        write_feature(connection, moved, Author("qgis", "Мария"), desk.town.now)
    assert desk.delete(guid).status_code == 204
    ((reason, of, offered),) = desk.clashes()
    assert (reason, of) == ("overwritten", guid)
    assert "geometry" in offered


@pytest.mark.parametrize("version", [0, -1, 99, 2**31, "x", 1.5])
def test_row_version_that_never_was_tells_nothing(desk: Desk, version: object) -> None:
    guid = desk.town.planted[0]
    answer = desk.patch(guid, {"properties": {"row_version": version, "address": "Мира, 1"}})
    assert answer.status_code in {200, 422}
    assert (desk.feature(guid).properties["address"] == "Мира, 1") == (answer.status_code == 200)


# --- history


def test_history_tells_every_change_to_those_who_may(desk: Desk) -> None:
    guid = desk.town.planted[0]
    path = f"{WORKING}/{guid}/history"
    desk.patch(guid, {"properties": {"address": "Мира, 1"}, "geometry": point(49.35, 53.54)})
    desk.delete(guid)
    answer = desk.send("GET", path)
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    removed, moved, planted = told(answer)["history"]
    assert (planted["version"], planted["source"], planted["before"]) == (1, "board", None)
    assert (moved["version"], moved["source"], moved["who"]) == (2, "ogc", "token")
    assert moved["before"]["address"] is None
    assert moved["after"]["address"] == "Мира, 1"
    assert moved["before"]["geometry"] == point(49.3461, 53.5303)
    assert moved["after"]["geometry"] == point(49.35, 53.54)
    assert (removed["after"]["geometry"], removed["after"]["placement"]) == (None, "unplaced")
    assert moved["push"] != removed["push"]
    assert desk.send("GET", path, If_None_Match=answer.headers["ETag"]).status_code == 304
    assert desk.client.get(path).status_code == 401
    assert desk.send("GET", f"{WORKING}/none/history").status_code == 404
    for query in ("?limit=0", "?before=x", "?bbox=1"):
        assert desk.send("GET", path + query).status_code == 400


def test_history_comes_in_pages(desk: Desk) -> None:
    guid = desk.town.planted[0]
    for number in range(4):
        desk.patch(guid, {"properties": {"address": f"Мира, {number}"}})
    path, versions = f"{WORKING}/{guid}/history?limit=2", []
    while path:
        page = told(desk.send("GET", path))
        versions += [each["version"] for each in page["history"]]
        path = next((link["href"].removeprefix(HOME) for link in page["links"] if link["rel"] == "next"), "")
    assert versions == [5, 4, 3, 2, 1]


# --- whatever comes


_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_PLACES = st.sampled_from(
    [None, point(49.4, 53.6), {"type": "Polygon", "coordinates": AREA.__geo_interface__["coordinates"]}]
)
_NAMES = st.sampled_from(
    ["guid", "address", "horizon", "placement", "stage", "district", "row_version", "blocked", "x"]
)
_VALUES = st.dictionaries(_NAMES, _JSON, max_size=4)
_BODIES = _JSON | st.fixed_dictionaries(
    {"type": st.just("Feature"), "geometry": _JSON | _PLACES, "properties": _VALUES}
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    method=st.sampled_from(["POST", "PUT", "PATCH", "DELETE"]),
    name=st.sampled_from(EDITABLE),
    body=_BODIES,
    tag=st.none() | st.text(alphabet='Wx":/*,. ', max_size=12),
)
def test_no_body_breaks_the_service(full_town: Town, method: str, name: str, body: object, tag: str | None) -> None:
    desk = Desk(full_town)
    path = f"/ogc/collections/{name}/items" + ("" if method == "POST" else f"/{full_town.planted[0]}")
    headers = {} if tag is None else {"If_Match": tag}
    answer = desk.send(method, path, body, PATCH if method == "PATCH" else GEOJSON, **headers)
    assert answer.status_code in {200, 201, 204, 400, 404, 409, 412, 415, 422}
    if answer.status_code >= 400:
        assert answer.content_type == "application/problem+json"


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    method=st.sampled_from(["POST", "PUT", "PATCH"]),
    raw=st.binary(max_size=40) | st.text(alphabet='{}[]":,0e9.nultrfasd\\', max_size=40).map(str.encode),
    media=st.sampled_from([GEOJSON, PATCH, "application/json", "", "x", "a/b;c=d"]),
    header=st.tuples(
        st.sampled_from(["Content-Crs", "If-Match", "If-None-Match", "Content-Encoding", "Idempotency-Key"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=12),
    ),
)
def test_no_bytes_break_the_service(
    full_town: Town, method: str, raw: bytes, media: str, header: tuple[str, str]
) -> None:
    path = WORKING + ("" if method == "POST" else f"/{full_town.planted[0]}")
    headers = {**BEARER, header[0]: header[1].strip()}
    client = full_town.client(native_edits=EDITABLE)
    answer = client.open(path, method=method, data=raw, content_type=media, headers=headers)
    assert answer.status_code in {200, 201, 400, 412, 415, 422}


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_address_no_store_can_hold_is_nobodys(desk: Desk, method: str) -> None:
    """PostgreSQL takes no zero byte in a text."""
    body, media = {"PUT": (body_of(point(49, 53)), GEOJSON), "PATCH": ({}, PATCH)}.get(method, (None, ""))
    assert desk.send(method, f"{WORKING}/%00", body, media).status_code == 404
    assert desk.send("GET", f"{WORKING}?title=%00").status_code == 400
    assert desk.send("GET", f"{WORKING}/%00/history").status_code == 404


def test_body_too_large_is_told(full_town: Town) -> None:
    app = full_town.app(native_edits=EDITABLE)
    app.config["MAX_CONTENT_LENGTH"] = 1000
    answer = app.test_client().post(WORKING, data=b"x" * 2000, content_type=GEOJSON, headers=BEARER)
    assert answer.status_code == 413


def test_frozen_store_says_when_to_come_again(full_town: Town) -> None:
    with full_town.database.writing() as connection:
        connection.execute(update(store).values(gate="frozen"))
    answer = Desk(full_town).patch(full_town.planted[0], {"properties": {"address": "Мира, 1"}})
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
