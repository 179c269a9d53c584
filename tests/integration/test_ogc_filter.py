"""CQL2 text over real proposals: what QGIS sends, what the standard allows, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.postgres import both_stores

if TYPE_CHECKING:
    from tests.ogc import Town

pytestmark = both_stores

ITEMS = "/ogc/collections/proposals/items"


def ask(town: Town, text: str, **more: str) -> list[str]:
    answer = town.client().get(ITEMS, query_string={"filter": text, **more})
    assert answer.status_code == 200, answer.text
    assert answer.json
    found = sorted(each["properties"]["card_id"] for each in answer.json["features"])
    assert answer.json["numberMatched"] == len(found)
    return found


@pytest.mark.parametrize(
    ("text", "cards"),
    [
        ("stage = 'approved'", ["1", "4"]),
        ("stage <> 'approved'", ["2", "3"]),
        ("horizon = 2030", ["1"]),
        ("horizon >= 2030.0", ["1"]),
        ("2030 = horizon", ["1"]),
        ("horizon < 2030", []),
        ("horizon IS NULL", ["2", "3", "4"]),
        ("horizon IS NOT NULL", ["1"]),
        ("blocked = TRUE", ["1"]),
        ("blocked", ["1"]),
        ("NOT blocked", ["2", "3", "4"]),
        ("TRUE", ["1", "2", "3", "4"]),
        ("FALSE OR stage = 'done'", ["2"]),
        ("stage='done' OR stage='approved' AND horizon=2030", ["1", "2"]),
        ("(stage='done' OR stage='approved') AND horizon=2030", ["1"]),
        ("NOT stage='done' AND NOT (stage='approved')", ["3"]),
        ("stage IN ('done','in_progress')", ["2", "3"]),
        ("stage NOT IN ('done','in_progress')", ["1", "4"]),
        ("horizon BETWEEN 2029 AND 2031", ["1"]),
        ("horizon NOT BETWEEN 2029 AND 2031", []),
        ("overdue_days > 5", ["1"]),
        ("overdue_days * 2 - 10 = 10", ["1"]),
        ("horizon % 100 = 30", ["1"]),
        ("(horizon = ( - (-2030)))", ["1"]),
        # text
        ("title LIKE 'Пар%'", ["4"]),
        ("title LIKE 'пар%'", []),
        ("title LIKE '_арк'", ["4"]),
        ("title NOT LIKE '%о%'", ["4"]),
        ("(CASEI(title) LIKE CASEI('%РОМАШКА%'))", ["1"]),
        ("CASEI(title) = CASEI('ПАРК')", ["4"]),
        ("title LIKE '100\\%'", []),
        ("title = 'O''Brien'", []),
        # times
        ("due = DATE('2026-11-12')", ["1"]),
        ("(\"due\" = '2026-11-12')", ["1"]),
        ("due < DATE('2021-01-01')", ["2"]),
        ("due BETWEEN '2026-01-01' AND DATE('2026-12-31')", ["1"]),
        ("due > TIMESTAMP('2026-11-11T23:59:59Z')", ["1"]),
        ("published >= TIMESTAMP('2026-11-22T12:00:00.000Z')", ["1", "2", "3", "4"]),
        ("published > TIMESTAMP('2026-11-22T12:00:00.000Z')", []),
        ("published = DATE('2026-11-22')", ["1", "2", "3", "4"]),
        ("T_BEFORE(due, DATE('2021-01-01'))", ["2"]),
        ("T_AFTER(start, '2026-06-01')", ["3"]),
        ("T_INTERSECTS(INTERVAL(start, due), INTERVAL('2026-05-01', '..'))", ["1"]),
        ("T_DURING(due, INTERVAL('2026-01-01', '2026-12-31'))", ["1"]),
        # places
        ('S_INTERSECTS("geometry",BBOX(49.34,53.52,49.35,53.54))', ["1"]),
        ("S_INTERSECTS(geometry, BBOX(-10,53,49.35,54)) AND blocked = FALSE", ["3"]),
        ("S_INTERSECTS(geometry, POINT(49.41 53.51))", ["4"]),
        ("S_INTERSECTS(POINT(49.41 53.51), geometry)", ["4"]),
        ("S_INTERSECTS(geometry, POLYGON((49.29 53.49, 49.33 53.49, 49.33 53.53, 49.29 53.49)))", ["3"]),
        ("S_INTERSECTS(geometry, LINESTRING(49.39 53.51, 49.43 53.51))", ["4"]),
        ("S_INTERSECTS(geometry, MULTIPOINT((49.5 53.5),(0 0)))", ["2"]),
        ("S_INTERSECTS(geometry, GEOMETRYCOLLECTION(POINT(49.41 53.51), POINT(49.5 53.5)))", ["2", "4"]),
        ("S_INTERSECTS(geometry, GEOMETRYCOLLECTION(POINT(0 0), LINESTRING(49.39 53.51, 49.43 53.51)))", ["4"]),
        (
            "S_INTERSECTS(geometry, GEOMETRYCOLLECTION(MULTIPOLYGON(((49.2 53.4,49.33 53.4,49.33 53.6,49.2 53.4)))))",
            ["3"],
        ),
        ("NOT S_INTERSECTS(geometry, BBOX(49.34,53.52,49.35,53.54))", ["2", "3", "4"]),
        ("stage\n=\t'done'", ["2"]),
    ],
)
def test_filter_finds(full_town: Town, text: str, cards: list[str]) -> None:
    assert ask(full_town, text) == cards


def test_letter_case_is_minded_in_every_alphabet(town: Town) -> None:
    for title in ("Ёлка", "ёлка", "Fir", "fir", "100%", "1000", "[a]*?"):
        town.plant(title=title)
    assert ask(town, "title LIKE 'Ёл%'") == ["1"]
    assert ask(town, "title LIKE 'F%'") == ["3"]
    assert ask(town, "CASEI(title) LIKE CASEI('ЁЛКА')") == ["1", "2"]
    assert ask(town, "title LIKE '100\\%'") == ["5"]
    assert ask(town, "title LIKE '[a]*?'") == ["7"]
    assert ask(town, "title LIKE '[a]%'") == ["7"]


def test_filter_stands_beside_the_other_parameters(full_town: Town) -> None:
    assert ask(full_town, "stage = 'approved'", bbox="49.39,53.4,49.45,53.6") == ["4"]
    assert ask(full_town, "stage = 'approved'", stage="done") == []


def test_filter_crs_is_that_of_its_geometries(full_town: Town) -> None:
    north_first = "http://www.opengis.net/def/crs/EPSG/0/4326"
    metres = "http://www.opengis.net/def/crs/EPSG/0/3857"
    assert ask(full_town, "S_INTERSECTS(geometry, POINT(53.51 49.41))", **{"filter-crs": north_first}) == ["4"]
    assert ask(full_town, "S_INTERSECTS(geometry, BBOX(53.5,49.40,53.52,49.42))", **{"filter-crs": north_first}) == [
        "4"
    ]
    box = "BBOX(5493100,7081600,5493300,7081800)"
    assert ask(full_town, f"S_INTERSECTS(geometry, {box})", **{"filter-crs": metres}) == ["1"]


@pytest.mark.parametrize(
    ("text", "reason", "position"),
    [
        ("", "filter_syntax", 0),
        ("stage =", "filter_syntax", 6),
        ("stage = 'a' AND", "filter_syntax", 12),
        ("stage == 'a'", "filter_syntax", 7),
        ("stage = 'a", "filter_syntax", 8),
        ("; DROP TABLE feature", "filter_syntax", 0),
        ("stage = 'a' 'b'", "filter_syntax", 12),
        ("salary = 1", "filter_property", 0),
        ("stage = 1", "filter_types", 6),
        ("horizon = 'soon'", "filter_types", 8),
        ("due = 'soon'", "filter_types", 4),
        ("horizon LIKE '2%'", "filter_types", 8),
        ("title LIKE title", "filter_types", 6),
        ("title + 1 = 2", "filter_types", 6),
        ("geometry = geometry", "filter_types", 9),
        ("geometry IS NULL", "filter_types", 9),
        ("S_TOUCHES(geometry, POINT(1 1))", "filter_function", 0),
        ("S_INTERSECTS(geometry)", "filter_arguments", 0),
        ("S_INTERSECTS(title, POINT(1 1))", "filter_arguments", 0),
        ("S_INTERSECTS(geometry, BBOX(1,2,3))", "filter_arguments", 23),
        ("S_INTERSECTS(geometry, BBOX(1,54,2,53))", "filter_arguments", 23),
        ("S_INTERSECTS(geometry, POLYGON((1 1, 2 2)))", "filter_geometry", 23),
        ("S_INTERSECTS(geometry, POINT(1))", "filter_geometry", 23),
        ("DATE('2026-02-30') = due", "filter_arguments", 0),
        ("T_AFTER(title, due)", "filter_arguments", 0),
        ("horizon", "filter_not_condition", None),
        ("'a'", "filter_not_condition", None),
        ("(" * 41 + "TRUE" + ")" * 41, "filter_too_large", None),
        ("stage = '" + "a" * 8000 + "'", "filter_too_large", None),
    ],
)
def test_bad_filter_is_refused_with_its_place(full_town: Town, text: str, reason: str, position: int | None) -> None:
    answer = full_town.client().get(ITEMS, query_string={"filter": text}, headers={"Accept-Language": "en"})
    assert answer.status_code == 400
    assert answer.json
    assert (answer.json["field"], answer.json["reason"], answer.json.get("position")) == ("filter", reason, position)
    assert "{" not in answer.json["detail"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("filter-lang", "cql2-json"), ("filter-lang", "sql"), ("filter-crs", "EPSG:4326"), ("filter-crs", "")],
)
def test_unknown_language_or_system_is_refused(full_town: Town, name: str, value: str) -> None:
    answer = full_town.client().get(ITEMS, query_string={"filter": "TRUE", name: value})
    assert answer.status_code == 400
    assert answer.json
    assert answer.json["field"] == name


def test_long_alternatives_are_no_depth(full_town: Town) -> None:
    text = " OR ".join(["horizon = 2030"] * 400)
    assert ask(full_town, text) == ["1"]
    choices = ",".join(map(str, range(1900, 2100)))
    assert ask(full_town, f"horizon IN ({choices})") == ["1"]


WORDS = st.sampled_from(
    ["stage", "horizon", "due", "blocked", "geometry", "'done'", "2030", "TRUE", "NULL", "=", "<>", "<", "AND", "OR",
     "NOT", "IN", "IS", "LIKE", "BETWEEN", "(", ")", ",", "+", "-", "CASEI(", "DATE(", "INTERVAL(", "T_AFTER(",
     "S_INTERSECTS(", "BBOX(", "POINT(1 1)", "'2026-01-01'", '"title"', "'%'"]
)  # fmt: skip


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(words=st.lists(WORDS, max_size=14))
def test_no_filter_breaks_the_service(full_town: Town, words: list[str]) -> None:
    answer = full_town.client().get(ITEMS, query_string={"filter": " ".join(words)})
    assert answer.status_code in {200, 400}, answer.text
