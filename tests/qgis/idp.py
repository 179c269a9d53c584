"""An identity provider small enough to be read: the authorization code flow with PKCE, refreshing, and its failures."""

from __future__ import annotations

import json
import secrets
import threading
from base64 import urlsafe_b64encode
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator


class Provider:
    """Gives tokens that live `lifetime` seconds. `asked` are the forms its token address was sent.

    `ended`: the session is over, so no code and no refresh token is taken any more.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.lifetime = 300
        self.ended = False
        self.asked: list[dict[str, str]] = []
        self._challenges: dict[str, str] = {}
        self._refreshing: set[str] = set()
        self.given: set[str] = set()

    @property
    def oidc(self) -> dict[str, str]:
        """What the service's capabilities tell of it."""
        return {
            "issuer": self.url,
            "authorization": f"{self.url}/authorize",
            "token": f"{self.url}/token",
            "client_id": "placecard-qgis",
            "scope": "openid offline_access",
        }

    def log_in(self, address: str) -> None:
        """What a person's browser does with an address: signs in, and follows where it is sent."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_hex(8)
        self._challenges[code] = asked["code_challenge"]
        requests.get(f"{asked['redirect_uri']}?{urlencode({'code': code})}", timeout=10).close()

    def answer(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """What the token address answers."""
        self.asked.append(form)
        if self.ended or not self._is_good(form):
            return 400, {"error": "invalid_grant"}
        token, refreshing = secrets.token_hex(8), secrets.token_hex(8)
        self.given.add(token)
        self._refreshing.add(refreshing)
        kept = {"access_token": token, "refresh_token": refreshing}
        return 200, {**kept, "expires_in": self.lifetime, "token_type": "Bearer"}

    def _is_good(self, form: dict[str, str]) -> bool:
        if form["grant_type"] == "refresh_token":
            return form["refresh_token"] in self._refreshing
        verified = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        return form["grant_type"] == "authorization_code" and self._challenges.pop(form["code"], "") == verified


@contextmanager
def providing() -> Iterator[Provider]:
    """A provider that answers while inside."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Anything else is a service that tells who asks, by the header it came with."""
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.headers.get("Authorization", "").encode())

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, document = provider.answer(dict(parse_qsl(text)))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = Provider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
