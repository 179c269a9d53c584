"""Where a text may mean, by a gazetteer: offered where nothing would be believed."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import geopandas as gpd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, Point

from sync_service.places.address import Address, near_address, parse_address
from sync_service.places.area import WORLD, Area
from sync_service.places.builder import build_gazetteer
from sync_service.places.gazetteer import Gazetteer
from sync_service.places.suggesting import FreshGazetteer
from sync_service.places.suggestion import MOST_SUGGESTIONS, Suggestion, dump_suggestions, load_suggestions

TABLE = Path(__file__).parents[1] / "data" / "addresses.tsv"
HOUSES = [
    # street, number, city, lon, lat
    ("улица Мира", "5", "Тольятти", 49.41, 53.51),
    ("улица Мира", "5А", "Тольятти", 49.411, 53.51),
    ("улица Мира", "51", "Тольятти", 49.42, 53.51),
    ("проспект Мира", "5", "Тольятти", 49.45, 53.52),
    ("улица Мира", "5", "село Подстёпки", 49.13, 53.51),
    ("улица Двойная", "1", "Тольятти", 49.31, 53.51),
    ("улица Двойная", "1", "Тольятти", 49.39, 53.51),
    ("улица Двойная", "1", "Тольятти", 49.3903, 53.51),
    *(("улица Длинная", f"7к{number}", "Тольятти", 49.3 + number / 100, 53.55) for number in range(1, 15)),
]
STREETS = [
    ("улица Мира", LineString([(49.40, 53.51), (49.43, 53.51)])),
    ("улица Победы", LineString([(49.42, 53.50), (49.42, 53.52)])),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gazetteer's file."""
    folder = tmp_path_factory.mktemp("gazetteer")
    return make_gazetteer(folder, folder / "gazetteer.db", HOUSES)


def make_gazetteer(folder: Path, out: Path, houses: list[tuple[str, str, str, float, float]]) -> Path:
    frame = gpd.GeoDataFrame(
        {"addr:street": [row[0] for row in houses], "addr:housenumber": [row[1] for row in houses]}
        | {"addr:city": [row[2] for row in houses]},
        geometry=[Point(row[3], row[4]).buffer(0.00005) for row in houses],
        crs="EPSG:4326",
    )
    lines = gpd.GeoDataFrame({"name": [row[0] for row in STREETS]}, geometry=[row[1] for row in STREETS], crs=4326)
    frame.to_file(folder / "houses.gpkg")
    lines.to_file(folder / "streets.gpkg")
    build_gazetteer(folder / "houses.gpkg", out)
    build_gazetteer(folder / "streets.gpkg", out, settlement="Тольятти")
    return out


def suggest(path: Path, text: str) -> list[tuple[str, str]]:
    """Labels and kinds of what is suggested."""
    found = Gazetteer(path, home="Тольятти").suggest(text)
    assert {each.source for each in found} <= {"gazetteer"}
    return [(each.label, each.geometry.geom_type) for each in found]


# --- what a text speaks of


@pytest.mark.parametrize(
    ("text", "street", "house"),
    [
        ("ул. Мира, 5", "улица мира", "5"),
        ("ул. Мира", "улица мира", None),
        ("ул. Мира, 5, 7, 9", "улица мира", "5"),
        ("напротив дома 5 по ул. Мира", "улица мира", "5"),
        ("рядом с домом 5А по ул. Мира", "улица мира", "5а"),
        ("между домами 5 и 7 по улице Мира", "улица мира", "5"),
        ("ул. Мира, в районе дома 11", "улица мира", "11"),
        ("б-р Гая напротив д. 3", "бульвар гая", "3"),
        ("вдоль ул. Дзержинского", "улица дзержинского", None),
        ("ул. Мира, 5; ул. Победы, 7", "улица мира", "5"),
        ("7 квартал", "квартал 7", None),
    ],
)
def test_text_that_names_no_single_house_still_speaks_of_one(text: str, street: str, house: str | None) -> None:
    address = near_address(text)
    assert address is not None
    assert (str(address.street), address.house, address.crossing) == (street, house, None)


