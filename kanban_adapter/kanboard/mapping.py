r"""Rows of Kanboard to cards, and back. Pure.

Kanboard gives numbers as numbers or as text, depending on its database and PHP; nothing as null, 0 or ''; line ends as
the last form posted them. Canonical here: ids are text, absent is None, line ends are \n, a moment is a date in the
board's time zone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson

from kanban_adapter.card import Card, Comment, Listed, Related, Relation, WebLink

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

Row = Mapping[str, Any]

MAX_REFERENCE = 191
MAX_NOTE = 255
MAX_NOTE_NAME = 50
"""On MySQL and PostgreSQL metadata values are cut or refused beyond this; SQLite would take more."""

MAX_TITLE = 65535

# `date_modification` shows what else a listing hides: a person's edit of the tags always moves it. The position in the
# column is left out, since every drag changes that of many cards.
_SHOWN = (
    *("id", "project_id", "column_id", "is_active", "title", "description", "reference", "date_creation"),
    *("date_started", "date_due", "owner_id", "category_id", "swimlane_id", "color_id", "date_modification"),
)
_shown = itemgetter(*_SHOWN)


@dataclass(frozen=True, slots=True)
class Names:
    """Names of what cards carry as ids, of one project."""

    categories: Mapping[str, str] = field(default_factory=dict)
    swimlanes: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Details:
    """What hangs on a card beside its own row, as Kanboard answers it."""

    tags: Any
    metadata: Any
    web_links: Any
    relations: Any
    comments: Any


def fingerprint(row: Row) -> str:
    """Digest of a card's row as a listing shows it, the same whether numbers come as numbers or as text."""
    values = ["" if value is None else str(value) for value in _shown(row)]
    # Ten thousand of these are made in every sweep: orjson takes a third of the time of json.
    return hashlib.blake2b(orjson.dumps(values), digest_size=16).hexdigest()


def to_listed(row: Row) -> Listed:
    """A row of `getAllTasks` to what a listing tells."""
    return Listed(
        card_id=str(row["id"]),
        project_id=str(row["project_id"]),
        created=int(row["date_creation"]),
        fingerprint=fingerprint(row),
        closed=not int(row["is_active"]),
    )


def to_card(row: Row, details: Details, names: Names, *, zone: ZoneInfo, public_url: str) -> Card:
    """A row of `getTask` and what hangs on it to a card."""
    return Card(
        id=str(row["id"]),
        project_id=str(row["project_id"]),
        column_id=str(row["column_id"]),
        created=int(row["date_creation"]),
        modified=int(row["date_modification"] or 0),
        closed=not int(row["is_active"]),
        title=to_text(row["title"]),
        description=to_text(row["description"]),
        reference=row["reference"] or "",
        url=card_url(public_url, str(row["id"])),
        start=to_date(row["date_started"], zone),
        due=to_date(row["date_due"], zone),
        responsible=names.people.get(str(row["owner_id"])),
        category=names.categories.get(str(row["category_id"])),
        swimlane=names.swimlanes.get(str(row["swimlane_id"])),
        color=row["color_id"] or None,
        fingerprint=fingerprint(row),
        tags=to_tags(details.tags),
        metadata=to_notes(details.metadata),
        links=to_web_links(details.web_links),
        related=to_related(details.relations),
        comments=to_comments(details.comments),
    )


def card_url(public_url: str, card_id: str) -> str:
    """Where a person opens the card; works with and without URL rewriting."""
    return f"{public_url.rstrip('/')}/?controller=TaskViewController&action=show&task_id={card_id}"


def to_text(value: str | None) -> str:
    r"""Text with \n as its only line end: a form posts \r\n, which is no edit."""
    return (value or "").replace("\r\n", "\n").replace("\r", "\n")


def to_date(seconds: Any, zone: ZoneInfo) -> date | None:
    """A moment in unix seconds to a date; null, 0 and '' are no date."""
    moment = int(seconds or 0)
    return datetime.fromtimestamp(moment, UTC).astimezone(zone).date() if moment > 0 else None


def from_date(day: date | None) -> str:
    """A date as Kanboard's API takes it.

    It refuses unix seconds, and gives a date without a time the time of day it happens to be. Noon is the same date for
    nearly everybody, whatever the time zone of the account that writes.
    """
    return f"{day:%Y-%m-%d} 12:00" if day else ""


def to_tags(answer: Any) -> frozenset[str]:
    """`getTaskTags`: an object of names by id."""
    return frozenset(as_mapping(answer).values())


def to_notes(answer: Any) -> dict[str, str]:
    """Metadata of a card or project; an empty value is an absent one."""
    return {str(key): str(value) for key, value in as_mapping(answer).items() if value not in {None, ""}}


def to_web_links(answer: Any) -> tuple[WebLink, ...]:
    """`getAllExternalTaskLinks`, in the order they were made."""
    links = (WebLink(id=str(row["id"]), url=row["url"], title=row["title"] or "") for row in answer or [])
    return tuple(sorted(links, key=lambda link: int(link.id)))


def to_related(answer: Any) -> tuple[Related, ...]:
    """`getAllTaskLinks`; labels that mean nothing to a proposal are left out."""
    labels = {relation.value: relation for relation in Relation}
    related = {
        Related(labels[row["label"]], card_id=str(row["task_id"]), open=bool(int(row["is_active"])))
        for row in answer or []
        if row["label"] in labels
    }
    return tuple(sorted(related, key=lambda other: (other.relation, int(other.card_id))))


def to_comments(answer: Any) -> tuple[Comment, ...]:
    """`getAllComments`, oldest first."""
    comments = (
        Comment(
            id=str(row["id"]),
            text=to_text(row["comment"]),
            author=row.get("name") or row.get("username") or None,
            created=int(row["date_creation"]),
        )
        for row in answer or []
    )
    return tuple(sorted(comments, key=lambda comment: int(comment.id)))


def to_names(categories: Any, swimlanes: Any, people: Any) -> Names:
    """`getAllCategories`, `getAllSwimlanes` and `getAssignableUsers` of one project."""
    return Names(
        categories={str(row["id"]): row["name"] for row in categories or []},
        swimlanes={str(row["id"]): row["name"] for row in swimlanes or []},
        people={str(key): value for key, value in as_mapping(people).items()},
    )


def as_mapping(answer: Any) -> dict[str, Any]:
    """PHP's empty array may arrive as [] where an object is meant."""
    return dict(answer) if isinstance(answer, Mapping) else {}
