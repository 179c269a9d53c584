"""Long answers of the board, kept in the store: the next process need not read them again if they are the same."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sync_service.errors import Unavailable
from sync_service.store.leases import read_note, write_note

if TYPE_CHECKING:
    from sync_service.store.database import Database

_KEY = "answer:{}"


class StoredAnswers:
    """A shelf for the board's adapter. It may forget: a store that cannot be read or written now keeps nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recall(self, name: str) -> bytes | None:
        """What was kept under this name."""
        with suppress(Unavailable), self._database.reading() as connection:
            kept = read_note(connection, _KEY.format(name))
            return None if kept is None else kept.encode()
        return None

    def keep(self, name: str, content: bytes) -> None:
        """Keep it, in the place of what was kept there."""
        with suppress(Unavailable), self._database.writing(lasting=False) as connection:
            write_note(connection, _KEY.format(name), content.decode())
