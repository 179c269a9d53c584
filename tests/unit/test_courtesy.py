"""How long sending waits for people at the board."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sync_service.jobs.courtesy import CALM, LONGEST, PAUSE, Courtesy

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


@pytest.mark.parametrize(
    ("events", "now", "look"),
    [
        ([("heard", 0), ("heard", 1)], 60, False),
        ([("heard", 0), ("wrote", 1)], 60, False),
        ([("wrote", 1), ("heard", 1.5)], 1.5 + CALM.total_seconds(), True),
        ([("wrote", 1), ("heard", 1.5)], 2, False),
        ([("wrote", 1), ("heard", 1 + CALM.total_seconds())], 60, False),
        ([("wrote", 3600), ("heard", 0)], 60, False),
        ([("wrote", 3600), ("heard", 3600), ("heard", 0)], 60, True),
    ],
    ids=["nothing written", "before", "meanwhile", "not calm", "long after", "the clock was set back", "and after"],
)
def test_somebody_looks_where_people_and_we_met(events: list[tuple[str, float]], now: float, *, look: bool) -> None:
    courtesy = Courtesy()
    for what, moment in events:
        getattr(courtesy, what)(at(moment))
    assert courtesy.should_look(at(now)) is look


def test_whoever_was_heard_while_the_board_was_looked_through_is_looked_for_again() -> None:
    courtesy = Courtesy()
    courtesy.wrote(at(0))
    courtesy.heard(at(1))
    courtesy.looked(at(0.5))
    assert courtesy.should_look(at(10))
    courtesy.looked(at(10))
    assert not courtesy.should_look(at(20))
