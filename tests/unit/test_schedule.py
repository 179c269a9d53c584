"""When sweeps are due, by the clock of the place: also on the nights when that clock is changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from sync_service.jobs.schedule import Schedule

MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def nightly(hour: int, minute: int, zone: str = "Europe/Berlin") -> Schedule:
    return Schedule(MINUTE, time(hour, minute), ZoneInfo(zone))


def runs(schedule: Schedule, start: datetime, *, hours: int, done: date | None) -> list[str]:
    """When the nightly sweep begins, looked at every five minutes as a worker would, in local time."""
    began = []
    for step in range(hours * 12):
        now = start + step * timedelta(minutes=5)
        if schedule.night_due(now, done):
            done = schedule.night(now)
            began.append(f"{now.astimezone(schedule.zone):%Y-%m-%d %H:%M}")
    return began


@pytest.mark.parametrize(
    ("schedule", "day", "expected"),
    [
        pytest.param(nightly(2, 30), date(2026, 3, 29), ["2026-03-29 03:00"], id="skipped by the spring"),
        pytest.param(nightly(2, 30), date(2026, 10, 25), ["2026-10-25 02:30"], id="twice in autumn"),
        pytest.param(nightly(2, 0), date(2026, 10, 25), ["2026-10-25 02:00"], id="the hour itself"),
        pytest.param(nightly(3, 0), date(2026, 3, 29), ["2026-03-29 03:00"], id="the first minute after"),
        pytest.param(nightly(23, 50), date(2026, 10, 25), ["2026-10-25 23:50"], id="late in the evening"),
        pytest.param(nightly(0, 0), date(2026, 3, 29), ["2026-03-29 00:00"], id="midnight"),
        pytest.param(nightly(2, 30, "Europe/Samara"), date(2026, 3, 29), ["2026-03-29 02:30"], id="no summer time"),
    ],
)
def test_every_date_has_one_night(schedule: Schedule, day: date, expected: list[str]) -> None:
    midnight = datetime.combine(day, time(), schedule.zone).astimezone(UTC)
    next_midnight = datetime.combine(day + timedelta(days=1), time(), schedule.zone).astimezone(UTC)
    hours = round((next_midnight - midnight) / timedelta(hours=1))
    assert runs(schedule, midnight, hours=hours, done=day - timedelta(days=1)) == expected


def test_a_year_has_as_many_nights_as_days() -> None:
    schedule = nightly(2, 30)
    start = datetime(2026, 1, 1, tzinfo=schedule.zone).astimezone(UTC)
    began = runs(schedule, start, hours=24 * 365, done=date(2025, 12, 31))
    assert [text[:10] for text in began] == [str(date(2026, 1, 1) + timedelta(days=day)) for day in range(365)]


@pytest.mark.parametrize(
    ("clock", "due", "then"),
    [
        pytest.param(time(2, 29), True, date(2026, 3, 1), id="missed yesterday, before tonight's"),
        pytest.param(time(2, 30), True, date(2026, 3, 2), id="its minute"),
        pytest.param(time(23, 59), True, date(2026, 3, 2), id="made up for in the evening"),
    ],
)
def test_outage_is_made_up_for(clock: time, due: bool, then: date) -> None:
    schedule = nightly(2, 30)
    now = datetime.combine(date(2026, 3, 2), clock, schedule.zone)
    assert (schedule.night_due(now, date(2026, 2, 28)), schedule.night(now)) == (due, then)


def test_late_night_missed_by_an_outage_over_midnight_is_made_up_for_and_takes_none_from_the_next() -> None:
    schedule = nightly(23, 50, "Europe/Samara")
    back = datetime(2026, 3, 3, 0, 10, tzinfo=schedule.zone)
    began = runs(schedule, back.astimezone(UTC), hours=24, done=date(2026, 3, 1))
    assert began == ["2026-03-03 00:10", "2026-03-03 23:50"]


@pytest.mark.parametrize(
    ("started", "wait"),
    [
        pytest.param(None, 0, id="never"),
        pytest.param(NOON, 60, id="this moment"),
        pytest.param(NOON - timedelta(seconds=20), 40, id="under way"),
        pytest.param(NOON - timedelta(seconds=60), 0, id="a period ago"),
        pytest.param(NOON - timedelta(days=3), 0, id="long ago"),
        pytest.param(NOON + timedelta(hours=5), 0, id="ahead: the clock was set back"),
    ],
)
def test_short_sweeps(started: datetime | None, wait: int) -> None:
    schedule = nightly(2, 30)
    assert schedule.wait(NOON, started) == timedelta(seconds=wait)
    assert schedule.short_due(NOON, started) == (wait == 0)
