"""Putting a backup in the store's place: the store of before is kept aside, and a new epoch begins.

The mark stays as the backup has it, so that the engine compares it with the board's before anything is written there.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, update

from sync_service.errors import Unavailable
from sync_service.store import counter, tables
from sync_service.store.backup import (
    copy_store,
    drafting,
    look_into,
    replace_store,
    set_aside,
    stamp_of,
)
from sync_service.store.clock import stamp
from sync_service.store.database import Database
from sync_service.store.home import HOME
from sync_service.store.migrate import migrate

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

LEASED = "SELECT 1 FROM lease WHERE name = 'worker' AND until > ?"
PASSING = ("trouble", "regression", HOME)
"""Notes of the life that ended: what stopped the worker, the verdict of then, and where the store lay."""


@dataclass(frozen=True, slots=True)
class PutBack:
    """What a restore did: where the store of before lies (None: there was none), the new epoch, what is in it now."""

    aside: Path | None
    epoch: int
    features: int
    version: str


def put_back(backup: Path, store: Path, now: datetime) -> PutBack:
    """Put a copy of `backup` in the place of the store, brought to this schema, in a new epoch.

    Raises `BadRequest` for a file that is no store of ours, `Unavailable` for one that is damaged or newer than this
    code, and while another process has the present store open. Until the last step nothing has changed.
    """
    found = look_into(backup)
    demand_idle(store, now)
    store.parent.mkdir(parents=True, exist_ok=True)
    aside = store.with_name(f"{store.name}.before-restore-{stamp_of(now)}.backup")
    with drafting(aside) as draft:
        copy_store(backup, draft)
        version = _modernise(draft)
        there = store.exists()
        past = set_aside(store, aside)
        epoch = _begin_life(draft, past)
        _take_owner(draft, store)
        replace_store(draft, store)
    return PutBack(aside if there else None, epoch, found.features, version)


def demand_idle(store: Path, now: datetime) -> None:
    """Raise `Unavailable` (`store_held`) while a worker leads on this store."""
    if not store.exists():
        return
    try:
        with closing(sqlite3.connect(store)) as connection:
            held = connection.execute(LEASED, (stamp(now),)).fetchone()
    except sqlite3.Error:
        return  # damaged or without tables: nobody works with it
    if held is not None:
        raise Unavailable(reason="store_held")


def _modernise(draft: Path) -> str:
    done = migrate(_url(draft))
    if done.backup is not None:
        done.backup.unlink()  # of a copy, whose original is still there
    return done.after


def begin_life(connection: Connection, past: int) -> int:
    """Begin an epoch that neither the backup nor the store of before has had, with the gate open and nobody leading."""
    epoch = counter.begin_epoch(connection, past)
    connection.execute(update(tables.store).values(gate="open"))
    connection.execute(delete(tables.lease))
    connection.execute(delete(tables.sweep_request))
    connection.execute(delete(tables.session))  # who has signed out since must not come back
    connection.execute(delete(tables.note).where(tables.note.c.key.in_(PASSING)))
    return epoch


def _begin_life(draft: Path, past: int) -> int:
    database = Database(_url(draft))
    try:
        with database.writing(gate=False) as connection:
            epoch = begin_life(connection, past)
    finally:
        database.close()
    with closing(sqlite3.connect(draft)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    return epoch


def _take_owner(draft: Path, store: Path) -> None:
    """Whoever restores may be somebody else than who runs the service."""
    like = store.stat() if store.exists() else store.parent.stat()
    with suppress(PermissionError):
        os.chown(draft, like.st_uid, like.st_gid)
    if store.exists():
        draft.chmod(like.st_mode & 0o777)


def _url(path: Path) -> str:
    return f"sqlite:///{path}"
