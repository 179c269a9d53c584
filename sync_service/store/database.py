"""Opening the store and the two ways to work in it: reading a snapshot, writing through the gate."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Row, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from sync_service.errors import Unavailable
from sync_service.store import postgresql, sqlite, tables
from sync_service.store.dialect import POSTGRESQL
from sync_service.store.sqlite import machine_fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

AnyRow = Row[*tuple[Any, ...]]
"""A row of any query."""

BUSY_SECONDS = 10.0
"""How long a writer waits for another."""

KINDS: dict[str, ModuleType] = {"sqlite": sqlite, "postgresql": postgresql}
"""The two databases a store can be in. Each knows how to open one, how to write in it, and what its errors mean."""


def kind_of(url: str) -> ModuleType:
    """Which of the two an address means. `Unavailable` for any other."""
    try:
        return KINDS[make_url(url).get_backend_name()]
    except (KeyError, ArgumentError):
        raise Unavailable(reason="store_kind_unknown") from None


class Database:
    """An open store. Share one per process and make a new one after a fork.

    `reading()` gives a connection whose statements all see one snapshot. `writing()` gives the only kind of connection
    that may change anything: it holds the write lock from the start, so that what it reads cannot be overtaken, and it
    passes the gate (`Unavailable` when the store is frozen or moved).
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._kind: Any = kind_of(url)
        self.engine: Engine = self._kind.open_engine(url)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection on one snapshot; nothing it does is kept."""
        with self.clear_errors(), self.engine.connect() as fresh:
            connection = fresh.execution_options(**self._kind.READING)
            with connection.begin():
                self._kind.begin(connection)
                yield connection

    @contextmanager
    def writing(
        self, *, gate: bool = True, patience: float = BUSY_SECONDS, lasting: bool = True
    ) -> Iterator[Connection]:
        """A connection inside one transaction that has the lock, committed at the end, rolled back by any exception.

        Waits at most `patience` seconds for another writer, then raises `Unavailable` (`store_busy`). What is not
        `lasting` outlives every process, but need not outlive a power cut until something lasting was written after it:
        it does not wait for the disk.
        """
        with self.clear_errors(), self.engine.connect() as fresh:
            connection = fresh.execution_options(**self._kind.WRITING)
            with connection.begin():
                self._kind.lock(connection, patience, lasting=lasting)
                if gate or connection.dialect.name == POSTGRESQL:
                    _pass_gate(connection, shut=gate)
                yield connection

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()

    @contextmanager
    def clear_errors(self) -> Iterator[None]:
        """Turn what the machine did to the store (full disk, read-only, locked, away) into one clear error."""
        try:
            yield
        except DatabaseError as error:
            reason = self._kind.machine_fault(error.orig)
            if reason is None:
                raise
            raise Unavailable(reason=reason) from error


_GATE = select(tables.store.c.gate, tables.store.c.schema_version).with_for_update()


def _pass_gate(connection: Connection, *, shut: bool) -> None:
    """Lock the counter row, which every writer does first; and if the gate may be `shut`, see that it is open."""
    row = connection.execute(_GATE).one_or_none()
    if not shut:
        return
    if row is None:
        raise Unavailable(reason="store_empty")
    if row.schema_version != tables.SCHEMA_VERSION:
        newer = row.schema_version > tables.SCHEMA_VERSION
        raise Unavailable(reason="store_newer" if newer else "store_old", version=row.schema_version)
    if row.gate != "open":
        raise Unavailable(reason=f"store_{row.gate}")


def free_bytes(url: str) -> float:
    """Room left on the disk where the store at `url` lies; not a number where there is none to ask."""
    return float(kind_of(url).free_bytes(url))


def integrity(connection: Connection) -> str:
    """The database's own opinion of its health: "ok", or what is wrong."""
    return str(KINDS[connection.dialect.name].integrity(connection))


def schema_version(connection: Connection) -> str | None:
    """The schema version the store says it has; None when it has no tables yet."""
    if not inspect(connection).has_table(tables.store.name):
        return None
    version: str | None = connection.execute(select(tables.store.c.schema_version)).scalar_one_or_none()
    return version


__all__ = [
    "BUSY_SECONDS",
    "AnyRow",
    "Database",
    "free_bytes",
    "integrity",
    "kind_of",
    "machine_fault",
    "schema_version",
]
