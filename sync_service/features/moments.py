"""Days and moments as people and programs write them (RFC 3339), as the store keeps them: ISO text."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo

from sync_service.store.clock import stamp

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")
_OPEN = {"", ".."}


def day_of(text: str) -> str:
    """A full date. ValueError if it is none."""
    if not _DAY.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text).isoformat()


def stamp_of(text: str) -> str:
    """A moment as the store keeps it. ValueError if it is none."""
    return stamp(_moment(text))


def _moment(text: str) -> datetime:
    if not _MOMENT.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text.upper())


def read_period(text: str, zone: tzinfo) -> tuple[str | None, str | None]:
    """First and last local day of a `datetime` parameter: an instant, or an interval; None is open. Or ValueError."""
    first, slash, last = text.partition("/")
    if not slash:
        day = _local_day(first, zone)
        return day, day
    if "/" in last:
        raise ValueError(text)
    begin = None if first in _OPEN else _local_day(first, zone)
    end = None if last in _OPEN else _local_day(last, zone)
    if begin is not None and end is not None and begin > end:
        raise ValueError(text)
    return begin, end


def _local_day(text: str, zone: tzinfo) -> str:
    # QGIS sends the years 0000 and 9999 for open ends: the one is no year to Python, the other has no next day.
    if text.startswith(("0000-", "9999-")):
        if not _DAY.fullmatch(text[:10]) or not (len(text) == 10 or _MOMENT.fullmatch(text)):
            raise ValueError(text)
        return text[:10]
    if _DAY.fullmatch(text):
        return day_of(text)
    return _moment(text).astimezone(zone).date().isoformat()


def today_in(zone: tzinfo, now: datetime) -> str:
    """The local date of a moment."""
    return now.astimezone(UTC).astimezone(zone).date().isoformat()
