"""Settling what waits for a person: confirming or refusing it, on the command line and on the page alike.

What a person saw may be something else by now: an item is settled only if it still wants what it wanted then.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sync_service.engine.proposal import confirm_item
from sync_service.store import waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sync_service.store.database import Database
    from sync_service.store.features import Author
    from sync_service.store.waiting import Waiting

_AT_ONCE = 200
"""Items settled in one transaction, so that nobody else waits long."""


class Answer(StrEnum):
    """What a person says to what waits."""

    CONFIRM = "confirm"
    REFUSE = "refuse"


@dataclass(slots=True)
class Settled:
    """How many were settled, and how many had changed since they were looked at and still wait."""

    done: int = 0
    moved: int = 0


def settle_waiting(
    database: Database, seen: Sequence[Waiting], answer: Answer, author: Author, now: Callable[[], datetime]
) -> Settled:
    """Give this answer to all of these, as they were seen. The worker is to be woken afterwards."""
    settled = Settled()
    for batch in _batches(seen):
        with database.writing() as connection:
            for item in batch:
                present = waiting.waiting_item(connection, item.guid, item.topic)
                if present is None or (present.id, present.change, present.since) != (item.id, item.change, item.since):
                    settled.moved += 1
                    continue
                if answer is Answer.CONFIRM:
                    confirm_item(connection, present, author, now())
                else:
                    waiting.refuse_item(connection, present, now())
                settled.done += 1
    return settled


def _batches(seen: Sequence[Waiting]) -> Iterator[Sequence[Waiting]]:
    for start in range(0, len(seen), _AT_ONCE):
        yield seen[start : start + _AT_ONCE]
