"""The base map in a real Chromium: none, a tile server, a WMS, PMTiles here and elsewhere, and none that answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tests.browser.sample import make_feature, point
from tests.browser.tiles import BLUE, make_archive, make_png, make_vector_tile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.browser.onlooker import Onlooker
    from tests.browser.tiles import TileServer
    from tests.browser.town import LiveService

HOME = (49.35, 53.52)
PAPER = (243, 241, 234)


def bluish(colour: tuple[int, int, int]) -> bool:
    """Calmed, but still the blue of the tiles."""
    red, _, blue = colour
    return blue > red + 60


def show(service: LiveService, look: Callable[..., Onlooker]) -> Onlooker:
    service.load([make_feature("А", geometry=point(*HOME))])
    return look(service).settled()


def ground(seen: Onlooker) -> tuple[int, int, int]:
    """The colour beside the mark."""
    x, y = seen.spot(*HOME)
    return seen.pixel(x + 60, y + 47)


def test_none_is_paper_with_a_grid(live_service: LiveService, look: Callable[..., Onlooker]) -> None:
    seen = show(live_service, look)
    assert ground(seen) == PAPER
    seen.until(lambda: seen.drawn("grid") and seen.drawn("grid-name"), "the grid")
    assert all(re.fullmatch(r"\d+\.\d+°", each["name"]) for each in seen.drawn("grid-name"))
    assert seen.page.locator("#credit").is_hidden()
    assert seen.page.locator("#scale-text").inner_text().endswith(" м")
    assert seen.complaints == []


def test_tile_server_is_passed_on(
    serve: Callable[..., LiveService], look: Callable[..., Onlooker], foreign_tiles: TileServer
) -> None:
    service = serve(
        tiles_url=foreign_tiles.url + "/{z}/{x}/{y}.png?key=1", tiles_attribution="© участники <b>карты</b>"
    )
    seen = show(service, look)
    seen.until(lambda: bluish(ground(seen)), "the pictures")
    assert seen.page.locator("#credit").inner_text() == "© участники <b>карты</b>"
    assert seen.drawn("grid") == []
    assert seen.strangers == [], "the reader's browser asks nobody but the service"
    assert seen.complaints == []
    assert all(re.fullmatch(r"/\d+/\d+/\d+\.png\?key=1", path) for path, _ in foreign_tiles.asked)
    assert all("Referer" not in headers and "Cookie" not in headers for _, headers in foreign_tiles.asked)


def test_wms_is_passed_on(
    serve: Callable[..., LiveService], look: Callable[..., Onlooker], foreign_tiles: TileServer
) -> None:
    seen = show(serve(tiles_url=foreign_tiles.url + "/wms?service=WMS&layers=city"), look)
    seen.until(lambda: bluish(ground(seen)), "the pictures")
    asked = parse_qs(urlsplit(foreign_tiles.asked[0][0]).query)
    assert asked["request"] == ["GetMap"]
    assert asked["crs"] == ["EPSG:3857"]
    west, south, east, north = (float(edge) for edge in asked["bbox"][0].split(","))
    assert west < east
    assert south < north
    assert seen.strangers == []


def test_silent_tile_server_leaves_paper(
    serve: Callable[..., LiveService], look: Callable[..., Onlooker], foreign_tiles: TileServer
) -> None:
    foreign_tiles.status = 500
    seen = show(serve(tiles_url=foreign_tiles.url + "/{z}/{x}/{y}.png"), look)
    assert ground(seen) == PAPER
    seen.shown("mark", 1)
    assert [each for each in seen.complaints if "/map/tiles/" not in each] == []


def picture_archive() -> bytes:
    """The whole world in one picture, enlarged where it is looked at closely."""
    return make_archive({(0, 0, 0): make_png(BLUE)}, metadata={"attribution": '<a href="x">© Город</a>'})


def test_pictures_in_a_local_archive(
    serve: Callable[..., LiveService], look: Callable[..., Onlooker], tmp_path: Path
) -> None:
    (tmp_path / "city.pmtiles").write_bytes(picture_archive())
    seen = show(serve(tiles_url=str(tmp_path / "city.pmtiles")), look)
    seen.until(lambda: bluish(ground(seen)), "the pictures")
    assert seen.page.locator("#credit").inner_text() == "© Город"
    assert seen.complaints == []
    assert seen.strangers == []


def test_vector_tiles_in_a_local_archive(
    serve: Callable[..., LiveService], look: Callable[..., Onlooker], tmp_path: Path
) -> None:
    tile = make_vector_tile("water")
    archive = make_archive({(0, 0, 0): tile}, kind=1, metadata={"vector_layers": [{"id": "water", "fields": {}}]})
    (tmp_path / "city.pmtiles").write_bytes(archive)
    seen = show(serve(tiles_url=str(tmp_path / "city.pmtiles")), look)
    seen.until(lambda: ground(seen) == (191, 217, 230), "the water")
    assert seen.complaints == []


def test_archive_elsewhere_is_passed_on(
    serve: Callable[..., LiveService], look: Callable[..., Onlooker], foreign_tiles: TileServer
) -> None:
    foreign_tiles.body, foreign_tiles.ranges = picture_archive(), True
    seen = show(serve(tiles_url=foreign_tiles.url + "/city.pmtiles"), look)
    seen.until(lambda: bluish(ground(seen)), "the pictures")
    assert seen.strangers == []
    assert seen.complaints == []


def test_archive_that_is_none_leaves_paper(
    serve: Callable[..., LiveService], look: Callable[..., Onlooker], tmp_path: Path
) -> None:
    (tmp_path / "city.pmtiles").write_text("not an archive")
    seen = show(serve(tiles_url=str(tmp_path / "city.pmtiles")), look)
    assert ground(seen) == PAPER
    seen.shown("mark", 1)
    assert seen.complaints == []
