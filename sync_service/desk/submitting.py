"""What a partner comes for: the proposals of their own organisation at every stage, and a form for a new one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from flask import Response, flash, redirect, request, url_for

from sync_service.access import Action
from sync_service.access.rules import own_only, rules_for
from sync_service.desk.frame import SOURCE, author_of, enter, page
from sync_service.editing.pushes import Change, Push, apply_push
from sync_service.store.briefs import partner_briefs
from sync_service.sync.editing import Edit, EditOp, is_guid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Blueprint
    from werkzeug.wrappers import Response as AnyResponse

    from sync_service.access import Person
    from sync_service.desk.frame import Desk
    from sync_service.editing.pushes import EditResult
    from sync_service.sync.values import Value

PAGE = 100
"""Proposals on a page."""
FIELDS = ("title", "description", "address", "horizon", "partner")
"""What the form asks for, by property."""


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it was sent: the guid it was given when it was shown, texts by property, and what is wrong."""

    guid: str
    texts: Mapping[str, str] = field(default_factory=dict)
    wrong: str | None = None


def add_submitting(blueprint: Blueprint, desk: Desk) -> None:
    """Add the address to the desk's blueprint."""

    @blueprint.get("/desk/own")
    def own_page() -> Response:
        person = enter(Action.READ_OWN)
        return _show(desk, person, Filled(str(uuid4())))

    @blueprint.post("/desk/own")
    def submit() -> AnyResponse:
        person = enter(Action.SUBMIT)
        filled = _read_form(desk)
        if filled.wrong is None:
            result = _bring_in(desk, person, filled)
            if result.refusal is None:
                desk.wake()
                flash(desk.wording.say("own.done", title=filled.texts["title"]), "done")
                return redirect(url_for("desk.own_page"), 303)
            filled = Filled(filled.guid, filled.texts, result.message(desk.wording.language))
        return _show(desk, person, filled, status=422)


def _read_form(desk: Desk) -> Filled:
    texts = {name: request.form.get(name, "").strip() for name in FIELDS}
    given = request.form.get("guid", "")
    guid = given if is_guid(given) else str(uuid4())
    if not texts["title"]:
        return Filled(guid, texts, desk.wording.say("own.title_wanted"))
    if texts["horizon"] and not (texts["horizon"].isascii() and texts["horizon"].isdigit()):
        return Filled(guid, texts, desk.wording.say("own.horizon_wanted"))
    return Filled(guid, texts)


def _bring_in(desk: Desk, person: Person, filled: Filled) -> EditResult:
    """One proposal for one form, however often it is sent: the form's guid names the edit, and its author's client."""
    edit = Edit(EditOp.CREATE, filled.guid, _values(filled.texts))
    push = Push(None, f"{SOURCE}:{filled.guid}", SOURCE, (Change(filled.guid, edit),))
    rules = rules_for(person, desk.database, desk.settings)
    return apply_push(desk.database, push, author_of(person), rules, desk.now()).results[0]


def _values(texts: Mapping[str, str]) -> dict[str, Value]:
    said: dict[str, Value] = {name: text for name, text in texts.items() if text}
    return said | ({"horizon": int(texts["horizon"])} if texts["horizon"] else {})


def _show(desk: Desk, person: Person, filled: Filled, *, status: int = 200) -> Response:
    before = request.args.get("before", None, int)
    with desk.database.reading() as connection:
        found = partner_briefs(connection, own_only(person), before=before, limit=PAGE + 1)
    shown: dict[str, Any] = {
        "briefs": [brief for _, brief in found[:PAGE]],
        "further": found[PAGE - 1][0] if len(found) > PAGE else None,
        "before": before,
        "stage": desk.wording.stage,
        "filled": filled,
        "may_submit": person.may(Action.SUBMIT) and (person.may(Action.EDIT) or bool(person.organisations)),
        "organisations": person.organisations,
    }
    return page(desk, person, "own", status=status, **shown)
