"""Apache before Kanboard, all of it real: who is let in, as whom, and what nobody gets through with."""

from __future__ import annotations

import base64
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from sync_service.access.table import GIVEN
from sync_service.people.deciding import LOGINS, login_of
from sync_service.people.standing import STANDING
from tests.boardgate import NOWHERE, Gated, Visitor, gated
from tests.keycloak import BOARD
from tools.apache import CONFIG, KANBOARD, SOURCE, USER_HEADER, BoardGate
from tools.kanboard import ADMIN, make_user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.keycloak import Keycloak, Realm

HEADER = USER_HEADER.removeprefix("HTTP_").capitalize()
CALL = {"jsonrpc": "2.0", "id": 1, "method": "getVersion"}


@pytest.fixture(scope="module")
def board(keycloak: Keycloak, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gated]:
    with gated(tmp_path_factory.mktemp("gate"), keycloak) as made:
        yield made


# --- who is let in


def test_configuration_names_the_roles_of_the_table() -> None:
    named = re.findall(r"Require claim placecard_roles:(\w+)", CONFIG.read_text(encoding="utf-8"))
    assert sorted(named) == sorted(STANDING)
    assert set(STANDING) == GIVEN


@pytest.mark.parametrize("role", sorted(STANDING))
def test_whoever_has_a_role_comes_in_as_themselves(board: Gated, role: str) -> None:
    user = board.realm.make_user(role)
    visitor = board.enter(user)
    assert login_of(user.id) in board.accounts()
    page = visitor.ask(f"{board.url}?controller=UserViewController&action=profile").text
    assert login_of(user.id) in visitor.go(f"{board.url}?controller=UserModificationController&action=show").text, page


def test_nobody_comes_in_without_a_role(board: Gated) -> None:
    user, visitor = board.realm.make_user(), Visitor()
    answer = visitor.sign_in(board.url, user)
    assert answer.status_code == 403
    assert "Нет доступа" in answer.content.decode()  # the page says its letters itself
    assert "No access" in answer.text
    assert login_of(user.id) not in board.accounts()


def test_sign_in_is_a_code_with_a_challenge(board: Gated) -> None:
    answer = Visitor().ask(f"{board.url}board/1")
    asked = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert answer.headers["Location"].startswith(board.realm.issuer)
    assert (asked["response_type"], asked["code_challenge_method"]) == (["code"], ["S256"])
    assert asked["redirect_uri"] == [f"{board.gate.url}/signed-in"]
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    cookies = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookies
    assert "SameSite=Lax" in cookies


def test_somebody_renamed_stays_who_they_are_and_their_old_name_is_nobodys_key(board: Gated) -> None:
    first = board.realm.make_user("moderator")
    board.enter(first)
    board.realm.admin.update_realm(board.realm.name, {"editUsernameAllowed": True})
    board.realm.admin.update_user(first.id, {"username": f"{first.username}-new"})
    second = board.realm.make_user("viewer")
    board.realm.admin.update_user(second.id, {"username": "admin"})
    before = board.accounts()
    visitor = Visitor()
    visitor.sign_in(board.url, type(second)(second.id, "admin", second.password))
    assert set(board.accounts()) - set(before) == {login_of(second.id)}
    shown = visitor.go(f"{board.url}?controller=UserModificationController&action=show").text
    assert login_of(second.id) in shown
    assert visitor.ask(f"{board.url}?controller=ConfigController&action=index").status_code == 403


# --- what nobody may bring along

FORGED = [
    {HEADER: ADMIN[0]},
    {HEADER.upper(): ADMIN[0]},
    {HEADER.lower(): ADMIN[0]},
    {"X-Forwarded-User": ADMIN[0], "X_Forwarded_User": ADMIN[0], "X-Remote-User": ADMIN[0]},
    {"Remote-User": ADMIN[0], "Remote_User": ADMIN[0], "REMOTE-USER": ADMIN[0], "Http-Remote-User": ADMIN[0]},
    {"OIDC_CLAIM_sub": ADMIN[0], "OIDC-CLAIM-sub": ADMIN[0]},
    {"X-Forwarded-For": "127.0.0.2", "Forwarded": "for=127.0.0.2", "X-Real-IP": "127.0.0.2", HEADER: ADMIN[0]},
    {"X-Forwarded-Host": "evil.example.org", "X-Forwarded-Proto": "https"},
    {f"HTTP_{HEADER}": ADMIN[0], f"http-{HEADER}": ADMIN[0]},
    {"Connection": f"close, {HEADER}", HEADER: ADMIN[0]},
]


