"""Tokens of a real Keycloak: what is not meant for us is refused, keys are turned, and it goes away for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import requests

from sync_service.access.issuer import Issuer
from sync_service.access.keys import SECONDS_APART, SECONDS_FRESH, KeyRing
from sync_service.access.tokens import TokenVerifier
from sync_service.errors import Unauthenticated
from tests.keycloak import API, QGIS, WEB, Keycloak, Realm, filled
from tests.passage import Passage, read_token
from tests.service import Service, make_service
from tools.keycloak import ADMIN, REALM, KeycloakServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.boards import KanboardProject


class Clock:
    """Time that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make_verifier(realm: Realm, session: requests.Session, clock: Clock) -> TokenVerifier:
    ring = KeyRing(Issuer(realm.issuer, session, clock=clock), session, clock=clock)
    return TokenVerifier(realm.issuer, API, ring)


def refused(verifier: TokenVerifier, token: str) -> None:
    with pytest.raises(Unauthenticated, match=r".") as error:
        verifier.verify(token)
    assert error.value.data["reason"] == "wrong_token"


# --- not for us


@pytest.fixture(scope="module")
def other(keycloak: Keycloak) -> Iterator[Realm]:
    """Another realm of the same Keycloak, of the same shape."""
    with keycloak.realm_of_its_own("http://127.0.0.1:9") as made:
        yield made


@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
@pytest.mark.parametrize("client", [WEB, QGIS])
def test_other_tokens_of_a_sign_in_are_refused(
    realm: Realm, session: requests.Session, clock: Clock, kind: str, client: str
) -> None:
    told = realm.sign_in(realm.make_user("operator"), client)
    verifier = make_verifier(realm, session, clock)
    assert verifier.verify(told["access_token"])
    refused(verifier, told[kind])


def test_token_of_another_realm_is_refused(realm: Realm, other: Realm, session: requests.Session, clock: Clock) -> None:
    theirs = other.service_token()
    assert make_verifier(other, session, clock).verify(theirs)
    refused(make_verifier(realm, session, clock), theirs)


def test_token_for_another_service_is_refused(other: Realm, session: requests.Session, clock: Clock) -> None:
    """A client of the same realm that has nothing to do with us."""
    secret = uuid4().hex
    stranger = {
        "clientId": "stranger",
        "secret": secret,
        "serviceAccountsEnabled": True,
        "standardFlowEnabled": False,
        "defaultClientScopes": ["basic"],
    }
    other.admin.create_client(stranger)
    with Passage(other.issuer, "stranger", "", secret) as passage:
        token = passage.ask_token(grant_type="client_credentials").json()["access_token"]
    assert read_token(token)["sub"]
    refused(make_verifier(other, session, clock), token)


def test_token_of_who_governs_keycloak_is_refused(
    keycloak: Keycloak, realm: Realm, session: requests.Session, clock: Clock
) -> None:
    with Passage(f"{keycloak.url}/realms/master", "admin-cli", "") as passage:
        asked = {"grant_type": "password", "username": ADMIN, "password": keycloak.admin_password}
        token = passage.ask_token(**asked).json()["access_token"]
    assert read_token(token)["typ"] == "Bearer"
    refused(make_verifier(realm, session, clock), token)


# --- keys turned


def make_key(realm: Realm, priority: int) -> str:
    """A new key that signs from now on; the id of its component."""
    provider = {
        "name": f"key-{priority}",
        "providerId": "rsa-generated",
        "providerType": "org.keycloak.keys.KeyProvider",
        "config": {"priority": [str(priority)], "enabled": ["true"], "active": ["true"], "algorithm": ["RS256"]},
    }
    return str(realm.admin.create_component(provider))


def test_new_keys_are_taken_and_old_ones_go(other: Realm, session: requests.Session, clock: Clock) -> None:
    verifier = make_verifier(other, session, clock)
    before = other.service_token()
    assert verifier.verify(before)
    old = [each["id"] for each in other.admin.get_components({"type": "org.keycloak.keys.KeyProvider"})]
    new = make_key(other, 500)
    after = other.service_token()
    refused(verifier, after)  # somebody asked a moment ago: not again so soon
    clock.now += SECONDS_APART
    assert verifier.verify(after)
    assert verifier.verify(before), "tokens of before are good while their key is published"
    for component in set(old) - {new}:
        other.admin.delete_component(component)
    assert verifier.verify(before), "known keys are believed for a while"
    clock.now += SECONDS_FRESH
    assert verifier.verify(after)
    refused(verifier, before)


# --- away


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Realm]:
    """Our realm on a Keycloak of the test's own, whose tokens are good for an hour."""
    environment = filled("http://127.0.0.1:9", "http://127.0.0.1:9")
    with KeycloakServer(tmp_path / "keycloak", realms=[REALM], environment=environment) as server:
        made = Keycloak(server.url, server.admin_password, environment, server.stop).realm
        made.admin.update_realm(made.name, {"accessTokenLifespan": 3600})
        yield made


@pytest.fixture
def service(own: Realm, tmp_path: Path, kanboard_project: KanboardProject) -> Iterator[Service]:
    made = make_service(tmp_path, kanboard_project, OIDC_ISSUER=own.issuer, OIDC_AUDIENCE=API)
    made.start()
    yield made
    made.stop()


def test_service_outlives_keycloak_and_its_own_restart(own: Realm, service: Service) -> None:
    token = own.sign_in(own.make_user("gis_editor"))["access_token"]

    def status(token: str) -> int:
        answer = service.get("/sync/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert not answer.ok or "edit" in answer.json()["may"]
        return answer.status_code

    assert status(token) == 200
    assert own.keycloak.stop
    own.keycloak.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(own.issuer, timeout=10)
    assert status(token) == 200
    service.stop()
    service.start()
    assert status(token) == 200, "by the keys that the process before was given"
    assert status(token[:-8]) == 401
