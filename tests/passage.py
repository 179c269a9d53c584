"""A person's way through Keycloak's pages to a code, and a client's from the code to tokens. Plain requests."""

from __future__ import annotations

import html
import json
import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

import requests
from jwcrypto.common import base64url_decode, base64url_encode

if TYPE_CHECKING:
    from types import TracebackType

SECONDS = 60
_FORM = re.compile(r'<form[^>]*\baction="([^"]+)"')


def read_token(token: str) -> dict[str, Any]:
    """What a token says, looked at and not checked."""
    said: dict[str, Any] = json.loads(base64url_decode(token.split(".")[1]))
    return said


@dataclass
class Passage:
    """One browser, on behalf of one client. `secret` is the client's, None for a public one."""

    issuer: str
    client: str
    back: str
    secret: str | None = None
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    browser: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.browser.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.browser.close()

    def place(self, name: str) -> str:
        """One of the realm's addresses, such as "auth", "token" or "logout"."""
        return f"{self.issuer}/protocol/openid-connect/{name}"

    def knock(self, door: str = "auth", /, **changed: str | None) -> requests.Response:
        """Ask for a code: the log-in page, or a refusal. A parameter of None is left out."""
        challenge = base64url_encode(sha256(self.verifier.encode()).digest())
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client,
            "redirect_uri": self.back,
            "scope": "openid",
            "state": "a-state",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **changed,
        }
        return self._open("GET", self.place(door), params=asked)

    def fill(self, page: requests.Response, **fields: str) -> requests.Response:
        """Send the form of a page of Keycloak's."""
        found = _FORM.search(page.text)
        assert found, page.text
        return self._open("POST", html.unescape(found[1]), data=fields)

    def follow(self, answer: requests.Response) -> requests.Response:
        """The page somebody is sent on to."""
        return self._open("GET", answer.headers["Location"])

    def log_in(self, username: str, password: str) -> requests.Response:
        """Knock and fill in the form: the way back with a code, or the form again."""
        return self.fill(self.knock(), username=username, password=password)

    def tokens(self, username: str, password: str) -> dict[str, Any]:
        """Log in, and exchange the code."""
        answer = self.redeem(code_in(self.log_in(username, password)))
        assert answer.ok, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def redeem(self, code: str, **changed: str) -> requests.Response:
        """Exchange a code."""
        proof = {"code": code, "redirect_uri": self.back, "code_verifier": self.verifier}
        return self.ask_token(grant_type="authorization_code", **{**proof, **changed})

    def ask_token(self, **asked: str) -> requests.Response:
        """Ask for tokens, as the client."""
        known = {"client_id": self.client} | ({} if self.secret is None else {"client_secret": self.secret})
        return self._open("POST", self.place("token"), data={**known, **asked})

    def _open(self, method: str, url: str, **sent: Any) -> requests.Response:
        answer = self.browser.request(method, url, allow_redirects=False, timeout=SECONDS, **sent)
        for cookie in self.browser.cookies:
            cookie.secure = False  # browsers take this machine for safe without TLS; requests does not
        return answer


def code_in(answer: requests.Response) -> str:
    """The code with which somebody is sent back."""
    told = parse_qs(urlsplit(answer.headers.get("Location", "")).query)
    assert "code" in told, (answer.status_code, answer.headers.get("Location"), answer.text)
    return told["code"][0]
