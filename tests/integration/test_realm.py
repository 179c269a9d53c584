"""The realm we ship, as a running Keycloak has it: who gets in, how, and what stands in their tokens."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from keycloak.exceptions import KeycloakPostError, KeycloakPutError

from sync_service.access.issuer import Issuer
from sync_service.access.keys import KeyRing
from sync_service.access.table import GIVEN
from sync_service.access.tokens import TokenVerifier
from tests.keycloak import API, BOARD, JOBS, NAME, QGIS, SECRETS, WEB
from tests.passage import Passage, code_in, read_token
from tools.keycloak import PLACEHOLDER, REALM

if TYPE_CHECKING:
    from tests.keycloak import Realm, User

PEOPLES = (WEB, QGIS, BOARD)
"""Clients through which people sign in."""
EXACT = re.compile(r"(http://[a-z0-9.:]+|)/[a-z/-]*")


@pytest.fixture(scope="module")
def somebody(realm: Realm) -> User:
    """A moderator of an organisation."""
    return realm.make_user("moderator", organisations=("Опорный университет",))


@pytest.fixture(scope="module")
def clients(realm: Realm) -> dict[str, dict[str, Any]]:
    return {each["clientId"]: each for each in realm.admin.get_clients()}


def refused(answer: requests.Response) -> str:
    """What somebody who is sent back without a code is told."""
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["Location"])
    told = parse_qs(parts.query or parts.fragment)
    assert not {"code", "access_token", "id_token"} & told.keys()
    return told["error"][0]


# --- the file


def test_the_file_holds_no_secret() -> None:
    text = REALM.read_text(encoding="utf-8")
    secrets = re.findall(r'"(?:secret|password|value|privateKey|registrationToken)": ("[^"]*"|\S+)', text)
    assert sorted(secrets) == sorted(f'"${{{name}}}"' for name in SECRETS.values())
    assert '"credentials"' not in text


def test_only_our_placeholders_are_filled_from_the_environment() -> None:
    named = set(PLACEHOLDER.findall(REALM.read_text(encoding="utf-8")))
    assert set(SECRETS.values()) < named
    assert all(name.startswith("PLACECARD_") for name in named)


def test_clients_are_those_of_the_file_and_harmless_ones_of_keycloak(clients: dict[str, dict[str, Any]]) -> None:
    own = {"account", "account-console", "broker", "realm-management", "admin-cli", "security-admin-console"}
    assert set(clients) == {API, *PEOPLES, JOBS, *own}
    assert {name for name, each in clients.items() if not each["enabled"]} == {"admin-cli", "security-admin-console"}


# --- ways in


def test_no_client_has_a_way_in_that_it_does_not_need(clients: dict[str, dict[str, Any]]) -> None:
    inside = {"account-console", "broker", "realm-management"}  # the last two are asked by nobody: see redirects
    on = {flow: {name for name, each in clients.items() if each[f"{flow}Enabled"]} for flow in FLOWS}
    assert on == {
        "standardFlow": {*PEOPLES, *inside},
        "implicitFlow": set(),
        "directAccessGrants": set(),
        "serviceAccounts": {JOBS},
    }
    assert not any(each["fullScopeAllowed"] for each in clients.values())
    extra = ("oauth2.device.authorization.grant.enabled", "oidc.ciba.grant.enabled", "standard.token.exchange.enabled")
    ours = [clients[name]["attributes"] for name in (API, *PEOPLES, JOBS)]
    assert {each.get(name) for each in ours for name in extra} == {"false"}


FLOWS = ("standardFlow", "implicitFlow", "directAccessGrants", "serviceAccounts")


def test_addresses_are_exact(realm: Realm, clients: dict[str, dict[str, Any]]) -> None:
    addresses = {name: set(each["redirectUris"]) for name, each in clients.items()}
    assert addresses[WEB] == {realm.back(WEB)}
    assert addresses[BOARD] == {realm.back(BOARD)}
    assert addresses[QGIS] == {"http://127.0.0.1:7070/", "http://localhost:7070/"}
    assert [a for each in addresses.values() for a in each if not EXACT.fullmatch(a)] == []
    assert all(each["webOrigins"] == [] for each in clients.values())
    after = {name: clients[name]["attributes"].get("post.logout.redirect.uris") for name in PEOPLES}
    home, board = (realm.environment[f"PLACECARD_{name}URL"] for name in ("PUBLIC_", "BOARD_PUBLIC_"))
    assert after == {WEB: f"{home}/", BOARD: f"{board}/", QGIS: "-"}


def test_everybody_is_told_when_a_session_ends(realm: Realm, clients: dict[str, dict[str, Any]]) -> None:
    told = {name: clients[name]["attributes"] for name in PEOPLES}
    service, board = (realm.environment[f"PLACECARD_{name}URL"] for name in ("BACKCHANNEL_", "BOARD_BACKCHANNEL_"))
    assert {name: each["backchannel.logout.url"] for name, each in told.items()} == {
        WEB: f"{service}/signin/ended",
        QGIS: f"{service}/signin/ended",
        BOARD: f"{board}/signed-in?logout=backchannel",
    }
    assert {each["backchannel.logout.session.required"] for each in told.values()} == {"true"}


@pytest.mark.parametrize("client", [*PEOPLES, JOBS, "admin-cli", "account-console"])
def test_password_is_no_grant(realm: Realm, somebody: User, client: str) -> None:
    with Passage(realm.issuer, client, "", realm.secret(client)) as passage:
        answer = passage.ask_token(grant_type="password", username=somebody.username, password=somebody.password)
    assert answer.status_code in {400, 401}
    assert answer.json()["error"] in {"unauthorized_client", "invalid_client"}


@pytest.mark.parametrize("client", PEOPLES)
@pytest.mark.parametrize("kind", ["token", "id_token", "id_token token", "code id_token"])
def test_nothing_but_a_code_is_given_to_a_browser(realm: Realm, client: str, kind: str) -> None:
    with realm.passage(client) as passage:
        assert refused(passage.knock(response_type=kind, nonce="n")) == "unauthorized_client"


@pytest.mark.parametrize("client", PEOPLES)
@pytest.mark.parametrize("change", ["{}/", "{}/more", "{}?more", "{}#more", "{}.", "*", "http://evil.test/", "{}/../x"])
def test_another_way_back_is_refused(realm: Realm, client: str, change: str) -> None:
    with realm.passage(client) as passage:
        answer = passage.knock(redirect_uri=change.format(passage.back))
    assert (answer.status_code, "Location" in answer.headers) == (400, False)


@pytest.mark.parametrize("client", PEOPLES)
@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": None},
    ],
    ids=["none", "plain", "plain by default", "no challenge"],
)
def test_without_pkce_nobody_gets_as_far_as_the_form(realm: Realm, client: str, changed: dict[str, str | None]) -> None:
    with realm.passage(client) as passage:
        assert refused(passage.knock(**changed)) == "invalid_request"


@pytest.mark.parametrize("client", PEOPLES)
def test_code_is_good_once_and_only_with_its_proof(realm: Realm, somebody: User, client: str) -> None:
    for changed in ({"code_verifier": "x" * 64}, {"redirect_uri": "http://evil.test/"}, {}):
        with realm.passage(client) as passage:
            code = code_in(passage.log_in(somebody.username, somebody.password))
            answer = passage.redeem(code, **changed)
            assert answer.ok is not bool(changed), answer.text
            assert passage.redeem(code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("client", [WEB, BOARD, JOBS])
@pytest.mark.parametrize("secret", ["", "wrong", "${{{}}}"])
def test_wrong_secret_is_refused(realm: Realm, client: str, secret: str) -> None:
    with Passage(realm.issuer, client, "", secret.format(SECRETS[client])) as passage:
        assert passage.ask_token(grant_type="client_credentials").json()["error"] == "unauthorized_client"


def test_nobody_registers_or_stays_for_ever(realm: Realm) -> None:
    with realm.passage(WEB) as passage:
        assert passage.knock("registrations").status_code == 400
        assert refused(passage.knock(scope="openid offline_access")) == "invalid_scope"


def account(realm: Realm, page: str = "") -> Passage:
    """The page where people look after themselves."""
    return Passage(realm.issuer, "account-console", f"{realm.keycloak.url}/realms/{NAME}/account/{page}")


def test_account_page_is_there(realm: Realm, somebody: User) -> None:
    with account(realm) as passage:
        told = passage.tokens(somebody.username, somebody.password)
        assert read_token(told["id_token"])["name"] == "Модератор"
        asked = {"Authorization": f"Bearer {told['access_token']}", "Accept": "application/json"}
        answer = passage.browser.get(passage.back, headers=asked, timeout=60)
        assert answer.json()["username"] == somebody.username
        changed = {**answer.json(), "firstName": "Оператор"}
        refusal = passage.browser.post(passage.back, headers=asked, json=changed, timeout=60)
        assert refusal.status_code == 400, "names stand in the history: nobody changes their own"


def test_people_change_their_password(realm: Realm) -> None:
    user, fresh = realm.make_user("viewer"), "another long password"
    with account(realm, "account-security/signing-in") as passage:
        page = passage.knock(kc_action="UPDATE_PASSWORD")
        page = passage.fill(page, username=user.username, password=user.password)
        page = passage.follow(page)
        weak = passage.fill(page, **{"password-new": "short-one", "password-confirm": "short-one"})
        assert weak.status_code == 200
        code_in(passage.fill(weak, **{"password-new": fresh, "password-confirm": fresh}))
    with realm.passage(QGIS) as passage:
        assert passage.log_in(user.username, user.password).status_code == 200  # the form again
        code_in(passage.log_in(user.username, fresh))


def test_second_factor_can_be_asked_of_somebody(realm: Realm) -> None:
    user = realm.make_user("operator")
    realm.admin.update_user(user.id, {"requiredActions": ["CONFIGURE_TOTP"]})
    with realm.passage(WEB) as passage:
        page = passage.follow(passage.log_in(user.username, user.password))
        assert 'name="totpSecret"' in page.text
        told = re.search(r'name="totpSecret" value="([^"]+)"', page.text)
        assert told
        wrong = passage.fill(page, totp="000000", totpSecret=told[1], userLabel="phone")
        assert wrong.status_code == 200, "no way past it"


# --- tokens


@pytest.mark.parametrize("client", PEOPLES)
def test_tokens_say_who_somebody_is(realm: Realm, somebody: User, client: str) -> None:
    told = realm.sign_in(somebody, client)
    access, identity = read_token(told["access_token"]), read_token(told["id_token"])
    assert (access["typ"], access["aud"], access["azp"]) == ("Bearer", API, client)
    assert (identity["typ"], identity["aud"]) == ("ID", client)
    for said in (access, identity):
        assert (said["iss"], said["sub"]) == (realm.issuer, somebody.id)
        assert said["resource_access"] == {API: {"roles": ["moderator"]}}
        assert (said["groups"], said["name"]) == (["/partners/Опорный университет"], "Модератор")
        assert said["sid"]
        assert not {"email", "given_name", "family_name", "realm_access"} & said.keys()
    assert access["exp"] - access["iat"] == 300


@pytest.mark.parametrize("role", sorted(GIVEN))
def test_each_role_can_be_given(realm: Realm, role: str) -> None:
    said = read_token(realm.sign_in(realm.make_user(role))["access_token"])
    assert said["resource_access"] == {API: {"roles": [role]}}


def test_roles_are_those_of_the_table(realm: Realm) -> None:
    named = {role["name"]: role.get("description") for role in realm.admin.get_client_roles(realm.api)}
    assert named.keys() == set(GIVEN)
    assert all(named.values())


def test_somebody_new_has_no_role_and_no_organisation(realm: Realm, verifier: TokenVerifier) -> None:
    token = realm.sign_in(realm.make_user())["access_token"]
    assert (found := verifier.verify(token)).subject
    assert (found.roles, found.organisations) == (frozenset(), ())


def test_roles_of_other_clients_stay_outside(realm: Realm) -> None:
    """Whoever governs the realm has nothing of that in a token for the map."""
    user = realm.make_user("viewer")
    management = str(realm.admin.get_client_id("realm-management"))
    role = realm.admin.get_client_role(management, "realm-admin")
    realm.admin.assign_client_role(user.id, management, [role])
    token = realm.sign_in(user, WEB)["access_token"]
    assert read_token(token)["resource_access"] == {API: {"roles": ["viewer"]}}
    answer = ask_admin(realm, token, "users")
    assert answer.status_code == 403
    realm.admin.delete_client_roles_of_user(user.id, management, [role])


@pytest.mark.parametrize("client", [WEB, QGIS])
def test_session_lasts_a_working_day_and_no_longer(realm: Realm, somebody: User, client: str) -> None:
    told = realm.sign_in(somebody, client)
    assert told["refresh_expires_in"] == 10 * 3600
    assert realm.admin.get_realm(NAME)["ssoSessionMaxLifespan"] == 12 * 3600
    with realm.passage(client) as passage:
        # Two windows refresh with what each of them has: neither is thrown out.
        for _ in range(2):
            fresh = passage.ask_token(grant_type="refresh_token", refresh_token=told["refresh_token"])
            assert fresh.ok, fresh.text
        realm.admin.user_logout(somebody.id)
        over = passage.ask_token(grant_type="refresh_token", refresh_token=told["refresh_token"])
    assert over.json()["error"] == "invalid_grant"


def test_who_is_dismissed_gets_no_new_token(realm: Realm) -> None:
    user = realm.make_user("gis_editor")
    told = realm.sign_in(user)
    realm.admin.update_user(user.id, {"enabled": False})
    with realm.passage(QGIS) as passage:
        answer = passage.ask_token(grant_type="refresh_token", refresh_token=told["refresh_token"])
        assert answer.json()["error"] == "invalid_grant"
        assert passage.log_in(user.username, user.password).status_code == 200  # the form again


# --- the jobs


def ask_admin(realm: Realm, token: str, path: str, method: str = "GET", **sent: Any) -> requests.Response:
    url = f"{realm.keycloak.url}/admin/realms/{realm.name}/{path}"
    return requests.request(method, url, headers={"Authorization": f"Bearer {token}"}, timeout=60, **sent)


def test_jobs_are_an_operator_with_a_name(realm: Realm, verifier: TokenVerifier) -> None:
    found = verifier.verify(realm.service_token())
    assert (found.roles, found.client, found.sign_in) == (frozenset({"operator"}), JOBS, "")
    assert found.name == JOBS


def test_jobs_read_people_their_groups_and_roles(realm: Realm, somebody: User) -> None:
    token = realm.service_token()
    listed = ask_admin(realm, token, "users", params={"max": 1000}).json()
    assert somebody.id in {each["id"] for each in listed}
    roles = ask_admin(realm, token, f"users/{somebody.id}/role-mappings").json()["clientMappings"][API]["mappings"]
    assert [role["name"] for role in roles] == ["moderator"]
    (partners,) = ask_admin(realm, token, "groups").json()
    groups = ask_admin(realm, token, f"groups/{partners['id']}/children").json()
    university = next(group for group in groups if group["name"] == "Опорный университет")
    members = ask_admin(realm, token, f"groups/{university['id']}/members").json()
    assert somebody.id in {each["id"] for each in members}


def test_jobs_learn_the_roles_owner_from_their_own_role(realm: Realm, somebody: User) -> None:
    """Clients are hidden from them, with their secrets; by this id they ask for roles given by a group as well."""
    token = realm.service_token()
    me = read_token(token)["sub"]
    api = ask_admin(realm, token, f"users/{me}/role-mappings").json()["clientMappings"][API]["id"]
    roles = ask_admin(realm, token, f"users/{somebody.id}/role-mappings/clients/{api}/composite").json()
    assert [role["name"] for role in roles] == ["moderator"]


@pytest.mark.parametrize(
    "path",
    ["clients", f"clients?clientId={WEB}", "clients/{web}", "clients/{web}/client-secret", "events", "keys", ""],
)
def test_jobs_see_no_secret(realm: Realm, path: str) -> None:
    filled = path.format(web=realm.admin.get_client_id(WEB))
    answer = ask_admin(realm, realm.service_token(), filled)
    assert answer.status_code == 403 or (path == "" and "smtpServer" not in answer.json())
    assert realm.environment[SECRETS[WEB]] not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("POST", "users", {"username": "added"}),
        ("PUT", "users/{user}", {"enabled": False}),
        ("DELETE", "users/{user}", None),
        ("PUT", "users/{user}/reset-password", {"type": "password", "value": "some-long-password"}),
        ("POST", "users/{user}/logout", None),
        ("POST", "users/{user}/impersonation", None),
        ("POST", "users/{user}/role-mappings/clients/{api}", []),
        ("PUT", "users/{user}/groups/{user}", None),
        ("POST", "groups", {"name": "added"}),
        ("POST", "clients", {"clientId": "added"}),
        ("PUT", "", {"registrationAllowed": True}),
        ("POST", "logout-all", None),
    ],
)
def test_jobs_write_nothing(realm: Realm, somebody: User, method: str, path: str, sent: Any) -> None:
    place = path.format(user=somebody.id, api=realm.api)
    assert ask_admin(realm, realm.service_token(), place, method, json=sent).status_code == 403


# --- passwords


@pytest.mark.parametrize("password", ["short-one", "{}", "my-{}-again", "x" * 129])
def test_weak_password_is_refused(realm: Realm, somebody: User, password: str) -> None:
    with pytest.raises((KeycloakPutError, KeycloakPostError), match="invalidPassword"):
        realm.admin.set_user_password(somebody.id, password.format(somebody.username), temporary=False)


def test_guessing_is_stopped_also_for_the_right_password(realm: Realm) -> None:
    user = realm.make_user("viewer")
    assert realm.sign_in(user)
    with realm.passage(WEB) as passage:
        page = passage.knock()
        for _ in range(3):  # faster than any person
            page = passage.fill(page, username=user.username, password="a wrong one")
        assert passage.fill(page, username=user.username, password=user.password).status_code == 200
    assert realm.admin.get_bruteforce_detection_status(user.id)["disabled"]


def test_rules_of_the_realm(realm: Realm) -> None:
    told = realm.admin.get_realm(NAME)
    off = ("registrationAllowed", "resetPasswordAllowed", "rememberMe", "editUsernameAllowed", "eventsEnabled")
    assert [name for name in off if told[name]] == []
    assert (told["sslRequired"], told["bruteForceProtected"], told["accessTokenLifespan"]) == ("external", True, 300)
    assert told["adminEventsDetailsEnabled"] is False


# --- our side


@pytest.fixture
def verifier(realm: Realm, session: requests.Session) -> TokenVerifier:
    return TokenVerifier(realm.issuer, API, KeyRing(Issuer(realm.issuer, session), session))


@pytest.mark.parametrize("client", PEOPLES)
def test_real_token_is_good(realm: Realm, somebody: User, verifier: TokenVerifier, client: str) -> None:
    found = verifier.verify(realm.sign_in(somebody, client)["access_token"])
    assert (found.issuer, found.subject, found.name) == (realm.issuer, somebody.id, "Модератор")
    assert (found.roles, found.organisations) == (frozenset({"moderator"}), ("Опорный университет",))
    assert found.client == client
    assert found.sign_in
    assert found.expires > time.time()