@pytest.mark.parametrize("forged", FORGED, ids=",".join)
def test_forged_headers_let_nobody_in(board: Gated, forged: dict[str, str]) -> None:
    answer = Visitor().ask(board.url, headers=forged)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(board.realm.issuer)
    assert "evil" not in answer.headers["Location"]


@pytest.mark.parametrize("forged", FORGED, ids=",".join)
def test_forged_headers_make_nobody_another(board: Gated, forged: dict[str, str]) -> None:
    user = board.realm.make_user("viewer")
    visitor = board.enter(user)
    shown = visitor.ask(f"{board.url}?controller=UserModificationController&action=show", headers=forged)
    assert login_of(user.id) in shown.text
    assert visitor.ask(f"{board.url}?controller=UserListController&action=show", headers=forged).status_code == 403


@pytest.mark.parametrize("header", [HEADER, HEADER.lower()])
def test_whoever_reaches_kanboard_itself_is_not_believed(board: Gated, header: str) -> None:
    """From any other address than Apache's; in life there is no way to its port at all."""
    answer = Visitor().ask(f"{board.kanboard.url}/", headers={header: ADMIN[0], "X-Forwarded-For": "127.0.0.2"})
    assert answer.status_code == 302
    assert "action=login" in answer.headers["Location"]


def test_kanboard_believes_the_gate_only() -> None:
    """And not what the gate would say of whoever stands before it: that address would then be the one it looks at."""
    assert KANBOARD["TRUSTED_PROXY_NETWORKS"].endswith("/32")
    assert "TRUSTED_PROXY_HEADERS" not in KANBOARD


@pytest.mark.parametrize("cookie", ["x", "KB_SID=" + "a" * 32, "", "../../etc/passwd"])
def test_made_up_sessions_let_nobody_in(board: Gated, cookie: str) -> None:
    answer = Visitor().ask(board.url, headers={"Cookie": f"placecard_board={cookie}; KB_SID={cookie}"})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(board.realm.issuer)


def test_session_of_kanboard_is_worth_nothing_to_another(board: Gated) -> None:
    """Had somebody got hold of another's: the gate says who it is, and Kanboard ends what does not agree."""
    moderator, viewer = board.realm.make_user("moderator"), board.realm.make_user("viewer")
    stolen = board.enter(moderator).browser.cookies["KB_SID"]
    visitor = board.enter(viewer)
    visitor.browser.cookies.set("KB_SID", stolen, domain="127.0.0.1", path="/")
    shown = [visitor.ask(f"{board.url}?controller=UserModificationController&action=show").text for _ in range(3)]
    assert not any(login_of(moderator.id) in text for text in shown)
    assert login_of(viewer.id) in shown[-1]


# --- programs


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_program_calls_by_the_application_token(board: Gated) -> None:
    answer = Visitor().ask(f"{board.url}jsonrpc.php", "POST", json=CALL, auth=("jsonrpc", board.kanboard.api_token))
    assert answer.json()["result"].startswith("1.2.")
    assert "Set-Cookie" not in answer.headers


def test_program_without_the_right_token_is_refused(board: Gated) -> None:
    answer = Visitor().ask(f"{board.url}jsonrpc.php", "POST", json=CALL, auth=("jsonrpc", "wrong"))
    assert "result" not in answer.json()
    assert answer.json()["error"]["code"] == 401
    assert Visitor().ask(f"{board.url}jsonrpc.php", "POST", json=CALL).status_code == 403


