"""QGIS signs in with a real Keycloak: the first log-in, the tokens renewed, and a session that was ended there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sync_service.app import create_app
from sync_service.settings import load_settings
from sync_service.store.migrate import migrate
from tests.keycloak import API, QGIS
from tests.passage import Passage
from tests.qgis import test_plugin_signin
from tests.qgis.desktop import serving
from tests.service import until
from tools.kanboard import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from tests.keycloak import Keycloak, Realm, User
    from tests.qgis.application import Application

PORT = free_port()
"""Of this module's own, for other tests sign in at the same time."""
START = f"""{test_plugin_signin.START}
usual, signin.PORT = signin.PORT, {PORT}
"""
LIFETIME = 6
"""Seconds an access token lives here; QGIS renews it two before its end."""
LONGEST = 30
"""Seconds after which a person would take QGIS for dead."""


@pytest.fixture(scope="module")
def realm(keycloak: Keycloak) -> Iterator[Realm]:
    """A realm like ours whose tokens are soon to be renewed, and which knows the port of this module."""
    with keycloak.realm_of_its_own("http://127.0.0.1:9") as made:
        made.admin.update_realm(made.name, {"accessTokenLifespan": LIFETIME})
        client = str(made.admin.get_client_id(QGIS))
        made.admin.update_client(client, {"redirectUris": [f"http://127.0.0.1:{PORT}/"]})
        yield made


@pytest.fixture(scope="module")
def service(realm: Realm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service whose people sign in there."""
    folder = tmp_path_factory.mktemp("служба")

    def make_app(url: str) -> Flask:
        store = f"sqlite:///{folder / 'placecard.db'}"
        migrate(store)
        given = {"STORE_URL": store, "SECRET_KEY": "key", "PUBLIC_URL": url, "OIDC_ISSUER": realm.issuer}
        given["OIDC_AUDIENCE"] = API
        return create_app(load_settings({f"PLACECARD_{name}": value for name, value in given.items()}, folder))

    with serving(make_app) as (url, _):
        yield url


@dataclass
class Specialist:
    """Somebody at QGIS who has an account."""

    application: Application
    realm: Realm
    service: str
    user: User

    def arrive(self) -> None:
        """Have QGIS know how to sign in, from what the service tells everybody."""
        oidc = requests.get(f"{self.service}/sync/v1/capabilities", timeout=30).json()["oidc"]
        self.application.run(f"config = signin.keep_oidc({self.service!r}, {oidc!r})")

    def enter(self) -> None:
        """Begin to sign in."""
        self.application.run(f"enter({self.service + '/sync/v1/me'!r}, config)", later=True)

    def use_browser(self, before: int) -> None:
        """Fill in Keycloak's page that QGIS opened, and go where it leads."""
        (address,) = until(lambda: self.application.opened()[before:])
        with Passage(self.realm.issuer, QGIS, f"http://127.0.0.1:{PORT}/") as passage:
            page = passage.browser.get(address, timeout=60)
            for cookie in passage.browser.cookies:
                cookie.secure = False
            back = passage.fill(page, username=self.user.username, password=self.user.password)
            requests.get(back.headers["Location"], timeout=60).close()

    def log_in(self) -> None:
        """All of it."""
        before = len(self.application.opened())
        self.enter()
        self.use_browser(before)
        assert self.application.until("entered") == "in"

    def ask(self) -> Any:
        """What the service says to QGIS of who asks: a document, or what went wrong."""
        self.application.run(
            f"def who():\n"
            f"    global answer\n"
            f"    answer = None\n"
            f"    def work(progress, stop):\n"
            f"        sent = Request('GET', {self.service + '/sync/v1/me'!r})\n"
            f"        return network.QgisTransport(config, stop.feedback).send(sent).body.decode()\n"
            f"    tasks.run_in_background('ask', work, lambda came: globals().update(answer=came), failed)\n"
            f"who()"
        )
        return self.application.until("answer")


@pytest.fixture
def specialist(application: Application, realm: Realm, service: str) -> Iterator[Specialist]:
    somebody = Specialist(application, realm, service, realm.make_user("gis_editor", name="Специалист"))
    somebody.arrive()
    yield somebody
    application.run("signin.give_up()")
    application.until("entered")
    application.run("signin.forget(config)")


def test_realm_sends_people_back_to_where_the_plugin_waits(application: Application, keycloak: Keycloak) -> None:
    admin = keycloak.realm.admin
    client = admin.get_client(str(admin.get_client_id(QGIS)))
    assert f"http://127.0.0.1:{application.run('usual')}/" in client["redirectUris"]


def test_first_log_in_and_tokens_renewed_without_asking(specialist: Specialist) -> None:
    specialist.log_in()
    opened = len(specialist.application.opened())
    first = specialist.ask()
    assert '"name":"Специалист"' in first
    assert '"edit"' in first
    issued = time.time()
    until(lambda: time.time() > issued + LIFETIME + 1)  # the first token is no longer good
    assert specialist.ask() == first
    assert len(specialist.application.opened()) == opened
    assert specialist.application.longest_block()[0] < LONGEST


def test_a_session_ended_at_the_provider_is_told_and_entered_anew(specialist: Specialist) -> None:
    """The refresh token is no longer good: the browser opens, the person may give up, and nothing stands still."""
    specialist.log_in()
    specialist.realm.admin.user_logout(specialist.user.id)
    ended = time.time()
    until(lambda: time.time() > ended + LIFETIME + 1)
    application, before = specialist.application, len(specialist.application.opened())
    specialist.enter()
    until(lambda: application.opened()[before:])
    application.run("signin.give_up()")
    assert application.until("entered") == "error.sign_in"
    assert application.longest_block()[0] < LONGEST
    specialist.log_in()
    assert '"name":"Специалист"' in specialist.ask()
