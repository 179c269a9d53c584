"""The addresses of the plugin's protocol below `/sync/v1`."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import orjson
from flask import Blueprint, Response, current_app, request

from sync_service.access import Action, require
from sync_service.errors import BadRequest
from sync_service.exchange.around import add_surroundings
from sync_service.exchange.asking import asked_box, asked_cursor, read_limit, read_parameters
from sync_service.exchange.beyond import Beyond
from sync_service.exchange.capabilities import capabilities
from sync_service.exchange.copying import change_page, snapshot_page
from sync_service.exchange.cursor import Scope
from sync_service.exchange.face import ROOT, Face, respond
from sync_service.exchange.sweeping import add_sweeping
from sync_service.exchange.writing import add_writing
from sync_service.store.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sync_service.exchange.copying import Reading
    from sync_service.settings import Settings
    from sync_service.store.counter import Identity
    from sync_service.store.database import Database
    from sync_service.store.feed import Partners
    from sync_service.store.filters import Box

VIEW, OWN = "working", "own"
"""What whoever may read working data sees: every proposal that is not retired; and a partner: those of their own."""
_PROPOSALS = f"{ROOT}/collections/proposals"


def create_blueprint(
    database: Database, settings: Settings, now: Callable[[], datetime] = utc_now, beyond: Beyond | None = None
) -> Blueprint:
    """The blueprint `exchange`, to be registered at the root. Needs `register_access` and `register_errors`."""
    face = Face(database, settings, now, beyond or Beyond())
    blueprint = Blueprint("exchange", __name__)
    _add_capabilities(blueprint, face)
    _add_reading(blueprint, face)
    add_surroundings(blueprint, face)
    add_writing(blueprint, face)
    add_sweeping(blueprint, face)
    return blueprint


def _add_capabilities(blueprint: Blueprint, face: Face) -> None:
    @blueprint.get(f"{ROOT}/capabilities")
    def offer() -> Response:
        read_parameters(request, ())
        largest_body: int = current_app.config["MAX_CONTENT_LENGTH"]
        made = respond(capabilities(face.settings, largest_body, face.beyond.issuer()))
        made.headers["Cache-Control"] = "public, no-cache"
        return made


def _add_reading(blueprint: Blueprint, face: Face) -> None:
    @blueprint.get(f"{_PROPOSALS}/snapshot")
    def snapshot() -> Response:
        person = require(Action.READ_OWN)
        given = read_parameters(request, ("bbox", "limit", "next"))
        page, box, limit = asked_cursor(given, "next", page=True), asked_box(given), read_limit(given)
        with face.reading(person) as (reading, store):
            scope = _scope(reading, store, page.scope.box if page and "bbox" not in given else box)
            if page is not None:
                page.check(scope, store.seq)
            document = snapshot_page(reading, scope, page, limit)
        return respond(document)

    @blueprint.get(f"{_PROPOSALS}/changes")
    def changes() -> Response:
        person = require(Action.READ_OWN)
        given = read_parameters(request, ("since", "limit", "bbox"))
        cursor, box, limit = asked_cursor(given, "since"), asked_box(given), read_limit(given)
        if cursor is None:
            raise BadRequest("since", "cursor_wanted")
        with face.reading(person) as (reading, store):
            cursor.check(_scope(reading, store, box if "bbox" in given else cursor.scope.box), store.seq)
            document = change_page(reading, cursor, limit)
        return respond(document)


def _scope(reading: Reading, store: Identity, box: Box | None) -> Scope:
    return Scope(store.guid, store.epoch, _view(reading.partners), box)


def _view(partners: Partners | None) -> str:
    """What is seen, as a cursor names it: the organisations themselves do not go over the wire."""
    return VIEW if partners is None else f"{OWN}:{blake2b(orjson.dumps(partners), digest_size=6).hexdigest()}"