def test_no_account_of_the_boards_own_calls_through_the_gate(board: Gated) -> None:
    """Neither the administrator by a password, nor somebody by a key of their own that outlives their dismissal."""
    user = board.realm.make_user("moderator")
    board.enter(user)
    board.kanboard.execute("UPDATE users SET api_access_token = 'key' WHERE username = ?", login_of(user.id))
    for name, secret in (ADMIN, (login_of(user.id), "key")):
        assert (
            "result"
            in requests.post(f"{board.kanboard.url}/jsonrpc.php", json=CALL, auth=(name, secret), timeout=30).json()
        )
        answer = Visitor().ask(f"{board.url}jsonrpc.php", "POST", json=CALL, headers=basic(name, secret))
        assert answer.status_code == 403


def test_name_brought_along_means_nothing_to_programs(board: Gated) -> None:
    token = basic("jsonrpc", "wrong")
    for forged in FORGED:
        answer = Visitor().ask(f"{board.url}jsonrpc.php", "POST", json=CALL, headers={**forged, **token})
        assert "result" not in answer.json()


def test_nobody_gets_a_session_where_programs_call(board: Gated) -> None:
    visitor, before = Visitor(), board.accounts()
    for auth in (("jsonrpc", board.kanboard.api_token), ("jsonrpc", "wrong")):
        for forged in FORGED:
            answer = visitor.ask(f"{board.url}jsonrpc.php", "POST", json=CALL, auth=auth, headers=forged)
            assert "Set-Cookie" not in answer.headers
    assert not visitor.browser.cookies
    assert visitor.ask(board.url).status_code == 302
    assert board.accounts() == before


@pytest.mark.parametrize(
    "path",
    [
        "jsonrpc.php/",
        "jsonrpc.php/../index.php",
        "jsonrpc.php/%2e%2e/index.php",
        "jsonrpc.php;x",
        "jsonrpc.php%00",
        "jsonrpc.php%3Fcontroller=DashboardController",
        "jsonrpc.php/index.php",
        "JSONRPC.php",
        "./index.php",
        "//index.php",
        "%6asonrpc.php/x",
        "index.php/jsonrpc.php",
    ],
)
def test_only_the_one_address_is_exempt(board: Gated, path: str) -> None:
    """With the right token even: whatever else these lead to is for people who have signed in."""
    token = basic("jsonrpc", board.kanboard.api_token)
    request = requests.Request("GET", board.url, headers={**token, HEADER: ADMIN[0], "Accept": "*/*"}).prepare()
    request.url = f"{board.url}{path}"
    with requests.Session() as session:
        session.trust_env = False
        answer = session.send(request, timeout=30, allow_redirects=False)
    led_in = answer.status_code == 302 and answer.headers["Location"].startswith(board.realm.issuer)
    assert led_in or answer.status_code in {400, 403, 404}


