"""The addresses at which a working copy speaks: pushes of edits, clashes resolved, pushes put back, actions."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from flask import Response, request

from sync_service.access import Action, require
from sync_service.editing.actions import MODERATORS, act_on
from sync_service.editing.pushes import apply_push
from sync_service.editing.resolving import resolve_clash
from sync_service.editing.undoing import undo_push
from sync_service.errors import BadRequest
from sync_service.exchange.asking import read_parameters
from sync_service.exchange.deeds import read_action, undone_document
from sync_service.exchange.disputing import clash_list, read_resolution, resolved_document
from sync_service.exchange.face import ROOT, asked_document, respond
from sync_service.exchange.pushing import KEY_HEADER, SOURCE, answer_document, read_key, read_push
from sync_service.exchange.wire import pointer_to
from sync_service.hands import same_hand
from sync_service.jobs.wake import wake_worker
from sync_service.pages import request_language
from sync_service.store.features import Author
from sync_service.store.pushes import find_push

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Blueprint

    from sync_service.access import Person
    from sync_service.exchange.face import Face


def add_writing(blueprint: Blueprint, face: Face) -> None:
    """Add them to the blueprint."""
    _add_pushes(blueprint, face)
    _add_clashes(blueprint, face)
    _add_deeds(blueprint, face)


def _add_pushes(blueprint: Blueprint, face: Face) -> None:
    @blueprint.post(f"{ROOT}/collections/proposals/push")
    def push() -> Response:
        person = _editor(Action.SUBMIT)
        key = read_key(request.headers.get(KEY_HEADER))
        asked = read_push(key, asked_document("push"))
        done = apply_push(face.database, asked, _author(person), face.rules(person), face.now())
        if done.kept:
            wake_worker(face.settings.store_url)
        return respond(answer_document(done, request_language()))


def _add_clashes(blueprint: Blueprint, face: Face) -> None:
    @blueprint.get(f"{ROOT}/clashes")
    def clashes() -> Response:
        require(Action.READ_WORKING)
        read_parameters(request, ())
        with face.database.reading() as connection:
            document = clash_list(connection)
        return respond(document)

    @blueprint.post(f"{ROOT}/clashes/<clash_id>")
    def resolve(clash_id: str) -> Response:
        person = _editor(Action.EDIT)
        wanted = read_resolution(asked_document("resolution"))
        if wanted.renew is not None:
            require(Action.MODERATE)  # a proposal ends here, or its card begins anew
        author = _author(person, push=str(uuid4()))
        with _pointing("geometry", "fields", "renew"):
            done = resolve_clash(face.database, clash_id, wanted, author, rules=face.rules(person), now=face.now())
        wake_worker(face.settings.store_url)
        return respond(resolved_document(done, str(author.push)))


def _add_deeds(blueprint: Blueprint, face: Face) -> None:
    @blueprint.post(f"{ROOT}/pushes/<key>/undo")
    def undo(key: str) -> Response:
        person = _editor(Action.EDIT)
        dry = asked_document("undo").get("dry_run", False)
        if not dry and _is_others(face, key, person):
            require(Action.MODERATE)
        done = undo_push(face.database, key, _author(person), face.now(), dry_run=dry)
        if done.key is not None:
            wake_worker(face.settings.store_url)
        return respond(undone_document(done))

    @blueprint.post(f"{ROOT}/proposals/<guid>/actions")
    def act(guid: str) -> Response:
        person = _editor(Action.EDIT)
        key = request.headers.get(KEY_HEADER)
        asked = read_action(asked_document("action"), None if key is None else read_key(key))
        if asked.act in MODERATORS:
            require(Action.MODERATE)
        with _pointing("reason"):
            version = act_on(face.database, guid, asked, _author(person), face.now())
        wake_worker(face.settings.store_url)
        return respond({"guid": guid, "version": version})


def _is_others(face: Face, key: str, person: Person) -> bool:
    with face.database.reading() as connection:
        kept = find_push(connection, key)
    return kept is not None and not same_hand(kept.who_id, kept.who, person.key, person.name)


def _author(person: Person, push: str | None = None) -> Author:
    """Who the history says did it."""
    return Author(SOURCE, person.name, push, who_id=person.key)


def _editor(action: Action) -> Person:
    """Who asks, if they may; nothing of what they ask stands in the address."""
    person = require(action)
    read_parameters(request, ())
    return person


@contextmanager
def _pointing(*members: str) -> Iterator[None]:
    """What cannot be so is named by where it stands in the body: among its members, or its `fields`."""
    try:
        yield
    except BadRequest as error:
        name = str(error.data["field"])
        error.data["field"] = pointer_to([name] if name in members else ["fields", name])
        raise
