"""When the sweeps are due. Pure: the present moment comes in as a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Schedule:
    """Short sweeps every `period`; one full sweep a night at `nightly`, local time of `zone`."""

    period: timedelta
    nightly: time
    zone: ZoneInfo

    def night(self, now: datetime) -> date:
        """The local date whose nightly sweep is the latest that should have run."""
        local = now.astimezone(self.zone)
        return local.date() if local.time() >= self.nightly else local.date() - timedelta(days=1)

    def night_due(self, now: datetime, completed: date | None) -> bool:
        """Whether a nightly sweep is due: the one of the latest night is not done.

        By date, so that it runs once also on the day the clock changes, and is made up for after an outage.
        """
        return completed is None or completed < self.night(now)

    def short_due(self, now: datetime, started: datetime | None) -> bool:
        """Whether a short sweep is due, counted from the start of the last one."""
        return self.wait(now, started) <= timedelta(0)

    def wait(self, now: datetime, started: datetime | None) -> timedelta:
        """How long until the next short sweep; none after one that lies ahead: the clock was set back since."""
        if started is None or started > now:
            return timedelta(0)
        return max(timedelta(0), started + self.period - now)
