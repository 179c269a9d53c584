"""Tokens of the identity provider: what is good is taken, all else refused, and nobody is asked each time."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, request
from jwcrypto import jwe, jwk
from jwcrypto.common import base64url_decode, base64url_encode
from pydantic import SecretStr

from sync_service.access import Action, Role, person_of, register_access, require
from sync_service.access.issuer import SECONDS_KEPT, Ailment, Issuer
from sync_service.access.keys import SECONDS_APART, SECONDS_FRESH, KeyRing, read_keys
from sync_service.access.signed import LEEWAY, MOST_CHARACTERS
from sync_service.access.table import GIVEN, is_allowed
from sync_service.access.tokens import TokenVerifier
from sync_service.app import issuer_trouble
from sync_service.errors import Unauthenticated, Unavailable
from sync_service.pages import register_errors
from sync_service.settings import Settings
from sync_service.store.database import Database
from tests.mint import AUDIENCE, Provider, claims, curve, publishing, rsa, sign, unsigned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

OURS = rsa("ours")


class Clock:
    """Time that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Shelf(dict[str, bytes]):
    """What outlives a process."""

    recall, keep = dict.get, dict.__setitem__


@pytest.fixture
def provider() -> Iterator[Provider]:
    with publishing(OURS, curve("curve")) as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ring(provider: Provider, session: requests.Session, clock: Clock) -> KeyRing:
    return make_ring(provider, session, clock)


def make_ring(provider: Provider, session: requests.Session, clock: Clock, shelf: Shelf | None = None) -> KeyRing:
    return KeyRing(Issuer(provider.url, session, clock=clock), session, shelf=shelf, clock=clock)


@pytest.fixture
def verifier(provider: Provider, ring: KeyRing) -> TokenVerifier:
    return TokenVerifier(provider.url, AUDIENCE, ring)


# --- what is good


@pytest.mark.parametrize("key", [OURS, curve("curve")], ids=["RS256", "ES256"])
def test_good_token_says_who_somebody_is(provider: Provider, verifier: TokenVerifier, key: jwk.JWK) -> None:
    found = verifier.verify(sign(claims(provider.url), key))
    assert (found.issuer, found.subject) == (provider.url, "7d0c5a4e-5d0f-4d3c-9a52-0b6c1f1c8e11")
    assert (found.name, found.client, found.sign_in) == ("Геодезист", "placecard-qgis", "s-1")
    assert found.roles == {"gis_editor"}
    assert found.organisations == ("Мой двор",)


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": AUDIENCE},
        {"nbf": int(time.time())},
        {"iat": int(time.time()) + LEEWAY - 1},
        {"name": None},
        {"resource_access": None, "groups": None, "azp": None, "sid": None},
        {"resource_access": {AUDIENCE: {"roles": "gis_editor"}}, "groups": "/partners/x"},
        {"resource_access": [], "groups": [1, None, {}]},
        {"resource_access": {"another": {"roles": ["operator"]}}, "groups": []},
        {"realm_access": {"roles": ["operator"]}, "roles": ["operator"], "resource_access": {}, "groups": []},
    ],
    ids=",".join,
)
def test_what_may_be_missing_or_odd_gives_no_rights(
    provider: Provider, verifier: TokenVerifier, changed: dict[str, Any]
) -> None:
    found = verifier.verify(sign(claims(provider.url, **changed), OURS))
    assert found.name
    assert found.roles <= {"gis_editor"}
    if "resource_access" in changed:
        assert (found.roles, found.organisations) == (frozenset(), ())


@pytest.mark.parametrize(
    ("groups", "organisations"),
    [
        (["/partners/Мой двор", "/partners/ВелоТольятти"], ("ВелоТольятти", "Мой двор")),
        (["/partners", "/partners/", "/staff/Мой двор", "partners/Мой двор", "/partners/a/b"], ()),
    ],
)
def test_organisations_are_the_groups_right_below_partners(
    provider: Provider, verifier: TokenVerifier, groups: list[str], organisations: tuple[str, ...]
) -> None:
    assert verifier.verify(sign(claims(provider.url, groups=groups), OURS)).organisations == organisations


