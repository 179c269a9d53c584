"""An identity provider's hand: real keys, tokens signed with them as Keycloak does, and what it publishes of itself."""

from __future__ import annotations

import json
import secrets
import threading
import time
from base64 import b64encode
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from jwcrypto import jwk, jws
from jwcrypto.common import base64url_encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

AUDIENCE = "placecard-api"
WEB, SECRET = "placecard-web", "a secret of these tests"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@cache
def rsa(name: str, size: int = 2048) -> jwk.JWK:
    """An RSA key of this name, the same one for a whole run."""
    return jwk.JWK.generate(kty="RSA", size=size, kid=name, use="sig", alg="RS256")


@cache
def curve(name: str) -> jwk.JWK:
    """A key on the curve P-256."""
    return jwk.JWK.generate(kty="EC", crv="P-256", kid=name, use="sig", alg="ES256")


def claims(issuer: str, **changed: Any) -> dict[str, Any]:
    """What an access token of a GIS specialist says; a claim of None is left out."""
    now = int(time.time())
    said = {
        "iss": issuer,
        "aud": [AUDIENCE, "account"],
        "sub": "7d0c5a4e-5d0f-4d3c-9a52-0b6c1f1c8e11",
        "exp": now + 300,
        "iat": now,
        "jti": "onrtac:1",
        "typ": "Bearer",
        "azp": "placecard-qgis",
        "sid": "s-1",
        "name": "Геодезист",
        "preferred_username": "gis",
        "resource_access": {AUDIENCE: {"roles": ["gis_editor"]}},
        "groups": ["/partners/Мой двор"],
    }
    return {name: value for name, value in {**said, **changed}.items() if value is not None}


def sign(said: Mapping[str, Any] | bytes, key: jwk.JWK, **header: Any) -> str:
    """A token, signed by this key; `header` changes what it says of that, and None leaves a member out."""
    told = {"alg": key.get("alg", "HS256"), "typ": "JWT", "kid": key.get("kid"), **header}
    told = {name: value for name, value in told.items() if value is not None}
    token = jws.JWS(said if isinstance(said, bytes) else json.dumps(dict(said)))
    token.allowed_algs = list({*jws.default_allowed_algs, "HS256"})
    token.add_signature(key, None, json.dumps(told), None)
    return str(token.serialize(compact=True))


def half_of(token: str) -> str:
    """What an ID token says of the access token that came with it."""
    return base64url_encode(sha256(token.encode()).digest()[:16])


def unsigned(said: Mapping[str, Any], **header: Any) -> str:
    """A token that nobody has signed."""
    told = {"alg": "none", "typ": "JWT", **header}
    return ".".join([base64url_encode(json.dumps(told)), base64url_encode(json.dumps(dict(said))), ""])


