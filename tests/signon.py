"""A service that people sign in to by the provider of `tests.mint`, and their browsers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import request
from sqlalchemy import text

from sync_service.access import person_of
from sync_service.access.visiting import EXTENSION as VISITS
from sync_service.app import create_app
from sync_service.settings import load_settings
from sync_service.store.database import Database
from tests.mint import AUDIENCE, SECRET, WEB, Provider

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from werkzeug.test import TestResponse

    from sync_service.settings import Settings

HOME = "https://map.test"
COOKIE = "__Host-placecard-session"
PAGE = {"Accept": "text/html", "Accept-Language": "en"}


@dataclass(frozen=True)
class Browser:
    """Somebody's browser at the service."""

    service: Service

    def __post_init__(self) -> None:
        object.__setattr__(self, "client", self.service.app.test_client())

    def get(self, path: str) -> TestResponse:
        """Open a page."""
        answer: TestResponse = self.client.get(path, base_url=HOME, headers=PAGE)  # type: ignore[attr-defined] # set above
        return answer

    def post(self, path: str, **fields: str) -> TestResponse:
        """Send a form; with what our own would bring along unless it is named."""
        given = {"csrf_token": self.form_token, **fields}
        answer: TestResponse = self.client.post(path, base_url=HOME, headers=PAGE, data=given)  # type: ignore[attr-defined] # set above
        return answer

    @property
    def form_token(self) -> str:
        """That of the sign-in page's form."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/signin").text)
        return found[1] if found else ""

    @property
    def cookies(self) -> dict[str, str]:
        """What it keeps."""
        return {name: kept.value for (_, _, name), kept in self.client._cookies.items()}  # type: ignore[attr-defined] # set above

    def start(self, way: str = "/desk/") -> str:
        """Set out to sign in; the provider's address."""
        return str(self.get(f"/signin/start?next={way}").headers["Location"])

    def come_back(self, address: str) -> TestResponse:
        """Be sent back."""
        return self.get(address.removeprefix(HOME))

    def sign_in(self, way: str = "/desk/") -> TestResponse:
        """The whole way."""
        return self.come_back(self.service.provider.consent(self.start(way)))

    @property
    def who(self) -> dict[str, Any]:
        """Whom the service takes them for."""
        found: dict[str, Any] = self.get("/who").json or {}
        return found


@dataclass(frozen=True)
class Service:
    """The whole application over a store of its own."""

    app: Flask
    provider: Provider
    database: Database

    def browser(self) -> Browser:
        """A new one."""
        return Browser(self)

    def close(self) -> None:
        """Let go of the store, the application too."""
        self.database.close()
        self.app.extensions[VISITS].sessions._database.close()

    def run(self, statement: str, **values: Any) -> list[Any]:
        """Ask or change the store."""
        with self.database.engine.connect() as connection, connection.begin():
            done = connection.execute(text(statement), values)
            return list(done) if done.returns_rows else []

    def bearer(self, **said: Any) -> int:
        """What whoever comes with an access token is answered."""
        token = self.provider.token(**said)
        headers = {"Authorization": f"Bearer {token}"}
        return self.app.test_client().get("/sync/v1/me", base_url=HOME, headers=headers).status_code


def settings_of(provider: Provider, url: str, folder: Path, **settings: str) -> Settings:
    """Those of a service that is a client of this provider."""
    given = {
        "STORE_URL": url,
        "PUBLIC_URL": HOME,
        "SECRET_KEY": "a key of this test",
        "OIDC_ISSUER": provider.url,
        "OIDC_AUDIENCE": AUDIENCE,
        "OIDC_CLIENT_ID": WEB,
        "OIDC_CLIENT_SECRET": SECRET,
        **settings,
    }
    return load_settings({f"PLACECARD_{name}": value for name, value in given.items()}, folder)


def open_service(provider: Provider, url: str, folder: Path, **settings: str) -> Service:
    """The application, with an address that says whom it takes somebody for."""
    app = create_app(settings_of(provider, url, folder, **settings))

    @app.get("/who")
    def who() -> dict[str, Any]:
        person = person_of(request)
        return {"name": person.name, "key": person.key, "proof": person.proof, "may": person.rights}

    return Service(app, provider, Database(url))


def query_of(address: str) -> str:
    """Of an address."""
    return urlsplit(address).query
