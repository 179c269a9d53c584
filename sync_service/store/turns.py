"""Turns to ask a provider, kept in the store: its rate holds over all processes, on whatever machines they are."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from sync_service.store.leases import read_note, write_note

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from sync_service.store.database import Database

_FARTHEST = 24 * 60 * 60.0
"""Seconds ahead: a turn farther away was noted before the clock was set back, and holds nobody off."""


class StoredTurns:
    """Keeps calls at least `interval` seconds apart, and remembers "not before".

    Whoever has no more than `patience` seconds to wait is told of a pause when its turn is farther off.
    """

    def __init__(
        self,
        database: Database,
        provider: str,
        interval: float,
        *,
        patience: float = math.inf,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database
        self._turn, self._resume = f"turn:{provider}", f"pause:{provider}"
        self._interval = interval
        self._patience = patience
        self._clock = clock
        self._sleep = sleep

    def wait(self) -> None:
        """Wait for the next turn."""
        with self._database.writing(lasting=False) as connection:
            turn = max(self._read(connection, self._turn), self._clock())
            write_note(connection, self._turn, repr(turn + self._interval))
        delay = turn - self._clock()
        if delay > 0:
            self._sleep(delay)

    def pause(self, seconds: float) -> None:
        """Remember that the provider wants no calls for so many seconds."""
        with self._database.writing(lasting=False) as connection:
            until = max(self._read(connection, self._resume), self._clock() + min(seconds, _FARTHEST))
            write_note(connection, self._resume, repr(until))

    def paused(self) -> float:
        """Seconds until the provider may be asked again; 0 when it may be now, or soon enough."""
        with self._database.reading() as connection:
            resume, turn = self._read(connection, self._resume), self._read(connection, self._turn)
        now = self._clock()
        return max(0.0, resume - now, turn - now if turn - now > self._patience else 0.0)

    def _read(self, connection: Connection, key: str) -> float:
        moment = float(read_note(connection, key) or 0.0)
        return moment if moment - self._clock() <= _FARTHEST else 0.0
