"""What every answer says of itself to a browser: what it may load, who may frame it, who may read it."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from sync_service.access.doors import DOORS
from sync_service.app import create_app
from sync_service.settings import load_settings
from sync_service.store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

TOKEN = "t" * 40
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SITES = "https://www.example.org, https://city.example.org:8443/"
FILLED = {"z": "1", "x": "0", "y": "0", "change": "1", "name": "proposals", "form": "csv"}
ITEMS = "/ogc/collections/proposals/items"


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., FlaskClient]:
    """Gives a stranger before an application with these settings, each made once."""
    folder = tmp_path_factory.mktemp("headers")
    url = f"sqlite:///{folder / 'store.db'}"
    migrate(url)

    @cache
    def app(settings: frozenset[tuple[str, str]]) -> Flask:
        given = {"STORE_URL": url, "API_TOKEN": TOKEN, **dict(settings)}
        return create_app(load_settings({f"PLACECARD_{n}": v for n, v in given.items()}, folder))

    return lambda **settings: app(frozenset(settings.items())).test_client()


def asked(client: FlaskClient, door: str, **options: Any) -> Any:
    method, route = door.split(" ", 1)
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: FILLED.get(found[1], "0"), route)
    with client.open(path, method=method, **options) as answer:
        answer.get_data()
        return answer.headers


@pytest.mark.parametrize("door", DOORS)
def test_every_answer_is_guarded(serve: Callable[..., FlaskClient], door: str) -> None:
    client = serve(PUBLIC_URL="https://map.test", EMBED_ORIGINS=SITES)
    for headers in ({}, BEARER, {"Accept": "text/html"}):
        said = asked(client, door, headers=headers)
        policy = said["Content-Security-Policy"]
        assert "'unsafe" not in policy
        assert "*" not in policy
        assert re.search(r"default-src '(self|none)'", policy)
        assert said["X-Content-Type-Options"] == "nosniff"
        assert said["Referrer-Policy"] == "same-origin"
        assert int(said["Strict-Transport-Security"].removeprefix("max-age=")) >= 31_536_000
        assert said["Cross-Origin-Opener-Policy"] == "same-origin"
        assert said["Cross-Origin-Resource-Policy"]
        assert "Server" not in said
        if door != "GET /":
            assert "frame-ancestors 'none'" in policy
            assert said["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("door", DOORS)
def test_unless_asked_for_nobody_frames_anything(serve: Callable[..., FlaskClient], door: str) -> None:
    said = asked(serve(), door)
    assert "frame-ancestors 'none'" in said["Content-Security-Policy"]
    assert said["X-Frame-Options"] == "DENY"
    assert "Strict-Transport-Security" not in said


def test_sites_named_may_embed_the_map(serve: Callable[..., FlaskClient]) -> None:
    said = asked(serve(EMBED_ORIGINS=SITES), "GET /")
    framers = "frame-ancestors https://www.example.org https://city.example.org:8443"
    assert said["Content-Security-Policy"].endswith(framers)
    assert "X-Frame-Options" not in said
    assert said["Cross-Origin-Resource-Policy"] == "cross-origin"


PUBLIC = [door for door in DOORS if door.startswith("GET /ogc/") and not door.endswith("/history")]


@pytest.mark.parametrize("door", [door for door in PUBLIC if "static" not in door])
def test_pages_of_other_sites_read_what_is_public(serve: Callable[..., FlaskClient], door: str) -> None:
    said = asked(serve(), door, headers={"Origin": "https://elsewhere.test"})
    assert said["Access-Control-Allow-Origin"] == "*"
    assert said["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Access-Control-Allow-Credentials" not in said


@pytest.mark.parametrize("door", DOORS)
def test_no_other_site_reads_what_is_not_for_everybody(serve: Callable[..., FlaskClient], door: str) -> None:
    """Nor may it send a token: the leave that a browser asks for first is never given."""
    client = serve(NATIVE_EDITS="proposals")
    origin = {"Origin": "https://elsewhere.test"}
    assert "Access-Control-Allow-Origin" not in asked(client, door, headers=origin | BEARER)
    if not door.startswith(("GET /ogc", "OPTIONS", "GET /board/cards")):
        assert "Access-Control-Allow-Origin" not in asked(client, door, headers=origin)
    wanted = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}
    route = door.split(" ", 1)[1]
    said = asked(client, f"OPTIONS {route}", headers=origin | wanted)
    assert not {"Access-Control-Allow-Methods", "Access-Control-Allow-Headers"} & set(said.keys())


def test_refusals_of_what_is_public_are_read_too(serve: Callable[..., FlaskClient]) -> None:
    client = serve()
    wrong = client.get(f"{ITEMS}?limit=none", headers={"Origin": "https://elsewhere.test"})
    assert (wrong.status_code, wrong.headers["Access-Control-Allow-Origin"]) == (400, "*")
    own = client.get(f"{ITEMS}?limit=none", headers={"Origin": "https://elsewhere.test", **BEARER})
    assert "Access-Control-Allow-Origin" not in own.headers
