"""The addresses that put back: one change of a proposal or a whole push, foretold first and sparing later edits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from flask import flash, redirect, request

from sync_service.access import Action, person_of
from sync_service.desk.changes import GEOMETRY, Line, tell_field
from sync_service.desk.frame import author_of, enter, here, page
from sync_service.desk.moves import read_shape
from sync_service.desk.sketch import draw_sketch
from sync_service.editing.undoing import undo_change, undo_push
from sync_service.errors import NotFound
from sync_service.store.briefs import briefs_of
from sync_service.store.history import past_with, pasts_in
from sync_service.store.pushes import find_push
from sync_service.sync.values import Placement

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from flask import Blueprint
    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as AnyResponse

    from sync_service.desk.frame import Desk
    from sync_service.desk.sketch import Sketch
    from sync_service.desk.wording import Wording
    from sync_service.editing.undoing import PutBack, Undoing
    from sync_service.store.briefs import Brief
    from sync_service.store.history import Past
    from sync_service.sync.values import Value

PLACEMENT = "placement"
_FOLLOWING = {Placement.PLACED, Placement.UNPLACED, None}
"""Placements that a place coming or going brings about by itself."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is put back of one proposal, in words: from the present values to those it gets; and what is spared."""

    guid: str
    title: str
    brief: Brief | None
    stage: str
    lines: Sequence[Line]
    spared: str
    gone: bool
    sketch: Sketch | None


@dataclass(frozen=True, slots=True)
class Origin:
    """What would be put back: when it was done, from where, by whom; when it was put back already."""

    when: str
    source: str
    who: str
    undone: str


def add_restoring(blueprint: Blueprint, desk: Desk) -> None:
    """Add the addresses to the desk's blueprint."""

    @blueprint.route("/desk/pushes/<key>", methods=["GET", "POST"])
    def push_page(key: str) -> AnyResponse:
        author = author_of(enter(Action.MODERATE))
        return _answer(
            desk,
            lambda *, dry_run: undo_push(desk.database, key, author, desk.now(), dry_run=dry_run),
            lambda connection: _push_origin(connection, key, desk.wording),
            whole=True,
        )

    @blueprint.route("/desk/proposals/<guid>/changes/<int:change>", methods=["GET", "POST"])
    def change_page(guid: str, change: int) -> AnyResponse:
        author = author_of(enter(Action.MODERATE))
        return _answer(
            desk,
            lambda *, dry_run: undo_change(desk.database, guid, change, author, desk.now(), dry_run=dry_run),
            lambda connection: _change_origin(connection, guid, change, desk.wording),
            whole=False,
        )


class _Undo(Protocol):
    def __call__(self, *, dry_run: bool) -> Undoing: ...


def _answer(desk: Desk, undo: _Undo, origin: Callable[[Connection], Origin], *, whole: bool) -> AnyResponse:
    """Put back when the button was pressed; otherwise tell what that would do."""
    if request.method == "POST":
        done = sum(bool(each.fields) for each in undo(dry_run=False).proposals)
        desk.wake()
        flash(desk.wording.say("putback.done", n=done), "done" if done else "moved")
        return redirect(here(), 303)
    undoing, wording = undo(dry_run=True), desk.wording
    with desk.database.reading() as connection:
        briefs = briefs_of(connection, [each.guid for each in undoing.proposals])
        told = [_tell(each, briefs.get(each.guid), wording) for each in undoing.proposals]
        return page(desk, person_of(request), "putback", told=told, origin=origin(connection), whole=whole)


def _push_origin(connection: Connection, key: str, wording: Wording) -> Origin:
    kept, pasts = find_push(connection, key), pasts_in(connection, key)
    if kept is not None:
        undone = wording.moment(kept.undone) if kept.undone else ""
        return Origin(wording.moment(kept.at), wording.source(kept.source), wording.who(kept.who), undone)
    return _origin(pasts[0], wording)


def _change_origin(connection: Connection, guid: str, change: int, wording: Wording) -> Origin:
    past = past_with(connection, guid, change)
    if past is None:
        raise NotFound("change")
    return _origin(past, wording)


def _origin(past: Past, wording: Wording) -> Origin:
    return Origin(wording.moment(past.at), wording.source(past.source), wording.who(past.who), "")


def _tell(put: PutBack, brief: Brief | None, wording: Wording) -> Told:
    present, target = put.fields.get(GEOMETRY, (None, None))
    return Told(
        guid=put.guid,
        title=(brief.title if brief else None) or wording.say("untitled"),
        brief=brief,
        stage=wording.stage(brief.stage if brief else None),
        lines=[tell_field(name, *sides, wording) for name, sides in _worth_telling(put)],
        spared=", ".join(_label(name, wording) for name in put.spared if not _follows(name, put.spared)),
        gone=put.gone,
        sketch=draw_sketch({"before": read_shape(present), "after": read_shape(target)}, wording),
    )


def _worth_telling(put: PutBack) -> list[tuple[str, tuple[Value, Value]]]:
    return [
        (name, sides)
        for name, sides in put.fields.items()
        if not (_follows(name, put.fields) and set(sides) <= _FOLLOWING)
    ]


def _follows(name: str, names: Collection[str]) -> bool:
    return name == PLACEMENT and GEOMETRY in names


def _label(name: str, wording: Wording) -> str:
    return wording.say("place.title") if name == GEOMETRY else wording.label(name)
