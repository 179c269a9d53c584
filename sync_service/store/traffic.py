"""Notes by which it is told whether the board's webhooks reach us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync_service.store.clock import stamp
from sync_service.store.leases import read_note, write_note

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

_HEARD = "webhook_heard"
_MISSED = "webhook_missed"


@dataclass(frozen=True, slots=True)
class Webhooks:
    """When a webhook was last heard, and when a sweep last found a change that none had announced (stamps)."""

    heard: str | None
    missed: str | None

    @property
    def proven(self) -> bool:
        """Whether the last change of the board was announced."""
        return self.heard is not None and (self.missed is None or self.heard > self.missed)


def webhooks(connection: Connection) -> Webhooks:
    """What is known of the board's webhooks."""
    return Webhooks(read_note(connection, _HEARD), read_note(connection, _MISSED))


def note_heard(connection: Connection, now: datetime) -> None:
    """A webhook with the right token came."""
    write_note(connection, _HEARD, stamp(now))


def note_missed(connection: Connection, now: datetime) -> None:
    """A sweep found a change that should have been announced."""
    write_note(connection, _MISSED, stamp(now))
