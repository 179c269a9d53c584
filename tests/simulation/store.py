"""The store of a run: the real one, in memory. Every transaction is a place to die, to fail, or to be overtaken."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sync_service.store import database
from sync_service.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

_PAGE = "PRAGMA page_size=8192"  # as the store's own: a copy needs the same


class Died(BaseException):
    """The process is dead. Nothing after it runs, but what Python itself cleans up."""


class Image:
    """A store's content at one moment."""

    def __init__(self, source: sqlite3.Connection) -> None:
        self._content = sqlite3.connect(":memory:", check_same_thread=False)
        self._content.execute(_PAGE)
        source.backup(self._content)

    def pour(self, target: sqlite3.Connection) -> None:
        """Put the content into another store, in the place of all that is there."""
        self._content.backup(target)

    def close(self) -> None:
        self._content.close()


class MemoryStore(Database):
    """A store in memory. `point` is called at every transaction: "read", "begin", "commit", "committed".

    Its transactions are those of `Database`, on one connection that is kept: fetching one takes half of a run's time.
    """

    def __init__(self) -> None:
        super().__init__("sqlite://")
        self.point: Callable[[str], None] = lambda _where: None
        held = self.engine.raw_connection()
        assert isinstance(held.driver_connection, sqlite3.Connection)
        self.raw = held.driver_connection
        held.close()
        self.raw.execute(_PAGE)
        self._held = self.engine.connect()

    def content(self) -> list[object]:
        """What a change would change, to be compared."""
        tables = ("store", "feature", "history", "clash", "inbox", "effect", "edit", "push")
        rows = {name: self.raw.execute(f"SELECT * FROM {name}").fetchall() for name in tables}
        return [rows]

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        self.point("read")
        with self.clear_errors(), self._held.begin():
            self.raw.execute("BEGIN")
            yield self._held

    @contextmanager
    def writing(self, *, gate: bool = True, **_: Any) -> Iterator[Connection]:
        self.point("begin")
        with self.clear_errors(), self._held.begin():
            self.raw.execute("BEGIN IMMEDIATE")
            if gate:
                database._pass_gate(self._held, shut=True)
            yield self._held
            self.point("commit")
        self.point("committed")
