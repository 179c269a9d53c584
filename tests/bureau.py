"""A person at the pages of the desk: a browser without JavaScript before the service over a test's store."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from sync_service.app import create_app
from sync_service.settings import Settings

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.desk import Desk

TOKEN = "a-token-long-enough-to-use"
PAGE = {"Accept": "text/html", "Accept-Language": "en"}
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Visitor:
    """Somebody with a browser. `headers` go with every request."""

    client: FlaskClient
    headers: dict[str, str] = field(default_factory=lambda: dict(PAGE))

    def get(self, path: str) -> TestResponse:
        """Open a page."""
        return self.client.get(path, headers=self.headers)

    def post(self, path: str, **fields: Any) -> TestResponse:
        """Press a button of a form on this page, as its form says."""
        found = _CSRF.findall(self.get(path).text)
        token = {"csrf_token": html.unescape(found[-1])} if found else {}
        return self.client.post(path, headers=self.headers, data={**token, **fields})

    def sign_in(self) -> Visitor:
        """Exchange the token for a cookie."""
        assert self.post("/signin", token=TOKEN).status_code == 303
        return self


def visit_desk(desk: Desk, **settings: Any) -> Visitor:
    """Somebody who has not signed in yet, before the service over this desk's store."""
    given = {"store_url": desk.parts.database.url, "api_token": SecretStr(TOKEN), "publish": True, **settings}
    return Visitor(create_app(Settings(**given)).test_client())


def buttons(answer: TestResponse) -> list[str]:
    """What the buttons of a page would do, as their values say."""
    return [html.unescape(each) for each in re.findall(r'name="do" value="([^"]+)"', answer.text)]
