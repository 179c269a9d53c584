"""How the board's people follow: kept in the store, where `placecard check` and the metrics find it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import orjson

from sync_service.store.clock import moment_of, stamp
from sync_service.store.leases import read_note, write_note

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

PEOPLE = "people"
"""Note of how the last round went."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round. `why` is empty for one that went well, else what people read; `done` is when one last did."""

    at: str
    done: str | None = None
    known: int = 0
    withheld: int = 0
    failed: int = 0
    why: Mapping[str, str] = field(default_factory=dict)

    def age(self, now: datetime) -> float | None:
        """Seconds since a round last went well."""
        return None if self.done is None else (now - moment_of(self.done)).total_seconds()


def last_round(connection: Connection) -> Round | None:
    """The last round, if there ever was one."""
    text = read_note(connection, PEOPLE)
    return None if text is None else Round(**orjson.loads(text))


def keep_round(connection: Connection, one: Round) -> None:
    """Keep how a round went."""
    write_note(connection, PEOPLE, orjson.dumps(asdict(one)).decode())


def made_at(moment: datetime) -> str:
    """A moment as a round keeps it."""
    return stamp(moment)
