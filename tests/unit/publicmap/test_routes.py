"""The map's addresses over HTTP, and the tiles it passes on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from sync_service.publicmap import assets, proxy
from sync_service.publicmap.basemap import base_map
from sync_service.publicmap.proxy import Picture, Shelf
from sync_service.publicmap.routes import create_blueprint
from sync_service.publicmap.source import Tile
from sync_service.settings import Settings
from tests.browser.tiles import make_archive, make_png, tile_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient

    from tests.browser.tiles import TileServer

AREA = "49.1,53.4,49.7,53.65"
HERE = "/map/tiles/10/652/331"


@pytest.fixture
def foreign() -> Iterator[TileServer]:
    with tile_server() as server:
        yield server


def client(**settings: Any) -> FlaskClient:
    app = Flask("map", static_folder=None)
    app.register_blueprint(create_blueprint(Settings(**{"area": AREA, **settings})))
    return app.test_client()


def test_page_names_only_this_service() -> None:
    answer = client(public_url="https://city.example.org/a").get("/")
    assert answer.headers["Vary"] == "Accept-Language"
    links = re.findall(r'(?:src|href|data-config)="([^"]*)"', answer.text)
    assert links
    assert all(link.startswith("/a/") for link in links)
    assert "<style" not in answer.text
    assert " style=" not in answer.text
    assert re.search(r"<script(?! type=\"module\" src=)", answer.text) is None


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("", "en-US,en;q=0.9,ru;q=0.5", "en"),
        ("", "ru", "ru"),
        ("", "fr", "ru"),
        ("?lang=ru", "en", "ru"),
        ("?lang=x", "en", "en"),
    ],
)
def test_page_speaks_the_readers_language(query: str, accepted: str, language: str) -> None:
    answer = client().get(f"/{query}", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}"' in answer.text


@pytest.mark.parametrize("path", ["/", "/map/config.json", "/map/style.json", "/map/districts.geojson"])
def test_unchanged_is_304(path: str) -> None:
    asking = client()
    first = asking.get(path)
    assert first.headers["Cache-Control"] == "no-cache"
    assert asking.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_files_are_kept_for_ever_under_their_version_only() -> None:
    asking = client()
    now = asking.get(f"/static/map/{assets.version()}/main.js")
    assert "immutable" in now.headers["Cache-Control"]
    assert now.headers["Content-Type"].startswith("text/javascript")
    assert asking.get("/static/map/old/main.js").headers["Cache-Control"] == "no-cache"
    packed = asking.get("/static/map/old/main.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["ETag"] != now.headers["ETag"]


@pytest.mark.parametrize("name", ["../routes.py", "..%2froutes.py", "etc/passwd", "nothing.js", "strings"])
def test_only_the_pages_files_are_served(name: str) -> None:
    assert client().get(f"/static/map/x/{name}").status_code == 404


def test_third_party_files_are_built() -> None:
    assert assets.missing_parts() == []


def test_missing_third_party_files_are_named(tmp_path: Path) -> None:
    assert assets.missing_parts(tmp_path) == list(assets.VENDOR)


def test_tile_is_passed_on_and_kept(foreign: TileServer) -> None:
    asking = client(tiles_url=foreign.url + "/{z}/{x}/{y}.png")
    first = asking.get(HERE, headers={"Cookie": "session=1", "Referer": "https://x.example.org/"})
    assert first.data == make_png()
    assert first.content_type == "image/png"
    assert first.headers["Cache-Control"] == "public, max-age=86400"
    assert asking.get(HERE, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    ((path, headers),) = foreign.asked
    assert path == "/10/652/331.png"
    assert {"Cookie", "Referer", "X-Forwarded-For"}.isdisjoint(headers)


@pytest.mark.parametrize("place", ["3/8/0", "23/0/0", "1/-1/0", "a/0/0", "1/0/0.png"])
def test_no_such_tile(foreign: TileServer, place: str) -> None:
    assert client(tiles_url=foreign.url + "/{z}/{x}/{y}.png").get(f"/map/tiles/{place}").status_code == 404
    assert foreign.asked == []


def test_far_from_the_area_nobody_is_asked(foreign: TileServer) -> None:
    answer = client(tiles_url=foreign.url + "/{z}/{x}/{y}.png").get("/map/tiles/10/1/1")
    assert answer.status_code == 200
    assert len(answer.data) < 100
    assert foreign.asked == []


def test_absent_tile_is_an_empty_picture(foreign: TileServer) -> None:
    foreign.status = 404
    asking = client(tiles_url=foreign.url + "/{z}/{x}/{y}.png")
    assert [asking.get(HERE).status_code for _ in range(2)] == [200, 200]
    assert len(foreign.asked) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"status": 302, "extra": {"Location": "http://127.0.0.1:1/secret"}},
        {"status": 403},
        {"media_type": "text/html", "body": b"<html>"},
        {"media_type": "image/svg+xml", "body": b"<svg onload='x'/>"},
        {"body": b"x" * (proxy.MAX_TILE + 1)},
    ],
    ids=["redirect", "refused", "page", "svg", "too long"],
)
def test_anything_but_a_picture_is_refused(foreign: TileServer, change: dict[str, Any]) -> None:
    for name, value in change.items():
        setattr(foreign, name, value)
    answer = client(tiles_url=foreign.url + "/{z}/{x}/{y}.png").get(HERE)
    assert (answer.status_code, answer.data) == (503, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(foreign.asked) == 1


def test_server_that_is_gone_is_left_alone_for_a_while() -> None:
    parts = base_map(Settings(area=AREA, tiles_url="http://127.0.0.1:9/{z}/{x}/{y}.png"))
    assert parts.tiles
    reasons = []
    for _ in range(2):
        with pytest.raises(proxy.TileServerError) as broken:
            parts.tiles.tile(Tile(10, 652, 331))
        reasons.append(broken.value.reason)
    assert reasons == ["the tile server did not answer: ConnectionError", "the tile server did not answer a moment ago"]


def test_shelf_forgets_the_least_used_and_the_old() -> None:
    tiles = [Tile(1, 0, 0), Tile(1, 1, 0), Tile(1, 0, 1)]
    shelf = Shelf(limit=1500)
    for tile in tiles[:2]:
        shelf.keep(tile, Picture(b"x" * 500, "image/png", "e"))
    shelf.find(tiles[0])
    shelf.keep(tiles[2], Picture(b"x" * 500, "image/png", "e"))
    assert [shelf.find(tile) is not None for tile in tiles] == [True, False, True]
    old = Shelf(seconds=-1)
    old.keep(tiles[0], Picture(b"x", "image/png", "e"))
    assert old.find(tiles[0]) is None


def test_local_archive_by_ranges(tmp_path: Path) -> None:
    archive = make_archive({(0, 0, 0): make_png()}, metadata={})
    (tmp_path / "city.pmtiles").write_bytes(archive)
    asking = client(tiles_url=str(tmp_path / "city.pmtiles"))
    with asking.get("/map/tiles.pmtiles", headers={"Range": "bytes=0-6"}) as answer:
        assert (answer.status_code, answer.data) == (206, b"PMTiles")
        assert answer.headers["Content-Range"] == f"bytes 0-6/{len(archive)}"
        assert answer.headers["ETag"]
    assert asking.get("/map/tiles/0/0/0").status_code == 404


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("bytes=0-6", 206),
        ("", 416),
        ("bytes=6-", 416),
        ("bytes=0-1,4-5", 416),
        ("bytes=9-3", 503),
        ("bytes=0-99999999", 503),
    ],
)
def test_remote_archive_by_limited_ranges(foreign: TileServer, header: str, status: int) -> None:
    foreign.body, foreign.ranges = make_archive({(0, 0, 0): make_png()}, metadata={}), True
    asking = client(tiles_url=foreign.url + "/city.pmtiles")
    answer = asking.get("/map/tiles.pmtiles", headers={"Range": header} if header else {})
    assert answer.status_code == status
    assert len(foreign.asked) == (status == 206)


def test_remote_archive_without_ranges_is_refused(foreign: TileServer) -> None:
    foreign.body = b"x" * 1000
    answer = client(tiles_url=foreign.url + "/city.pmtiles").get("/map/tiles.pmtiles", headers={"Range": "bytes=0-6"})
    assert answer.status_code == 503


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a PMTiles archive of version 3"),
        (b"PMTiles\x02" + bytes(200), "not a PMTiles archive of version 3"),
        (make_archive({(0, 0, 0): b""}, kind=9, metadata={}), "holds tiles of kind 9"),
        (make_archive({(0, 0, 0): b""}, metadata={})[:170], "its metadata cannot be read"),
    ],
    ids=["empty", "old", "unknown kind", "cut off"],
)
def test_broken_archive_is_told_to_the_operator(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "city.pmtiles"
    path.write_bytes(content)
    parts = base_map(Settings(tiles_url=str(path)))
    assert reason in str(parts.trouble())
    assert parts.style("", dark=False)["sources"] == {}


def test_trouble_with_a_server_is_told_to_the_operator(foreign: TileServer) -> None:
    parts = base_map(Settings(tiles_url=foreign.url + "/{z}/{x}/{y}.png"))
    assert parts.trouble() is None
    foreign.status = 403
    assert parts.trouble() == "the tile server answered 403"
    assert base_map(Settings()).trouble() is None
