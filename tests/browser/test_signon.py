"""Signing in with a real Keycloak in a real Chromium; and what Keycloak knows first, the service learns soon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests
from pydantic import SecretStr
from sqlalchemy import text

from sync_service.access.probing import Flaw
from sync_service.access.renewing import ANEW
from sync_service.app import signin_flaws
from sync_service.store.clock import stamp, utc_now
from tests.browser.town import LiveService, running_service
from tests.keycloak import API, WEB
from tests.service import until
from tools.kanboard import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from tests.browser.onlooker import Onlooker
    from tests.keycloak import Keycloak, Realm, User

SCREENS = pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
NAME = "Модератор"


@dataclass(frozen=True)
class Place:
    """A service, and the realm whose people sign in to it."""

    service: LiveService
    realm: Realm
    look: Callable[..., Onlooker]

    def enter(self, user: User, path: str = "/desk/changes", **options: Any) -> Onlooker:
        """Somebody who has signed in, on their way to a page."""
        seen = self.look(self.service, f"/signin?next={path}", **options)
        seen.follow(seen.page.locator("a.button"))
        fill(seen, user)
        return seen

    def is_in(self, seen: Onlooker, path: str = "/desk/changes") -> bool:
        """Whether a page that is not for everybody opens."""
        answer = seen.page.context.request.get(self.service.base_url + path, headers={"Accept": "text/html"})
        return answer.ok and "/signin" not in answer.url

    def pass_time(self, how_long: timedelta) -> None:
        """As if Keycloak had been asked so long ago."""
        database = self.service.database
        with database.engine.connect() as connection, connection.begin():
            connection.execute(text("UPDATE session SET heard = :then"), {"then": stamp(utc_now() - how_long)})


@pytest.fixture(scope="module")
def running(keycloak: Keycloak) -> Iterator[tuple[LiveService, Realm]]:
    port = free_port()
    with keycloak.realm_of_its_own(f"http://127.0.0.1:{port}") as realm:
        known = {"oidc_issuer": realm.issuer, "oidc_audience": API, "oidc_client_id": WEB}
        with running_service(port, oidc_client_secret=SecretStr(realm.secret(WEB) or ""), **known) as service:
            yield service, realm


@pytest.fixture
def place(running: tuple[LiveService, Realm], look: Callable[..., Onlooker]) -> Place:
    return Place(*running, look)


def fill(seen: Onlooker, user: User) -> None:
    """Keycloak's form."""
    seen.page.fill("#username", user.username)
    seen.page.fill("#password", user.password)
    seen.follow(seen.page.locator("#kc-login"))


@SCREENS
def test_from_the_map_in_and_out_again(place: Place, phone: bool) -> None:
    user = place.realm.make_user("moderator", name=NAME)
    seen = place.look(place.service, "/", phone=phone).settled()
    assert seen.page.locator("#visitor").inner_text() == "Войти"
    seen.follow(seen.page.locator("#visitor"))
    seen.follow(seen.page.locator("a.button"))
    assert seen.page.url.startswith(place.realm.issuer)
    fill(seen, user)
    seen.settled()
    assert seen.page.url.rstrip("/") == place.service.base_url
    assert seen.page.locator("#visitor").inner_text() == NAME
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    seen.follow(seen.page.locator("#desk"))
    assert seen.page.locator(".me").inner_text() == NAME
    seen.follow(seen.page.locator(".leave button"))
    seen.settled()
    assert seen.page.url.rstrip("/") == place.service.base_url, "by Keycloak, which has nothing to ask"
    assert seen.page.locator("#visitor").inner_text() == "Войти"
    seen.visit("/signin/start")
    assert seen.page.locator("#password").is_visible(), "Keycloak's own session has ended too"
    assert [each for each in seen.complaints if "placecard" in each.lower() or "Security Policy" in each] == []


def test_who_has_signed_in_elsewhere_needs_no_password(place: Place) -> None:
    seen = place.enter(place.realm.make_user("expert"))
    seen.page.context.clear_cookies(name="placecard-session")
    assert not place.is_in(seen)
    seen.visit("/signin?next=/desk/changes")
    seen.follow(seen.page.locator("a.button"))
    assert seen.page.url == f"{place.service.base_url}/desk/changes"


def test_who_has_no_role_is_told_so(place: Place) -> None:
    seen = place.enter(place.realm.make_user(), "/signin")
    assert "Ролей у вас пока нет" in seen.page.locator("main").inner_text()
    assert not place.is_in(seen)


def test_what_an_administrator_ends_is_over_within_seconds(place: Place) -> None:
    user = place.realm.make_user("moderator")
    seen = place.enter(user)
    other = place.enter(place.realm.make_user("moderator"))
    token = place.realm.sign_in(user)["access_token"]
    assert place.is_in(seen)
    assert asked_with(place, token) == 200
    place.realm.admin.user_logout(user.id)
    until(lambda: not place.is_in(seen), seconds=5)
    until(lambda: asked_with(place, token) == 401, seconds=5)
    assert place.is_in(other)


def asked_with(place: Place, token: str) -> int:
    """What QGIS is answered."""
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{place.service.base_url}/sync/v1/me", headers=headers, timeout=30).status_code


def test_who_is_dismissed_is_out(place: Place) -> None:
    user = place.realm.make_user("moderator")
    seen = place.enter(user)
    place.realm.admin.update_user(user.id, {"enabled": False})
    place.pass_time(ANEW)
    seen.visit("/desk/changes")
    assert "Вход закончился" in seen.page.locator("main").inner_text()
    assert not place.is_in(seen)


def test_role_that_is_taken_away_is_gone(place: Place) -> None:
    user = place.realm.make_user("moderator", "viewer")
    seen = place.enter(user)
    assert place.is_in(seen, "/desk/waiting")
    place.realm.take(user, "moderator")
    place.pass_time(ANEW)
    assert not place.is_in(seen, "/desk/waiting")
    assert place.is_in(seen)
    place.realm.give(user, "moderator")
    place.pass_time(ANEW)
    assert place.is_in(seen, "/desk/waiting"), "and comes back, by tokens that were renewed since"


def test_what_is_set_up_wrong_is_told(place: Place) -> None:
    settings = place.service.settings
    wrong: dict[Flaw | None, dict[str, Any]] = {
        None: {},
        Flaw.CLIENT: {"oidc_client_secret": SecretStr("another")},
        Flaw.WAY_BACK: {"public_url": "http://127.0.0.1:9"},
    }
    for flaw, changed in wrong.items():
        assert list(signin_flaws(settings.model_copy(update=changed))) == ([] if flaw is None else [flaw])
    assert list(signin_flaws(settings.model_copy(update={"oidc_client_id": "another"}))) == [Flaw.CLIENT]