class Echo(BaseHTTPRequestHandler):
    """Stands in Kanboard's place, to tell what reaches it."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps([self.client_address[0], *self.headers.items()]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "KB_SID=x")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name the base class has
        """Say nothing."""


@pytest.fixture
def before_an_echo(tmp_path: Path) -> Iterator[BoardGate]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as upstream:
        thread = threading.Thread(target=upstream.serve_forever, args=(0.02,))
        thread.start()
        try:
            address = f"http://127.0.0.1:{upstream.server_port}"
            with BoardGate(tmp_path, upstream=address, issuer=NOWHERE, secret="unused") as gate:
                yield gate
        finally:
            upstream.shutdown()
            thread.join()


def test_nothing_brought_along_reaches_kanboard(before_an_echo: BoardGate) -> None:
    forged = {name: value for headers in FORGED for name, value in headers.items() if name != "Connection"}
    spelled = {"X_Forwarded_For": "127.0.0.2", "X_Forwarded_Proto": "https", "X_Forwarded_Host": "evil.example.org"}
    cookies = {"Cookie": "KB_SID=x; placecard_board=y"}
    told = {**forged, **spelled, **cookies, **basic("jsonrpc", "a token"), "Proxy": "x"}
    answer = Visitor().ask(f"{before_an_echo.url}/jsonrpc.php", "POST", json=CALL, headers=told)
    peer, *headers = answer.json()
    arrived = {name.lower().replace("_", "-") for name, _ in headers}
    assert peer == SOURCE
    assert "authorization" in arrived
    believed = {HEADER, "Cookie", "Proxy", "Forwarded", "Remote-User", "X-Real-IP"}
    assert not arrived & {name.lower() for name in believed}
    assert not {name for name in arrived if name.startswith("x-forwarded-") and name != "x-forwarded-user"}
    assert "Set-Cookie" not in answer.headers


def test_board_behind_a_tls_proxy_is_one_of_https(realm: Realm, tmp_path: Path) -> None:
    """What its browser sees is told by the configuration, and by no header of a proxy."""
    outside = "https://board.example.org"
    secret = str(realm.secret(BOARD))
    with BoardGate(tmp_path, upstream=NOWHERE, issuer=realm.issuer, secret=secret, public_url=outside) as gate:
        told = {"Host": "board.example.org", "X-Forwarded-Proto": "http"}
        answer = Visitor().ask(f"{gate.url}/board/1", headers=told)
        asked = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert asked["redirect_uri"] == [f"{outside}/signed-in"]
        assert "Secure" in answer.headers["Set-Cookie"]
        ended = Visitor().ask(f"{gate.url}/logout", headers=told)
        assert ended.headers["Location"] == f"{outside}/signed-in?logout={outside}/"


# --- other ways in


def test_feeds_and_shared_boards_want_a_sign_in_too(board: Gated) -> None:
    """Kanboard has addresses with a token in them that need no sign-in of its own; behind the gate they do."""
    token = board.kanboard.call(
        "enableProjectPublicAccess", auth=("jsonrpc", board.kanboard.api_token), project_id=int(board.project.id)
    )
    assert token
    key = board.kanboard.execute("SELECT token FROM projects WHERE id = ?", int(board.project.id))[0][0]
    for controller, action in (
        ("BoardViewController", "readonly"),
        ("FeedController", "project"),
        ("ICalendarController", "project"),
    ):
        path = f"?controller={controller}&action={action}&token={key}"
        assert requests.get(f"{board.kanboard.url}/{path}", timeout=30, allow_redirects=False).status_code == 200
        assert Visitor().ask(f"{board.url}{path}").status_code == 302
    for path in ("cronjob", "healthcheck.php", "app/constants.php", "config.php", "data/db.sqlite", "cli"):
        assert Visitor().ask(f"{board.url}{path}").status_code == 302


@pytest.mark.parametrize(
    "path",
    [
        "?controller=PasswordResetController&action=create",
        "?controller=PasswordResetController&action=change&token=x",
        "?controller=DashboardController&controller=PasswordResetController",
        "?%63ontroller=Password%52esetController",
        "?+controller=PasswordResetController",
        "forgot-password",
        "forgot-password/change/x",
        "index.php/forgot-password",
    ],
)
def test_passwords_of_kanboard_cannot_be_asked_for(board: Gated, path: str) -> None:
    assert Visitor().ask(f"{board.url}{path}").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "?controller=AuthController&action=login",
        "?controller=AuthController&action=check",
        "?controller=AuthController&action=logout",
        "?a=1&%63ontroller=authController",
        "login",
        "logout",
        "index.php/login",
    ],
)
def test_sign_in_of_kanboard_is_not_there(board: Gated, path: str) -> None:
    answer = Visitor().ask(f"{board.url}{path}", "POST", data={"username": ADMIN[0], "password": ADMIN[1]})
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{board.gate.url}/signed-in?logout={board.gate.url}/"


def test_nobody_is_sent_elsewhere_by_signing_out(board: Gated) -> None:
    answer = Visitor().ask(f"{board.url}signed-in?logout=https://evil.example.org/")
    assert "evil" not in answer.headers.get("Location", "")


# --- out again


def test_signing_out_ends_everything(board: Gated) -> None:
    user = board.realm.make_user("moderator")
    visitor = board.enter(user)
    kept = dict(visitor.browser.cookies.get_dict())
    answer = visitor.go(f"{board.url}?controller=AuthController&action=logout")
    assert answer.url.startswith(board.realm.issuer)
    assert not board.realm.admin.get_sessions(user.id)
    assert Visitor().ask(board.url, cookies=kept).status_code == 302


def test_keycloak_ends_the_session_at_once(board: Gated) -> None:
    """Back-channel logout: whoever signs out elsewhere, or is signed out by an administrator, is out here."""
    user = board.realm.make_user("moderator")
    visitor = board.enter(user)
    board.realm.admin.user_logout(user.id)
    board.shut_out(visitor, seconds=5)
    assert visitor.ask(board.url).headers["Location"].startswith(board.realm.issuer)


def test_made_up_logout_token_ends_nobodys_session(board: Gated) -> None:
    visitor = board.enter(board.realm.make_user("moderator"))
    for token in ("x", "e30.e30.", ""):
        answer = Visitor().ask(f"{board.url}signed-in?logout=backchannel", "POST", data={"logout_token": token})
        assert answer.status_code >= 400
    assert board.is_let_in(visitor)


def test_role_taken_away_closes_the_gate_and_given_again_opens_it(board: Gated) -> None:
    user = board.realm.make_user("moderator")
    visitor = board.enter(user)
    board.realm.take(user, "moderator")
    board.shut_out(visitor)
    assert visitor.ask(board.url).status_code == 403
    board.realm.give(user, "expert")
    board.realm.admin.update_user(user.id, {"enabled": True})


@pytest.mark.parametrize("how", ["disabled", "removed"])
def test_whoever_is_dismissed_is_shut_out_whatever_cookies_they_keep(board: Gated, how: str) -> None:
    user = board.realm.make_user("moderator")
    visitor = board.enter(user)
    kept = dict(visitor.browser.cookies.get_dict())
    if how == "disabled":
        board.realm.admin.update_user(user.id, {"enabled": False})
    else:
        board.realm.admin.delete_user(user.id)
    board.shut_out(visitor)
    for path in ("", f"?controller=BoardViewController&action=show&project_id={board.project.id}", "index.php"):
        assert Visitor().ask(f"{board.url}{path}", cookies=kept).status_code in {302, 403}


def test_account_disabled_on_the_board_is_out_at_the_next_request(board: Gated) -> None:
    """Kanboard looks at every request whether the account may still come in, whatever session it kept."""
    user = board.realm.make_user("moderator")
    visitor = board.enter(user)
    board.kanboard.call("disableUser", user_id=_number(board, login_of(user.id)))
    answer = visitor.ask(board.url)
    assert "controller=AuthController" in answer.headers["Location"]
    assert visitor.go(board.url).url.startswith(board.realm.issuer)  # its session with the gate ends on the way


def _number(board: Gated, login: str) -> int:
    return int(board.kanboard.execute("SELECT id FROM users WHERE username = ?", login)[0][0])


# --- what is written down


def test_log_has_neither_codes_nor_names(board: Gated) -> None:
    user = board.realm.make_user("moderator", name="Тайное имя")
    visitor = board.enter(user)
    visitor.ask(f"{board.url}?search=secret-word")
    written = Path(board.gate.access_log).read_text(encoding="utf-8") + board.gate.log.read_text(encoding="utf-8")
    assert "GET /signed-in 302" in written
    for secret in ("code=", "state=", "secret-word", user.username, "Тайное", board.gate.secret):
        assert secret not in written


def test_logins_begin_as_the_service_makes_them() -> None:
    assert f"OIDCRemoteUserClaim sub ^(.+)$ {LOGINS}$1" in CONFIG.read_text(encoding="utf-8")


def test_bot_of_the_board_is_not_somebody_who_signs_in(board: Gated) -> None:
    """An account by hand has a login that the gate gives to nobody."""
    make_user(board.kanboard, "placecard", "a password of the bot", board.project.id)
    assert not any(login == "placecard" for login in board.accounts() if login.startswith(LOGINS))
