from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, request
from pydantic import SecretStr

from sync_service.access import ANONYMOUS, Action, Person, Role, person_of, register_access, require
from sync_service.access.attempts import Attempts
from sync_service.access.limits import RATES, Kind
from sync_service.access.table import RIGHTS, is_allowed
from sync_service.errors import TooMany
from sync_service.loopback import is_loopback
from sync_service.pages import register_errors, register_headers
from sync_service.settings import Settings
from sync_service.store.database import Database
from sync_service.store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

TOKEN = "a-token-long-enough-to-use"
FAR = {"REMOTE_ADDR": "203.0.113.5", "HTTP_HOST": "map.test"}
NEAR = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8080"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The store that all of these apps share, as the processes of one service do."""
    url = f"sqlite:///{tmp_path_factory.mktemp('access') / 'store.db'}"
    migrate(url)
    STORES.append(Database(url))
    yield STORES[-1]
    STORES.pop().close()


STORES: list[Database] = []


def app_with(**values: Any) -> Flask:
    settings = Settings(**{"secret_key": SecretStr("key"), **values})
    app = Flask("sync_service")
    register_errors(app)
    register_headers(app, settings)
    register_access(app, settings, STORES[-1])

    @app.get("/who")
    def who() -> dict[str, str]:
        person = person_of(request)
        return {"name": person.name, "proof": person.proof}

    @app.route("/do/<action>", methods=["GET", "POST"])
    def do(action: str) -> str:
        return require(Action(action)).name

    return app


@pytest.fixture
def guarded() -> FlaskClient:
    return app_with(api_token=SecretStr(TOKEN)).test_client()


@pytest.fixture
def open_here() -> FlaskClient:
    return app_with().test_client()


def who_is(client: FlaskClient, environ: dict[str, str], **headers: str) -> str:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.get("/who", headers=names, environ_overrides=environ)
    return answer.json["proof"] if answer.json else ""


# --- the table


def test_table_has_every_action_and_nothing_for_anybody_by_chance() -> None:
    assert set(RIGHTS) == set(Action)
    assert [action for action in Action if is_allowed([Role.ANONYMOUS], action)] == [Action.READ_PUBLIC]
    assert all(is_allowed([Role.STAFF], action) for action in Action)
    assert not is_allowed(Role, "something else")  # type: ignore[arg-type]  # not in the table


def test_anonymous_may_read_what_is_public() -> None:
    assert ANONYMOUS.may(Action.READ_PUBLIC)
    assert not ANONYMOUS.may(Action.METRICS)
    assert isinstance(ANONYMOUS, Person)


# --- loopback


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("localhost", True), ("LOCALHOST.", True), ("a.localhost", True),
        ("::1", True), ("[::1]", True), ("::ffff:127.0.0.1", True), ("", False), ("localhost.evil.test", False),
        ("127.0.0.1.nip.io", False), ("0.0.0.0", False), ("10.0.0.1", False), ("::ffff:10.0.0.1", False),
    ],
)  # fmt: skip
def test_is_loopback(host: str, near: bool) -> None:
    assert is_loopback(host) is near


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8080", "localhost:8080", "[::1]:8080"])
def test_at_the_machine_everything_is_allowed(open_here: FlaskClient, peer: str, host: str) -> None:
    assert who_is(open_here, {"REMOTE_ADDR": peer, "HTTP_HOST": host}) == "loopback"


@pytest.mark.parametrize(
    ("environ", "headers"),
    [
        ({"REMOTE_ADDR": "10.0.0.2"}, {}),
        ({"REMOTE_ADDR": ""}, {}),
        ({"HTTP_HOST": "map.test"}, {}),
        ({"HTTP_HOST": "evil.localhost.test"}, {}),
        ({"HTTP_HOST": ""}, {}),
        ({"HTTP_HOST": "user@127.0.0.1@evil.test"}, {}),
        ({"HTTP_HOST": "[::1"}, {}),
        ({}, {"Forwarded": "for=1.2.3.4"}),
        ({}, {"X_Forwarded_For": "127.0.0.1"}),
        ({}, {"X_Forwarded_Proto": "https"}),
        ({}, {"X_Forwarded_Anything": ""}),
        ({}, {"X_Real_IP": "1.2.3.4"}),
        ({}, {"Via": "1.1 proxy"}),
        ({}, {"Origin": "https://evil.test"}),
        ({}, {"Origin": "null"}),
        ({}, {"Origin": "http://127.0.0.1:3000"}),
        ({}, {"Origin": "https://127.0.0.1:8080"}),
        ({}, {"Sec_Fetch_Site": "cross-site"}),
    ],
)
def test_anything_odd_is_not_the_machine(
    open_here: FlaskClient, environ: dict[str, str], headers: dict[str, str]
) -> None:
    assert who_is(open_here, NEAR | environ, **headers) == "nothing"


