"""The addresses of what changed: the list and its export, and one proposal's history."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Response, request

from sync_service.access import Action
from sync_service.desk.changes import by_day, headings, table
from sync_service.desk.frame import enter, page
from sync_service.desk.moves import read_shape
from sync_service.desk.picking import SPANS, read_pick
from sync_service.desk.sketch import draw_sketch
from sync_service.errors import NotFound, TooLarge
from sync_service.export.sheets import writers
from sync_service.store.briefs import briefs_of
from sync_service.store.journal import NOBODY, Picked, count_entries, read_choices, read_entries
from sync_service.sync.values import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Blueprint
    from sqlalchemy import Connection

    from sync_service.desk.changes import Change
    from sync_service.desk.frame import Desk
    from sync_service.desk.picking import Pick
    from sync_service.desk.sketch import Sketch
    from sync_service.desk.wording import Wording
    from sync_service.store.history import Past
    from sync_service.store.journal import Choices

PAGE = 200
"""Changes on a page."""
MOST_EXPORTED = 50_000
"""Changes in one exported file."""


def add_tracking(blueprint: Blueprint, desk: Desk) -> None:
    """Add the addresses to the desk's blueprint."""

    @blueprint.get("/desk/changes")
    def changes_page() -> Response:
        person = enter(Action.READ_WORKING)
        pick = read_pick(request.args, desk.today)
        return page(desk, person, "changes", **_changes(desk, pick, request.args.get("before", None, int)))

    @blueprint.get("/desk/changes.<form>")
    def changes_file(form: str) -> Response:
        enter(Action.READ_WORKING)
        return _export(desk, read_pick(request.args, desk.today), form)

    @blueprint.get("/desk/proposals/<guid>")
    def proposal_page(guid: str) -> Response:
        person = enter(Action.READ_WORKING)
        return page(desk, person, "proposal", **_proposal(desk, guid, request.args.get("before", None, int)))


def _changes(desk: Desk, pick: Pick, before: int | None) -> dict[str, Any]:
    picked = pick.picked(desk.settings.timezone)
    with desk.database.reading() as connection:
        entries, further = _page_of(connection, picked, before)
        briefs = briefs_of(connection, [entry.guid for entry in entries])
        choices = read_choices(connection, picked.since)
        changes, proposals = count_entries(connection, picked)
    return {
        "pick": pick,
        "days": by_day(entries, briefs, desk.wording),
        **_options(choices, desk.wording),
        "spans": [(days, (desk.today - timedelta(days=days - 1)).isoformat()) for days in SPANS],
        "found": changes,
        "proposals": proposals,
        "before": before,
        "further": further,
    }


def _options(choices: Choices, wording: Wording) -> dict[str, list[tuple[str, str]]]:
    """What each filter offers, as value and text."""
    return {
        "sources": [(source, wording.source(source)) for source in choices.sources],
        "who": [(who, wording.who(who)) for who in choices.who] + [(NOBODY, wording.say("changes.nobody"))],
        "stages": [(stage.value, wording.stage(stage.value)) for stage in Stage],
        "directions": [(direction, direction) for direction in choices.directions],
    }


def _page_of(connection: Connection, picked: Picked, before: int | None) -> tuple[Sequence[Past], int | None]:
    """A page of changes, and from before which entry the next one goes on."""
    found = read_entries(connection, picked, before=before, limit=PAGE + 1)
    return found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None


def _export(desk: Desk, pick: Pick, form: str) -> Response:
    wording = desk.wording
    writer = writers(wording.say("changes.sheet")).get(form)
    if writer is None:
        raise NotFound("form")
    with desk.database.reading() as connection:
        picked = pick.picked(desk.settings.timezone)
        if count_entries(connection, picked)[0] > MOST_EXPORTED:
            raise TooLarge(MOST_EXPORTED)
        entries = read_entries(connection, picked, before=None, limit=MOST_EXPORTED)
        briefs = briefs_of(connection, {entry.guid for entry in entries})
    media, write = writer
    answer = Response(write(headings(wording), table(entries, briefs, wording)), content_type=media)
    last = (pick.until or desk.today).isoformat()
    answer.headers["Content-Disposition"] = f"attachment; filename=changes-{pick.since.isoformat()}-{last}.{form}"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _sketch(change: Change, wording: Wording) -> Sketch | None:
    if change.shapes is None:
        return None
    before, after = change.shapes
    return draw_sketch({"before": read_shape(before), "after": read_shape(after)}, wording)


def _proposal(desk: Desk, guid: str, before: int | None) -> dict[str, Any]:
    with desk.database.reading() as connection:
        brief = briefs_of(connection, [guid]).get(guid)
        if brief is None:
            raise NotFound("proposal")
        entries, further = _page_of(connection, Picked(guid=guid), before)
    wording = desk.wording
    return {
        "brief": brief,
        "heading": brief.title or wording.say("untitled"),
        "stage": wording.stage(brief.stage),
        "visibility": wording.value("visibility", brief.visibility),
        "days": by_day(entries, {guid: brief}, wording),
        "sketch_of": partial(_sketch, wording=wording),
        "before": before,
        "further": further,
    }
