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

CALM = timedelta(seconds=2)
"""How long nobody was heard when people and our writes count as apart."""


@dataclass(slots=True)
class Courtesy:
    """Since when people have been at work on the board, and when they were last heard.

    And whether they were while we wrote: then a move of theirs may be made and never told of, and somebody should look.
    """

    _first: datetime | None = None
    _last: datetime | None = None
    _heard: datetime | None = None
    _wrote: datetime | None = None
    _met: bool = False

    def heard(self, now: datetime) -> None:
        """Somebody has changed something."""
        self._first, self._last, self._heard = self._first or now, now, now
        self._met = self._met or (self._wrote is not None and abs(now - self._wrote) < CALM)

    def wrote(self, now: datetime) -> None:
        """We have written to the board, until now."""
        self._wrote = now

    def should_look(self, now: datetime) -> bool:
        """Whether people and we met, and it has been calm since."""
        return self._met and (self._heard is None or abs(now - self._heard) >= CALM)

    def looked(self, began: datetime) -> None:
        """The whole board was looked through; who was heard since that began may have met us again."""
        self._met = self._met and self._heard is not None and self._heard > began

    def left(self, now: datetime) -> float:
        """Seconds that sending still has to wait."""
        if self._first is None or self._last is None or now < self._first:  # the clock was set back
            return 0.0
        return max(0.0, (min(self._last + PAUSE, self._first + LONGEST) - now).total_seconds())

    def over(self) -> None:
        """Something was sent, or nothing was there to send: the next one heard is the first again."""
        self._first = self._last = None
