"""Hints in the store: which cards may have changed. A hint that arrives while its card is worked on is worked again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, delete, func, select, update

from sync_service.store.clock import moment_of, stamp
from sync_service.store.dialect import insert
from sync_service.store.tables import inbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Hint:
    """A card to look at again; `generation` grows with every hint about it."""

    card_id: str
    generation: int
    attempts: int


def add_hints(connection: Connection, card_ids: Iterable[str], now: datetime) -> None:
    """Note that something about these cards may have changed. They are due at once."""
    at = stamp(now)
    rows = [
        {"card_id": card, "generation": 1, "since": at, "attempts": 0, "run_after": at}
        for card in dict.fromkeys(card_ids)
    ]
    if not rows:
        return
    connection.execute(_ADD, rows)


_INSERT = insert(inbox)
_ADD = _INSERT.on_conflict_do_update(
    index_elements=["card_id"],
    set_={"generation": inbox.c.generation + 1, "run_after": _INSERT.excluded.run_after},
)


def due_hints(connection: Connection, now: datetime, limit: int) -> Sequence[Hint]:
    """The hints that may be worked now, oldest first."""
    return [Hint(*row) for row in connection.execute(_DUE, {"now": stamp(now), "most": limit})]


_DUE = (
    select(inbox.c.card_id, inbox.c.generation, inbox.c.attempts)
    .where(inbox.c.run_after <= bindparam("now"))
    .order_by(inbox.c.run_after)
    .limit(bindparam("most"))
)


def hint_of(connection: Connection, card_id: str) -> Sequence[Hint]:
    """The hint about a card, due or not; none when there is none."""
    return [Hint(*row) for row in connection.execute(_ABOUT, {"card": card_id})]


_ABOUT = select(inbox.c.card_id, inbox.c.generation, inbox.c.attempts).where(inbox.c.card_id == bindparam("card"))


def settle_hint(connection: Connection, hint: Hint) -> None:
    """Take a worked hint out, unless another about the same card came meanwhile."""
    connection.execute(_SETTLE, {"card": hint.card_id, "as_worked": hint.generation})


_SETTLE = delete(inbox).where(inbox.c.card_id == bindparam("card"), inbox.c.generation == bindparam("as_worked"))


def postpone_hint(connection: Connection, hint: Hint, error: str, run_after: datetime) -> None:
    """Keep a hint whose card could not be worked, for later."""
    values = {"attempts": hint.attempts + 1, "error": error, "run_after": stamp(run_after)}
    same = (inbox.c.card_id == hint.card_id, inbox.c.generation == hint.generation)
    connection.execute(update(inbox).where(*same).values(values))


@dataclass(frozen=True, slots=True)
class InboxState:
    """How many hints wait, how many of them failed before, and the age of the oldest."""

    waiting: int
    failing: int
    oldest: timedelta


def inbox_state(connection: Connection, now: datetime) -> InboxState:
    """Measure the inbox."""
    count, oldest = connection.execute(select(func.count(), func.min(inbox.c.since))).one()
    failing = connection.execute(select(func.count()).where(inbox.c.attempts > 0)).scalar_one()
    return InboxState(count, failing, now - moment_of(oldest) if oldest else timedelta(0))


def next_hint_due(connection: Connection) -> datetime | None:
    """When the next hint falls due."""
    due = connection.execute(select(func.min(inbox.c.run_after))).scalar_one()
    return None if due is None else moment_of(due)


def last_error(connection: Connection) -> str | None:
    """What went wrong with the hint that failed most."""
    query = select(inbox.c.error).where(inbox.c.attempts > 0).order_by(inbox.c.attempts.desc()).limit(1)
    return connection.execute(query).scalar_one_or_none()


def hinted_among(connection: Connection, card_ids: Iterable[str]) -> frozenset[str]:
    """Those of these cards about which a hint waits."""
    query = select(inbox.c.card_id).where(inbox.c.card_id.in_(list(card_ids)))
    return frozenset(connection.execute(query).scalars())
