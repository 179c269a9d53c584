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


def lose_life(connection: Connection, now: datetime) -> None:
    """Note that what happened after the last thing this store knows of, until now, is lost to it.

    It may have been written again since, but not swept.
    """
    known = connection.execute(select(func.max(history.c.at))).scalar_one_or_none(), read_note(connection, SWEPT)
    since = min((int(moment_of(each).timestamp()) for each in known if each is not None), default=0)
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
