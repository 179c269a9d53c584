"""The write-ahead log of a copy that is open in QGIS: there before its layers are, and for as long as the copy is open.

Without one QGIS reads the file heeding no lock. A layer is empty then when it is read while somebody commits; and when
QGIS itself begins a log, because a layer is to be edited, whatever was just being opened to draw from stays empty for
as long as QGIS keeps it.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

from placecard.core.copyfile.database import AT_ONCE

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # where there is none, nothing is asked of it

if TYPE_CHECKING:
    from pathlib import Path

_SHARED = 0x40000002, 510
"""First byte and number of those that SQLite locks in a file that is open."""


class WriteAheadLog:
    """Keeps a log for the file at `path`, if no other program stands in the way. For one thread."""

    def __init__(self, path: Path) -> None:
        where = f"{path.absolute().as_uri()}?mode=rw"
        self._connection = sqlite3.connect(where, uri=True, timeout=AT_ONCE, isolation_level=None)
        self._guard: int | None = None
        with suppress(sqlite3.OperationalError):
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # only who reads it holds on to it
            self._guard = _guard(path)

    def leave(self) -> None:
        """Let it go: the file is one file again, unless others have it open."""
        if self._guard is not None:
            os.close(self._guard)
        with suppress(sqlite3.OperationalError):
            self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.close()


def _guard(path: Path) -> int | None:
    """A lock on the file that lasts until what is given here is closed; None where there are no such locks.

    SQLite's own belong to the process and go as soon as anything in it closes the file, as GDAL does whenever it looks
    what a file is. Another program that reads the copy would then take itself for the last and remove the log. Windows
    loses no locks, and has none of these.
    """
    command = getattr(fcntl, "F_OFD_SETLK", None)
    if command is None:
        return None
    opened = os.open(path, os.O_RDONLY)
    try:
        fcntl.fcntl(opened, command, struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, *_SHARED, 0))
    except OSError:
        os.close(opened)
        return None
    return opened