# --- what is bad

PAST, FUTURE = int(time.time()) - 3600, int(time.time()) + 3600
CLAIMS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://sso.test/realms/placecard"},
    "issuer with a slash": {"iss": "…/"},
    "no issuer": {"iss": None},
    "for another service": {"aud": "account"},
    "for others": {"aud": ["account", "placecard"]},
    "for nobody": {"aud": []},
    "no audience": {"aud": None},
    "audience in pieces": {"aud": {"placecard-api": True}},
    "expired": {"exp": PAST, "iat": PAST - 300},
    "no expiry": {"exp": None},
    "expiry of words": {"exp": "tomorrow"},
    "expiry that is true": {"exp": True},
    "expiry before its issue": {"exp": int(time.time()) + 1, "iat": int(time.time()) + 3},
    "not valid yet": {"nbf": FUTURE},
    "not-before of words": {"nbf": "now"},
    "issued in the future": {"iat": FUTURE, "exp": FUTURE + 300},
    "no issue": {"iat": None},
    "nobody": {"sub": None},
    "an empty somebody": {"sub": " "},
    "somebody that is a number": {"sub": 7},
    "ID token": {"typ": "ID"},
    "refresh token": {"typ": "Refresh"},
    "logout token": {"typ": "Logout"},
    "no type": {"typ": None},
    "type in another case": {"typ": "bearer"},
}


@pytest.mark.parametrize("changed", CLAIMS.values(), ids=CLAIMS)
def test_token_that_says_something_else_is_refused(
    provider: Provider, verifier: TokenVerifier, changed: dict[str, Any]
) -> None:
    said = {name: f"{provider.url}/" if value == "…/" else value for name, value in changed.items()}
    refused(verifier, sign(claims(provider.url, **said), OURS))


