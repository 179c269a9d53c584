"""Files as they come: gazetteer, parcels and districts out of real layers in several formats, CRS and encodings."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import geopandas as gpd
import pytest
import shapely
from shapely.geometry import LineString, MultiPoint, Point, Polygon, box

from sync_service.places.address import Address, parse_address
from sync_service.places.builder import build_gazetteer
from sync_service.places.cadastre import ParcelLayer
from sync_service.places.districts import District, DistrictIndex, find_overlaps
from sync_service.places.finding import Ambiguous, Finding, Found, NotFound, Precision, dump_finding, load_finding
from sync_service.places.gazetteer import Gazetteer
from sync_service.places.layers import layer_names, read_layer
from sync_service.places.outlines import join_districts, read_districts
from sync_service.places.parcels import find_parcels
from sync_service.places.reason import ReasonCode
from sync_service.places.unreadable import LayerUnreadableError

if TYPE_CHECKING:
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

HOUSES = [
    # street, number, city, district, lon, lat
    ("улица Мира", "5", "Тольятти", "Центральный район", 49.41, 53.51),
    ("улица Мира", "7", "Тольятти", "Центральный район", 49.4105, 53.51),
    ("проспект Мира", "5", "Тольятти", "Центральный район", 49.45, 53.52),
    ("Ленинградская улица", "13 к2", "Тольятти", "Центральный район", 49.42, 53.51),
    ("улица 40 лет Победы", "50", "Тольятти", "Автозаводский район", 49.30, 53.54),
    ("улица Победы", "50", "Тольятти", "Центральный район", 49.43, 53.51),
    ("улица Карла Маркса", "40", "Тольятти", "Центральный район", 49.44, 53.51),
    ("проспект Степана Разина", "25", "Тольятти", "Автозаводский район", 49.29, 53.53),
    ("улица Мира", "5", "село Подстёпки", None, 49.13, 53.51),
    ("улица Олимпийская", "9", "Тольятти", None, 49.60, 53.60),
    ("улица Двойная", "1", "Тольятти", None, 49.31, 53.51),
    ("улица Двойная", "1", "Тольятти", None, 49.39, 53.51),
    ("улица Парная", "1", "Тольятти", None, 49.31, 53.51),
    ("улица Парная", "1", "Тольятти", None, 49.3103, 53.51),
    ("улица Маршала Жукова", "8", "Тольятти", None, 49.32, 53.52),
]


def save_houses(path: Path, crs: str = "EPSG:4326") -> Path:
    frame = gpd.GeoDataFrame(
        {
            "addr:street": [row[0] for row in HOUSES],
            "addr:housenumber": [row[1] for row in HOUSES],
            "addr:city": [row[2] for row in HOUSES],
            "addr:district": [row[3] for row in HOUSES],
        },
        geometry=[Point(row[4], row[5]).buffer(0.0001) for row in HOUSES],
        crs="EPSG:4326",
    )
    frame.to_crs(crs).to_file(path, driver="GPKG" if path.suffix == ".gpkg" else "GeoJSON")
    return path


def save_streets(path: Path) -> Path:
    frame = gpd.GeoDataFrame(
        {
            "name": ["улица Мира", "улица Победы", "Ленинградская улица", "улица Дальняя", "улица Петля"],
            "city": ["Тольятти"] * 5,
        },
        geometry=[
            LineString([(49.40, 53.51), (49.44, 53.51)]),
            LineString([(49.43, 53.50), (49.43, 53.52)]),
            LineString([(49.42, 53.50), (49.42, 53.52)]),
            LineString([(49.10, 53.10), (49.11, 53.10)]),
            LineString([(49.405, 53.50), (49.405, 53.52), (49.435, 53.52), (49.435, 53.50)]),
        ],
        crs="EPSG:4326",
    )
    frame.to_file(path, driver="GeoJSON")
    return path


@pytest.fixture
def gazetteer(tmp_path: Path) -> Gazetteer:
    out = tmp_path / "gazetteer.sqlite"
    counts = build_gazetteer(save_houses(tmp_path / "houses.gpkg", "EPSG:3857"), out)
    assert (counts.houses, counts.streets, counts.skipped) == (len(HOUSES), 0, 0)
    assert build_gazetteer(save_streets(tmp_path / "streets.geojson"), out).streets == 5
    return Gazetteer(out, home="Тольятти")


def ask(gazetteer: Gazetteer, text: str) -> Finding:
    address = parse_address(text, settlements=gazetteer.settlements)
    assert isinstance(address, Address), address
    return gazetteer.lookup(address)


@pytest.mark.parametrize(
    ("text", "lon", "lat"),
    [
        ("ул. Мира, 5", 49.41, 53.51),
        ("Тольятти, ул. Мира, д. 5", 49.41, 53.51),
        ("Тольятти ул Мира 5", 49.41, 53.51),
        ("Центральный р-н, ул. Мира, 5", 49.41, 53.51),
        ("пр-т Мира, 5", 49.45, 53.52),
        ("Мира 7, Тольятти, Автозаводский район", None, None),
        ("пр. Степана Разина, 25", 49.29, 53.53),
        ("Степана Разина, 25", 49.29, 53.53),
        ("на Ленинградской улице, 13 корп. 2", 49.42, 53.51),
        ("ул. 40-летия Победы, 50", 49.30, 53.54),
        ("ул. Победы, 50", 49.43, 53.51),
        ("ул. К. Маркса, 40", 49.44, 53.51),
        ("с. Подстёпки, ул. Мира, 5", 49.13, 53.51),
        ("Подстёпки, ул. Мира, 5", 49.13, 53.51),
        ("ул. Парная, 1", 49.31, 53.51),
        ("ул. марш. Жукова, 8", 49.32, 53.52),
        ("Автозаводский р-н, ул. Олимпийская, 9", 49.60, 53.60),
    ],
)
def test_house_is_found(gazetteer: Gazetteer, text: str, lon: float | None, lat: float | None) -> None:
    finding = ask(gazetteer, text)
    if lon is None:
        assert isinstance(finding, NotFound | Ambiguous)
        return
    assert isinstance(finding, Found), finding
    assert finding.precision is Precision.HOUSE
    assert tuple(finding.geometry.centroid.coords[0]) == pytest.approx((lon, lat), abs=2e-4)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Мира, 5", ReasonCode.ADDRESS_AMBIGUOUS),
        ("пр. Двойная, 1", ReasonCode.ADDRESS_UNKNOWN),
        ("ул. Двойная, 1", ReasonCode.ADDRESS_AMBIGUOUS),
        ("ул. Мира, 6", ReasonCode.ADDRESS_UNKNOWN),
        ("ул. Мира, 5а", ReasonCode.ADDRESS_UNKNOWN),
        ("ул. Ленинградская, 13", ReasonCode.ADDRESS_UNKNOWN),
        ("ул. Ленинградская, 13/2", ReasonCode.ADDRESS_UNKNOWN),
        ("ул. Лет Победы, 50", ReasonCode.ADDRESS_UNKNOWN),
        ("ул. Р. Маркса, 40", ReasonCode.ADDRESS_UNKNOWN),
        ("г. Жигулёвск, ул. Мира, 5", ReasonCode.ADDRESS_UNKNOWN),
        ("Жигулёвск, ул. Мира, 5", ReasonCode.ADDRESS_UNKNOWN),
        ("Ставропольский район, ул. Мира, 5", ReasonCode.ADDRESS_UNKNOWN),
        ("Автозаводский р-н, ул. Мира, 5", ReasonCode.ADDRESS_UNKNOWN),
        ("Ставропольский район, ул. Олимпийская, 9", ReasonCode.ADDRESS_UNKNOWN),
        ("мкр. Поволжский, ул. Олимпийская, 9", ReasonCode.ADDRESS_UNKNOWN),
    ],
)
def test_wrong_place_is_worse_than_none(gazetteer: Gazetteer, text: str, code: ReasonCode) -> None:
    finding = ask(gazetteer, text)
    assert not isinstance(finding, Found)
    assert finding.reason.code is code


def test_namesakes_are_ambiguous_without_a_home(tmp_path: Path) -> None:
    out = tmp_path / "gazetteer.sqlite"
    build_gazetteer(save_houses(tmp_path / "houses.gpkg"), out)
    finding = ask(Gazetteer(out), "ул. Мира, 5")
    assert isinstance(finding, Ambiguous)
    assert "подстепки" in dict(finding.reason.data)["found"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("угол улиц Мира и Победы", (49.43, 53.51)),
        ("на пересечении улиц Ленинградской и Мира", (49.42, 53.51)),
        ("угол ул. Мира и ул. Дальней", ReasonCode.CROSSING_UNKNOWN),
        ("угол ул. Мира и ул. Небывалой", ReasonCode.CROSSING_UNKNOWN),
        ("угол ул. Мира и ул. Петля", ReasonCode.ADDRESS_AMBIGUOUS),
    ],
)
def test_crossing(gazetteer: Gazetteer, text: str, place: tuple[float, float] | ReasonCode) -> None:
    finding = ask(gazetteer, text)
    if isinstance(place, ReasonCode):
        assert not isinstance(finding, Found)
        assert finding.reason.code is place
    else:
        assert isinstance(finding, Found)
        assert finding.precision is Precision.CROSSING
        assert tuple(finding.geometry.centroid.coords[0]) == pytest.approx(place, abs=1e-6)


def test_import_again_doubles_nothing_and_forgets_what_is_gone(tmp_path: Path) -> None:
    out, layer = tmp_path / "gazetteer.sqlite", tmp_path / "houses.gpkg"
    first = build_gazetteer(save_houses(layer), out)
    assert build_gazetteer(layer, out) == first
    gpd.read_file(layer).iloc[:1].to_file(layer, driver="GPKG", mode="w")
    build_gazetteer(layer, out)
    with sqlite3.connect(out) as store:
        assert store.execute("SELECT count(*) FROM houses").fetchone() == (1,)
    store.close()
    build_gazetteer(save_streets(tmp_path / "streets.geojson"), out)
    assert isinstance(ask(Gazetteer(out, home="Тольятти"), "ул. Мира, 5"), Found)


@pytest.mark.parametrize(
    ("name", "content", "encoding"),
    [
        ("a.csv", "улица;дом;lat;lon\nул. Мира;5;53,51;49,41\n", "cp1251"),
        ("a.csv", "street,housenumber,lon,lat\nулица Мира,5,49.41,53.51\nулица Мира,,x,\n", "utf-8"),
        ("a.csv", "Адрес;долгота;широта\n«г. Тольятти, ул. Мира, 5»;49.41;53.51\n", "utf-8-sig"),
        ("a.tsv", "street\thouse\tx\ty\nМира улица\t5\t49.41\t53.51\n", "utf-8"),
    ],
)
def test_tables(tmp_path: Path, name: str, content: str, encoding: str) -> None:
    path, out = tmp_path / name, tmp_path / "out" / "gazetteer.sqlite"
    path.write_text(content, encoding=encoding)
    assert build_gazetteer(path, out, settlement="Тольятти").houses == 1
    finding = ask(Gazetteer(out, home="Тольятти"), "ул. Мира, 5")
    assert isinstance(finding, Found)
    assert tuple(finding.geometry.centroid.coords[0]) == pytest.approx((49.41, 53.51))


def test_osm_tags_in_one_column(tmp_path: Path) -> None:
    path, out = tmp_path / "osm.gpkg", tmp_path / "g.sqlite"
    tags = '"building"=>"yes","addr:street"=>"улица Мира","addr:housenumber"=>"5","addr:city"=>"Тольятти"'
    gpd.GeoDataFrame(
        {"other_tags": [tags, None]}, geometry=[box(49.41, 53.51, 49.4102, 53.5102)] * 2, crs=4326
    ).to_file(path)
    counts = build_gazetteer(path, out)
    assert (counts.houses, counts.skipped) == (1, 1)


def test_columns_can_be_named(tmp_path: Path) -> None:
    path, out = tmp_path / "x.geojson", tmp_path / "g.sqlite"
    gpd.GeoDataFrame({"ul": ["Мира ул."], "nd": [5.0]}, geometry=[Point(49.41, 53.51)], crs=4326).to_file(path)
    assert build_gazetteer(path, out, columns={"street": "ul", "house": "nd"}).houses == 1
    with pytest.raises(LayerUnreadableError, match="no column"):
        build_gazetteer(path, out, columns={"street": "nothing"})


def test_what_is_no_gazetteer_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.sqlite"
    text.write_text("not a database" * 100)
    with pytest.raises(LayerUnreadableError):
        Gazetteer(text)
    with pytest.raises(LayerUnreadableError):
        Gazetteer(tmp_path / "missing.sqlite")
    with pytest.raises(LayerUnreadableError):
        build_gazetteer(save_houses(tmp_path / "h.gpkg"), text)


def test_finding_survives_the_cache(gazetteer: Gazetteer) -> None:
    for text in ("ул. Мира, 5", "Мира, 5", "ул. Мира, 6"):
        finding = ask(gazetteer, text)
        assert load_finding(dump_finding(finding)) == finding
    for junk in ("", "[]", "{}", '{"found": "00", "precision": "house", "label": ""}', '{"ambiguous": "x"}'):
        assert load_finding(junk) is None


# --- parcels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("участок 63:09:0101152:1034.", ("63:09:0101152:1034",)),
        ("63:9:101152:1034", ("63:09:101152:1034",)),
        ("63 : 09 : 0101152 : 1034", ("63:09:0101152:1034",)),
        ("63:09:0101152:1034, 63:09:0101152:1035; 63:09:0101152:1034", ("63:09:0101152:1034", "63:09:0101152:1035")),
        ("квартал 63:09:0101152", ()),
        ("12:30:15", ()),
        ("163:09:0101152:1034", ()),
        ("63:09:0101152:1034:5", ()),
        ("2001:0db8:85a3:0000", ()),
    ],
)
def test_cadastral_numbers(text: str, numbers: tuple[str, ...]) -> None:
    assert find_parcels(text) == numbers


def test_parcels_are_found_in_any_crs(tmp_path: Path) -> None:
    path = tmp_path / "parcels.gpkg"
    shapes = [box(49.4, 53.5, 49.401, 53.501), box(49.5, 53.5, 49.501, 53.501), box(49.6, 53.5, 49.601, 53.501)]
    numbers = ["63:9:101152:1034", "63:09:0101152:7", "63:09:0101152:7"]
    gpd.GeoDataFrame({"CAD_NUM": numbers}, geometry=shapes, crs=4326).to_crs(28409).to_file(path)
    layer = ParcelLayer(path)
    assert len(layer) == 2
    found = layer.find("63:09:0101152:1034")
    assert isinstance(found, Found)
    assert found.geometry.equals_exact(shapes[0], 1e-5) or found.geometry.symmetric_difference(shapes[0]).area < 1e-9
    assert isinstance(layer.find("63:09:0101152:7"), Ambiguous)
    assert isinstance(layer.find("63:09:0101152:8"), NotFound)


# --- districts -------------------------------------------------------------------------------------------------------

WEST, EAST = box(49.0, 53.0, 49.5, 54.0), box(49.5, 53.0, 50.0, 54.0)


def districts() -> list[District]:
    return [District("Западный", shapely.to_wkb(WEST)), District("Восточный", shapely.to_wkb(EAST))]


@pytest.mark.parametrize("column", ["name", "NAME", "район", "district", "title"])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:28409"])
def test_districts_are_read(tmp_path: Path, column: str, crs: str) -> None:
    path = tmp_path / "districts.gpkg"
    bowtie = Polygon([(49.5, 53), (50, 54), (50, 53), (49.5, 54)])
    frame = gpd.GeoDataFrame({column: ["Западный", "Восточный", None]}, geometry=[WEST, bowtie, EAST], crs=4326)
    frame.to_crs(crs).to_file(path)
    read = read_districts(path)
    assert [district.name for district in read] == ["Восточный", "Западный"]
    assert all(shapely.from_wkb(district.wkb).is_valid for district in read)
    assert DistrictIndex(read).district_of(Point(49.2, 53.5)) == "Западный"


def test_shapefile_without_code_page(tmp_path: Path) -> None:
    path = tmp_path / "districts.shp"
    gpd.GeoDataFrame({"name": ["Западный"]}, geometry=[WEST], crs=4326).to_file(path, encoding="cp1251")
    path.with_suffix(".cpg").unlink()
    assert read_districts(path)[0].name == "Западный"


@pytest.mark.parametrize(
    ("geometry", "name"),
    [
        (Point(49.2, 53.5), "Западный"),
        (Point(49.7, 53.5), "Восточный"),
        (Point(48.0, 53.5), None),
        (Point(49.5, 53.5), "Восточный"),
        (LineString([(49.4, 53.5), (49.8, 53.5)]), "Восточный"),
        (LineString([(49.1, 53.5), (49.6, 53.5)]), "Западный"),
        (box(49.45, 53.1, 49.6, 53.2), "Восточный"),
        (box(49.35, 53.1, 49.6, 53.2), "Западный"),
        (MultiPoint([(49.1, 53.1), (49.2, 53.1), (49.9, 53.1)]), "Западный"),
    ],
)
def test_district_of(geometry: BaseGeometry, name: str | None) -> None:
    for order in (districts(), districts()[::-1]):
        index = DistrictIndex(order)
        assert index.district_of(geometry) == name
        assert join_districts({"a": geometry, "b": Point(0, 0)}, index) == {"a": name, "b": None}


def test_join_without_anything() -> None:
    assert join_districts({}, DistrictIndex(districts())) == {}
    assert join_districts({"a": Point(1, 1)}, DistrictIndex([])) == {"a": None}


def test_overlaps_are_reported() -> None:
    assert find_overlaps(districts()) == []
    third = District("Лишний", shapely.to_wkb(box(49.4, 53.1, 49.45, 53.2)))
    (overlap,) = find_overlaps([*districts(), third])
    assert (overlap.first, overlap.second) == ("Западный", "Лишний")
    assert overlap.square_metres == pytest.approx(3.7e7, rel=0.05)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.geojson", "{", "a.geojson"),
        ("a.geojson", '{"type":"FeatureCollection","features":[]}', "no features"),
        ("a.csv", "a,b\n1,2\n", "no columns lon and lat"),
        ("a.csv", "", "a.csv"),
    ],
)
def test_unreadable_files(tmp_path: Path, name: str, content: str, problem: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(LayerUnreadableError, match=problem):
        read_layer(path)


@pytest.mark.filterwarnings("ignore:'crs' was not provided:UserWarning")  # the file is to have none
def test_unknown_crs(tmp_path: Path) -> None:
    path = tmp_path / "plain.shp"
    gpd.GeoDataFrame({"name": ["x"]}, geometry=[box(1_300_000, 400_000, 1_300_100, 400_100)]).to_file(path)
    with pytest.raises(LayerUnreadableError, match="names no CRS"):
        read_layer(path)
    gpd.GeoDataFrame({"name": ["x"]}, geometry=[WEST]).to_file(path)
    assert read_districts(path)[0].name == "x"
    assert layer_names(path) == ("plain",)