def test_our_own_page_at_the_machine(open_here: FlaskClient) -> None:
    headers = {"Origin": "http://127.0.0.1:8080", "Sec_Fetch_Site": "same-origin"}
    assert who_is(open_here, NEAR, **headers) == "loopback"


def test_a_missing_host_is_not_the_machine(open_here: FlaskClient) -> None:
    environ = open_here.application.test_request_context("/who", environ_overrides=NEAR).request.environ
    del environ["HTTP_HOST"]
    with open_here.application.request_context(environ):
        assert person_of(request) == ANONYMOUS


@pytest.mark.parametrize(
    "settings",
    [{"api_token": SecretStr(TOKEN)}, {"oidc_issuer": "https://sso.test", "oidc_audience": "x"}],
)
def test_with_a_token_or_an_issuer_the_machine_is_nobody(settings: dict[str, Any]) -> None:
    assert who_is(app_with(**settings).test_client(), NEAR) == "nothing"


# --- the token


def test_the_token(guarded: FlaskClient) -> None:
    assert who_is(guarded, FAR, **BEARER) == "token"
    assert who_is(guarded, FAR, Authorization=f"bearer   {TOKEN} ") == "token"
    assert who_is(guarded, FAR) == "nothing"
    assert who_is(guarded, FAR, Authorization="Basic dTpw") == "nothing"


