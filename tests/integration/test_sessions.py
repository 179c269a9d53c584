"""Sessions: kept as long as they should be, and ended by whoever may end them, wherever they are used."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from sync_service.access.assertions import FRESH
from sync_service.access.doors import DOORS, Key
from sync_service.access.endings import SECONDS_FRESH
from sync_service.access.renewing import ALONE, ANEW
from sync_service.access.sealing import Seal
from sync_service.access.signed import LEEWAY
from sync_service.store.clock import stamp, utc_now
from sync_service.store.sessions import ASKING, IDLE, LIFE
from sync_service.words import say
from tests.mint import EVENT, WEB, Provider, publishing, rsa
from tests.postgres import both_stores
from tests.service import until
from tests.signon import COOKIE, HOME, Browser, Service, open_service, query_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OURS = rsa("ours")
SECOND = timedelta(seconds=1)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with publishing(OURS) as made:
        yield made


@pytest.fixture
def service(provider: Provider, new_store: Callable[[], str], tmp_path: Path) -> Iterator[Service]:
    made = open_service(provider, new_store(), tmp_path)
    yield made
    made.close()


@pytest.fixture
def browser(service: Service) -> Browser:
    """Signed in."""
    made = service.browser()
    made.sign_in()
    return made


def pass_time(service: Service, how_long: timedelta, *columns: str) -> None:
    """As if what the sessions say had been so long ago."""
    then = stamp(utc_now() - how_long)
    for column in columns:
        service.run(f"UPDATE session SET {column} = :then", then=then)


def count(service: Service) -> int:
    return int(service.run("SELECT count(*) FROM session")[0][0])


# --- how long


@pytest.mark.parametrize(
    ("columns", "how_long", "stays"),
    [
        (["used"], IDLE - SECOND, True),
        (["used"], IDLE + SECOND, False),
        (["ends"], -LIFE, True),
        (["ends"], SECOND, False),
    ],
    ids=str,
)
@both_stores
def test_session_ends_by_itself(
    service: Service, browser: Browser, columns: list[str], how_long: timedelta, stays: bool
) -> None:
    pass_time(service, how_long, *columns)
    assert (browser.who["proof"] == "cookie") is stays
    if not stays:
        assert say("access.over_ended", "en") in browser.get("/signin").text
        assert say("access.over_ended", "en") not in browser.get("/signin").text, "said once"
        service.browser().sign_in()
        assert count(service) == 1, "what is over is forgotten"


def test_use_is_kept(service: Service, browser: Browser) -> None:
    pass_time(service, IDLE - SECOND, "used")
    assert browser.who["proof"] == "cookie"
    ((used,),) = service.run("SELECT used FROM session")
    assert used > stamp(utc_now() - timedelta(minutes=1))


def test_made_up_cookie_is_nobody(service: Service) -> None:
    browser = service.browser()
    browser.client.set_cookie(COOKIE, "made up", domain="map.test", secure=True)  # type: ignore[attr-defined] # its own
    answer = browser.get("/who")
    assert answer.json is not None
    assert answer.json["proof"] == "nothing"
    assert any(each.startswith(f"{COOKIE}=;") for each in answer.headers.getlist("Set-Cookie")), "and is taken back"


@pytest.mark.parametrize("changed", [{"SECRET_KEY": "another"}, {"OIDC_CLIENT_ID": "another"}], ids=str)
def test_another_key_or_client_ends_every_session(
    service: Service, browser: Browser, tmp_path: Path, changed: dict[str, str]
) -> None:
    other = open_service(service.provider, service.database.url, tmp_path, **changed)
    stranger = other.browser()
    stranger.client.set_cookie(COOKIE, browser.cookies[COOKIE], domain="map.test", secure=True)  # type: ignore[attr-defined] # its own
    assert stranger.who["proof"] == "nothing"
    assert browser.who["proof"] == "cookie"
    other.close()


def test_seals_open_only_what_they_have_closed() -> None:
    seal = Seal(SecretStr("key"), "session")
    closed = seal.close("слово")
    assert seal.open(closed) == "слово"
    assert "слово" not in closed
    for other in (Seal(SecretStr("key"), "attempt"), Seal(SecretStr("another"), "session")):
        assert other.open(closed) is None
    for odd in ("", "x", "é", closed[:-2]):
        assert seal.open(odd) is None


# --- asked anew


@both_stores
def test_role_taken_away_is_noticed(service: Service, browser: Browser) -> None:
    service.provider.access_said = {"resource_access": None}
    assert "edit" in browser.who["may"], "not yet"
    pass_time(service, ANEW, "heard")
    assert browser.who["may"] == ["read_public"]
    assert browser.get("/desk/changes").status_code == 403


def test_nobody_is_asked_each_time(service: Service, browser: Browser) -> None:
    asked = len(service.provider.forms)
    for _ in range(5):
        assert browser.who["proof"] == "cookie"
    assert len(service.provider.forms) == asked
    for _ in range(3):
        pass_time(service, ANEW, "heard")
        for _ in range(3):
            assert browser.who["proof"] == "cookie"
    assert len(service.provider.forms) == asked + 3, "each time with the token that the provider gave last"


@both_stores
def test_who_is_dismissed_is_out(service: Service, browser: Browser) -> None:
    service.provider.refusal = (400, {"error": "invalid_grant"})
    pass_time(service, ANEW, "heard")
    answer = browser.get("/desk/changes")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/signin?next=/desk/changes")
    assert say("access.over_ended", "en") in browser.get("/signin?next=/desk/changes").text
    assert count(service) == 0


@pytest.mark.parametrize("said", [{"sub": "another"}, {"aud": "account"}, {"iss": "https://sso.test"}], ids=str)
def test_tokens_that_are_not_good_end_it(service: Service, browser: Browser, said: dict[str, Any]) -> None:
    service.provider.access_said = said
    pass_time(service, ANEW, "heard")
    assert browser.who["proof"] == "nothing"
    assert count(service) == 0


AWAY: list[Any] = [None, (500, {}), (200, b"<html>"), (401, {"error": "invalid_client"}), (400, {"error": "slow_down"})]


@pytest.mark.parametrize("refusal", AWAY, ids=str)
def test_provider_that_is_away_is_waited_for_and_not_for_ever(service: Service, browser: Browser, refusal: Any) -> None:
    service.provider.refusal, service.provider.silent = refusal, refusal is None
    pass_time(service, ALONE - timedelta(minutes=1), "heard")
    for _ in range(3):
        assert "edit" in browser.who["may"]
    assert len(service.provider.asked) <= 6, "and is not asked each time"
    pass_time(service, ALONE, "heard")
    assert browser.who["proof"] == "nothing"
    page = browser.get("/signin").text
    assert say("access.over_away", "en") in page


def test_provider_that_is_back_is_asked_again(service: Service, browser: Browser) -> None:
    service.provider.silent = True
    pass_time(service, ANEW, "heard")
    assert browser.who["proof"] == "cookie"
    service.provider.silent = False
    service.provider.access_said = {"resource_access": None}
    pass_time(service, ANEW, "heard", "asking")
    assert browser.who["may"] == ["read_public"]


@both_stores
def test_one_asks_and_the_others_go_by_what_was_heard(
    service: Service, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_time(service, ANEW, "heard")
    asked, give, everybody = len(service.provider.forms), service.provider.give, Barrier(2, timeout=30)
    answers: list[str] = []

    def slow(form: dict[str, str], authorization: str | None) -> tuple[int, Any]:
        everybody.wait()  # until all the others have been answered
        return give(form, authorization)

    def ask() -> None:
        client = service.app.test_client()
        client.set_cookie(COOKIE, browser.cookies[COOKIE], domain="map.test", secure=True)
        answers.append((client.get("/who", base_url=HOME).json or {})["proof"])

    monkeypatch.setattr(service.provider, "give", slow)
    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: len(answers) == 3)
    with service.database.writing(patience=1.0):
        pass  # nothing is held while the provider is asked
    everybody.wait()
    for thread in threads:
        thread.join()
    assert answers == ["cookie"] * 4
    assert len(service.provider.forms) == asked + 1


def test_whoever_died_while_asking_holds_nobody_up_for_long(service: Service, browser: Browser) -> None:
    service.provider.access_said = {"resource_access": None}
    pass_time(service, ANEW, "heard")
    service.run("UPDATE session SET asking = :then", then=stamp(utc_now() + ASKING))
    assert "edit" in browser.who["may"]
    service.run("UPDATE session SET asking = :then", then=stamp(utc_now()))
    assert browser.who["may"] == ["read_public"]
    assert (ANEW + ASKING).total_seconds() < 60


# --- signing out


@both_stores
def test_sign_out_ends_both_sessions(service: Service, browser: Browser) -> None:
    secret = browser.cookies[COOKIE]
    answer = browser.post("/signout")
    assert answer.status_code == 303
    address = answer.headers["Location"]
    assert address.startswith(f"{service.provider.url}/logout?")
    assert "post_logout_redirect_uri=https%3A%2F%2Fmap.test%2F&" in query_of(address)
    assert "id_token_hint=eyJ" in query_of(address)
    assert count(service) == 0
    assert COOKIE not in browser.cookies
    browser.client.set_cookie(COOKIE, secret, domain="map.test", secure=True)  # type: ignore[attr-defined] # its own
    assert browser.who["proof"] == "nothing"


def test_sign_out_names_the_newest_id_token(service: Service, browser: Browser) -> None:
    service.provider.id_said = {"iat": int(time.time()) - 2}
    pass_time(service, ANEW, "heard")
    assert browser.who["proof"] == "cookie"
    newest = browser.post("/signout").headers["Location"]
    other = service.browser()
    service.provider.id_said = {}
    other.sign_in()
    service.provider.id_said = {"sub": "another"}
    pass_time(service, ANEW, "heard")
    assert other.who["proof"] == "cookie"
    assert other.post("/signout").headers["Location"] != newest, "one that is not good is not kept"


def test_form_of_sign_out_may_lead_to_the_provider(service: Service, browser: Browser) -> None:
    """Browsers hold a form to its policy also where it is sent on."""
    policy = browser.get("/signin").headers["Content-Security-Policy"]
    origin = re.match(r"https?://[^/]+", service.provider.url)
    assert origin is not None
    assert f"form-action 'self' {origin[0]}" in policy


# --- forms


@pytest.mark.parametrize("door", [each for each in DOORS if each.split(" ")[0] in {"POST", "PUT", "PATCH", "DELETE"}])
def test_nothing_is_changed_without_our_form(service: Service, browser: Browser, door: str) -> None:
    service.provider.access_said = {"resource_access": {"placecard-api": {"roles": ["moderator", "operator"]}}}
    browser.sign_in()
    method, route = door.split(" ", 1)
    path = re.sub(r"<[^>]+>", "1", route)
    other = service.browser()
    other.sign_in()
    answers = []
    for token in (None, "", "x", other.form_token):
        headers = {} if token is None else {"X-CSRF-Token": token}
        found = browser.client.open(path, method=method, base_url=HOME, headers=headers)  # type: ignore[attr-defined] # its own
        answers.append((found.status_code, (found.json or {}).get("reason") if found.is_json else None))
    if DOORS[door] in {Key.WEBHOOK, Key.ISSUER}:
        assert {reason for _, reason in answers} <= {None}
    else:
        assert answers == [(400, "csrf")] * 4
        mine = {"X-CSRF-Token": browser.form_token}
        found = browser.client.open(path, method=method, base_url=HOME, headers=mine)  # type: ignore[attr-defined] # its own
        assert (found.json or {}).get("reason") != "csrf" if found.is_json else True


def test_sign_in_with_the_token_needs_our_form_too(
    provider: Provider, new_store: Callable[[], str], tmp_path: Path
) -> None:
    """Nobody is made to sign in as somebody else."""
    service = open_service(provider, new_store(), tmp_path, API_TOKEN="a-token-long-enough-to-use")
    for token in ("", "x", service.browser().form_token):
        browser = service.browser()
        assert browser.post("/signin", token="a-token-long-enough-to-use", csrf_token=token).status_code == 400
    service.close()


# --- the provider says that it is over


def say_ended(service: Service, token: str) -> int:
    answer = service.app.test_client().post("/signin/ended", base_url=HOME, data={"logout_token": token})
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code


@both_stores
@pytest.mark.parametrize("changed", [{}, {"sub": None}, {"sid": None}, {"aud": [WEB, "x"]}, {"aud": "placecard-qgis"}])
def test_what_the_provider_ends_is_over(service: Service, browser: Browser, changed: dict[str, Any]) -> None:
    service.provider.person = {"sub": "another", "sid": "s-2"}
    other = service.browser()
    other.sign_in()
    service.provider.person = {"sub": "7d0c5a4e-5d0f-4d3c-9a52-0b6c1f1c8e11", "sid": "s-1"}
    assert say_ended(service, service.provider.farewell(**changed)) == 200
    assert browser.who["proof"] == "nothing"
    assert other.who["proof"] == "cookie"


def test_one_sign_in_is_not_all_of_somebody(service: Service, browser: Browser) -> None:
    service.provider.person["sid"] = "s-2"
    other = service.browser()
    other.sign_in()
    assert say_ended(service, service.provider.farewell(sid="s-1")) == 200
    assert (browser.who["proof"], other.who["proof"]) == ("nothing", "cookie")
    assert say_ended(service, service.provider.farewell(sid=None)) == 200
    assert other.who["proof"] == "nothing"


def old(seconds: int) -> int:
    return int(time.time()) - seconds


HOSTILE: dict[str, Callable[[Provider], str]] = {
    "nothing": lambda _: "",
    "no token": lambda _: "x.y.z",
    "too long": lambda _: "x" * 20_000,
    "another issuer": lambda p: p.farewell(iss="https://sso.test"),
    "for another client": lambda p: p.farewell(aud="placecard-board"),
    "for the API": lambda p: p.farewell(aud="placecard-api"),
    "for nobody": lambda p: p.farewell(aud=None),
    "with a nonce": lambda p: p.farewell(nonce="x"),
    "no events": lambda p: p.farewell(events=None),
    "another event": lambda p: p.farewell(events={"https://events.test": {}}),
    "an event of words": lambda p: p.farewell(events={EVENT: "yes"}),
    "a list of events": lambda p: p.farewell(events=[EVENT]),
    "nobody": lambda p: p.farewell(sid=None, sub=None),
    "blank": lambda p: p.farewell(sid=" ", sub=""),
    "no id": lambda p: p.farewell(jti=None),
    "an empty id": lambda p: p.farewell(jti=""),
    "no issue": lambda p: p.farewell(iat=None),
    "no expiry": lambda p: p.farewell(exp=None),
    "expired": lambda p: p.farewell(iat=old(60), exp=old(LEEWAY + 5)),
    "old": lambda p: p.farewell(iat=old(FRESH + 5), exp=old(-600)),
    "of the future": lambda p: p.farewell(iat=old(-60), exp=old(-600)),
    "ID token": lambda p: p.farewell(typ="ID", header={}),
    "access token": lambda p: p.token(sid="s-1", aud=WEB),
    "the header of a plain token": lambda p: p.farewell(header={"typ": "JWT"}),
    "a header that says nothing": lambda p: p.farewell(header={"typ": None}),
    "an access token's header": lambda p: p.farewell(header={"typ": "at+jwt"}),
    "by somebody else": lambda p: p.farewell(key=rsa("theirs"), header={"typ": "logout+jwt", "kid": "ours"}),
    "by an unknown key": lambda p: p.farewell(key=rsa("theirs")),
    "in another way": lambda p: p.farewell(header={"typ": "logout+jwt", "alg": "PS256"}),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_nobody_else_ends_anything(service: Service, browser: Browser, make: Callable[[Provider], str]) -> None:
    assert say_ended(service, make(service.provider)) == 400
    assert browser.who["proof"] == "cookie"
    assert service.bearer() == 200


@both_stores
def test_logout_token_counts_once(service: Service, browser: Browser) -> None:
    token = service.provider.farewell(sid="s-9")
    assert [say_ended(service, token) for _ in range(2)] == [200, 400]
    assert browser.who["proof"] == "cookie"


def test_ended_while_somebody_was_still_signing_in(service: Service) -> None:
    service.provider.person["sid"] = "s-3"
    browser = service.browser()
    address = service.provider.consent(browser.start())
    assert say_ended(service, service.provider.farewell()) == 200
    assert browser.come_back(address).status_code == 400
    assert browser.who["proof"] == "nothing"


@both_stores
def test_token_of_a_sign_in_that_ended_is_void(service: Service) -> None:
    assert service.bearer(sid="s-5") == 200
    assert say_ended(service, service.provider.farewell(sid="s-5", aud="placecard-qgis")) == 200
    until(lambda: service.bearer(sid="s-5") == 401, seconds=5)
    assert SECONDS_FRESH <= 2
    assert service.bearer(sid="s-6") == 200
    assert service.bearer(sid=None) == 200


def test_later_word_about_somebody_counts(service: Service) -> None:
    assert say_ended(service, service.provider.farewell(sid=None, iat=old(30))) == 200
    assert say_ended(service, service.provider.farewell(sid=None, iat=old(60))) == 200
    until(lambda: service.bearer(iat=old(31)) == 401)


def test_token_given_after_all_of_somebody_was_ended_is_good(service: Service) -> None:
    assert say_ended(service, service.provider.farewell(sid=None, iat=old(30))) == 200
    until(lambda: service.bearer(iat=old(31)) == 401)
    assert service.bearer(iat=old(29)) == 200
    assert service.bearer(iat=old(31), sub="another") == 200


def test_what_ended_is_remembered_by_every_process_and_not_for_ever(service: Service, tmp_path: Path) -> None:
    assert say_ended(service, service.provider.farewell(sid="s-5")) == 200
    other = open_service(service.provider, service.database.url, tmp_path)
    assert other.bearer(sid="s-5") == 401
    service.run("UPDATE ended SET until = :then", then=stamp(utc_now()))
    assert say_ended(service, service.provider.farewell(sid="s-7")) == 200
    assert [row.name for row in service.run("SELECT name FROM ended")] == ["s-7"]
    other.close()
