"""The plugin's protocol over a town's store, and clients of it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import shapely

from sync_service.exchange import create_blueprint
from sync_service.exchange.capabilities import schema_rev
from tests.copies import PROPOSALS, WorkingCopy, expect
from tests.ogc import BEARER, Town

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from shapely.geometry.base import BaseGeometry

    from sync_service.exchange.beyond import Beyond


@dataclass(frozen=True)
class Exchange:
    """A town, and the protocol over it."""

    town: Town
    client: FlaskClient

    def ask(self, method: str, path: str, *, query: dict[str, str] | None = None, **rest: Any) -> tuple[int, Any]:
        """Ask with the token."""
        headers = {**BEARER, **rest.pop("headers", {})}
        client = self.client.application.test_client()  # one for each question: they come from several threads
        answer = client.open(path, method=method, query_string=query, headers=headers, **rest)
        return answer.status_code, answer.json

    def post(self, path: str, document: Any, **headers: str) -> tuple[int, Any]:
        """Say something with the token."""
        return self.ask("POST", path, json=document, headers=headers)

    def send(self, *changes: dict[str, Any], key: str | None = None, **more: Any) -> Any:
        """Push; the answer, if it was taken."""
        named = {"Idempotency-Key": key or str(uuid4())}
        status, answer = self.post(f"{PROPOSALS}/push", body(*changes, **more), **named)
        assert status == 200, answer
        return expect("results", answer)

    def row(self, guid: str) -> dict[str, Any]:
        """A proposal as a fresh copy has it."""
        return self.copy().take().rows[guid]

    def copy(self, box: str | None = None) -> WorkingCopy:
        """Somebody's working copy, empty yet."""
        return WorkingCopy(self.ask, box)


@pytest.fixture
def exchange(town: Town) -> Exchange:
    """The protocol over an empty store."""
    return open_exchange(town)


@pytest.fixture
def full(full_town: Town) -> Exchange:
    """The protocol over a store with a proposal of every kind."""
    return open_exchange(full_town)


def open_exchange(town: Town, beyond: Beyond | None = None) -> Exchange:
    """The protocol over this town's store, and what lies beyond it if that is wanted."""
    app = town.app()
    app.config["MAX_CONTENT_LENGTH"] = 16 * 1024 * 1024
    app.register_blueprint(create_blueprint(town.database, town.settings, lambda: town.now, beyond))
    return Exchange(town, app.test_client())


def wkb(shape: BaseGeometry) -> str:
    """A geometry as it goes over the wire."""
    return b64encode(shapely.to_wkb(shape, flavor="iso")).decode()


def change(guid: str, **more: Any) -> dict[str, Any]:
    """One change of a push."""
    return {"change_id": str(uuid4()), "guid": guid, "op": "update", **more}


def body(*changes: dict[str, Any], **more: Any) -> Any:
    """A push."""
    return expect("push", {"client_id": "a copy", "schema_rev": schema_rev(), "changes": list(changes), **more})
