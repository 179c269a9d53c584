"""What stands around a working copy: who asks, the districts, where people sign in, and the live collections."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import shapely
from flask import Flask

from sync_service.access import Action, register_access
from sync_service.access.issuer import SECONDS_KEPT, SECONDS_LEFT_ALONE, Endpoints, Issuer
from sync_service.access.table import RIGHTS, Role
from sync_service.exchange import create_blueprint
from sync_service.exchange.beyond import Beyond
from sync_service.pages import register_errors
from sync_service.store.collections import COLLECTIONS
from sync_service.store.districts import replace_districts
from tests.copies import ROOT, expect
from tests.ogc import BEARER, HOME
from tests.postgres import both_stores

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests
    from flask.testing import FlaskClient

    from tests.exchange import Exchange
    from tests.ogc import Town

CENTRE, WEST = shapely.box(49.3, 53.4, 49.5, 53.6), shapely.box(49.1, 53.4, 49.3, 53.6)


def client_of(town: Town, beyond: Beyond | None = None) -> FlaskClient:
    app = Flask("sync_service")
    app.config["MAX_CONTENT_LENGTH"] = 1024
    register_errors(app)
    register_access(app, town.settings, town.database)
    app.register_blueprint(create_blueprint(town.database, town.settings, lambda: town.now, beyond))
    return app.test_client()


def offered(town: Town, beyond: Beyond | None = None) -> Any:
    return expect("capabilities", client_of(town, beyond).get(f"{ROOT}/capabilities").json)


# --- who asks


def test_me_is_told_what_the_table_of_access_says(exchange: Exchange) -> None:
    status, told = exchange.ask("GET", f"{ROOT}/me")
    assert status == 200
    assert expect("me", told)["name"] == "token"
    assert told["may"] == [action for action, roles in RIGHTS.items() if Role.STAFF in roles]
    schema = json.dumps(sorted(Action))
    assert sorted(told["may"]) == json.loads(schema)


def test_nobody_is_asked_to_sign_in(exchange: Exchange) -> None:
    answer = exchange.client.get(f"{ROOT}/me")
    assert (answer.status_code, expect("problem", answer.json)["code"]) == (401, "unauthenticated")
    assert exchange.ask("GET", f"{ROOT}/me?x=1")[1]["field"] == "x"


def test_whoever_sits_at_the_machine_is_local(town: Town) -> None:
    town.settings = town.settings.model_copy(update={"api_token": None})
    near = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1"}
    told = client_of(town).get(f"{ROOT}/me", environ_overrides=near).json
    assert told == {"name": "local", "may": list(RIGHTS), "organisations": []}


# --- districts


@both_stores
def test_districts_are_told_once_and_again_when_others_came(exchange: Exchange) -> None:
    def take(etag: str = "") -> Any:
        headers = {**BEARER, "If-None-Match": etag} if etag else BEARER
        return exchange.client.get(f"{ROOT}/districts", headers=headers)

    assert expect("districts", take().json) == {"districts": []}
    put_districts(exchange, {"Центральный": CENTRE, "Западный": WEST})
    answer = take()
    shapes = {
        each["name"]: shapely.from_wkb(b64decode(each["geometry"]))
        for each in expect("districts", answer.json)["districts"]
    }
    assert shapes == {"Западный": WEST, "Центральный": CENTRE}
    again = take(answer.headers["ETag"])
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", answer.headers["ETag"])
    put_districts(exchange, {"Центральный": WEST, "Западный": CENTRE})
    assert take(answer.headers["ETag"]).status_code == 200
    packed = exchange.client.get(f"{ROOT}/districts", headers={**BEARER, "Accept-Encoding": "gzip"})
    assert take(packed.headers["ETag"]).status_code == 304


def put_districts(exchange: Exchange, areas: dict[str, Any]) -> None:
    with exchange.town.database.writing() as connection:
        replace_districts(connection, [(name, area.wkb) for name, area in areas.items()])


# --- what the capabilities say of the surroundings


def test_capabilities_tell_the_area_if_there_is_one(town: Town) -> None:
    assert offered(town)["area"] is None
    town.settings = town.settings.model_copy(update={"area": (49.0, 53.3, 49.8, 53.7)})
    assert offered(town)["area"] == [49.0, 53.3, 49.8, 53.7]


def test_capabilities_name_every_address_of_the_protocol(town: Town) -> None:
    client = client_of(town)
    told = expect("capabilities", client.get(f"{ROOT}/capabilities").json)
    named = {told[name] for name in ("me", "proposal", "suggestions", "districts", "clashes", "undo", "actions")}
    named |= {
        *told["collections"]["proposals"].values(),
        f"{told['clashes']}/{{clash_id}}",
        f"{HOME}{ROOT}/capabilities",
        *(f"{HOME}{ROOT}/sweeps{rest}" for rest in ("", "/{request_id}")),  # an operator's job asks there, no plugin
    }
    rules = (rule.rule for rule in client.application.url_map.iter_rules())
    served = {f"{HOME}{rule}".translate({ord("<"): "{", ord(">"): "}"}) for rule in rules if rule.startswith(ROOT)}
    assert named == served


def test_live_collections_are_read_with_the_same_token(full_town: Town) -> None:
    root = offered(full_town)["ogc"].removeprefix(HOME)
    landing = full_town.json(root, **BEARER)
    (data,) = [link["href"] for link in landing["links"] if link["rel"] == "data"]
    told = full_town.json(data.removeprefix(HOME), **BEARER)["collections"]
    assert [each["id"] for each in told] == list(COLLECTIONS)
    for each in told:
        (items,) = [link["href"] for link in each["links"] if link["rel"] == "items" and "json" in link["type"]]
        page = full_town.json(items.removeprefix(HOME), **BEARER)
        assert page["numberMatched"] == len(page["features"])


# --- where people sign in


class Provider(ThreadingHTTPServer):
    """An identity provider that says of itself what the test sets."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/realms/city"
        self.told: Any = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/auth",
            "token_endpoint": f"{self.url}/token",
        }
        self.asked: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        body = json.dumps(self.server.told).encode() if self.server.told is not None else b"<html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's signature
        pass


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_capabilities_tell_where_to_sign_in(town: Town, provider: Provider, session: requests.Session) -> None:
    changed = {"oidc_issuer": provider.url, "oidc_audience": "placecard", "oidc_client_secret": "a-secret"}
    town.settings = town.settings.model_copy(update=changed)
    told = offered(town, Beyond(issuer=Issuer(provider.url, session).endpoints))
    assert told["oidc"] == {
        "issuer": provider.url,
        "authorization": f"{provider.url}/auth",
        "token": f"{provider.url}/token",
        "client_id": "placecard-qgis",
        "scope": "openid",
    }
    assert "a-secret" not in json.dumps(told)
    assert provider.asked == ["/realms/city/.well-known/openid-configuration"]


