"""The store as one SQLite file."""

from __future__ import annotations

import shutil
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shapely
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url

from sync_service.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_SECONDS = 10.0
"""How long a writer waits for another."""
_NAP, _LONGEST_NAP = 0.0001, 0.005
"""Seconds between two looks whether the lock is free; a transaction holds it for some ten times the shorter one."""

READING: Mapping[str, Any] = {}
"""Options of a connection that reads."""
WRITING: Mapping[str, Any] = {}
"""Options of a connection that writes."""


def open_engine(url: str) -> Engine:
    """The engine of the store at `url`; the file's folder is made."""
    parsed = make_url(url)
    if parsed.database:
        _make_folder(Path(parsed.database).parent)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})
    event.listen(engine, "connect", _prepare)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(reason="store_cannot_open") from error


def _prepare(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    # Transactions are begun by `begin` and `lock`, not guessed by the driver. WAL was switched on by the migration.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA cache_size=-32000")
    connection.create_function("geometry_intersects", 2, _intersects, deterministic=True)
    connection.create_function("casefold", 1, _casefold, deterministic=True)


def begin(connection: Connection) -> None:
    """Begin a transaction that reads: all its statements see one snapshot."""
    connection.exec_driver_sql("BEGIN")


def lock(connection: Connection, patience: float, *, lasting: bool) -> None:
    """Begin a transaction that writes: it has the lock from here on."""
    driver: Any = connection.connection.dbapi_connection
    # In WAL a later commit that waits for the disk takes all earlier ones there with it, in their order.
    driver.execute(f"PRAGMA synchronous={'FULL' if lasting else 'NORMAL'}")
    driver.execute("PRAGMA busy_timeout=0")
    try:
        if not _takes_turn(driver, patience):
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # the last try: its error is the one that callers know
    finally:
        driver.execute(f"PRAGMA busy_timeout={round(BUSY_SECONDS * 1000)}")


def _takes_turn(driver: sqlite3.Connection, patience: float) -> bool:
    """Begin to write, waiting at most so many seconds while somebody else does; whether it has begun.

    SQLite itself would wait in ever longer naps, of a tenth of a second soon, while the lock is free most of the time.
    """
    started = time.monotonic()
    while (waited := time.monotonic() - started) < patience:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if machine_fault(error) != "store_busy":
                break
            time.sleep(min(_LONGEST_NAP, _NAP + waited / 4))
        else:
            return True
    return False


_FAULTS = {
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_IOERR: "disk_error",
    sqlite3.SQLITE_READONLY: "store_read_only",
    sqlite3.SQLITE_CANTOPEN: "store_cannot_open",
    sqlite3.SQLITE_BUSY: "store_busy",
    sqlite3.SQLITE_LOCKED: "store_busy",
    sqlite3.SQLITE_CORRUPT: "store_damaged",
    sqlite3.SQLITE_NOTADB: "store_damaged",
    sqlite3.SQLITE_PERM: "store_cannot_open",
    sqlite3.SQLITE_PROTOCOL: "store_busy",
}


def machine_fault(origin: BaseException | None) -> str | None:
    """The reason of `Unavailable` for what the driver says; None: it is no fault of the machine."""
    code = getattr(origin, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_ERROR and str(origin).startswith("no such table"):
        return "store_empty"  # no statement of ours names a table that a store of this schema lacks
    return None if code is None else _FAULTS.get(code & 0xFF)


def _intersects(one: bytes | None, other: bytes | None) -> int | None:
    if one is None or other is None:
        return None
    return int(shapely.intersects(shapely.from_wkb(one), shapely.from_wkb(other)))


def _casefold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def free_bytes(url: str) -> float:
    """Room left on the disk where the file lies."""
    name = make_url(url).database
    try:
        return float(shutil.disk_usage(Path(name or ".").resolve().parent).free)
    except OSError:
        return float("nan")


def integrity(connection: Connection) -> str:
    """SQLite's own opinion of its health: "ok", or what is wrong."""
    return str(connection.execute(text("PRAGMA quick_check(1)")).scalar_one())
