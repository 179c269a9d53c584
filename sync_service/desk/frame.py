"""What the pages of the desk share: who may come in, the frame, and how many matters are open."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Response, abort, redirect, request, url_for

from sync_service.access import Action, person_of, require
from sync_service.access.forms import check_form
from sync_service.access.person import Proof
from sync_service.desk.wording import Wording
from sync_service.errors import Unauthenticated
from sync_service.jobs.wake import wake_worker
from sync_service.pages import request_language, show, wants_page
from sync_service.store import clashes, waiting
from sync_service.store.features import Author
from sync_service.words import say

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from sync_service.access import Person
    from sync_service.settings import Settings
    from sync_service.store.database import Database

SOURCE = "page"
"""How the history names changes made on these pages."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the pages work with."""

    database: Database
    settings: Settings
    now: Callable[[], datetime]

    @property
    def wording(self) -> Wording:
        """What puts things into the words of whoever asks."""
        return Wording(request_language(), self.settings.timezone)

    @property
    def today(self) -> date:
        """The local date."""
        return self.now().astimezone(self.settings.timezone).date()

    def wake(self) -> None:
        """Tell the worker that there is something to do."""
        wake_worker(self.settings.store_url)


@dataclass(frozen=True, slots=True)
class OpenMatters:
    """How much there is for a moderator to do."""

    waiting: int
    clashes: int

    @property
    def total(self) -> int:
        """Both together."""
        return self.waiting + self.clashes


def open_matters(database: Database) -> OpenMatters:
    """How many changes wait and how many clashes are open."""
    with database.reading() as connection:
        return OpenMatters(waiting.count_waiting(connection), clashes.count_open(connection))


def matters_for(database: Database) -> int | None:
    """How much waits for whoever asks; None for who has no business at the desk."""
    person = person_of(request)
    if not person.may(Action.READ_OWN):
        return None
    return open_matters(database).total if person.may(Action.MODERATE) else 0


def enter(action: Action) -> Person:
    """The person who asks, if they may. Whoever has not signed in and asks with a browser is led there and back.

    Forms must be our own, also where nobody needs to sign in.
    """
    try:
        person = require(action)
    except Unauthenticated:
        if request.method in {"GET", "HEAD"} and wants_page():
            abort(redirect(url_for("access.signin_page", next=here()), 303))
        raise
    if request.method == "POST" and person.proof is Proof.LOOPBACK:
        check_form(request)
    return person


def here() -> str:
    """The address asked for, as the browser has it."""
    return request.script_root + request.full_path.removesuffix("?")


def author_of(person: Person) -> Author:
    """Who the history says did it. What a person decides here is no part of a surge."""
    return Author(SOURCE, who=person.name, confirmed=True, who_id=person.key)


def page(desk: Desk, person: Person, template: str, *, status: int = 200, **data: Any) -> Response:
    """A page of the desk. Its template has `t(key, **data)` for the words of the desk."""
    language = request_language()
    matters = open_matters(desk.database) if person.may(Action.MODERATE) else None
    t = partial(_words, language)
    html = show(f"desk/{template}.html", t=t, person=person, matters=matters, **data)
    answer = Response(html, status=status)
    answer.headers["Cache-Control"] = "no-store"
    answer.vary.add("Accept-Language")
    return answer


def _words(language: Any, key: str, **data: object) -> str:
    return say(f"desk.{key}", language, **data)
