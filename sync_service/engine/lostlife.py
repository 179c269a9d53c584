"""The lives that a store has lost: between a backup and the recovery from it cards were made that it does not know of.

A card for a drawn proposal bears its guid as its reference from the first moment, and nothing else of ours yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from sync_service.store.clock import moment_of
from sync_service.store.leases import SWEPT, read_note, write_note
from sync_service.store.tables import history

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

_NOTE = "lost_life"
_SLACK = 300
"""Seconds by which the board's clock may differ from ours."""


def last_known(connection: Connection) -> str | None:
    """The last moment that this store surely knows: it may have been written since it was put back, but not swept."""
    return read_note(connection, SWEPT)


def versions_since(connection: Connection, moment: str | None) -> dict[str, int]:
    """The first version that each proposal came to after a moment."""
    h = history.c
    first = select(h.guid, func.min(h.version)).where(h.at > (moment or ""), h.version.is_not(None)).group_by(h.guid)
    return {row.guid: row[1] for row in connection.execute(first)}


def lose_life(connection: Connection, now: datetime) -> None:
    """Note that what happened after the last moment this store surely knows, until now, is lost to it."""
    last = last_known(connection)
    since = 0 if last is None else int(moment_of(last).timestamp())
    before = _span(connection)
    if before is not None:
        since = min(since, before[0])
    write_note(connection, _NOTE, f"{since} {int(now.timestamp())}")


def in_lost_life(connection: Connection, created: int) -> bool:
    """Whether a card made at this moment (seconds since 1970) may be of a life that was lost."""
    span = _span(connection)
    return span is not None and span[0] - _SLACK <= created <= span[1] + _SLACK


def _span(connection: Connection) -> tuple[int, int] | None:
    kept = read_note(connection, _NOTE)
    if kept is None:
        return None
    since, until = kept.split()
    return int(since), int(until)
