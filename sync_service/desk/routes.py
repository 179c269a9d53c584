"""The addresses of the desk, below `/desk`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, flash, redirect, request, url_for

from sync_service.access import Action, person_of
from sync_service.desk.frame import Desk, OpenMatters, author_of, enter, here, open_matters, page
from sync_service.desk.judging import add_judging
from sync_service.desk.restoring import add_restoring
from sync_service.desk.submitting import add_submitting
from sync_service.desk.tracking import add_tracking
from sync_service.desk.waiting import KINDS, read_choice, read_waiting
from sync_service.engine.settling import settle_waiting
from sync_service.errors import BadRequest
from sync_service.store import waiting
from sync_service.store.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from flask import Response
    from werkzeug.wrappers import Response as AnyResponse

    from sync_service.access import Person
    from sync_service.settings import Settings
    from sync_service.store.database import Database
    from sync_service.store.waiting import Waiting


def create_blueprint(database: Database, settings: Settings, now: Callable[[], datetime] = utc_now) -> Blueprint:
    """The blueprint `desk`, to be registered at the root. Needs `register_access` and `register_errors`."""
    desk = Desk(database, settings, now)
    blueprint = Blueprint(
        "desk", __name__, template_folder="templates", static_folder="static", static_url_path="/desk/static"
    )
    _add_entrance(blueprint, desk)
    _add_waiting(blueprint, desk)
    add_judging(blueprint, desk)
    add_tracking(blueprint, desk)
    add_restoring(blueprint, desk)
    add_submitting(blueprint, desk)
    return blueprint


def _add_entrance(blueprint: Blueprint, desk: Desk) -> None:
    @blueprint.get("/desk/")
    def entrance() -> AnyResponse:
        person = enter(Action.READ_OWN)
        if not person.may(Action.READ_WORKING):
            return redirect(url_for("desk.own_page"), 303)
        matters = _matters_of(desk, person)
        first = "waiting" if matters.waiting else "clashes" if matters.clashes else "changes"
        return redirect(url_for(f"desk.{first}_page"), 303)

    @blueprint.get("/desk/open.json")
    def matters() -> dict[str, int]:
        found = _matters_of(desk, enter(Action.READ_OWN))
        return {"waiting": found.waiting, "clashes": found.clashes, "total": found.total}


def _matters_of(desk: Desk, person: Person) -> OpenMatters:
    """How much waits for this person: nothing for who is no moderator."""
    return open_matters(desk.database) if person.may(Action.MODERATE) else OpenMatters(0, 0)


def _add_waiting(blueprint: Blueprint, desk: Desk) -> None:
    @blueprint.get("/desk/waiting")
    def waiting_page() -> Response:
        enter(Action.MODERATE)
        return _show_waiting(desk)

    @blueprint.post("/desk/waiting")
    def settle() -> AnyResponse:
        person = enter(Action.MODERATE)
        answer, items, gone = read_choice(request.form.get("do", ""), request.form.getlist("item"), _all_items(desk))
        done = settle_waiting(desk.database, items, answer, author_of(person), desk.now)
        desk.wake()
        wording, moved = desk.wording, done.moved + gone
        if moved and not done.done:
            return _show_waiting(desk, status=409, moved=moved)
        if done.done:
            flash(wording.say(f"waiting.done_{answer}", n=done.done), "done")
        if moved:
            flash(wording.say("waiting.moved", n=moved), "moved")
        if not (done.done or moved):
            flash(wording.say("waiting.none_chosen"), "moved")
        return redirect(here(), 303)


def _all_items(desk: Desk) -> Sequence[Waiting]:
    with desk.database.reading() as connection:
        return [*waiting.waiting_items(connection), *waiting.refused_items(connection)]


def _show_waiting(desk: Desk, *, status: int = 200, moved: int = 0) -> Response:
    kind, wording = request.args.get("kind"), desk.wording
    if kind is not None and kind not in KINDS:
        raise BadRequest("kind", "not_one_of", choices=", ".join(KINDS))
    with desk.database.reading() as connection:
        shown = read_waiting(connection, wording, kind=kind, after=request.args.get("after", 0, int))
    limit = desk.settings.surge_limit
    return page(desk, person_of(request), "waiting", status=status, shown=shown, moved=moved, limit=limit)