@pytest.mark.parametrize("wrong", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "ключ"])
def test_a_wrong_token_is_told(guarded: FlaskClient, wrong: str) -> None:
    header = f"Bearer {wrong}".encode().decode("latin-1")
    answer = guarded.get("/who", environ_overrides=FAR | {"HTTP_AUTHORIZATION": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_no_token_is_no_password(open_here: FlaskClient) -> None:
    with open_here.session_transaction() as session:
        session["csrf_token"] = "x"
    for guess in ("", "x"):
        answer = open_here.post("/signin", data={"csrf_token": "x", "token": guess})
        assert answer.status_code == 401
    assert who_is(open_here, FAR, Authorization="Bearer ") == "nothing"
    assert who_is(open_here, FAR, Authorization="Bearer x") == "nothing"


@pytest.mark.parametrize("action", Action)
def test_require(guarded: FlaskClient, action: Action) -> None:
    anonymous = guarded.post(f"/do/{action}", environ_overrides=FAR)
    assert anonymous.status_code == (200 if action is Action.READ_PUBLIC else 401)
    assert guarded.post(f"/do/{action}", environ_overrides=FAR, headers=BEARER).status_code == 200


# --- signing in


def form_token_in(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def sign_in(client: FlaskClient, token: str = TOKEN, **fields: str) -> TestResponse:
    page = client.get("/signin")
    return client.post("/signin", data={"csrf_token": form_token_in(page), "token": token, **fields})


def test_sign_in_and_out(guarded: FlaskClient) -> None:
    answer = sign_in(guarded, next="/ogc/collections?f=html")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/ogc/collections?f=html")
    for cookie in answer.headers.getlist("Set-Cookie"):
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie
        assert TOKEN not in cookie
    assert who_is(guarded, {}) == "cookie"
    kept = guarded.get_cookie("placecard-session")
    assert kept is not None
    page = guarded.get("/signin")
    assert guarded.post("/signout", data={"csrf_token": form_token_in(page)}).status_code == 303
    assert who_is(guarded, {}) == "nothing"
    guarded.set_cookie("placecard-session", kept.value)
    assert who_is(guarded, {}) == "nothing", "whoever has kept the cookie is out too"


def test_signing_out_needs_our_form(guarded: FlaskClient) -> None:
    sign_in(guarded)
    assert guarded.post("/signout").status_code == 400
    assert who_is(guarded, {}) == "cookie"


def test_a_wrong_token_shows_the_form_again(guarded: FlaskClient) -> None:
    answer = sign_in(guarded, "guess")
    assert answer.status_code == 401
    assert "Это не тот токен" in answer.text
    assert "guess" not in answer.text
    assert who_is(guarded, {}) == "nothing"


@pytest.mark.parametrize("fields", [{}, {"csrf_token": ""}, {"csrf_token": "made up"}, {"csrf_token": "ключ"}])
def test_sign_in_needs_our_form(guarded: FlaskClient, fields: dict[str, str]) -> None:
    guarded.get("/signin")
    assert guarded.post("/signin", data={"token": TOKEN, **fields}).status_code == 400
    assert who_is(guarded, {}) == "nothing"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.test",
        "//evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "evil",
        "javascript:alert(1)",
        "/\t/evil.test",
        "",
    ],
)
def test_next_leads_nowhere_else(guarded: FlaskClient, elsewhere: str) -> None:
    assert sign_in(guarded, next=elsewhere).headers["Location"] == "/"


def test_the_session_begun_before_is_not_the_one_signed_in(guarded: FlaskClient) -> None:
    before = form_token_in(guarded.get("/signin"))
    sign_in(guarded)
    assert form_token_in(guarded.get("/signin")) != before


def test_another_token_or_key_ends_every_session(guarded: FlaskClient) -> None:
    sign_in(guarded)
    cookie = guarded.get_cookie("placecard-session")
    assert cookie is not None
    for changed in ({"api_token": SecretStr("another")}, {"secret_key": SecretStr("another")}, {"api_token": None}):
        other = app_with(**{"api_token": SecretStr(TOKEN), **changed}).test_client()
        other.set_cookie("placecard-session", cookie.value)
        assert who_is(other, FAR) == "nothing"
    same = app_with(api_token=SecretStr(TOKEN)).test_client()
    same.set_cookie("placecard-session", cookie.value)
    assert who_is(same, {}) == "cookie"


def test_a_made_up_cookie_is_nobody(guarded: FlaskClient) -> None:
    guarded.set_cookie("placecard-session", "eyJtYXJrIjoiIn0.x.y")
    assert who_is(guarded, {}) == "nothing"


def test_a_cookie_writes_only_with_the_form_s_token(guarded: FlaskClient) -> None:
    sign_in(guarded)
    token = form_token_in(guarded.get("/signin"))
    assert guarded.get("/do/edit").status_code == 200
    assert guarded.post("/do/edit").status_code == 400
    assert guarded.post("/do/edit", headers={"X-CSRF-Token": token}).status_code == 200
    assert guarded.post("/do/edit", data={"csrf_token": token}).status_code == 200


def test_secure_cookie_and_headers_over_https() -> None:
    client = app_with(api_token=SecretStr(TOKEN), public_url="https://map.test/placecard").test_client()
    page = client.get("/signin", base_url="https://map.test/placecard")
    assert "Secure" in page.headers["Set-Cookie"]
    assert "Path=/placecard" in page.headers["Set-Cookie"]
    assert page.headers["Strict-Transport-Security"]
    assert 'action="/placecard/signin"' in page.text
    assert 'href="/placecard/pages/static/page.css"' in page.text


def test_guessing_is_slowed_down(guarded: FlaskClient) -> None:
    rate = RATES[Kind.WRONG_SIGNIN]
    for _ in range(rate.most):
        assert sign_in(guarded, "guess").status_code == 401
    answer = sign_in(guarded)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= rate.seconds
    assert who_is(guarded, FAR, **BEARER) == "token"


def test_guesses_are_forgotten_in_time_and_kept_by_address() -> None:
    now = [0.0]
    guesses = Attempts(10, 60, lambda: now[0])
    for _ in range(10):
        guesses.check("a")
        guesses.count("a")
    guesses.check("b")
    with pytest.raises(TooMany):
        guesses.check("a")
    now[0] = 61
    guesses.check("a")


# --- pages and headers


@pytest.mark.parametrize(
    ("settings", "environ", "said"),
    [
        ({}, NEAR, "без входа"),
        ({}, FAR, "PLACECARD_API_TOKEN"),
        ({"api_token": SecretStr(TOKEN)}, NEAR, 'type="password"'),
    ],
)
def test_what_the_sign_in_page_says(settings: dict[str, Any], environ: dict[str, str], said: str) -> None:
    page = app_with(**settings).test_client().get("/signin", environ_overrides=environ)
    assert page.status_code == 200
    assert said in page.text


@pytest.mark.parametrize(("language", "said"), [("ru", "Войти"), ("en-GB", "Sign in")])
def test_pages_speak_both_languages(guarded: FlaskClient, language: str, said: str) -> None:
    page = guarded.get("/signin", headers={"Accept-Language": language})
    assert f"<h1>{said}</h1>" in page.text


def test_no_page_has_inline_script_or_style_or_a_third_party(guarded: FlaskClient) -> None:
    pages = [guarded.get("/signin"), sign_in(guarded, "x"), guarded.get("/gone", headers={"Accept": "text/html"})]
    for page in pages:
        assert not re.search(r"<script|<style|style=|\son\w+=|https?://", page.text)
        assert "width=device-width" in page.text
    with guarded.get("/pages/static/page.css") as css:
        assert css.status_code == 200
        assert b"http" not in css.get_data()


@pytest.mark.parametrize("path", ["/signin", "/who", "/nowhere", "/do/edit"])
def test_every_answer_is_guarded(guarded: FlaskClient, path: str) -> None:
    headers = guarded.get(path, environ_overrides=FAR).headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"]
    assert "Strict-Transport-Security" not in headers


def test_what_rights_were_needed_for_is_kept_by_no_cache(guarded: FlaskClient) -> None:
    assert guarded.get("/who", headers=BEARER).headers["Cache-Control"] == "private, no-cache"
    assert "Cache-Control" not in guarded.get("/who").headers
    assert "Cookie" in guarded.get("/who").headers["Vary"]
