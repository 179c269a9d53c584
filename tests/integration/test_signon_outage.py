"""A real Keycloak goes away while people are signed in on the pages, and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from pydantic import SecretStr
from sqlalchemy import text

from sync_service.access.renewing import ALONE, ANEW
from sync_service.store.clock import stamp, utc_now
from sync_service.store.sessions import ASKING
from sync_service.words import say
from tests.browser.town import LiveService, running_service
from tests.keycloak import API, NAME, WEB, Keycloak, Realm, User, filled
from tools.kanboard import free_port
from tools.keycloak import REALM, KeycloakServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta
    from pathlib import Path

PAGE = {"Accept": "text/html", "Accept-Language": "en"}
PLACE = "/desk/changes"


@pytest.fixture
def environment() -> dict[str, str]:
    return filled(f"http://127.0.0.1:{free_port()}", "http://127.0.0.1:9")


@pytest.fixture
def server(tmp_path: Path, environment: dict[str, str]) -> Iterator[KeycloakServer]:
    """A Keycloak of this test's own."""
    with KeycloakServer(tmp_path / "keycloak", realms=[REALM], environment=environment) as made:
        yield made


@pytest.fixture
def realm(server: KeycloakServer, environment: dict[str, str]) -> Realm:
    return Keycloak(server.url, server.admin_password, environment).realm


@pytest.fixture
def service(realm: Realm, environment: dict[str, str]) -> Iterator[LiveService]:
    port = int(environment["PLACECARD_PUBLIC_URL"].rpartition(":")[2])
    known = {"oidc_issuer": f"{realm.keycloak.url}/realms/{NAME}", "oidc_audience": API, "oidc_client_id": WEB}
    with running_service(port, oidc_client_secret=SecretStr(realm.secret(WEB) or ""), **known) as made:
        yield made


def sign_in(service: LiveService, realm: Realm, user: User) -> requests.Session:
    """Somebody's browser, signed in."""
    browser = requests.Session()
    start = browser.get(f"{service.base_url}/signin/start?next={PLACE}", allow_redirects=False, timeout=30)
    with realm.passage(WEB) as passage:
        page = passage.browser.get(start.headers["Location"], allow_redirects=False, timeout=60)
        for cookie in passage.browser.cookies:
            cookie.secure = False  # as `Passage` does
        back = passage.fill(page, username=user.username, password=user.password)
    arrived = browser.get(back.headers["Location"], allow_redirects=False, timeout=60)
    assert (arrived.status_code, arrived.headers["Location"]) == (303, PLACE)
    return browser


def look(service: LiveService, browser: requests.Session) -> requests.Response:
    """What a page that is not for everybody answers, where it leads to."""
    return browser.get(service.base_url + PLACE, headers=PAGE, timeout=60)


def heard(service: LiveService, how_long: timedelta) -> None:
    """As if Keycloak had last been heard, and asked, so long ago."""
    then = {"heard": stamp(utc_now() - how_long), "asking": stamp(utc_now() - ASKING)}
    with service.database.engine.connect() as connection, connection.begin():
        connection.execute(text("UPDATE session SET heard = :heard, asking = :asking"), then)


def test_people_work_on_for_two_hours_and_sign_in_again_afterwards(
    server: KeycloakServer, realm: Realm, service: LiveService
) -> None:
    user = realm.make_user("moderator")
    browser = sign_in(service, realm, user)
    server.stop()
    for how_long in (ANEW, ALONE / 2, ALONE - 2 * ANEW):
        heard(service, how_long)
        assert "<h1>Changes</h1>" in look(service, browser).text
    heard(service, ALONE)
    answer = look(service, browser)
    assert say("access.over_away", "en") in answer.text
    assert look(service, browser).url.startswith(f"{service.base_url}/signin")
    server.start()
    again = sign_in(service, realm, user)
    assert "<h1>Changes</h1>" in look(service, again).text
