"""The addresses of clashes: the list, one with both its sides, and the word that resolves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, request, url_for

from sync_service.access import Action, person_of
from sync_service.access.rules import rules_for
from sync_service.desk.clashes import read_fields, tell_clash
from sync_service.desk.frame import author_of, enter, page
from sync_service.editing.resolving import Resolution, resolve_clash
from sync_service.errors import BadRequest, Conflict, NotFound, Unprocessable
from sync_service.publicmap import assets
from sync_service.store import clashes
from sync_service.store.briefs import briefs_of
from sync_service.words import knows, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Blueprint, Response
    from werkzeug.wrappers import Response as AnyResponse

    from sync_service.desk.frame import Desk
    from sync_service.store.clashes import OpenClash

PAGE = 100
"""Clashes on a page."""

_RENEW = {"renew": True, "retire": False}
"""What a pressed button says of a proposal whose card is gone."""


def add_judging(blueprint: Blueprint, desk: Desk) -> None:
    """Add the addresses to the desk's blueprint."""

    @blueprint.get("/desk/clashes")
    def clashes_page() -> Response:
        person = enter(Action.MODERATE)
        start = max(0, request.args.get("from", 0, int))
        with desk.database.reading() as connection:
            found = clashes.open_clashes(connection)[start:]
            briefs = briefs_of(connection, _guids(found[:PAGE]))
        told = [tell_clash(item, briefs, desk.wording) for item in found[:PAGE]]
        return page(desk, person, "clashes", clashes=told, further=start + PAGE if len(found) > PAGE else None)

    @blueprint.get("/desk/clashes/<clash_id>")
    def clash_page(clash_id: str) -> Response:
        enter(Action.MODERATE)
        return _show(desk, clash_id)

    @blueprint.post("/desk/clashes/<clash_id>")
    def resolve(clash_id: str) -> AnyResponse:
        enter(Action.MODERATE)
        return _resolve(desk, clash_id)


def _guids(found: Sequence[OpenClash]) -> list[str]:
    return [guid for item in found for guid in (item.guid, item.origin.other) if guid]


def _find(desk: Desk, clash_id: str) -> OpenClash | None:
    with desk.database.reading() as connection:
        return clashes.find_clash(connection, clash_id)


def _show(desk: Desk, clash_id: str, *, status: int = 200, alert: str = "") -> Response:
    with desk.database.reading() as connection:
        item = clashes.find_clash(connection, clash_id)
        if item is None:
            raise NotFound("clash")
        briefs = briefs_of(connection, _guids([item]))
    told = tell_clash(item, briefs, desk.wording)
    release = assets.version()
    return page(desk, person_of(request), "clash", status=status, clash=told, alert=alert, release=release)


def _resolve(desk: Desk, clash_id: str) -> AnyResponse:
    person, wording = person_of(request), desk.wording
    item = _find(desk, clash_id)
    if item is None:
        flash(wording.say("clash.already"), "moved")
        return redirect(url_for("desk.clashes_page"), 303)
    said, rules = _resolution(item), rules_for(person, desk.database, desk.settings)
    try:
        done = resolve_clash(desk.database, clash_id, said, author_of(person), rules=rules, now=desk.now())
    except (Conflict, NotFound):
        return _show_again(desk, clash_id)
    except Unprocessable as error:
        key = f"rejections.{error.data['reason']}"
        why = say(key, wording.language, **error.data) if knows(key) else error.say(wording.language)
        return _show(desk, clash_id, status=422, alert=why)
    desk.wake()
    flash(wording.say("clash.partly" if done.left else "clash.resolved"), "done")
    where = url_for("desk.clash_page", clash_id=clash_id) if done.left else url_for("desk.clashes_page")
    return redirect(where, 303)


def _show_again(desk: Desk, clash_id: str) -> AnyResponse:
    """Either side moved since the page was made: the new state, and nothing done."""
    if _find(desk, clash_id) is None:
        flash(desk.wording.say("clash.already"), "moved")
        return redirect(url_for("desk.clashes_page"), 303)
    return _show(desk, clash_id, status=409, alert=desk.wording.say("clash.moved"))


def _resolution(item: OpenClash) -> Resolution:
    """What the form says. It is of the revision the person saw: another one resolves nothing."""
    revision, do = request.form.get("revision", 0, int), request.form.get("do", "")
    if item.revision != revision:
        return Resolution(revision)
    if item.reason != clashes.GONE:
        return Resolution(revision, read_fields(do, request.form, item))
    if do not in _RENEW:
        raise BadRequest("do", "not_one_of", choices=", ".join(_RENEW))
    return Resolution(revision, renew=_RENEW[do])
