"""What every address of the plugin's protocol shares: the store, the settings, how it is asked and answers."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from sync_service.access.rules import own_only, rules_for
from sync_service.editing.versions import version_text
from sync_service.exchange.copying import Reading
from sync_service.exchange.wire import check, read_body
from sync_service.features.moments import today_in
from sync_service.pages.packing import pack
from sync_service.store.counter import Identity, identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sync_service.access import Person
    from sync_service.editing.applying import EditRules
    from sync_service.exchange.beyond import Beyond
    from sync_service.settings import Settings
    from sync_service.store.database import Database

ROOT = "/sync/v1"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Face:
    """The store as the plugin sees it."""

    database: Database
    settings: Settings
    now: Callable[[], datetime]
    beyond: Beyond

    @contextmanager
    def reading(self, person: Person | None = None) -> Iterator[tuple[Reading, Identity]]:
        """One snapshot of the store, and whose it is; of what this person may see, if one is given."""
        own = None if person is None else own_only(person)
        with self.database.reading() as connection:
            store = identity(connection)
            today = today_in(self.settings.timezone, self.now())
            yield Reading(connection, store.seq, today, partial(version_text, store), own), store

    def rules(self, person: Person) -> EditRules:
        """What holds for this person's edits."""
        return rules_for(person, self.database, self.settings)


def asked_document(name: str) -> Any:
    """The body of the request, if it is what the wire schema of this name wants."""
    if request.mimetype != JSON:
        raise UnsupportedMediaType
    document = read_body(request.get_data())
    check(name, document)
    return document


def respond(document: dict[str, Any]) -> Response:
    """A document as an answer, kept by nobody on the way."""
    made = pack([orjson.dumps(document)], gzip=request.accept_encodings["gzip"] > 0)
    made.content_type = JSON
    made.headers["Cache-Control"] = "private, no-store"
    made.headers["Vary"] = "Accept-Encoding, Authorization, Cookie"
    return made
