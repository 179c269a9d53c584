"""What the issuer says is signed out, remembered until no token of that sign-in is valid any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from sync_service.store.clock import stamp
from sync_service.store.dialect import insert
from sync_service.store.tables import ended, logout_token

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

KEPT = timedelta(hours=24)
"""Longer than any access token is valid."""


class Kind(StrEnum):
    """What was ended."""

    SIGN_IN = "sign_in"
    """One sign-in, by the issuer's name of it."""
    IDENTITY = "identity"
    """All of somebody's until then."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What was ended, and when (Unix seconds): tokens issued until then are void."""

    kind: Kind
    name: str
    at: int


def take_token(connection: Connection, token_id: str, until: datetime) -> bool:
    """Keep that a logout token was taken, until it has expired by itself; False if it was taken before."""
    taken = insert(logout_token).values(id=token_id, until=stamp(until)).on_conflict_do_nothing()
    return connection.execute(taken.returning(logout_token.c.id)).first() is not None


def keep_ending(connection: Connection, ending: Ending, now: datetime) -> None:
    """Keep it, and forget those that are of no use any more. Of two about the same person the later one counts."""
    forget_endings(connection, now)
    row = {"kind": ending.kind.value, "name": ending.name, "at": ending.at, "until": stamp(now + KEPT)}
    older = ended.c.at <= ending.at
    kept = insert(ended).values(row)
    connection.execute(kept.on_conflict_do_update(index_elements=["kind", "name"], set_=row, where=older))


def forget_endings(connection: Connection, now: datetime) -> None:
    """Forget what is ended and which logout tokens were taken, where no token of theirs is valid any more."""
    for table in (ended, logout_token):
        connection.execute(delete(table).where(table.c.until <= stamp(now)))


def read_endings(connection: Connection) -> list[Ending]:
    """All that are remembered."""
    return [Ending(Kind(row.kind), row.name, row.at) for row in connection.execute(_ALL)]


_ALL = select(ended.c.kind, ended.c.name, ended.c.at)


def is_ended(connection: Connection, sign_in: str) -> bool:
    """Whether this sign-in is ended."""
    found = select(ended.c.name).where(ended.c.kind == Kind.SIGN_IN.value, ended.c.name == sign_in)
    return connection.execute(found).first() is not None