@pytest.mark.parametrize(
    "text", ["", "5", "парк Победы", "Возле ТЦ", "у реки", "5" * 1000, "за рекой, не доезжая моста"]
)
def test_text_without_a_street_speaks_of_none(text: str) -> None:
    assert near_address(text) is None


@given(st.text(max_size=500))
def test_no_text_is_too_odd(text: str) -> None:
    address = near_address(text)
    assert address is None or address.street.name


def test_what_can_be_believed_is_offered_just_so() -> None:
    with TABLE.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    believed = {text: address for text in texts if isinstance(address := parse_address(text), Address)}
    assert len(believed) > 100
    assert {text: near_address(text) for text in believed} == believed


# --- the gazetteer


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("ул. Мира, 5", ["Тольятти, улица Мира, 5"]),
        ("напротив дома 5 по ул. Мира", ["Тольятти, улица Мира, 5"]),
        ("Мира 5", ["Тольятти, проспект Мира, 5", "Тольятти, улица Мира, 5"]),
        ("с. Подстёпки, ул. Мира, 5", ["Подстепки, улица Мира, 5"]),
        ("ул. Мира, 5Б", ["Тольятти, улица Мира, 5", "Тольятти, улица Мира, 5а"]),
        ("ул. Мира, 77", []),
        ("ул. Двойная, 1", ["Тольятти, улица Двойная, 1", "Тольятти, улица Двойная, 1"]),
        ("ул. Нигде, 1", []),
    ],
)
def test_houses_that_may_be_meant(path: Path, text: str, labels: list[str]) -> None:
    assert sorted(label for label, kind in suggest(path, text) if kind == "Point") == labels


def test_house_comes_first_and_its_street_is_a_line(path: Path) -> None:
    assert suggest(path, "ул. Мира, 5") == [
        ("Тольятти, улица Мира, 5", "Point"),
        ("Тольятти, улица Мира", "LineString"),
    ]
    assert suggest(path, "вдоль улицы Мира") == [("Тольятти, улица Мира", "LineString")]


def test_crossing_is_suggested(path: Path) -> None:
    found = Gazetteer(path, home="Тольятти").suggest("угол улиц Мира и Победы")
    assert found[0].geometry.equals(Point(49.42, 53.51))
    assert found[0].label == "Тольятти, улица Мира / улица Победы"


def test_no_more_than_can_be_looked_at(path: Path) -> None:
    assert len(suggest(path, "ул. Длинная, 7")) == MOST_SUGGESTIONS


def test_nothing_outside_the_area_is_suggested(path: Path) -> None:
    east = FreshGazetteer(path, home="Тольятти", area=Area(49.35, 53.0, 50.0, 54.0))
    assert [each.geometry.bounds[0] for each in east.suggest("ул. Двойная, 1")] == pytest.approx([49.39])


def test_gazetteer_that_is_replaced_is_read_anew(tmp_path: Path) -> None:
    out = tmp_path / "fresh.db"
    fresh = FreshGazetteer(out, home="Тольятти", area=WORLD)
    assert fresh.suggest("ул. Новая, 1") == []
    make_gazetteer(tmp_path, out, HOUSES[:1])
    assert fresh.suggest("ул. Новая, 1") == []
    make_gazetteer(tmp_path, out, [("улица Новая", "1", "Самара", 50.1, 53.2)])
    os.utime(out, (1, 1))  # as another file would be
    assert fresh.suggest("Самара Новая, 1")[0].label == "Самара, улица Новая, 1"


# --- kept between runs


def test_suggestions_are_kept_and_read_again() -> None:
    found = [Suggestion("Тольятти, улица Мира", LineString([(1, 2), (3, 4)]), "photon")]
    assert load_suggestions(dump_suggestions(found)) == found
    assert load_suggestions(dump_suggestions([])) == []


@pytest.mark.parametrize("text", ["", "{", "[1]", '[["a", "b"]]', '[["a", "zz", "photon"]]', '{"found": "x"}', "null"])
def test_what_is_not_ours_is_a_miss(text: str) -> None:
    assert load_suggestions(text) is None
