"""Pages of features: paging, boxes, times, properties, validators, and what a cache may keep."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import shapely
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sync_service.sync.values import Visibility
from tests.ogc import AREA, BEARER, HOME, LINE, POINT
from tests.postgres import both_stores

if TYPE_CHECKING:
    from typing import Any

    from werkzeug.test import TestResponse

    from tests.ogc import Town

pytestmark = both_stores

ITEMS = "/ogc/collections/proposals/items"


def next_of(page: dict[str, Any]) -> str | None:
    found = [link["href"] for link in page["links"] if link["rel"] == "next"]
    return found[0].removeprefix(HOME) if found else None


def walk(town: Town, path: str, **headers: str) -> list[str]:
    """Ids of all pages, in order."""
    ids: list[str] = []
    while path:
        page = town.json(path, **headers)
        assert page["numberReturned"] == len(page["features"])
        ids += [each["id"] for each in page["features"]]
        path = next_of(page) or ""
    return ids


# --- paging


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 100])
def test_pages_give_everything_once(town: Town, limit: int) -> None:
    planted = [town.plant(horizon=2030 if number == 5 else None) for number in range(7)]
    ids = walk(town, f"{ITEMS}?limit={limit}")
    assert sorted(ids) == sorted(planted)


@pytest.mark.parametrize("limit", [1, 3])
def test_pages_of_a_filter_give_everything_once(town: Town, limit: int) -> None:
    planted = [town.plant(stage="done" if number % 2 else "approved") for number in range(9)]
    assert walk(town, f"{ITEMS}?limit={limit}&stage=done") == planted[1::2]


def test_paging_is_steady_while_features_come_and_go(town: Town) -> None:
    planted = [town.plant() for _ in range(6)]
    first = town.json(f"{ITEMS}?limit=3")
    town.change(planted[0], visibility=Visibility.HIDDEN)
    town.change(planted[3], visibility=Visibility.RETIRED)
    late = town.plant()
    rest = walk(town, next_of(first) or "")
    assert rest == [planted[4], planted[5], late]


def test_first_page_shows_a_value_of_every_type(town: Town) -> None:
    """QGIS before 3.44 guesses types from the first ten features."""
    planted = [town.plant() for _ in range(30)]
    town.change(planted[20], horizon=2040)
    town.change(planted[25], due="2027-01-01", start="2026-01-01")
    shown = town.json(f"{ITEMS}?limit=10")["features"]
    assert len(shown) == 10
    for name in ("horizon", "due", "start"):
        assert any(each["properties"][name] is not None for each in shown)
    assert sorted(walk(town, f"{ITEMS}?limit=10")) == sorted(planted)


def test_next_is_absent_on_the_last_full_page(town: Town) -> None:
    for _ in range(4):
        town.plant()
    assert next_of(town.json(f"{ITEMS}?limit=4")) is None
    assert next_of(town.json(f"{ITEMS}?limit=2")) is not None


def test_next_keeps_the_question(full_town: Town) -> None:
    link = next_of(full_town.json(f"{ITEMS}?limit=1&bbox=49,53,50,54&filter=horizon%20IS%20NULL"))
    assert link
    query = urlsplit(link).query
    assert "bbox=49,53,50,54" in query
    assert "filter=horizon" in query
    assert full_town.get(link).status_code == 200


@pytest.mark.parametrize("limit", ["0", "-1", "x", "", "1.5", "٣"])
def test_bad_limit_is_refused(full_town: Town, limit: str) -> None:
    answer = full_town.get(f"{ITEMS}?limit={limit}")
    assert answer.status_code == 400
    assert answer.json
    assert answer.json["field"] == "limit"


def test_large_limit_is_lowered(full_town: Town) -> None:
    assert full_town.json(f"{ITEMS}?limit=99999999999999999999")["numberReturned"] == 4


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "MQ==.", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "A" * 500])
def test_bad_cursor_is_refused(full_town: Town, cursor: str) -> None:
    answer = full_town.get(f"{ITEMS}?cursor={cursor}")
    assert answer.status_code == 400
    assert answer.json
    assert answer.json["field"] == "cursor"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.sampled_from(["limit", "cursor", "bbox", "datetime", "filter", "crs", "properties", "due", "blocked"]),
       value=st.text(max_size=30))  # fmt: skip
def test_no_value_breaks_the_service(full_town: Town, name: str, value: str) -> None:
    answer = full_town.client().get(ITEMS, query_string={name: value})
    assert answer.status_code in {200, 400}


# --- which collection


def test_each_stands_where_its_kind_and_placement_say(full_town: Town) -> None:
    assert sorted(full_town.cards()) == ["1", "2", "3", "4"]
    assert sorted(full_town.cards(collection="proposals_points")) == ["1", "2"]
    assert full_town.cards(collection="proposals_lines") == ["3"]
    assert full_town.cards(collection="proposals_areas") == ["4"]
    assert full_town.cards(collection="proposals_noplace") == ["5"]
    assert full_town.cards(collection="unplaced", **BEARER) == ["6"]
    assert sorted(full_town.cards(collection="working_points", **BEARER)) == ["1", "2", "7"]


def test_geometry_is_simple_in_one_and_multi_in_the_others(full_town: Town) -> None:
    def types(name: str, **headers: str) -> set[str]:
        return {
            each["geometry"]["type"] for each in full_town.json(f"/ogc/collections/{name}/items", **headers)["features"]
        }

    assert types("proposals") == {"Point", "MultiPoint", "LineString", "Polygon"}
    assert types("proposals_points") == {"MultiPoint"}
    assert types("proposals_lines") == {"MultiLineString"}
    assert types("proposals_areas") == {"MultiPolygon"}
    assert types("working_points", **BEARER) == {"MultiPoint"}


def test_no_place_is_null(full_town: Town) -> None:
    for name in ("proposals_noplace", "unplaced"):
        page = full_town.json(f"/ogc/collections/{name}/items", **BEARER)
        assert [each["geometry"] for each in page["features"]] == [None]


def test_counts_agree_with_what_is_given(full_town: Town) -> None:
    for name in ("proposals", "proposals_points", "unplaced", "working_points"):
        for query in ("limit=1", "limit=1&bbox=-180,-90,180,90", "limit=100", "limit=1&stage=approved"):
            page = full_town.json(f"/ogc/collections/{name}/items?{query}", **BEARER)
            all_of_them = walk(full_town, f"/ogc/collections/{name}/items?{query}", **BEARER)
            assert page["numberMatched"] == len(all_of_them)


# --- bbox


@pytest.mark.parametrize(
    ("bbox", "cards"),
    [
        ("49.34,53.52,49.35,53.54", ["1"]),
        ("49.34,53.52,-5,49.35,53.54,100", ["1"]),
        ("49.3461,53.5303,49.3461,53.5303", ["1"]),
        ("49.34611,53.5303,49.35,53.54", []),
        ("49.55,53.55,49.65,53.65", ["2"]),
        ("49.52,53.52,49.58,53.58", []),  # inside the box of the two stops, and at neither
        ("49.30,53.51,49.305,53.52", []),  # inside the box of the cycle path, beside it
        ("49.305,53.50,49.31,53.51", ["3"]),
        ("49.405,53.505,49.41,53.51", ["4"]),  # wholly inside the park
        ("-180,-90,180,90", ["1", "2", "3", "4"]),
        ("170,-90,-170,90", []),
        ("49.5,-90,-170,90", ["2"]),
        ("170,-90,49.35,90", ["1", "3"]),
    ],
)
def test_bbox_takes_what_meets_it(full_town: Town, bbox: str, cards: list[str]) -> None:
    assert sorted(full_town.cards(f"bbox={bbox}")) == cards
    assert full_town.json(f"{ITEMS}?bbox={bbox}&limit=1")["numberMatched"] == len(cards)


def test_bbox_finds_across_the_antimeridian(town: Town) -> None:
    town.plant(shapely.Point(179.5, 60))
    town.plant(shapely.Point(-179.5, 60))
    town.plant(shapely.Point(0, 60))
    assert sorted(town.cards("bbox=179,50,-179,70")) == ["1", "2"]


@pytest.mark.parametrize(
    "bbox", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1,2,3,nan", "1,2,inf,4", "1,54,2,53", "1 2 3 4"]
)
def test_bad_bbox_is_refused(full_town: Town, bbox: str) -> None:
    answer = full_town.get(f"{ITEMS}?bbox={bbox}")
    assert answer.status_code == 400
    assert answer.json
    assert answer.json["field"] == "bbox"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    west=st.floats(49.2, 49.7), south=st.floats(53.4, 53.7), width=st.floats(0, 0.3), height=st.floats(0, 0.3)
)  # fmt: skip
def test_bbox_agrees_with_geometry(full_town: Town, west: float, south: float, width: float, height: float) -> None:
    shapes = (POINT, shapely.MultiPoint([(49.5, 53.5), (49.6, 53.6)]), LINE, AREA)
    # Whether a corner lies on a line is a matter of the last binary digit, in which libraries may differ.
    steps = ((0, 0), (1e-9, 0), (-1e-9, 0), (0, 1e-9), (0, -1e-9))
    boxes = [shapely.box(west + x, south + y, west + width + x, south + height + y) for x, y in steps]
    assume(all(len({shapely.intersects(shape, box) for box in boxes}) == 1 for shape in shapes))
    expected = [str(n) for n, shape in enumerate(shapes, 1) if shapely.intersects(shape, boxes[0])]
    bbox = ",".join(map(repr, (west, south, west + width, south + height)))
    assert sorted(full_town.cards(f"bbox={bbox}")) == expected


def test_moved_feature_is_found_where_it_is_now(full_town: Town) -> None:
    full_town.change(full_town.planted[0], shape=shapely.Point(10, 10))
    assert full_town.cards("bbox=9,9,11,11") == ["1"]
    assert full_town.cards("bbox=49.34,53.52,49.35,53.54") == []


def test_bbox_does_not_empty_a_collection_without_places(full_town: Town) -> None:
    assert full_town.cards("bbox=0,0,1,1", collection="proposals_noplace") == ["5"]


# --- datetime


@pytest.mark.parametrize(
    ("moment", "cards"),
    [
        ("2026-06-01", ["1", "4"]),
        ("2026-11-12", ["1", "4"]),
        ("2026-11-13", ["4"]),
        ("2027-06-01T00:00:00Z", ["3", "4"]),
        ("2019-01-01/2019-12-31", ["2", "4"]),
        ("../2025-12-31", ["2", "4"]),
        ("/2025-12-31", ["2", "4"]),
        ("2027-01-01/..", ["3", "4"]),
        ("2027-01-01/", ["3", "4"]),
        ("../..", ["1", "2", "3", "4"]),
        ("0000-01-01T00:00:00Z/2025-12-31T19:59:59Z", ["2", "4"]),
        ("2027-02-01T00:00:00Z/9999-12-31T23:59:59Z", ["3", "4"]),
        ("2025-12-31T21:30:00Z", ["1", "4"]),  # already 2026 in Samara
        ("2025-12-31T19:30:00Z", ["4"]),
        ("2026-11-12T23:30:00%2B05:00", ["1", "4"]),
    ],
)
def test_datetime_meets_start_to_due(full_town: Town, moment: str, cards: list[str]) -> None:
    """2 has a due date only: it began whenever. 3 has a start only. 4 has neither, and is always there."""
    assert sorted(full_town.cards(f"datetime={moment}")) == cards


@pytest.mark.parametrize(
    "moment",
    ["", "yesterday", "2026", "2026-13-01", "2026-02-30", "2026-06-01T25:00:00Z", "2026-06-01T10:00:00",
     "2026-06-02/2026-06-01", "2026-01-01/2026-02-01/2026-03-01", "9999-99", "0000-01-01T", "20260601"],
)  # fmt: skip
def test_bad_datetime_is_refused(full_town: Town, moment: str) -> None:
    answer = full_town.get(f"{ITEMS}?datetime={moment}")
    assert answer.status_code == 400
    assert answer.json
    assert answer.json["field"] == "datetime"


# --- properties


@pytest.mark.parametrize(
    ("query", "cards"),
    [
        ("stage=done", ["2"]),
        ("horizon=2030", ["1"]),
        ("blocked=true", ["1"]),
        ("blocked=false", ["2", "3", "4"]),
        ("due=2020-01-01", ["2"]),
        ("card_id=4", ["4"]),
        ("title=Парк", ["4"]),
        ("direction=Транспорт&stage=in_progress", ["3"]),
        ("overdue_days=10", ["1"]),
        ("row_version=1", ["1", "2", "3", "4"]),
        ("title=парк", []),
        ("title=%25", []),
    ],
)
def test_properties_narrow(full_town: Town, query: str, cards: list[str]) -> None:
    assert sorted(full_town.cards(query)) == cards


def test_guid_narrows(full_town: Town) -> None:
    assert full_town.cards(f"guid={full_town.planted[3]}") == ["4"]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("stage=someday", "stage"),
        ("horizon=soon", "horizon"),
        ("horizon=99999999999999999999", "horizon"),
        ("blocked=yes", "blocked"),
        ("due=01.01.2026", "due"),
        ("published=yesterday", "published"),
        ("properties=title,salary", "properties"),
        ("properties=responsible", "properties"),
    ],
)
def test_bad_values_are_refused_by_name(full_town: Town, query: str, name: str) -> None:
    answer = full_town.get(f"{ITEMS}?{query}")
    assert answer.status_code == 400
    assert answer.json
    assert answer.json["field"] == name


def test_only_the_properties_wanted(full_town: Town) -> None:
    for path in (
        f"{ITEMS}?properties=title,overdue_days",
        f"{ITEMS}/{full_town.planted[0]}?properties=title,overdue_days",
    ):
        document = full_town.json(path)
        first = document["features"][0] if "features" in document else document
        assert first["properties"] == {"title": "Сквер «Ромашка»", "overdue_days": 10}


# --- what depends on the day


@pytest.mark.parametrize(
    ("stage", "due", "days"),
    [
        ("approved", "2026-11-21", 1),
        ("in_progress", "2025-11-22", 365),
        ("approved", "2026-11-22", 0),
        ("approved", "2026-11-23", 0),
        ("done", "2020-01-01", 0),
        ("approved", None, 0),
    ],
)
def test_overdue_days_are_counted_when_answering(town: Town, stage: str, due: str | None, days: int) -> None:
    town.plant(stage=stage, due=due)
    paths = (ITEMS, f"{ITEMS}?crs=http://www.opengis.net/def/crs/EPSG/0/3857", "/ogc/collections/working_points/items")
    for path in paths:
        properties = town.json(path, **BEARER)["features"][0]["properties"]
        assert properties["overdue_days"] == days
        assert properties["blocked"] is False


def test_day_turns_at_local_midnight(town: Town) -> None:
    town.plant(due="2026-11-22")
    town.now = datetime(2026, 11, 22, 19, 59, tzinfo=UTC)
    before = town.get(ITEMS)
    town.now += timedelta(minutes=2)  # 00:01 in Samara
    after = town.get(ITEMS, If_None_Match=before.headers["ETag"])
    assert before.json
    assert after.json
    assert before.json["features"][0]["properties"]["overdue_days"] == 0
    assert after.json["features"][0]["properties"]["overdue_days"] == 1


def test_hidden_proposal_is_never_overdue(town: Town) -> None:
    town.plant(visibility=Visibility.HIDDEN, due="2020-01-01")
    page = town.json("/ogc/collections/working_points/items", **BEARER)
    assert page["features"][0]["properties"]["overdue_days"] == 0


# --- validators and caches


def etag(answer: TestResponse) -> str:
    assert answer.status_code == 200
    return answer.headers["ETag"]


@pytest.mark.parametrize(
    "path", ["/ogc/", "/ogc/api", "/ogc/collections", "/ogc/collections/proposals", ITEMS, ITEMS + "/{}"]
)
def test_unchanged_answers_cost_nothing(full_town: Town, path: str) -> None:
    path = path.format(full_town.planted[0])
    answer = full_town.get(path)
    again = full_town.get(path, If_None_Match=etag(answer))
    assert (again.status_code, again.data) == (304, b"")
    for name in ("ETag", "Vary", "Cache-Control"):
        assert again.headers[name] == answer.headers[name]


def test_etag_changes_with_the_collection_and_only_with_it(full_town: Town) -> None:
    points, lines = "/ogc/collections/proposals_points/items", "/ogc/collections/proposals_lines/items"
    before = {path: etag(full_town.get(path)) for path in (ITEMS, points, lines)}
    full_town.change(full_town.planted[0], title="Другое имя")
    after = {path: etag(full_town.get(path)) for path in (ITEMS, points, lines)}
    assert {path for path in before if before[path] != after[path]} == {ITEMS, points}


def test_etag_of_an_item_changes_with_it_alone(full_town: Town) -> None:
    one, other = (f"{ITEMS}/{guid}" for guid in full_town.planted[:2])
    before = etag(full_town.get(one)), etag(full_town.get(other))
    full_town.change(full_town.planted[0], title="Другое имя")
    assert etag(full_town.get(one)) != before[0]
    assert etag(full_town.get(other)) == before[1]


@pytest.mark.parametrize("path", ["/ogc/", "/ogc/collections/proposals", ITEMS, ITEMS + "?f=html", ITEMS + "/{}"])
def test_etag_is_strong_and_equal_states_give_equal_bytes(full_town: Town, path: str) -> None:
    first, again = (full_town.get(path.format(full_town.planted[0])) for _ in range(2))
    assert re.fullmatch(r'"[^"]+"', etag(first))
    assert (etag(first), first.data) == (etag(again), again.data)


def test_version_of_an_item_stands_in_its_etag_whatever_the_day_and_the_form(full_town: Town) -> None:
    path = f"{ITEMS}/{full_town.planted[0]}"
    today = [
        etag(full_town.get(path)),
        etag(full_town.get(path, Accept="text/html")),
        etag(full_town.get(path, **BEARER)),
    ]
    full_town.now += timedelta(days=1)
    tags = [*today, etag(full_town.get(path))]
    assert len(set(tags)) == 4
    assert len({tag.partition(":")[0] for tag in tags}) == 1
    full_town.change(full_town.planted[0], title="Другое имя")
    assert etag(full_town.get(path)).partition(":")[0] != tags[0].partition(":")[0]


def test_etag_tells_forms_questions_and_people_apart(full_town: Town) -> None:
    tags = [
        etag(full_town.get(ITEMS)),
        etag(full_town.get(f"{ITEMS}?limit=1")),
        etag(full_town.get(ITEMS, Accept="text/html")),
        etag(full_town.get(ITEMS, Accept="text/html", Accept_Language="en")),
        etag(full_town.get(ITEMS, Accept_Encoding="gzip")),
        etag(full_town.get(ITEMS, **BEARER)),
        etag(full_town.client(publish=False).get(ITEMS)),
    ]
    assert len(set(tags)) == len(tags)


def test_what_is_remembered_is_never_stale(town: Town) -> None:
    first, second = town.plant(title="Было", due="2020-01-01", stage="done"), town.plant(due="2026-11-23")
    town.plant(due="2026-11-30")
    paths = [ITEMS, f"{ITEMS}?stage=approved&limit=1", f"{ITEMS}?limit=1", "/ogc/collections/proposals"]

    def look() -> list[Any]:
        return [town.json(path) for path in paths]

    before = look()
    assert before[0]["features"][0]["properties"]["title"] == "Было"
    assert [each["properties"]["overdue_days"] for each in before[0]["features"]] == [0, 0, 0]
    town.change(first, title="Стало", shape=shapely.Point(10, 10))
    town.plant(due="2026-11-24")
    everything, approved, short, described = look()
    assert everything["features"][0]["properties"]["title"] == "Стало"
    assert (approved["numberMatched"], short["numberMatched"], everything["numberReturned"]) == (3, 4, 4)
    assert described["extent"]["spatial"]["bbox"][0][:2] == [10, 10]
    town.now += timedelta(days=1, hours=12)
    assert [each["properties"]["overdue_days"] for each in look()[0]["features"]] == [0, 1, 0, 0]
    town.change(first, due=None)
    town.change(second, horizon=2050)
    shown = look()[2]["features"][0]
    assert shown["id"] == second


def test_head_is_get_without_its_body(full_town: Town) -> None:
    got, head = full_town.client().get(ITEMS), full_town.client().head(ITEMS)
    assert (head.status_code, head.data) == (200, b"")
    for name in ("ETag", "Content-Type", "Content-Length", "Content-Crs"):
        assert head.headers[name] == got.headers[name]


def test_answers_are_packed_on_request(full_town: Town) -> None:
    plain, packed = full_town.get(f"{ITEMS}?limit=3"), full_town.get(f"{ITEMS}?limit=3", Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.data).partition(b"numberMatched")[2] == plain.data.partition(b"numberMatched")[2]
    again = full_town.get(f"{ITEMS}?limit=3", Accept_Encoding="gzip", If_None_Match=packed.headers["ETag"])
    assert again.status_code == 304


def test_public_answers_may_be_kept_and_read_from_anywhere(full_town: Town) -> None:
    answer = full_town.get(ITEMS, Origin="https://elsewhere.test")
    assert answer.headers["Cache-Control"] == "public, no-cache"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Authorization" in answer.headers["Vary"]


@pytest.mark.parametrize("path", [ITEMS, "/ogc/collections/working_points/items", "/ogc/collections"])
def test_answers_to_staff_are_kept_by_nobody(full_town: Town, path: str) -> None:
    answer = full_town.get(path, **BEARER)
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_page_for_people_pages_on(town: Town) -> None:
    for number in range(3):
        town.plant(title=f"<b>{number}</b>")
    first = town.get(f"{ITEMS}?f=html&limit=2")
    assert "&lt;b&gt;0" in first.text
    assert "<b>0" not in first.text
    link = next(part for part in first.text.split('"') if "cursor=" in part).replace("&amp;", "&")
    second = town.get(link.removeprefix(HOME))
    assert second.status_code == 200
    assert "&lt;b&gt;2" in second.text
    assert "&lt;b&gt;0" not in second.text