def refused(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(Unauthenticated) as error:
        verifier.verify(token)
    assert not token or token not in str(error.value.data)
    return str(error.value.data["reason"])


def public_pem() -> jwk.JWK:
    """Our public key as a shared secret: what a library takes that believes the header."""
    return jwk.JWK(kty="oct", k=base64url_encode(OURS.export_to_pem()))


def secret() -> jwk.JWK:
    return jwk.JWK(kty="oct", k=base64url_encode("secret" * 8))


def tampered(url: str) -> str:
    head, _, end = sign(claims(url), OURS).split(".")
    mine = claims(url, resource_access={AUDIENCE: {"roles": ["operator"]}})
    return f"{head}.{base64url_encode(json.dumps(mine))}.{end}"


def cut(url: str) -> str:
    return sign(claims(url), OURS)[:-8]


def flipped(url: str) -> str:
    head, body, end = sign(claims(url), OURS).split(".")
    signature = bytearray(base64url_decode(end))
    signature[0] ^= 1
    return f"{head}.{body}.{base64url_encode(bytes(signature))}"


def encrypted(url: str) -> str:
    made = jwe.JWE(json.dumps(claims(url)), json.dumps({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": "ours"}))
    made.add_recipient(jwk.JWK(**{**OURS.export_public(as_dict=True), "use": "enc", "alg": "RSA-OAEP"}))
    return str(made.serialize(compact=True))


SIGNED: dict[str, Callable[[str], str]] = {
    "nobody's signature": lambda url: unsigned(claims(url), kid="ours"),
    "nobody's signature, another word": lambda url: unsigned(claims(url), alg="None", kid="ours"),
    "no signature, our algorithm": lambda url: unsigned(claims(url), alg="RS256", kid="ours"),
    "our public key as a secret": lambda url: sign(claims(url), public_pem(), kid="ours", alg="HS256"),
    "a secret": lambda url: sign(claims(url), secret(), kid="ours", alg="HS256"),
    "somebody's key under our id": lambda url: sign(claims(url), rsa("theirs"), kid="ours"),
    "somebody's key": lambda url: sign(claims(url), rsa("theirs")),
    "somebody's key, brought along": lambda url: sign(
        claims(url), rsa("theirs"), kid="ours", jwk=rsa("theirs").export_public(as_dict=True)
    ),
    "somebody's key, to be fetched": lambda url: sign(claims(url), rsa("theirs"), jku=f"{url}/certs"),
    "another algorithm of the same key": lambda url: sign(claims(url), OURS, alg="RS512"),
    "another way of padding": lambda url: sign(claims(url), OURS, alg="PS256"),
    "no key id": lambda url: sign(claims(url), OURS, kid=None),
    "a key id that is a number": lambda url: sign(claims(url), OURS, kid=7),
    "a key id that is a path": lambda url: sign(claims(url), OURS, kid="../../dev/null"),
    "something critical": lambda url: sign(claims(url), OURS, crit=["b64"], b64=True),
    "a logout token": lambda url: sign(claims(url), OURS, typ="logout+jwt"),
    "what is no object": lambda url: sign(b"[]", OURS),
    "what is no JSON": lambda url: sign(b"{", OURS),
    "words changed afterwards": tampered,
    "cut short": cut,
    "another signature": flipped,
    "encrypted": encrypted,
}


@pytest.mark.parametrize("make", SIGNED.values(), ids=SIGNED)
def test_token_that_is_not_signed_as_it_must_be_is_refused(
    provider: Provider, verifier: TokenVerifier, make: Callable[[str], str]
) -> None:
    assert verifier.verify(sign(claims(provider.url), OURS))
    assert refused(verifier, make(provider.url)) == "wrong_token"


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b.c", "a.b", "a.b.c.d", "é.é.é", "a b.c.d", "eyJ9.e30.", "." * 40, "A" * (MOST_CHARACTERS + 1)],
)
def test_what_is_no_token_is_refused(verifier: TokenVerifier, token: str) -> None:
    assert refused(verifier, token) == "wrong_token"


def test_only_of_an_expired_one_is_said_why(provider: Provider, verifier: TokenVerifier) -> None:
    assert refused(verifier, sign(claims(provider.url, exp=PAST, iat=PAST - 60), OURS)) == "token_expired"
    just = int(time.time()) - LEEWAY + 2
    assert verifier.verify(sign(claims(provider.url, exp=just, iat=just - 60), OURS))


# --- people


@pytest.fixture
def asked(provider: Provider, verifier: TokenVerifier, new_store: Callable[[], str]) -> FlaskClient:
    """A service that goes by this provider; `/who` says whom it takes somebody for, `/do/` tries an action."""
    settings = Settings(secret_key=SecretStr("key"), oidc_issuer=provider.url, oidc_audience=AUDIENCE)
    app = Flask("sync_service")
    register_errors(app)
    register_access(app, settings, Database(new_store()), verifier.verify)

    @app.get("/who")
    def who() -> dict[str, Any]:
        person = person_of(request)
        known = {"name": person.name, "identity": person.identity, "proof": person.proof}
        return {**known, "shared": person.is_shared, "may": person.rights, "of": person.organisations}

    @app.get("/do/<action>")
    def do(action: str) -> str:
        return require(Action(action)).name

    return app.test_client()


def told(answer: TestResponse) -> dict[str, Any]:
    assert answer.json is not None
    found: dict[str, Any] = answer.json
    return found


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_somebody_is_who_the_provider_says_whatever_the_name(provider: Provider, asked: FlaskClient) -> None:
    token = sign(claims(provider.url, name="token", preferred_username="local"), OURS)
    who = told(asked.get("/who", headers=bearer(token)))
    assert who["identity"] == f"{provider.url} 7d0c5a4e-5d0f-4d3c-9a52-0b6c1f1c8e11"
    assert (who["name"], who["proof"], who["shared"], who["of"]) == ("token", "oidc", False, ["Мой двор"])
    assert who["may"] == ["read_public", "read_own", "submit", "read_working", "edit"]


@pytest.mark.parametrize("role", sorted(GIVEN))
def test_each_role_may_what_the_table_says(provider: Provider, asked: FlaskClient, role: Role) -> None:
    token = sign(claims(provider.url, resource_access={AUDIENCE: {"roles": [role, "offline_access"]}}), OURS)
    for action in Action:
        answer = asked.get(f"/do/{action}", headers=bearer(token))
        assert answer.status_code == (200 if is_allowed([role], action) else 403), (role, action)


@pytest.mark.parametrize("roles", [[], ["staff"], ["anonymous"], ["admin", "realm-management"]], ids=str)
def test_no_provider_makes_anybody_staff(provider: Provider, asked: FlaskClient, roles: list[str]) -> None:
    token = sign(claims(provider.url, resource_access={AUDIENCE: {"roles": roles}}), OURS)
    assert told(asked.get("/who", headers=bearer(token)))["may"] == ["read_public"]
    assert asked.get("/do/read_working", headers=bearer(token)).status_code == 403


def test_bad_token_is_told_of_and_no_way_back_to_being_nobody(provider: Provider, asked: FlaskClient) -> None:
    answer = asked.get("/who", headers=bearer(sign(claims(provider.url, exp=PAST, iat=PAST - 60), OURS)))
    assert (answer.status_code, told(answer)["reason"]) == (401, "token_expired")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert asked.get("/who", headers=bearer("no token")).status_code == 401
    assert told(asked.get("/who"))["may"] == ["read_public"]


def test_token_that_cannot_be_checked_now_is_not_called_wrong(provider: Provider, asked: FlaskClient) -> None:
    provider.silent = True
    answer = asked.get("/who", headers=bearer(sign(claims(provider.url), OURS)))
    assert (answer.status_code, told(answer)["reason"]) == (503, "issuer_away")
    assert "none of its keys" in told(answer)["detail"] or "ни один его ключ" in told(answer)["detail"]


# --- what is wrong with a provider


@pytest.mark.parametrize(
    ("change", "ailment"),
    [
        ({}, None),
        ({"silent": True}, Ailment.AWAY),
        ({"told": {"issuer": "https://sso.test/realms/another"}}, Ailment.OTHER),
        ({"told": {"token_endpoint": ""}}, Ailment.OTHER),
        ({"keys": []}, Ailment.NO_KEYS),
        ({"told": {"jwks_uri": ""}}, Ailment.NO_KEYS),
        ({"seconds": 60}, Ailment.CLOCK),
        ({"seconds": -60}, Ailment.CLOCK),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_provider_is_found(
    provider: Provider, change: dict[str, Any], ailment: Ailment | None
) -> None:
    settings = Settings(oidc_issuer=provider.url, oidc_audience=AUDIENCE)
    for name, value in change.items():
        setattr(provider, name, value)
    assert issuer_trouble(settings) == ailment


def test_a_provider_that_is_not_set_ails_of_nothing() -> None:
    assert issuer_trouble(Settings()) is None


# --- keys


def test_nobody_is_asked_for_a_token_whose_key_is_known(provider: Provider, verifier: TokenVerifier) -> None:
    for _ in range(3):
        verifier.verify(sign(claims(provider.url), OURS))
    assert provider.asked_for_keys == 1


def test_new_key_is_found_and_the_old_one_goes(provider: Provider, verifier: TokenVerifier, clock: Clock) -> None:
    verifier.verify(sign(claims(provider.url), OURS))
    fresh = rsa("fresh")
    provider.keys = [fresh, OURS]
    clock.now += SECONDS_APART
    verifier.verify(sign(claims(provider.url), fresh))
    verifier.verify(sign(claims(provider.url), OURS))
    provider.keys = [fresh]
    clock.now += SECONDS_FRESH
    verifier.verify(sign(claims(provider.url), fresh))
    assert refused(verifier, sign(claims(provider.url), OURS)) == "wrong_token"


def test_unknown_keys_are_asked_for_at_most_every_half_minute(
    provider: Provider, verifier: TokenVerifier, clock: Clock
) -> None:
    verifier.verify(sign(claims(provider.url), OURS))
    for number in range(20):
        refused(verifier, sign(claims(provider.url), OURS, kid=f"unknown-{number}"))
    assert provider.asked_for_keys == 1
    clock.now += SECONDS_APART
    for number in range(20):
        refused(verifier, sign(claims(provider.url), OURS, kid=f"unknown-{number}"))
    assert provider.asked_for_keys == 2


def test_provider_that_is_away_for_an_hour_is_not_missed(
    provider: Provider, verifier: TokenVerifier, clock: Clock
) -> None:
    verifier.verify(sign(claims(provider.url), OURS))
    provider.silent = True
    for _ in range(60):
        clock.now += 60
        assert verifier.verify(sign(claims(provider.url), OURS))
    assert provider.asked_for_keys <= 1 + 60
    fresh = rsa("fresh")
    provider.silent, provider.keys = False, [fresh]
    clock.now += max(SECONDS_APART, SECONDS_KEPT)
    assert verifier.verify(sign(claims(provider.url), fresh))


def test_without_any_key_it_is_not_the_token_that_is_wrong(
    provider: Provider, session: requests.Session, clock: Clock
) -> None:
    provider.silent = True
    verifier = TokenVerifier(provider.url, AUDIENCE, make_ring(provider, session, clock))
    for _ in range(3):
        with pytest.raises(Unavailable) as error:
            verifier.verify(sign(claims(provider.url), OURS))
        assert error.value.data["reason"] == "issuer_away"
    assert len(provider.asked) == 1
    provider.silent = False
    clock.now += SECONDS_APART
    assert verifier.verify(sign(claims(provider.url), OURS))


def test_keys_outlive_the_process_while_the_provider_is_away(
    provider: Provider, session: requests.Session, clock: Clock
) -> None:
    shelf = Shelf()
    assert make_ring(provider, session, clock, shelf).warm()
    provider.silent = True
    after = TokenVerifier(provider.url, AUDIENCE, make_ring(provider, session, clock, shelf))
    assert after.verify(sign(claims(provider.url), OURS))
    (kept,) = shelf.values()
    assert not any({"d", "p", "q", "k"} & key.keys() for key in json.loads(kept)["keys"])


def test_keys_of_another_provider_are_not_taken_for_its(
    provider: Provider, session: requests.Session, clock: Clock
) -> None:
    shelf = Shelf()
    assert make_ring(provider, session, clock, shelf).warm()
    with publishing() as another:
        another.silent = True
        assert not make_ring(another, session, clock, shelf).warm()


@pytest.mark.parametrize(
    "changed",
    [
        {"use": "enc"},
        {"use": None},
        {"alg": "HS256"},
        {"alg": None},
        {"alg": "RSA-OAEP"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kid": None},
        {"n": "AQAB"},
        {"n": "!"},
        {"kty": "EC"},
    ],
    ids=str,
)
def test_keys_that_are_no_signing_keys_of_ours_are_left_alone(changed: dict[str, Any]) -> None:
    odd = {name: value for name, value in {**OURS.export_public(as_dict=True), **changed}.items() if value is not None}
    good = curve("curve").export_public(as_dict=True)
    assert list(read_keys(json.dumps({"keys": [odd, good, "text", None]}))) == ["curve"]
    with pytest.raises(ValueError, match="no key"):
        read_keys(json.dumps({"keys": [odd]}))


def test_short_keys_are_none() -> None:
    with pytest.raises(ValueError, match="no key"):
        read_keys(json.dumps({"keys": [rsa("short", 1024).export_public(as_dict=True)]}))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": 1}', '{"keys": []}'])
def test_what_is_no_key_set_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_keys(text)
