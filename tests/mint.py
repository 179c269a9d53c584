"""An identity provider's hand: real keys, tokens signed with them as Keycloak does, and what it publishes of itself."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from jwcrypto import jwk, jws
from jwcrypto.common import base64url_encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

AUDIENCE = "placecard-api"


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


def unsigned(said: Mapping[str, Any], **header: Any) -> str:
    """A token that nobody has signed."""
    told = {"alg": "none", "typ": "JWT", **header}
    return ".".join([base64url_encode(json.dumps(told)), base64url_encode(json.dumps(dict(said))), ""])


class Provider(ThreadingHTTPServer):
    """Publishes itself and its keys on this machine; `asked` are the paths asked for.

    It may be changed: `silent` fails everything, `told` is what it says of itself besides, and its clock is `seconds`
    off.
    """

    daemon_threads = True

    def __init__(self, *keys: jwk.JWK) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys = list(keys)
        self.asked: list[str] = []
        self.silent = False
        self.told: dict[str, str] = {}
        self.seconds = 0

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
        return {"issuer": self.url, **{name: f"{self.url}{place}" for name, place in places.items()}, **self.told}


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def date_time_string(self, timestamp: float | None = None) -> str:
        """What the Date of an answer says."""
        return super().date_time_string((timestamp or time.time()) + self.server.seconds)

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        body = json.dumps(self.server.answer(self.path)).encode()
        self.send_response(503 if self.server.silent else 200)
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
