"""What a reader of the changes picked: a time and filters out of the address, and back into addresses. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from sync_service.errors import BadRequest
from sync_service.store.clock import stamp
from sync_service.store.journal import Picked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

SPAN = 7
"""Days shown if nothing else is asked, today among them."""
SPANS = (1, 7, 30, 92)
"""Days offered by one click; the last is a quarter."""


@dataclass(frozen=True, slots=True)
class Pick:
    """What is shown: from the first to the last day (both included; no last: up to now), and what is picked of it."""

    since: date
    until: date | None
    source: str | None = None
    who: str | None = None
    stage: str | None = None
    direction: str | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether anything but time is picked."""
        return any((self.source, self.who, self.stage, self.direction))

    def picked(self, zone: tzinfo) -> Picked:
        """The same for the store: days begin at midnight of this zone."""
        last = None if self.until is None else _midnight(self.until + timedelta(days=1), zone)
        first = _midnight(self.since, zone)
        return Picked(first, last, self.source, self.who, self.stage, self.direction)

    def parameters(self, **changed: str | None) -> dict[str, str]:
        """As parameters of an address, some of them changed or (None) left out."""
        own = {
            "since": self.since.isoformat(),
            "until": self.until.isoformat() if self.until else None,
            "source": self.source,
            "who": self.who,
            "stage": self.stage,
            "direction": self.direction,
        }
        return {name: value for name, value in (own | changed).items() if value}


def _midnight(day: date, zone: tzinfo) -> str:
    return stamp(datetime.combine(day, time(), zone).astimezone(UTC))


def read_pick(args: Mapping[str, str], today: date) -> Pick:
    """What an address asks for. BadRequest for what is no date."""
    texts = {name: args.get(name) or None for name in ("source", "who", "stage", "direction")}
    return Pick(_date(args, "since") or today - timedelta(days=SPAN - 1), _date(args, "until"), **texts)


def _date(args: Mapping[str, str], name: str) -> date | None:
    text = args.get(name)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(name, "parameter_date") from error
    if not 1990 < day.year < 9000:
        raise BadRequest(name, "parameter_date")
    return day
