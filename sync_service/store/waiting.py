"""What waits for a person: changes beyond the surge limit, and texts that look personal. And the count of the surge."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, select, update

from sync_service.store.clock import stamp
from sync_service.store.dialect import insert
from sync_service.store.tables import change, feature, waiting
from sync_service.sync.surge import WINDOW

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class Topic(StrEnum):
    """What a waiting item is about."""

    VISIBILITY = "visibility"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits: of which proposal, about what, since when, refused or not.

    `change` is the visibility wanted, or for a text the digest that a person would release.
    """

    id: int
    guid: str
    topic: Topic
    change: str
    since: str
    refused: bool
    title: str | None
    card_id: str | None


def recent_changes(connection: Connection, now: datetime) -> int:
    """Publications, hidings and retirements inside the window that nobody confirmed by hand."""
    return connection.execute(_RECENT, {"since": stamp(now - WINDOW)}).scalar_one()


_RECENT = select(func.count()).where(
    change.c.visibility.is_not(None), change.c.at > bindparam("since"), change.c.by_person.is_(False)
)


def waiting_item(connection: Connection, guid: str, topic: Topic) -> Waiting | None:
    """What waits for this proposal on this topic, refused or not."""
    return next((item for item in _select(connection, (waiting.c.guid == guid) & (waiting.c.topic == topic))), None)


def waiting_items(connection: Connection) -> Sequence[Waiting]:
    """Everything that waits for a person, oldest first."""
    return _select(connection, waiting.c.refused.is_(None))


def refused_items(connection: Connection) -> Sequence[Waiting]:
    """What a person refused and the card still wants, oldest first."""
    return _select(connection, waiting.c.refused.is_not(None))


def count_waiting(connection: Connection) -> int:
    """How much waits for a person."""
    return connection.execute(_COUNT).scalar_one()


_COUNT = select(func.count()).select_from(waiting).where(waiting.c.refused.is_(None))


def _select(connection: Connection, condition: ColumnElement[bool]) -> Sequence[Waiting]:
    joined = waiting.outerjoin(feature, feature.c.guid == waiting.c.guid)
    query = (
        select(waiting, feature.c.title, feature.c.card_id).select_from(joined).where(condition).order_by(waiting.c.id)
    )
    return [
        Waiting(r.id, r.guid, Topic(r.topic), r.change, r.since, r.refused is not None, r.title, r.card_id)
        for r in connection.execute(query)
    ]


def let_wait(connection: Connection, guid: str, topic: Topic, wanted: str, now: datetime) -> None:
    """Have a change wait. The same change already waiting, or refused, stays as it is."""
    row = {"guid": guid, "topic": topic.value, "change": wanted, "since": stamp(now), "refused": None}
    statement = insert(waiting).values(row)
    other = waiting.c.change != statement.excluded.change
    connection.execute(statement.on_conflict_do_update(index_elements=["guid", "topic"], set_=row, where=other))


def stop_waiting(connection: Connection, guid: str, topic: Topic) -> None:
    """Nothing waits for this proposal on this topic any more."""
    connection.execute(_STOP, {"of": guid, "about": topic.value})


_STOP = delete(waiting).where(waiting.c.guid == bindparam("of"), waiting.c.topic == bindparam("about"))


def refuse_item(connection: Connection, item: Waiting, now: datetime) -> None:
    """A person refused it: it is asked again only when the card wants something else first."""
    connection.execute(update(waiting).where(waiting.c.id == item.id).values(refused=stamp(now)))
