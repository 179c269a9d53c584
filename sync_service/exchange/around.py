"""The addresses around a working copy: who asks, one proposal with its card, where it may be, districts."""

from __future__ import annotations

from base64 import b64encode
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from flask import Response, request

from sync_service.access import Action, require, require_somebody
from sync_service.errors import BadRequest
from sync_service.exchange.advising import asked_text, suggestion_document, text_of
from sync_service.exchange.asking import read_parameters
from sync_service.exchange.face import ROOT, respond
from sync_service.exchange.telling import card_document, card_of, proposal_document
from sync_service.pages import request_language
from sync_service.store.districts import district_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask import Blueprint

    from sync_service.exchange.face import Face
    from sync_service.sync.state import CardRef
    from sync_service.words import Language


def add_surroundings(blueprint: Blueprint, face: Face) -> None:
    """Add them to the blueprint."""

    @blueprint.get(f"{ROOT}/me")
    def me() -> Response:
        person = require_somebody()
        read_parameters(request, ())
        return respond({"name": person.name, "may": person.rights, "organisations": person.organisations})

    @blueprint.get(f"{ROOT}/proposals/<guid>")
    def proposal(guid: str) -> Response:
        require(Action.READ_WORKING)
        read_parameters(request, ())
        language = request_language()
        with face.reading() as (reading, store):
            document, card = proposal_document(reading, guid, language), card_of(reading, store, guid)
        # The board is asked once the snapshot is let go: it may take its time.
        told = None if card is None else _card(face, card, document["properties"], language)
        return respond({**document, "card": told})

    @blueprint.get(f"{ROOT}/suggestions")
    def suggestions() -> Response:
        require(Action.EDIT)
        text = _wanted_text(face)
        return respond(suggestion_document(text, face.beyond.suggester, request_language()))

    @blueprint.get(f"{ROOT}/districts")
    def districts() -> Response:
        require(Action.READ_OWN)
        read_parameters(request, ())
        with face.database.reading() as connection:
            rows = district_rows(connection)
        return _respond_unless_known(rows)


def _wanted_text(face: Face) -> str | None:
    """What is looked up: the text given, or what the proposal named says of where it is."""
    given = read_parameters(request, ("guid", "text"))
    if len(given) != 1:
        raise BadRequest("text", "suggestion_of_what")
    if "text" in given:
        return asked_text(given["text"])
    with face.reading() as (reading, _):
        return text_of(reading, given["guid"])


def _card(face: Face, card: CardRef, properties: Mapping[str, Any], language: Language) -> dict[str, Any]:
    return card_document(card, properties["card_url"], face.beyond.hear(card), language)


def _respond_unless_known(rows: Sequence[tuple[str, bytes]]) -> Response:
    """The districts, or 304 to whoever has these very ones."""
    digest = _digest_of(rows)
    known = request.if_none_match.contains_weak(digest)
    answer = Response(status=304) if known else respond(_document(rows))
    answer.set_etag(digest, weak=True)  # of what is told, whether it is packed or not
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _document(rows: Sequence[tuple[str, bytes]]) -> dict[str, Any]:
    return {"districts": [{"name": name, "geometry": b64encode(geometry).decode()} for name, geometry in rows]}


def _digest_of(rows: Sequence[tuple[str, bytes]]) -> str:
    found = blake2b(digest_size=12)
    for name, geometry in rows:
        found.update(name.encode() + b"\0" + len(geometry).to_bytes(8, "big") + geometry)
    return found.hexdigest()