class Provider(ThreadingHTTPServer):
    """Publishes itself and its keys on this machine; `asked` are the paths asked for.

    It may be changed: `silent` fails everything, `told` is what it says of itself besides, and its clock is `seconds`
    off. People sign in there at once, as `person`; `id_said` and `access_said` change what their tokens say, `refusal`
    is what its token address answers instead of tokens, and `forms` are what that was sent. `ways_back` are the only
    addresses it sends people back to.
    """

    daemon_threads = True

    def __init__(self, *keys: jwk.JWK) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys = list(keys)
        self.asked: list[str] = []
        self.silent = False
        self.told: dict[str, str] = {}
        self.seconds = 0
        self.secret = SECRET
        self.person = {"sub": "7d0c5a4e-5d0f-4d3c-9a52-0b6c1f1c8e11", "sid": "s-1"}
        self.id_said: dict[str, Any] = {}
        self.access_said: dict[str, Any] = {}
        self.refusal: tuple[int, Any] | None = None
        self.forms: list[dict[str, str]] = []
        self.ways_back: list[str] | None = None
        self._asked_by: dict[str, dict[str, str]] = {}
        self._refreshing = ""

    def knows(self, address: str) -> bool:
        """Whether it would send anybody back from this question."""
        asked = dict(parse_qsl(urlsplit(address).query))
        return self.ways_back is None or asked["redirect_uri"] in self.ways_back

    def consent(self, address: str) -> str:
        """What a person does who is sent to this address: signs in. Where they are sent back to."""
        asked = dict(parse_qsl(urlsplit(address).query))
        code = secrets.token_hex(8)
        self._asked_by[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'state': asked['state'], 'code': code, 'iss': self.url})}"

    def give(self, form: dict[str, str], authorization: str | None) -> tuple[int, Any]:
        """What the token address answers."""
        self.forms.append(form)
        if self.refusal is not None:
            return self.refusal
        if authorization != "Basic " + b64encode(f"{WEB}:{self.secret}".encode()).decode():
            return 401, {"error": "invalid_client"}
        if form["grant_type"] == "authorization_code":
            asked = self._asked_by.pop(form["code"], None)
            proof = base64url_encode(sha256(form.get("code_verifier", "").encode()).digest())
            if asked is None or asked["code_challenge"] != proof or form["redirect_uri"] != asked["redirect_uri"]:
                return 400, {"error": "invalid_grant"}
            return 200, self.tokens(asked["nonce"])
        if form.get("refresh_token") != self._refreshing:
            return 400, {"error": "invalid_grant"}
        return 200, self.tokens()

    def tokens(self, nonce: str | None = None) -> dict[str, Any]:
        """Tokens of the person; a refresh token counts once."""
        self._refreshing = secrets.token_hex(16)
        access = sign(claims(self.url, **{"azp": WEB, **self.person, **self.access_said}), self.keys[0])
        told = {"aud": WEB, "typ": "ID", "azp": WEB, "nonce": nonce, "at_hash": half_of(access), **self.person}
        return {
            "access_token": access,
            "refresh_token": self._refreshing,
            "id_token": sign(claims(self.url, **{**told, **self.id_said}), self.keys[0]),
            "token_type": "Bearer",
        }

    def token(self, **said: Any) -> str:
        """An access token, such as QGIS has."""
        return sign(claims(self.url, **said), self.keys[0])

    def farewell(self, **changed: Any) -> str:
        """A logout token; a claim of None is left out."""
        now = int(time.time())
        said: dict[str, Any] = {"iss": self.url, "aud": WEB, "iat": now, "exp": now + 120, "jti": secrets.token_hex(8)}
        said |= {"typ": "Logout", "events": {EVENT: {}}, **self.person, **changed}
        header = said.pop("header", {"typ": "logout+jwt"})
        key = said.pop("key", self.keys[0])
        return sign({name: value for name, value in said.items() if value is not None}, key, **header)

    @property
    def url(self) -> str:
        """The issuer."""
        return f"http://127.0.0.1:{self.server_port}/realms/placecard"

    @property
    def asked_for_keys(self) -> int:
        """How often."""
        return sum(path.endswith("/certs") for path in self.asked)

    def answer(self, path: str) -> Any:
        """What is published there."""
        if path.endswith("/certs"):
            return {"keys": [key.export_public(as_dict=True) for key in self.keys]}
        places = {"authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/certs"}
        places["end_session_endpoint"] = "/logout"
        return {"issuer": self.url, **{name: f"{self.url}{place}" for name, place in places.items()}, **self.told}


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def date_time_string(self, timestamp: float | None = None) -> str:
        """What the Date of an answer says."""
        return super().date_time_string((timestamp or time.time()) + self.server.seconds)

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        place, _, query = self.path.partition("?")
        if place.endswith("/auth") and self.server.knows(self.path) and not self.server.silent:
            self._lead(self.server.consent(self.path))
        elif place.endswith("/logout"):
            self._lead(dict(parse_qsl(query))["post_logout_redirect_uri"])
        else:
            self._send(200, self.server.answer(self.path))

    def _lead(self, address: str) -> None:
        self.send_response(302)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.server.asked.append(self.path)
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._send(*self.server.give(dict(parse_qsl(form)), self.headers["Authorization"]))

    def _send(self, status: int, answer: Any) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(503 if self.server.silent else status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name the base class has
        """Say nothing."""


@contextmanager
def publishing(*keys: jwk.JWK) -> Iterator[Provider]:
    """A provider with these keys."""
    with Provider(*keys) as provider:
        thread = threading.Thread(target=provider.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield provider
        finally:
            provider.shutdown()
            thread.join()
