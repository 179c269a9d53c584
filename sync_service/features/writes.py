"""Writing over the OGC API (Part 4): who may, the edit a request makes, and the answer to what became of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import NAMESPACE_OID, uuid4, uuid5

from flask import Response, request
from werkzeug.exceptions import MethodNotAllowed

from sync_service.access import Action, person_of, require
from sync_service.access.rules import rules_for
from sync_service.editing.pushes import Change, Mode, Push, apply_push
from sync_service.editing.versions import version_text
from sync_service.errors import BadRequest, Conflict, Gone, NotAllowed, NotFound, PreconditionFailed, Unprocessable
from sync_service.features import meanings
from sync_service.features.answers import guard
from sync_service.features.asking import read_ask
from sync_service.features.bodies import PATCH_MEDIA, WHOLE_MEDIA, Form
from sync_service.features.cql import GEOMETRY
from sync_service.features.schemas import fields_of
from sync_service.features.single import find_item, show_item
from sync_service.features.validators import Tag, unwanted_versions, wanted_versions
from sync_service.jobs.wake import wake_worker
from sync_service.store import queries
from sync_service.store.counter import identity
from sync_service.store.features import Author

if TYPE_CHECKING:
    from flask import Blueprint
    from sqlalchemy import Connection

    from sync_service.access import Person
    from sync_service.editing.pushes import EditResult
    from sync_service.features.asking import Ask
    from sync_service.features.bodies import Said
    from sync_service.features.face import Face
    from sync_service.features.single import Item
    from sync_service.store.collections import Collection
    from sync_service.sync.editing import Edit, Refusal

ITEMS = "/ogc/collections/<name>/items"
ITEM = f"{ITEMS}/<guid>"
_LONGEST_KEY = 200
_READING = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Writer:
    """Somebody who may write, with the collection they write to."""

    face: Face
    ask: Ask
    collection: Collection
    person: Person

    @property
    def form(self) -> Form:
        """What can be said here."""
        return Form(self.collection, fields_of(self.collection), self.face.offered)

    def push(self, edit: Edit, base: str | None = None, key: str | None = None) -> EditResult:
        """Apply an edit, if the request's conditions hold at that very moment; with a `key` only once.

        Raises what stands against it.
        """
        answer = apply_push(
            self.face.database,
            # Whoever sends no If-Match wins, and what they wrote over is offered back.
            Push(None, _source(), _source(), (Change(key, edit, base, overwrite=True),), Mode.ALL),
            Author(_source(), self.person.name, who_id=self.person.key),
            rules_for(self.person, self.face.database, self.face.settings),
            self.face.now(),
            guard=lambda connection: check_conditions(connection, edit.guid),
        )
        wake_worker(self.face.settings.store_url)
        (result,) = answer.results
        if result.refusal is not None:
            raise refused(result.refusal, edit.guid)
        return result

    def show(self, guid: str, result: EditResult, status: int) -> Response:
        """The feature as it is now; nothing if it has left the collection."""
        path = f"/collections/{self.collection.name}/items/{guid}"
        ask = replace(self.ask, path=path, query="", parameters={}, form=None, html=False)
        shown = show_item(self.face, ask, self.collection, guid)
        answer = Response(status=204) if shown is None else shown
        answer.status_code = status if shown is not None else 204
        answer.headers["Content-Location"] = ask.url()
        if shown is None:
            answer.set_etag(Tag("", str(result.version)).text())
        return guard(ask, answer)


def _source() -> str:
    return "qgis" if "qgis" in request.user_agent.string.lower() else "ogc"


def check_conditions(connection: Connection, guid: str) -> None:
    """PreconditionFailed unless the feature is as `If-Match` and `If-None-Match` want it. Inside the transaction."""
    wanted, unwanted = wanted_versions(request.headers, request.if_match), unwanted_versions(request.if_none_match)
    row = queries.find_feature(connection, guid)
    version = None if row is None else version_text(identity(connection), row["version"])
    if (wanted is not None and not wanted.meets(version)) or unwanted.meets(version):
        raise PreconditionFailed(version=version)


_FIELD_OF = {
    "bad_guid": "guid",
    "exists": "guid",
    "change_id_reused": "Idempotency-Key",
    "place_contradicts": "placement",
    "placed_without_geometry": "placement",
}


def refused(refusal: Refusal, guid: str) -> Exception:
    """The error that tells why an edit was rejected, and of which property."""
    match refusal.code:
        case "unknown_guid":
            return NotFound("feature", guid=guid)
        case "gone":
            return Gone(refusal.code, guid=guid)
        case "exists":
            return Conflict(refusal.code, guid=guid)
        case "may_not_approve":
            return NotAllowed(Action.MODERATE, field="stage", reason=refusal.code)
        case code:
            data = dict(refusal.data)
            field = str(data.pop("field", _FIELD_OF.get(code, GEOMETRY)))
            return Unprocessable(field, code, **data)


def add_writes(blueprint: Blueprint, face: Face) -> None:
    """POST, PUT, PATCH and DELETE of the collections that are switched on."""

    @blueprint.post(ITEMS, provide_automatic_options=False)
    def create(name: str) -> Response:
        writer = _writer(face, name)
        said = writer.form.whole(request)
        key = _key(writer.person)
        guid = said.guid or (str(uuid4()) if key is None else str(uuid5(NAMESPACE_OID, key)))
        result = writer.push(meanings.draw(said, guid, writer.collection), key=key)
        answer = writer.show(guid, result, 201)
        answer.status_code = 201
        answer.headers["Location"] = answer.headers["Content-Location"]
        return answer

    @blueprint.put(ITEM, provide_automatic_options=False)
    def replace(name: str, guid: str) -> Response:
        writer = _writer(face, name)
        item = _item(writer, guid)
        said = writer.form.whole(request)
        result = writer.push(meanings.replace(said, guid, item.shown), _base(item, said))
        return writer.show(guid, result, 200)

    @blueprint.patch(ITEM, provide_automatic_options=False)
    def update(name: str, guid: str) -> Response:
        writer = _writer(face, name)
        item = _item(writer, guid)
        said = writer.form.patch(request, item.shape_type)
        result = writer.push(meanings.update(said, guid, item.shown), _base(item, said))
        return writer.show(guid, result, 200)

    @blueprint.delete(ITEM, provide_automatic_options=False)
    def delete(name: str, guid: str) -> Response:
        writer = _writer(face, name)
        item = _item(writer, guid)
        result = writer.push(meanings.unplace(guid), _base(item))
        answer = Response(status=204)
        answer.set_etag(Tag("", str(result.version)).text())
        return guard(writer.ask, answer)


def _key(person: Person) -> str | None:
    """The name by which a request sent again is known: `Idempotency-Key`, each person's own."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > _LONGEST_KEY:
        raise BadRequest("Idempotency-Key", "key_long", limit=_LONGEST_KEY)
    return f"{person.key}:{key}" if key else None


