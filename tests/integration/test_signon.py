"""Signing in on the pages by the identity provider, as somebody who means well does, and as others do."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import pytest
from werkzeug.http import parse_cookie

from kanban_adapter.memory import MemoryBoard
from sync_service.access import signon as signing
from sync_service.access.outcomes import STATUS, Why
from sync_service.access.probing import Flaw
from sync_service.access.routes import MOST_ATTEMPTS
from sync_service.app import signin_flaws
from sync_service.operation.check import Checked, run_checks
from sync_service.settings import load_settings
from sync_service.store.clock import utc_now
from sync_service.store.database import Database
from sync_service.words import LANGUAGES, say
from tests.mint import WEB, Provider, claims, curve, publishing, rsa, sign, unsigned
from tests.postgres import both_stores
from tests.signon import COOKIE, HOME, Browser, Service, open_service, query_of, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.test import TestResponse

OURS = rsa("ours")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with publishing(OURS, curve("curve")) as made:
        yield made


@pytest.fixture
def service(provider: Provider, new_store: Callable[[], str], tmp_path: Path) -> Iterator[Service]:
    made = open_service(provider, new_store(), tmp_path)
    yield made
    made.close()


@pytest.fixture
def browser(service: Service) -> Browser:
    return service.browser()


def failed(answer: TestResponse, why: Why) -> None:
    """It is a page that says so, with a way on, and leaves nobody signed in."""
    assert answer.status_code == STATUS.get(why, 400), answer.text
    assert say(f"access.failed_{why}", "en") in answer.text.replace("&#39;", "'")
    assert "/signin/start?next=" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert not any(each.startswith(f"{COOKIE}=") for each in answer.headers.getlist("Set-Cookie"))


# --- the way in


def test_question_to_the_provider_is_bound_to_this_browser(service: Service, browser: Browser) -> None:
    first, second = browser.start(), browser.start()
    asked = dict(parse_qsl(query_of(first)))
    assert first.startswith(f"{service.provider.url}/auth?")
    assert (asked["response_type"], asked["client_id"]) == ("code", WEB)
    assert (asked["redirect_uri"], asked["scope"]) == (f"{HOME}/signin/back", "openid")
    assert asked["code_challenge_method"] == "S256"
    again = dict(parse_qsl(query_of(second)))
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name]) >= 43
        assert asked[name] != again[name]
        assert not any(asked[name] in kept for kept in browser.cookies.values())


@both_stores
def test_sign_in(service: Service, browser: Browser) -> None:
    assert browser.who["proof"] == "nothing"
    answer = browser.sign_in("/desk/changes?who=x")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/desk/changes?who=x")
    assert answer.headers["Cache-Control"] == "no-store"
    who = browser.who
    assert (who["name"], who["proof"]) == ("Геодезист", "cookie")
    assert who["key"] == f"{service.provider.url} {service.provider.person['sub']}"
    assert "edit" in who["may"]
    assert "moderate" not in who["may"]
    (form,) = service.provider.forms
    assert "client_secret" not in form


def test_cookie_is_a_secret_that_the_store_does_not_know(service: Service, browser: Browser) -> None:
    (given,) = (each for each in browser.sign_in().headers.getlist("Set-Cookie") if each.startswith(COOKIE))
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in given.split("; ")
    assert "Domain" not in given
    secret = next(iter(parse_cookie(given).values()))
    (row,) = service.run("SELECT * FROM session")
    kept = json.dumps([str(each) for each in row])
    assert secret not in kept
    assert "eyJ" not in row.held
    assert not any("eyJ" in value or "Геодезист" in value for value in browser.cookies.values())


def test_under_a_path_cookies_keep_to_it(provider: Provider, new_store: Callable[[], str], tmp_path: Path) -> None:
    service = open_service(provider, new_store(), tmp_path, PUBLIC_URL=f"{HOME}/city")
    answer = service.app.test_client().get("/signin/start", base_url=f"{HOME}/city")
    (kept,) = answer.headers.getlist("Set-Cookie")
    assert kept.startswith("__Secure-placecard-signin-")
    assert "Path=/city" in kept
    assert parse_qs(query_of(answer.headers["Location"]))["redirect_uri"] == [f"{HOME}/city/signin/back"]


def test_tabs_do_not_disturb_each_other(service: Service, browser: Browser) -> None:
    first, second = browser.start("/desk/changes"), browser.start("/desk/clashes")
    consent = service.provider.consent
    assert browser.come_back(consent(second)).headers["Location"] == "/desk/clashes"
    one = browser.cookies[COOKIE]
    assert browser.come_back(consent(first)).headers["Location"] == "/desk/changes"
    assert browser.cookies[COOKIE] != one
    assert len(service.run("SELECT digest FROM session")) == 1, "one browser, one session"
    assert set(browser.cookies) == {COOKIE}


def test_tabs_left_open_do_not_fill_the_browser(service: Service, browser: Browser) -> None:
    for _ in range(3 * MOST_ATTEMPTS):
        browser.start()
    assert len(browser.cookies) <= MOST_ATTEMPTS + 1
    assert browser.sign_in().status_code == 303


def test_session_begun_before_is_not_the_one_signed_in(service: Service, browser: Browser) -> None:
    browser.sign_in()
    before = browser.cookies[COOKIE]
    browser.sign_in()
    assert browser.cookies[COOKIE] != before
    other = service.browser()
    other.client.set_cookie(COOKIE, before, domain="map.test", secure=True)  # type: ignore[attr-defined] # as above
    assert other.who["proof"] == "nothing"


@pytest.mark.parametrize("way", ["https://evil.test", "//evil.test", "/\\evil.test", "evil", "javascript:alert(1)", ""])
def test_it_leads_nowhere_else(browser: Browser, way: str) -> None:
    assert browser.sign_in(way).headers["Location"] == "/"


def test_who_has_no_role_is_in_and_told_so(service: Service, browser: Browser) -> None:
    service.provider.access_said = {"resource_access": None}
    assert browser.sign_in().status_code == 303
    assert browser.who["may"] == ["read_public"]
    assert say("access.no_roles", "en") in browser.get("/signin").text
    assert browser.get("/desk/changes").status_code == 403


def test_map_greets_whoever_has_signed_in_and_is_kept_for_nobody_else(service: Service, browser: Browser) -> None:
    service.provider.access_said = {"name": "<b>Модератор</b>"}
    assert 'href="/signin?next=/"' in browser.get("/").text
    browser.sign_in()
    page = browser.get("/")
    assert "&lt;b&gt;Модератор&lt;/b&gt;" in page.text
    assert "<b>Модератор" not in page.text
    assert page.headers["Cache-Control"].startswith("private")
    assert "Cookie" in page.headers["Vary"]
    stranger = service.browser().get("/")
    assert "Модератор" not in stranger.text
    assert stranger.headers["ETag"] != page.headers["ETag"]


def test_nobody_is_offered_to_sign_in_where_nobody_can(
    provider: Provider, new_store: Callable[[], str], tmp_path: Path
) -> None:
    service = open_service(provider, new_store(), tmp_path, OIDC_CLIENT_ID="")
    assert 'id="visitor"' not in service.browser().get("/").text
    service.close()


# --- what others send back


def told(**query: str) -> str:
    return f"{HOME}/signin/back?{urlencode(query)}"


@pytest.mark.parametrize("query", [{}, {"code": "x"}, {"state": "x"}, {"state": "x" * 43, "code": "x"}, {"error": "x"}])
def test_nobody_comes_back_who_has_not_set_out(browser: Browser, query: dict[str, str]) -> None:
    browser.start()
    failed(browser.come_back(told(**query)), Why.OLD)


def test_what_one_browser_began_no_other_can_finish(service: Service, browser: Browser) -> None:
    address = service.provider.consent(browser.start())
    victim = service.browser()
    failed(victim.come_back(address), Why.OLD)
    victim.start()
    failed(victim.come_back(address), Why.OLD)
    assert victim.who["proof"] == "nothing"


def test_attempt_counts_once(service: Service, browser: Browser) -> None:
    address = service.provider.consent(browser.start())
    assert browser.come_back(address).status_code == 303
    failed(browser.come_back(address), Why.OLD)
    assert browser.who["proof"] == "cookie", "the one who is in stays in"


def test_attempt_of_long_ago_is_over(service: Service, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    address = service.provider.consent(browser.start())
    monkeypatch.setattr(signing, "ATTEMPT_SECONDS", -1)
    failed(browser.come_back(address), Why.OLD)


def test_attempt_of_another_state_is_another(service: Service, browser: Browser) -> None:
    address = service.provider.consent(browser.start())
    asked = dict(parse_qsl(query_of(address)))
    failed(browser.come_back(told(**{**asked, "state": asked["state"][:16] + "x" * 27})), Why.OLD)


def test_answer_of_another_issuer_is_not_taken(service: Service, browser: Browser) -> None:
    asked = dict(parse_qsl(query_of(service.provider.consent(browser.start()))))
    failed(browser.come_back(told(**{**asked, "iss": "https://evil.test"})), Why.WRONG)
    assert service.provider.forms == [], "its code goes to nobody"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ("access_denied", Why.DENIED),
        ("login_required", Why.INTERRUPTED),
        ("interaction_required", Why.INTERRUPTED),
        ("temporarily_unavailable", Why.AWAY),
        ("server_error", Why.AWAY),
        ("invalid_scope", Why.REFUSED),
        ("<script>alert(1)</script>", Why.REFUSED),
    ],
)
@pytest.mark.parametrize("language", ["ru", "en"])
def test_refusal_of_the_provider_is_a_page_with_a_way_on(browser: Browser, error: str, why: Why, language: str) -> None:
    asked = dict(parse_qsl(query_of(browser.start("/desk/clashes"))))
    address = told(state=asked["state"], error=error, error_description="Anna <b>A</b>")
    answer = browser.client.get(  # type: ignore[attr-defined] # as above
        address.removeprefix(HOME), base_url=HOME, headers={"Accept-Language": language}
    )
    assert answer.status_code == STATUS.get(why, 400)
    assert say(f"access.failed_{why}", language) in answer.text  # type: ignore[arg-type] # one of the two
    assert "Anna" not in answer.text
    assert error not in answer.text.replace("/signin/start", "")
    assert "next=/desk/clashes" in answer.text


@pytest.mark.parametrize(
    ("refusal", "why"),
    [
        ((400, {"error": "invalid_grant"}), Why.OLD),
        ((401, {"error": "invalid_client"}), Why.SETUP),
        ((400, {"error": "unauthorized_client"}), Why.SETUP),
        ((500, {"error": "server_error"}), Why.AWAY),
        ((400, {"error": "temporarily_unavailable"}), Why.AWAY),
        ((200, b"<html>"), Why.AWAY),
        ((200, []), Why.AWAY),
        ((200, {}), Why.AWAY),
        ((200, {"access_token": 7}), Why.AWAY),
        ((302, {"access_token": "x"}), Why.WRONG),
    ],
    ids=str,
)
def test_code_that_brings_nothing(service: Service, browser: Browser, refusal: tuple[int, Any], why: Why) -> None:
    service.provider.refusal = refusal
    failed(browser.sign_in(), why)


def test_provider_that_is_away(service: Service, browser: Browser) -> None:
    service.provider.silent = True
    failed(browser.get("/signin/start"), Why.AWAY)
    service.provider.silent = False
    other = open_again(service)
    address = service.provider.consent(other.start())
    service.provider.silent = True
    failed(other.come_back(address), Why.AWAY)
    service.provider.silent = False
    assert other.sign_in().status_code == 303


def open_again(service: Service) -> Browser:
    """At another process of the service, which does not remember that the provider was away."""
    url = service.database.url
    return open_service(service.provider, url, Path(url.removeprefix("sqlite:///")).parent).browser()


ID_SAID: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://sso.test/realms/placecard"},
    "for another client": {"aud": "another"},
    "for nobody": {"aud": None},
    "for several, by nobody": {"aud": [WEB, "another"], "azp": None},
    "by another client": {"azp": "another"},
    "another nonce": {"nonce": "x"},
    "no nonce": {"nonce": None},
    "expired": {"exp": 1_700_000_000, "iat": 1_699_999_000},
    "no expiry": {"exp": None},
    "of the future": {"iat": 4_000_000_000, "exp": 4_000_000_300},
    "nobody": {"sub": None},
    "somebody else": {"sub": "another"},
    "another sign-in": {"sid": "another"},
    "of another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "an access token": {"typ": "Bearer"},
    "a logout token": {"typ": "Logout"},
}
ACCESS_SAID: dict[str, dict[str, Any]] = {
    "access for another service": {"aud": "account"},
    "access of another issuer": {"iss": "https://sso.test"},
    "access of another client": {"azp": "placecard-qgis"},
    "access of somebody else": {"sub": "another"},
    "access that has expired": {"exp": 1_700_000_000, "iat": 1_699_999_000},
    "access of another type": {"typ": "ID"},
}


@pytest.mark.parametrize("said", ID_SAID.values(), ids=ID_SAID)
def test_id_token_that_says_something_else_lets_nobody_in(
    service: Service, browser: Browser, said: dict[str, Any]
) -> None:
    service.provider.id_said = said
    failed(browser.sign_in(), Why.WRONG)
    assert browser.who["proof"] == "nothing"
    assert service.run("SELECT * FROM session") == []


@pytest.mark.parametrize("said", ACCESS_SAID.values(), ids=ACCESS_SAID)
def test_access_token_that_says_something_else_lets_nobody_in(
    service: Service, browser: Browser, said: dict[str, Any]
) -> None:
    service.provider.access_said = said
    service.provider.id_said = {"at_hash": None}
    failed(browser.sign_in(), Why.WRONG)


SIGNED: dict[str, Callable[[dict[str, Any]], str]] = {
    "by nobody": lambda said: unsigned(said, kid="ours"),
    "by somebody else": lambda said: sign(said, rsa("theirs"), kid="ours"),
    "by an unknown key": lambda said: sign(said, rsa("theirs")),
    "in another way": lambda said: sign(said, OURS, alg="PS256"),
    "as a logout token": lambda said: sign(said, OURS, typ="logout+jwt"),
}


@pytest.mark.parametrize("make", SIGNED.values(), ids=SIGNED)
def test_id_token_not_signed_as_it_must_be_lets_nobody_in(
    service: Service, browser: Browser, make: Callable[[dict[str, Any]], str]
) -> None:
    given = service.provider.tokens()
    said = claims(service.provider.url, aud=WEB, typ="ID", azp=WEB)
    service.provider.refusal = (200, {**given, "id_token": make(said)})
    failed(browser.sign_in(), Why.WRONG)


def test_no_id_token_no_way_in(service: Service, browser: Browser) -> None:
    service.provider.refusal = (200, {**service.provider.tokens(), "id_token": None})
    failed(browser.sign_in(), Why.WRONG)


def test_without_a_client_there_is_no_such_way(
    provider: Provider, new_store: Callable[[], str], tmp_path: Path
) -> None:
    browser = open_service(provider, new_store(), tmp_path, OIDC_CLIENT_SECRET="").browser()
    assert say("access.no_way", "en") in browser.get("/signin").text
    assert {browser.get(path).status_code for path in ("/signin/start", "/signin/back")} == {404}
    assert browser.post("/signin/ended").status_code == 404


def test_token_is_a_way_in_beside(provider: Provider, new_store: Callable[[], str], tmp_path: Path) -> None:
    service = open_service(provider, new_store(), tmp_path, API_TOKEN="a-token-long-enough-to-use")
    browser = service.browser()
    page = browser.get("/signin").text
    assert "/signin/start?next=/" in page
    assert 'type="password"' in page
    assert browser.post("/signin", token="a-token-long-enough-to-use").status_code == 303
    assert browser.who["name"] == "token"
    browser.sign_in()
    assert browser.who["name"] == "Геодезист"
    assert len(service.run("SELECT * FROM session")) == 1


# --- what is set up wrong


@pytest.mark.parametrize(
    ("changed", "provider_has", "flaws"),
    [
        ({}, {}, []),
        ({"OIDC_CLIENT_ID": ""}, {}, []),
        ({"OIDC_CLIENT_SECRET": ""}, {}, [Flaw.NO_SECRET]),
        ({"OIDC_CLIENT_SECRET": "another"}, {}, [Flaw.CLIENT]),
        ({"OIDC_CLIENT_ID": "another"}, {}, [Flaw.CLIENT]),
        ({}, {"ways_back": ["https://another.test/signin/back"]}, [Flaw.WAY_BACK]),
        ({"PUBLIC_URL": "http://map.test"}, {}, [Flaw.PLAIN_HTTP]),
        ({"PUBLIC_URL": "http://map.test", "OIDC_CLIENT_SECRET": ""}, {}, [Flaw.PLAIN_HTTP, Flaw.NO_SECRET]),
        ({"PUBLIC_URL": "http://127.0.0.1:8080"}, {}, []),
        ({}, {"silent": True}, []),
    ],
    ids=str,
)
def test_what_is_set_up_wrong_is_found(
    provider: Provider, tmp_path: Path, changed: dict[str, str], provider_has: dict[str, Any], flaws: list[Flaw]
) -> None:
    for name, value in provider_has.items():
        setattr(provider, name, value)
    assert list(signin_flaws(settings_of(provider, "sqlite:///x.db", tmp_path, **changed))) == flaws


def test_nothing_is_asked_where_there_is_no_provider(tmp_path: Path) -> None:
    assert list(signin_flaws(load_settings({}, tmp_path))) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, ["ok"]),
        ({"OIDC_CLIENT_ID": ""}, ["off"]),
        ({"OIDC_CLIENT_SECRET": "another"}, ["client"]),
        ({"PUBLIC_URL": "http://map.test", "OIDC_CLIENT_SECRET": ""}, ["plain_http", "no_secret"]),
    ],
    ids=str,
)
def test_check_has_a_line_for_each(
    provider: Provider,
    new_store: Callable[[], str],
    tmp_path: Path,
    changed: dict[str, str],
    said: list[str],
) -> None:
    settings = settings_of(provider, new_store(), tmp_path, **changed)
    database = Database(settings.store_url)
    checked = Checked(settings, database, MemoryBoard(), utc_now(), signin_flaws=partial(signin_flaws, settings))
    lines = [each for each in run_checks(checked) if each.name == "signin"]
    database.close()
    assert [each.key for each in lines] == [f"signin_{key}" for key in said]
    assert {each.ok for each in lines} == {said in (["ok"], ["off"])}
    for line in (each.say(language) for each in lines for language in LANGUAGES):
        assert line
        assert not {"\n", "{"} & set(line)
