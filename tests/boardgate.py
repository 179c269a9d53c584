"""The board behind its gate: a real Kanboard, a real Apache before it, a realm of the run's Keycloak, and visitors."""

from __future__ import annotations

import html
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import requests

from tests.boards import make_kanboard_project
from tests.service import until
from tools.apache import KANBOARD, BoardGate
from tools.kanboard import KanboardServer, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.boards import KanboardProject
    from tests.keycloak import Keycloak, Realm, User

RECHECK = 2
"""Seconds after which Apache asks again what somebody is; longer in life."""
NOWHERE = "http://127.0.0.1:9"
_FORM = re.compile(r'<form[^>]*\baction="([^"]+)"')
_MOST_HOPS = 15


@dataclass
class Visitor:
    """A person's browser."""

    browser: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.browser.trust_env = False

    def ask(self, url: str, method: str = "GET", **sent: Any) -> requests.Response:
        """One request, without following where it leads."""
        answer = self.browser.request(method, url, allow_redirects=False, timeout=60, **sent)
        for cookie in self.browser.cookies:
            cookie.secure = False  # browsers take this machine for safe without TLS; requests does not
        return answer

    def go(self, url: str, method: str = "GET", **sent: Any) -> requests.Response:
        """One request, and on to wherever it leads."""
        answer = self.ask(url, method, **sent)
        for _ in range(_MOST_HOPS):
            if "Location" not in answer.headers:
                return answer
            answer = self.ask(urljoin(str(answer.url), answer.headers["Location"]))
        raise AssertionError(f"led in circles, at last to {answer.url}")

    def sign_in(self, url: str, user: User) -> requests.Response:
        """Go there, and through Keycloak's form on the way."""
        page = self.go(url)
        found = _FORM.search(page.text)
        assert found, page.text
        return self.go(html.unescape(found[1]), "POST", data={"username": user.username, "password": user.password})


@dataclass(frozen=True)
class Gated:
    """The gate, the Kanboard behind it with one project, and the realm in charge."""

    gate: BoardGate
    kanboard: KanboardServer
    realm: Realm
    project: KanboardProject

    @property
    def url(self) -> str:
        return f"{self.gate.url}/"

    def enter(self, user: User) -> Visitor:
        """Somebody comes to the board, and is let in."""
        visitor = Visitor()
        answer = visitor.sign_in(self.url, user)
        assert (answer.status_code, answer.url) == (200, self.url), answer.text
        return visitor

    def is_let_in(self, visitor: Visitor) -> bool:
        """Whether this browser sees the board now."""
        return bool(visitor.ask(self.url).status_code == requests.codes.ok)

    def shut_out(self, visitor: Visitor, *, seconds: float = 20) -> None:
        """Wait until it does not."""
        until(lambda: not self.is_let_in(visitor), seconds=seconds)

    def accounts(self) -> dict[str, tuple[str, bool]]:
        """Name and whether they may come in, by login, as Kanboard keeps them."""
        rows = self.kanboard.execute("SELECT username, name, is_active FROM users")
        return {login: (name or "", bool(active)) for login, name, active in rows}


@contextmanager
def gated(folder: Path, keycloak: Keycloak, *, recheck: int = RECHECK) -> Iterator[Gated]:
    """All of it, running. `recheck` is in seconds."""
    port = free_port()
    with keycloak.realm_of_its_own(NOWHERE, f"http://127.0.0.1:{port}") as realm:
        server = KanboardServer(folder / "kanboard", environment=KANBOARD)
        secret = realm.environment["PLACECARD_BOARD_CLIENT_SECRET"]
        with server as kanboard:
            gate = BoardGate(
                folder / "apache",
                upstream=kanboard.url,
                issuer=realm.issuer,
                secret=secret,
                port=port,
                recheck=recheck,
            )
            with gate:
                yield Gated(gate, kanboard, realm, make_kanboard_project(kanboard))
