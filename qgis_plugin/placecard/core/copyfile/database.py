"""The file as a database: opened beside QGIS, written in short transactions, never replaced.

Any program may have the file open. Writers wait for each other as SQLite has them wait; whether there is a
write-ahead log is left as found. The functions that GeoPackage's R-tree triggers call are given here.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from placecard.core.errors import CopyBusy, NotACopy
from placecard.core.geometry import blob_bounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from placecard.core.geometry import Envelope

PATIENCE = 10.0
"""Seconds that work in the background waits for another writer."""

AT_ONCE = 0.1
"""Seconds that a person's own gesture waits: longer would be felt."""

_HELD = re.compile(r"locked|busy|readonly|read-only|disk|full|unable to open")
"""What SQLite says when the file is well and cannot be had: newer Pythons know a number for it, ours need not."""


@contextmanager
def open_file(
    path: Path, *, wait: float = PATIENCE, new: bool = False, safe: bool = True
) -> Iterator[sqlite3.Connection]:
    """A connection to the file, closed at the end. NotACopy if it is missing; CopyBusy if another writer holds it.

    Of what is not `safe` nothing need outlive a power cut: it is thrown away after one.
    """
    uri = f"{Path(path).absolute().as_uri()}?mode={'rwc' if new else 'rw'}"
    try:
        connection = sqlite3.connect(uri, uri=True, timeout=wait, isolation_level=None)
    except sqlite3.OperationalError as error:
        raise NotACopy(path=str(path), reason="missing") from error
    try:
        _give_functions(connection)
        if not safe:
            connection.execute("PRAGMA synchronous = OFF")
        yield connection
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and _HELD.search(str(error)):
            raise CopyBusy(path=str(path), detail=str(error)) from error
        raise NotACopy(path=str(path), reason="damaged", detail=str(error)) from error
    finally:
        connection.close()


@contextmanager
def tracked(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One transaction whose edits are tracked, as those of the user's own tools are.

    What it wrote is in the file itself afterwards, for whoever copies the file alone.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    with suppress(sqlite3.OperationalError):  # it stays in the log until the next
        connection.execute("PRAGMA wal_checkpoint")


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One transaction in which the service speaks: nothing of it is tracked."""
    with tracked(connection):
        connection.execute("UPDATE placecard_state SET tracking = 0")
        yield connection
        connection.execute("UPDATE placecard_state SET tracking = 1")


def run_scripts(connection: sqlite3.Connection, scripts: Iterable[str]) -> None:
    """Run statements inside the transaction that is open: `executescript` would end it."""
    for script in scripts:
        for statement in _statements(script):
            connection.execute(statement)


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for piece in script.split(";"):
        statement += piece
        if statement.strip() and sqlite3.complete_statement(statement + ";"):
            yield statement
            statement = ""
        elif statement.strip():
            statement += ";"


def _give_functions(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA trusted_schema = ON")
    bounds = lru_cache(maxsize=1)(blob_bounds)  # a trigger asks five times about the same geometry
    give = {
        "ST_IsEmpty": lambda blob: blob is not None and bounds(blob) is None,
        "ST_MinX": lambda blob: _side(bounds(blob), 0),
        "ST_MaxX": lambda blob: _side(bounds(blob), 1),
        "ST_MinY": lambda blob: _side(bounds(blob), 2),
        "ST_MaxY": lambda blob: _side(bounds(blob), 3),
        "placecard_fold": lambda text: None if text is None else str(text).casefold().replace("ё", "е"),
    }
    for name, function in give.items():
        connection.create_function(name, 1, function, deterministic=True)


def _side(bounds: Envelope | None, which: int) -> float | None:
    return None if bounds is None else bounds[which]
