"""What `PLACECARD_TILES_URL` may mean."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from sync_service.errors import SettingsError
from sync_service.publicmap.source import (
    LocalArchive,
    Plain,
    RemoteArchive,
    Template,
    Tile,
    padded,
    read_source,
)

HALF = 20037508.342789244


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("", Plain()),
        ("/srv/city.pmtiles", LocalArchive(Path("/srv/city.pmtiles"))),
        ("city.PMTILES", LocalArchive(Path("city.PMTILES"))),
        ("file:///srv/city.pmtiles", LocalArchive(Path("/srv/city.pmtiles"))),
        ("https://a.example.org/city.pmtiles?k=1", RemoteArchive("https://a.example.org/city.pmtiles?k=1")),
        ("https://a.example.org/{z}/{x}/{-y}.png", Template("https://a.example.org/{z}/{x}/{-y}.png")),
    ],
)
def test_forms(url: str, wanted: object) -> None:
    assert read_source(url) == wanted


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("ftp://a.example.org/city.pmtiles", "not_base_map"),
        ("/srv/{z}/{x}/{y}.png", "not_base_map"),
        ("https:///{z}/{x}/{y}.png", "not_base_map"),
        ("https://a.example.org/{z}/{x}.png", "no_placeholders"),
        ("https://a.example.org/map.png", "no_placeholders"),
        ("https://{s}.example.org/{z}/{x}/{y}.png", "unknown_placeholder"),
        ("https://{x}.example.org/{z}/{x}/{y}.png", "host_placeholder"),
    ],
)
def test_refusals(url: str, key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_source(url)
    (problem,) = refused.value.problems
    assert problem.key == f"publicmap.{key}"
    for language in ("ru", "en"):
        assert "{z" not in problem.say(language).replace("{z}", "")
        assert url in problem.say(language)


def test_template_gets_numbers_only() -> None:
    template = Template("https://a.example.org/{z}/{x}/{y}/{-y}/{width}x{height}?b={bbox-epsg-3857}")
    address = template.address(Tile(1, 1, 0))
    assert address == f"https://a.example.org/1/1/0/1/256x256?b=0.000000,0.000000,{HALF:.6f},{HALF:.6f}"


@pytest.mark.parametrize(("version", "crs"), [("1.1.1", "srs"), ("1.3.0", "crs"), (None, "crs")])
def test_wms_is_completed(version: str | None, crs: str) -> None:
    url = "https://a.example.org/wms?map=/srv/x&SERVICE=wms&Layers=a,b&bbox=1,2,3,4&width=9"
    source = read_source(url + (f"&version={version}" if version else ""))
    assert isinstance(source, Template)
    asked = parse_qs(urlsplit(source.address(Tile(0, 0, 0))).query, keep_blank_values=True)
    assert asked[crs] == ["EPSG:3857"]
    assert asked["map"] == ["/srv/x"]
    assert asked["layers"] == ["a,b"]
    assert asked["width"] == ["256"]
    assert asked["styles"] == [""]
    assert [float(edge) for edge in asked["bbox"][0].split(",")] == pytest.approx([-HALF, -HALF, HALF, HALF], abs=1)


def test_wms_with_its_own_box_stays() -> None:
    url = "https://a.example.org/wms?service=WMS&request=GetMap&bbox={bbox-epsg-3857}&width={width}"
    assert read_source(url) == Template(url)


@pytest.mark.parametrize(
    ("tile", "there"),
    [
        (Tile(0, 0, 0), True),
        (Tile(22, 2**22 - 1, 0), True),
        (Tile(0, 1, 0), False),
        (Tile(3, 0, 8), False),
        (Tile(23, 0, 0), False),
        (Tile(1, -1, 0), False),
    ],
)
def test_grid(tile: Tile, there: bool) -> None:
    assert tile.exists() is there


def test_tile_touches_its_ground_only() -> None:
    tolyatti = Tile(10, 652, 331)
    assert tolyatti.degrees() == pytest.approx((49.21875, 53.3308, 49.5703, 53.5402), abs=1e-3)
    assert tolyatti.touches((49.3, 53.5, 49.31, 53.51))
    assert not tolyatti.touches((50.0, 53.5, 50.1, 53.51))


def test_room_around_the_area() -> None:
    assert padded((49.0, 53.0, 50.0, 54.0)) == (48.0, 52.0, 51.0, 55.0)
    assert padded((-180.0, -90.0, 180.0, 90.0)) == (-180.0, -90.0, 180.0, 90.0)
