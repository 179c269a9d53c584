"""People at the board go first: while they are moving cards, what is owed to the board waits a moment.

Kanboard on SQLite has one writer at a time, and refuses a person's move that met our write: the person sees an error,
and sometimes no webhook tells of the move.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

PAUSE = timedelta(seconds=0.5)
"""How long after the last change heard of."""

LONGEST = timedelta(seconds=15)
"""And how long after the first, however long it goes on."""


@dataclass(slots=True)
class Courtesy:
    """Since when people have been at work on the board, and when they were last heard."""

    _first: datetime | None = None
    _last: datetime | None = None

    def heard(self, now: datetime) -> None:
        """Somebody has changed something."""
        self._first, self._last = self._first or now, now

    def left(self, now: datetime) -> float:
        """Seconds that sending still has to wait."""
        if self._first is None or self._last is None or now < self._first:  # the clock was set back
            return 0.0
        return max(0.0, (min(self._last + PAUSE, self._first + LONGEST) - now).total_seconds())

    def over(self) -> None:
        """Something was sent, or nothing was there to send: the next one heard is the first again."""
        self._first = self._last = None