def test_nothing_is_told_of_a_provider_that_is_not_there(town: Town, session: requests.Session) -> None:
    silent = Provider()
    silent.server_close()
    town.settings = town.settings.model_copy(update={"oidc_issuer": silent.url, "oidc_audience": "placecard"})
    told = offered(town, Beyond(issuer=Issuer(silent.url, session).endpoints))
    assert (told["oidc"], told["sign_in"]) == (None, ["oidc", "token"])
    assert offered(town)["oidc"] is None


def test_word_of_a_provider_is_kept_for_a_while_and_over_an_outage(
    provider: Provider, session: requests.Session
) -> None:
    clock = Clock()
    issuer = Issuer(provider.url, session, clock=clock)
    before = issuer.endpoints()
    assert before == Endpoints(provider.url, f"{provider.url}/auth", f"{provider.url}/token")
    provider.told = {**provider.told, "token_endpoint": f"{provider.url}/elsewhere"}
    clock.now = SECONDS_KEPT - 1
    assert issuer.endpoints() == before
    clock.now = SECONDS_KEPT
    after = issuer.endpoints()
    assert after is not None
    assert after.token == f"{provider.url}/elsewhere"
    provider.told = None
    clock.now = 2 * SECONDS_KEPT
    assert issuer.endpoints() == after
    clock.now += SECONDS_LEFT_ALONE - 1
    assert issuer.endpoints() == after
    assert len(provider.asked) == 3


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {"issuer": "http://127.0.0.1/another"},
        {"token_endpoint": None},
        {"token_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": 1},
        {"authorization_endpoint": ""},
    ],
)
def test_provider_that_speaks_nonsense_is_none(provider: Provider, session: requests.Session, told: Any) -> None:
    provider.told = {**provider.told, **told} if isinstance(told, dict) else told
    assert Issuer(provider.url, session).endpoints() is None


def test_guarded_provider_names_no_unguarded_address(session: requests.Session) -> None:
    issuer = Issuer("https://sso.test/realms/city", session)
    told = {
        "issuer": "https://sso.test/realms/city/",
        "authorization_endpoint": "https://sso.test/auth",
        "token_endpoint": "https://sso.test/token",
    }
    assert issuer._read(told).issuer == "https://sso.test/realms/city/"
    with pytest.raises(ValueError, match="no address"):
        issuer._read({**told, "token_endpoint": "http://sso.test/token"})