def _writer(face: Face, name: str) -> Writer:
    ask = read_ask(request, face.root, person_of(request))
    collection = face.collection(ask, name)
    if not face.editable(collection):  # whatever else may be wrong with the request
        raise MethodNotAllowed(valid_methods=_READING)
    ask.expect(())
    return Writer(face, ask, collection, require(Action.EDIT))


def _item(writer: Writer, guid: str) -> Item:
    found = find_item(writer.face, writer.ask, writer.collection, guid)
    if found is None:
        raise NotFound("feature", guid=guid)
    return found


def _base(item: Item, said: Said | None = None) -> str | None:
    """The version an edit was made from: what `If-Match` holds it to, or what its body says was seen."""
    wanted = wanted_versions(request.headers, request.if_match)
    if wanted is not None and not wanted.anything:
        return item.version
    seen = None if said is None else said.row_version
    return None if seen is None else item.shelf.version(seen)


def methods_of(face: Face, ask: Ask, collection: Collection, *, single: bool) -> tuple[str, ...]:
    """What whoever asks may do with a collection's items, or a single one. Writing is always offered whole.

    QGIS edits only what it may add to, and only where PUT is offered; it then uses PATCH if that is, too.
    """
    if not (ask.editing and face.editable(collection)):
        return _READING
    return (*_READING, "PUT", "PATCH", "DELETE") if single else (*_READING, "POST")


def add_options(blueprint: Blueprint, face: Face) -> None:
    """`OPTIONS` of the items of a collection, and of a single one, be it there or not."""

    @blueprint.route(ITEMS, methods=["OPTIONS"])
    def items_options(name: str) -> Response:
        return options(name, single=False)

    @blueprint.route(ITEM, methods=["OPTIONS"])
    def item_options(name: str, guid: str) -> Response:  # noqa: ARG001 - QGIS asks of one it made up
        return options(name, single=True)

    def options(name: str, *, single: bool) -> Response:
        ask = face.ask()
        collection = face.collection(ask, name)
        allowed = methods_of(face, ask, collection, single=single)
        answer = Response(status=204)
        answer.headers["Allow"] = ", ".join(allowed)
        if "POST" in allowed:
            answer.headers["Accept-Post"] = ", ".join(WHOLE_MEDIA)
        if "PATCH" in allowed:
            answer.headers["Accept-Patch"] = ", ".join(PATCH_MEDIA)
        return guard(ask, answer)
