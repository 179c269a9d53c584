"""How long sending waits for people at the board."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sync_service.jobs.courtesy import LONGEST, PAUSE, Courtesy

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("heard", "now", "left"),
    [
        ([], 0, 0),
        ([0], 0, PAUSE.total_seconds()),
        ([0], 0.25, PAUSE.total_seconds() - 0.25),
        ([0], PAUSE.total_seconds(), 0),
        ([0, 0.25], 0.25, PAUSE.total_seconds()),
        ([0.25 * step for step in range(100)], LONGEST.total_seconds() - 0.125, 0.125),
        ([0.25 * step for step in range(100)], LONGEST.total_seconds(), 0),
        ([3600], 0, 0),
    ],
    ids=["nobody", "just now", "a moment ago", "over", "once more", "at length", "too long", "the clock was set back"],
)
def test_sending_waits_for_people(heard: list[float], now: float, left: float) -> None:
    courtesy = Courtesy()
    for moment in heard:
        courtesy.heard(at(moment))
    assert courtesy.left(at(now)) == pytest.approx(left)


def test_after_sending_people_are_waited_for_anew() -> None:
    courtesy = Courtesy()
    courtesy.heard(at(0))
    courtesy.over()
    assert courtesy.left(at(0)) == 0
    courtesy.heard(at(60))
    assert courtesy.left(at(60)) == PAUSE.total_seconds()
