"""How often one address may try: each kind by itself, by the address that our own proxies tell, and good ones go on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from sync_service.access.callers import Callers
from sync_service.access.doors import DOORS
from sync_service.access.limits import RATES, Kind, repeated_kind
from sync_service.app import create_app
from sync_service.settings import load_settings
from sync_service.store.migrate import migrate
from tests.mint import AUDIENCE, Provider, claims, publishing, rsa, sign

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

TOKEN, WEBHOOK = "t" * 40, "w" * 40
OURS, STRANGE = rsa("ours"), rsa("strange")
FAR = {"REMOTE_ADDR": "203.0.113.5", "HTTP_HOST": "map.test"}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with publishing(OURS) as made:
        yield made


@pytest.fixture
def client(tmp_path: Path, provider: Provider) -> FlaskClient:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    migrate(url)
    given = {"STORE_URL": url, "API_TOKEN": TOKEN, "WEBHOOK_TOKEN": WEBHOOK}
    given |= {"OIDC_ISSUER": provider.url, "OIDC_AUDIENCE": AUDIENCE, "TRUSTED_PROXIES": "10.0.0.0/8"}
    return create_app(load_settings({f"PLACECARD_{n}": v for n, v in given.items()}, tmp_path)).test_client()


def me(client: FlaskClient, token: str, **environ: str) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"}
    return client.get("/sync/v1/me", headers=headers, environ_overrides=FAR | environ)


def announce(client: FlaskClient, token: str, **environ: str) -> TestResponse:
    return client.post(f"/board/events?token={token}", environ_overrides=FAR | environ)


def type_in(client: FlaskClient, token: str, **environ: str) -> TestResponse:
    page = client.get("/signin", environ_overrides=FAR | environ).text
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return client.post("/signin", data={"csrf_token": found[1], "token": token}, environ_overrides=FAR | environ)


WAYS = {
    Kind.WRONG_TOKEN: (me, 401, TOKEN, 200),
    Kind.WRONG_WEBHOOK: (announce, 403, WEBHOOK, 204),
    Kind.WRONG_SIGNIN: (type_in, 401, TOKEN, 303),
}


@pytest.mark.parametrize("kind", WAYS)
def test_guessing_any_token_is_stopped_and_only_from_there(client: FlaskClient, kind: Kind) -> None:
    way, refused, good, welcome = WAYS[kind]
    for _ in range(RATES[kind].most):
        assert way(client, "guess").status_code == refused
    answer = way(client, good)
    assert answer.status_code == 429
    assert answer.content_type == "application/problem+json"
    assert answer.json is not None
    assert answer.json["code"] == "too_many"
    assert 0 < int(answer.headers["Retry-After"]) <= RATES[kind].seconds
    assert way(client, good, REMOTE_ADDR="203.0.113.6").status_code == welcome
    for other, (elsewhere, _, token, expected) in WAYS.items():
        assert other is kind or elsewhere(client, token).status_code == expected


def test_limit_that_is_reached_is_logged_once_and_by_kind(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(RATES[Kind.WRONG_TOKEN].most + 3):
        me(client, "guess")
    told = [(each.getMessage(), each.data) for each in caplog.records if each.name.endswith("limits")]  # type: ignore[attr-defined] # ours have it
    assert told.count(("limit.reached", {"kind": "wrong_token"})) == 1
    assert told.count(("guess.wrong", {"kind": "wrong_token"})) == RATES[Kind.WRONG_TOKEN].most
    assert "203.0.113.5" not in caplog.text


def test_good_tokens_are_never_too_many(client: FlaskClient) -> None:
    for _ in range(RATES[Kind.WRONG_TOKEN].most + 5):
        assert me(client, TOKEN).status_code == 200
        assert announce(client, WEBHOOK).status_code == 204


def test_wrong_signed_tokens_are_slowed_down_and_a_good_one_is_let_in(client: FlaskClient, provider: Provider) -> None:
    wrong, good = (sign(claims(provider.url), key) for key in (STRANGE, OURS))
    assert {me(client, wrong).status_code for _ in range(RATES[Kind.WRONG_SIGNATURE].most)} == {401}
    assert me(client, wrong).status_code == 429
    assert me(client, good).status_code == 200
    assert me(client, TOKEN).status_code == 200


def test_expired_tokens_are_no_guesses(client: FlaskClient, provider: Provider) -> None:
    old = sign(claims(provider.url, iat=1_600_000_000, exp=1_600_000_300), OURS)
    for _ in range(RATES[Kind.WRONG_SIGNATURE].most + 1):
        assert me(client, old).status_code == 401


def test_forms_have_a_limit(client: FlaskClient) -> None:
    statuses = [client.post("/desk/waiting", environ_overrides=FAR).status_code for _ in range(RATES[Kind.FORM].most)]
    assert set(statuses) == {401}
    assert client.post("/desk/waiting", environ_overrides=FAR).status_code == 429
    assert client.get("/signin", environ_overrides=FAR).status_code == 200


def test_every_form_is_counted() -> None:
    sent = [door.split(" ", 1) for door in DOORS if not door.startswith(("GET ", "OPTIONS "))]
    pages = [(method, rule) for method, rule in sent if not rule.startswith(("/ogc/", "/sync/", "/board/"))]
    assert pages
    by_the_provider = ("POST", "/signin/ended")
    assert [each for each in pages if repeated_kind(*each) is None] == [by_the_provider]
    assert repeated_kind("GET", "/signin/start") is Kind.SIGNIN
    assert repeated_kind("GET", "/signin") is None
    assert repeated_kind("GET", "/desk/waiting") is None


@pytest.mark.parametrize(
    ("peer", "told", "found"),
    [
        ("203.0.113.5", None, "203.0.113.5"),
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("10.0.0.2", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1, 10.0.0.3", "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1, nonsense, 10.0.0.3", "10.0.0.3"),
        ("10.0.0.2", None, "10.0.0.2"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("::ffff:10.0.0.2", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "198.51.100.1", "2001:db8:1:2::/64"),
        ("", "198.51.100.1", ""),
    ],
)  # fmt: skip
def test_only_our_own_proxies_are_believed_about_an_address(peer: str, told: str | None, found: str) -> None:
    forwarded = {} if told is None else {"HTTP_X_FORWARDED_FOR": told}
    asked = Request(EnvironBuilder(environ_overrides={"REMOTE_ADDR": peer, **forwarded}).get_environ())
    assert Callers(("10.0.0.0/8",)).address_of(asked) == found


def test_forged_address_does_not_begin_anew(client: FlaskClient) -> None:
    for number in range(RATES[Kind.WRONG_TOKEN].most):
        assert me(client, "guess", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}").status_code == 401
    assert me(client, "guess", HTTP_X_FORWARDED_FOR="198.51.100.99").status_code == 429
    proxy: dict[str, Any] = {"REMOTE_ADDR": "10.0.0.2", "HTTP_X_FORWARDED_FOR": "198.51.100.7"}
    assert me(client, "guess", **proxy).status_code == 401
