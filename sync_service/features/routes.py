"""The addresses of the OGC API below `/ogc`, and of a card's place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from sync_service import __version__
from sync_service.access import person_of
from sync_service.errors import NotFound
from sync_service.features import landing, openapi, schemas
from sync_service.features.answers import guard, respond, tell_other_pages, write_json, write_page
from sync_service.features.asking import GEOJSON, HTML, JSON, OPENAPI, SCHEMA, Ask, read_ask
from sync_service.features.cards import find_whereabouts
from sync_service.features.face import Face
from sync_service.features.items import write_collection
from sync_service.features.leading import follow_card, follow_item, point_to
from sync_service.features.pages import items_page
from sync_service.features.params import PAGED, SINGLE
from sync_service.features.past import add_history
from sync_service.features.single import show_item
from sync_service.features.writes import add_options, add_writes
from sync_service.store import queries

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_service.pages.packing import Body
    from sync_service.settings import Settings
    from sync_service.store.collections import Collection
    from sync_service.store.database import Database


def create_blueprint(
    database: Database, settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Blueprint:
    """The blueprint `features`, to be registered at the root. Needs `register_access` and `register_errors`.

    ValueError for an EPSG code that PROJ does not know.
    """
    face = Face(database, settings, now)
    assert face.offered
    blueprint = Blueprint(
        "features", __name__, template_folder="templates", static_folder="static", static_url_path="/ogc/static"
    )
    _add_documents(blueprint, face)
    _add_collections(blueprint, face)
    _add_items(blueprint, face)
    add_options(blueprint, face)
    add_writes(blueprint, face)
    add_history(blueprint, face)
    _add_cards(blueprint, face)
    blueprint.after_request(tell_other_pages)
    return blueprint


def _document(face: Face, ask: Ask, template: str, media: str, document: dict[str, Any], *parts: object) -> Response:
    def body() -> Body:
        return write_page(ask, template, document=document) if ask.html else write_json(document)

    return respond(ask, face.tag(ask, *parts), HTML if ask.html else media, body)


def _add_documents(blueprint: Blueprint, face: Face) -> None:
    @blueprint.get("/ogc/")
    def landing_page() -> Response:
        ask = face.ask()
        return _document(face, ask, "landing", JSON, landing.landing(ask))

    @blueprint.get("/ogc/conformance")
    def conformance() -> Response:
        ask = face.ask()
        return _document(
            face, ask, "conformance", JSON, landing.conformance(ask, writable=bool(face.settings.native_edits))
        )

    @blueprint.get("/ogc/api")
    def api() -> Response:
        ask = face.ask()
        readable = face.readable(ask)
        editable = {each.name for each in readable if ask.editing and face.editable(each)}
        document = openapi.definition(ask, readable, editable, face.offered, __version__)
        return _document(face, ask, "api", OPENAPI, document)


def _add_collections(blueprint: Blueprint, face: Face) -> None:
    def describe(ask: Ask, collection: Collection) -> tuple[dict[str, Any], queries.State]:
        with face.shelf(collection) as shelf:
            return landing.describe(ask, collection, shelf.extent(), face.offered), shelf.state

    @blueprint.get("/ogc/collections")
    def collection_list() -> Response:
        ask = face.ask()
        described = [describe(ask, each) for each in face.readable(ask)]
        document = landing.collection_list(ask, [each for each, _ in described], face.offered)
        return _document(face, ask, "collections", JSON, document, *(state for _, state in described))

    @blueprint.get("/ogc/collections/<name>")
    def collection(name: str) -> Response:
        ask = face.ask()
        document, state = describe(ask, face.collection(ask, name))
        return _document(face, ask, "collection", JSON, document, state)

    @blueprint.get("/ogc/collections/<name>/queryables")
    def queryables(name: str) -> Response:
        ask = face.ask()
        return _document(face, ask, "schema", SCHEMA, schemas.queryables(ask, face.collection(ask, name)))

    @blueprint.get("/ogc/collections/<name>/schema")
    def schema(name: str) -> Response:
        ask = face.ask()
        return _document(face, ask, "schema", SCHEMA, schemas.schema(ask, face.collection(ask, name)))


def _add_items(blueprint: Blueprint, face: Face) -> None:
    @blueprint.get("/ogc/collections/<name>/items", provide_automatic_options=False)
    def items(name: str) -> Response:
        ask = read_ask(request, face.root, person_of(request))
        collection = face.collection(ask, name)
        reader = face.reader(collection)
        ask.expect((*PAGED, *reader.fields))
        query = reader.query(ask.parameters, collection)
        with face.shelf(collection) as shelf:
            write = items_page if ask.html else write_collection
            return respond(
                ask,
                face.tag(ask, shelf.state, shelf.today),
                HTML if ask.html else GEOJSON,
                lambda: write(ask, shelf, query),
                Content_Crs=f"<{query.crs.uri}>",
            )

    @blueprint.get("/ogc/collections/<name>/items/<guid>", provide_automatic_options=False)
    def item(name: str, guid: str) -> Response:
        ask = face.ask(*SINGLE)
        collection = face.collection(ask, name)
        with face.database.reading() as connection:
            survivor = follow_item(connection, collection, guid, publish=face.settings.publish)
        if survivor is not None:
            return guard(ask, point_to(survivor))
        answer = show_item(face, ask, collection, guid)
        if answer is None:
            raise NotFound("feature", guid=guid)
        return answer


def _add_cards(blueprint: Blueprint, face: Face) -> None:
    @blueprint.get("/board/cards/<card_id>")
    def card(card_id: str) -> Response:
        ask = face.ask()
        with face.database.reading() as connection:
            row = queries.find_card(connection, card_id)
            survivor = follow_card(connection, row, publish=face.settings.publish, working=ask.working)
        if survivor is not None:
            return guard(ask, point_to(survivor))
        found = find_whereabouts(row, publish=face.settings.publish, working=ask.working)
        if found is None:
            raise NotFound("card", card=card_id)
        page = write_page(ask, "card", found=found, address=face.settings.public_url)
        return guard(ask, Response(page, content_type="text/html; charset=utf-8"))
