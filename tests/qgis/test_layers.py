"""QGIS 3.40 opens the by-kind collections as layers and sees what changes: the real one, against a live server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
import shapely

from sync_service.sync.fields import field_table
from sync_service.sync.values import Visibility
from tests.qgis.desktop import Desktop, run_desktop, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ogc import Town

TYPES = {"string": "String", "integer": "Integer", "boolean": "Boolean", "date": "Date", "datetime": "DateTime"}


class Map:
    """A town, its server, and a QGIS that looks at it."""

    def __init__(self, town: Town, desktop: Desktop, asked: list[str]) -> None:
        self.town, self.desktop, self.asked = town, desktop, asked

    def titles(self, collection: str, **more: Any) -> list[str]:
        """Titles of the layer's features."""
        answer = self.desktop.ask(collection, **more)
        assert answer["valid"], answer
        return sorted(each["attributes"]["title"] for each in answer["features"])

    def filters(self) -> list[str]:
        """Filters the server was asked for."""
        return [unquote(path.partition("filter=")[2].partition("&")[0]) for path in self.asked if "filter=" in path]


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    with run_desktop(tmp_path_factory.mktemp("qgis")) as running:
        yield running


@pytest.fixture
def city(full_town: Town, desktop: Desktop) -> Iterator[Map]:
    with serving(lambda url: full_town.app(public_url=url)) as (url, asked):
        desktop.url = f"{url}/ogc/"
        yield Map(full_town, desktop, asked)


@pytest.mark.parametrize(
    ("collection", "geometry", "titles"),
    [
        ("proposals_points", "MultiPoint", ["Остановки", "Сквер «Ромашка»"]),
        ("proposals_lines", "MultiLineString", ["Велодорожка"]),
        ("proposals_areas", "MultiPolygon", ["Парк"]),
    ],
)
def test_each_kind_is_a_layer(city: Map, collection: str, geometry: str, titles: list[str]) -> None:
    answer = city.desktop.ask(collection)
    assert (answer["valid"], answer["geometry"], answer["crs"]) == (True, geometry, "OGC:CRS84")
    assert answer["count"] == len(titles)
    assert sorted(each["attributes"]["title"] for each in answer["features"]) == titles
    assert set(answer["fields"]) - {"id"} == {name for name, each in field_table().items() if each.public}


def test_fields_have_their_types_where_any_feature_has_a_value(city: Map) -> None:
    """3.40 guesses from the first ten: the server shows first what tells a type, however far down it stands."""
    for _ in range(15):
        city.town.plant(title="Пустое")
    guids = city.town.planted
    city.town.change(guids[0], horizon=None, due=None, start=None)
    city.town.change(guids[1], due=None)
    city.town.change(guids[-1], horizon=2040, due="2030-01-01")
    city.town.change(guids[-2], start="2026-01-01")
    fields = city.desktop.ask("proposals_points")["fields"]
    expected = {name: TYPES[each.type] for name, each in field_table().items() if each.public}
    assert {name: fields[name] for name in expected} == expected


def test_values_arrive_whole(city: Map) -> None:
    (path,) = city.desktop.ask("proposals_lines")["features"]
    assert path["geometry"] == "MultiLineString ((49.3 53.5, 49.32 53.52))"
    assert path["attributes"]["direction"] == "Транспорт"
    assert path["attributes"]["blocked"] is False
    assert path["attributes"]["id"] == city.town.planted[2]


def test_moved_added_and_hidden_are_seen_after_a_reload(city: Map) -> None:
    before = city.desktop.ask("proposals_points")
    assert before["count"] == 2
    city.town.change(city.town.planted[0], shape=shapely.Point(49.5, 53.6), title="Переехал")
    city.town.plant(shapely.Point(49.2, 53.4), title="Новый")
    city.town.change(city.town.planted[1], visibility=Visibility.HIDDEN)
    for again in (city.desktop.ask("proposals_points", reload=True), city.desktop.ask("proposals_points")):
        places = {each["attributes"]["title"]: each["geometry"] for each in again["features"]}
        assert places == {"Переехал": "MultiPoint ((49.5 53.6))", "Новый": "MultiPoint ((49.2 53.4))"}
        assert again["count"] == 2


def test_box_is_asked_of_the_server(city: Map) -> None:
    assert city.titles("proposals_points", box=[49.34, 53.52, 49.35, 53.54]) == ["Сквер «Ромашка»"]
    assert any("bbox=" in path for path in city.asked)


@pytest.mark.parametrize(
    ("wanted", "sent", "titles"),
    [
        ("\"stage\" = 'done'", "stage = 'done'", ["Остановки"]),
        ("\"title\" ILIKE '%ромашка%'", "CASEI(title) LIKE CASEI('%ромашка%')", ["Сквер «Ромашка»"]),
        ('"horizon" IN (2030, 2031)', "horizon IN (2030,2031)", ["Сквер «Ромашка»"]),
        ("\"due\" > '2025-01-01'", "due > DATE('2025-01-01')", ["Сквер «Ромашка»"]),
        ('"overdue_days" BETWEEN 5 AND 15', "BETWEEN 5 AND 15", ["Сквер «Ромашка»"]),
        ('"horizon" IS NULL AND NOT "blocked"', "NOT (blocked)", ["Остановки"]),
        (
            "intersects_bbox($geometry, geom_from_wkt('POLYGON((49 53, 49.4 53, 49.4 54, 49 54, 49 53))'))",
            "S_INTERSECTS(geometry,BBOX(49,53",
            ["Сквер «Ромашка»"],
        ),
    ],
)
def test_filter_is_asked_of_the_server(city: Map, wanted: str, sent: str, titles: list[str]) -> None:
    assert city.titles("proposals_points", filter=wanted) == titles
    assert any(sent in each for each in city.filters()), city.filters()


def test_empty_collection_is_what_340_cannot_do(city: Map) -> None:
    """Declared in docs/qgis.*.md: no features, no fields. When this fails, QGIS has learnt it: say so there."""
    city.town.change(city.town.planted[3], visibility=Visibility.HIDDEN)
    answer = city.desktop.ask("proposals_areas")
    assert answer["fields"] == {}
