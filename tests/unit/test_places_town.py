"""How people write addresses, asked of a town's gazetteer: the very house, or none. A wrong one is worse than none."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pytest
from shapely.geometry import LineString, Point

from sync_service.places.address import Address, parse_address
from sync_service.places.builder import build_gazetteer
from sync_service.places.finding import Found
from sync_service.places.gazetteer import Gazetteer

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

FORMS = Path(__file__).parents[1] / "data" / "town.tsv"
HOME = "Верхнереченск"
RIVERSIDE, VILLAGE, HAMLET = "Заречный район", "село Заречье", "посёлок Мирный"
STREETS: list[tuple[str, str, str, str | None]] = [
    # street, numbers, settlement, district
    ("улица Лесная", "1 2 3 5 7 10 12 12А 14 14к1 14к2 25 100 101/2", HOME, RIVERSIDE),
    ("улица Лесная", "1 2 5 12", VILLAGE, None),
    ("проспект Космонавтов", "3 5 8 8Б 16/2 22с1", HOME, None),
    ("бульвар Космонавтов", "4 6 8", HOME, None),
    ("улица 8 Марта", "1 3 9 11", HOME, None),
    ("улица 1905 года", "2 6 7 15", HOME, None),
    ("улица 60-летия СССР", "5 17 17А", HOME, None),
    ("улица 60 лет Октября", "5 17", HOME, None),
    ("1-я Садовая улица", "1 4", HOME, None),
    ("2-я Садовая улица", "1 4", HOME, None),
    ("Садовая улица", "1 4 9", HOME, None),
    ("проезд Тупой", "3 7", HOME, None),
    ("улица Академика Королёва", "10 20", HOME, None),
    ("улица Королёва", "10 20", HAMLET, None),
    ("Театральная площадь", "7 9", HOME, None),
    ("шоссе Энтузиастов", "1 5 19", HOME, None),
    ("набережная реки Быстрой", "1 5 19", HOME, None),
    ("Южное шоссе", "1 5", HOME, None),
    ("5-й микрорайон", "1 23 35А", HOME, None),
    ("квартал 12", "1 2 15", HOME, None),
    ("улица Льва Толстого", "2 4", HOME, None),
    ("улица Алексея Толстого", "2 4", HOME, None),
    ("улица Куйбышева", "11 13", HOME, None),
    ("переулок Куйбышева", "11", HOME, None),
    ("улица 9 Января", "8", HOME, None),
    ("улица Сергея Есенина", "33 35", HOME, None),
    ("Комсомольский проспект", "1 3", HOME, None),
    ("Комсомольская улица", "1 3", HOME, None),
    ("улица Маршала Жукова", "6 8", HOME, None),
    ("улица Советская", "6", HAMLET, None),
    ("улица Советская", "6", VILLAGE, None),
    ("улица Ёлочная", "17", HOME, None),
    ("проспект Ленина", "41", HOME, None),
    ("площадь Ленина", "41", HOME, None),
]
LINES: list[tuple[str, list[tuple[float, float]]]] = [
    ("улица Лесная", [(49.0, 53.0), (49.1, 53.0)]),
    ("проспект Космонавтов", [(49.05, 52.9), (49.05, 53.1)]),
    ("Садовая улица", [(49.02, 52.9), (49.02, 53.1)]),
    ("улица 8 Марта", [(49.07, 52.9), (49.07, 53.1)]),
    ("проспект Ленина", [(49.0, 53.05), (49.1, 53.05)]),
]


def forms() -> list[tuple[str, str]]:
    with FORMS.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["place"]) for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def house_rows() -> list[dict[str, Any]]:
    rows = [
        {"addr:street": street, "addr:housenumber": number, "addr:city": city, "addr:district": district}
        for street, numbers, city, district in STREETS
        for number in numbers.split()
    ]
    # No two within the distance at which two points are one place.
    return [row | {"geometry": Point(50 + 0.01 * index, 53 + 0.005 * index)} for index, row in enumerate(rows)]


def corner(geometry: BaseGeometry) -> str:
    return ", ".join(f"{number:.3f}" for number in (geometry.centroid.x, geometry.centroid.y))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Gazetteer:
    folder = tmp_path_factory.mktemp("town")
    gpd.GeoDataFrame(house_rows(), crs=4326).to_file(folder / "houses.gpkg")
    lines = {"name": [name for name, _ in LINES], "city": [HOME] * len(LINES)}
    shapes = [LineString(line) for _, line in LINES]
    gpd.GeoDataFrame(lines, geometry=shapes, crs=4326).to_file(folder / "streets.gpkg")
    for layer in ("houses.gpkg", "streets.gpkg"):
        build_gazetteer(folder / layer, folder / "town.sqlite")
    return Gazetteer(folder / "town.sqlite", home=HOME)


@pytest.fixture(scope="module")
def names() -> dict[str, str]:
    return {
        corner(row["geometry"]): f"{row['addr:city']}, {row['addr:street']}, {row['addr:housenumber']}"
        for row in house_rows()
    }


@pytest.mark.parametrize(("text", "place"), forms(), ids=lambda value: value or "nowhere")
def test_form(town: Gazetteer, names: dict[str, str], text: str, place: str) -> None:
    address = parse_address(text, settlements=town.settlements)
    found = town.lookup(address) if isinstance(address, Address) else address
    assert (names.get(corner(found.geometry), corner(found.geometry)) if isinstance(found, Found) else "") == place, (
        found
    )


def test_forms_are_many() -> None:
    assert len(forms()) == len(dict(forms())) >= 300
