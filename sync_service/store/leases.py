"""Leases and notes: who leads, what was asked of the leader, and small facts kept between runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, delete, or_, select

from sync_service.store.clock import stamp
from sync_service.store.dialect import insert
from sync_service.store.tables import lease, note

if TYPE_CHECKING:
    from datetime import datetime, timedelta

SWEPT = "swept"
"""Note of when the last sweep ended well."""


def take_lease(connection: Connection, name: str, holder: str, now: datetime, length: timedelta) -> bool:
    """Take or keep a lease; False when somebody else holds it.

    One that would last longer than any lease does was taken before the clock was set back: it holds nobody off.
    """
    row = {"name": name, "holder": holder, "until": stamp(now + length)}
    statement = insert(lease).values(row)
    over = or_(lease.c.until <= stamp(now), lease.c.until > stamp(now + 2 * length))
    mine_or_over = or_(lease.c.holder == holder, over)
    taken = statement.on_conflict_do_update(index_elements=["name"], set_=row, where=mine_or_over)
    return connection.execute(taken.returning(lease.c.name)).first() is not None


def drop_lease(connection: Connection, name: str, holder: str) -> None:
    """Give a lease back."""
    connection.execute(delete(lease).where(lease.c.name == name, lease.c.holder == holder))


def void_lease(connection: Connection, name: str) -> None:
    """Take a lease from whoever holds it: it is dead, or too slow to be believed."""
    connection.execute(delete(lease).where(lease.c.name == name))


def lease_holder(connection: Connection, name: str, now: datetime) -> str | None:
    """Who holds a lease now."""
    query = select(lease.c.holder).where(lease.c.name == name, lease.c.until > stamp(now))
    return connection.execute(query).scalar_one_or_none()


def read_note(connection: Connection, key: str) -> str | None:
    """A small fact kept between runs."""
    return connection.execute(_READ_NOTE, {"wanted": key}).scalar_one_or_none()


_READ_NOTE = select(note.c.value).where(note.c.key == bindparam("wanted"))


def write_note(connection: Connection, key: str, value: str | None) -> None:
    """Keep a small fact; None forgets it."""
    if value is None:
        connection.execute(delete(note).where(note.c.key == key))
        return
    connection.execute(_WRITE_NOTE, {"key": key, "value": value})


_NOTE = insert(note)
_WRITE_NOTE = _NOTE.on_conflict_do_update(index_elements=["key"], set_={"value": _NOTE.excluded.value})
