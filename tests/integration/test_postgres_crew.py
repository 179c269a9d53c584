"""Several workers on one store in PostgreSQL: nothing is lost, nothing done twice, whoever dies."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from datetime import time as day_time
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text, update

from sync_service.app import create_parts
from sync_service.jobs import crew as crews
from sync_service.jobs.crew import Crew
from sync_service.jobs.leader import somebody_leads
from sync_service.jobs.schedule import Schedule
from sync_service.jobs.worker import NIGHT_DONE
from sync_service.settings import load_settings
from sync_service.store import inbox, tables
from sync_service.store.clock import stamp, utc_now
from sync_service.store.database import Database
from sync_service.store.leases import SWEPT, read_note, write_note
from tests.service import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sync_service.engine.parts import Parts
    from tests.desk import Desk
    from tests.postgres import Cluster

RARELY = Schedule(timedelta(days=1), day_time(2, 30), ZoneInfo("UTC"))


@pytest.fixture
def desk(make: Callable[..., Desk], cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A bridge on PostgreSQL whose clock is the server's, so that jobs fall due when it says."""
    monkeypatch.setattr(crews, "_STALLED_SECONDS", 2.0)
    monkeypatch.setattr(crews, "_BEAT_SECONDS", 0.5)
    monkeypatch.setattr(crews, "_LOOK_SECONDS", 0.1)
    url = cluster.lend()
    desk = make(STORE_URL=url)
    desk.parts.now = utc_now
    yield desk
    desk.parts.database.close()
    cluster.take_back(url)


def hand(desk: Desk) -> Parts:
    """Another worker's parts, on the same store and board."""
    environ = {"PLACECARD_STORE_URL": desk.parts.database.url, "PLACECARD_SECRET_KEY": "key"}
    made = create_parts(load_settings(environ, desk.folder), desk.board)
    made.policy, made.jitter = desk.parts.policy, random.Random(7)
    return made


@contextmanager
def working(desk: Desk, count: int = 1, schedule: Schedule = RARELY) -> Iterator[list[Crew]]:
    """Workers in threads, each with parts of its own."""
    crew = [Crew([hand(desk), hand(desk)], schedule) for _ in range(count)]
    threads = [threading.Thread(target=each.run) for each in crew]
    for thread in threads:
        thread.start()
    try:
        yield crew
    finally:
        for each, thread in zip(crew, threads, strict=True):
            each.stop.set()
            thread.join(60)
            for parts in each.hands:
                parts.database.close()
    assert not any(thread.is_alive() for thread in threads)


def swept(desk: Desk) -> None:
    """The board was swept this moment: nobody need do it."""
    desk.sweep()
    note(desk, SWEPT, stamp(utc_now()))
    note(desk, NIGHT_DONE, RARELY.night(utc_now()).isoformat())


def note(desk: Desk, key: str, value: str | None) -> None:
    with desk.parts.database.writing() as connection:
        write_note(connection, key, value)


def noted(desk: Desk, key: str) -> str | None:
    with desk.parts.database.reading() as connection:
        return read_note(connection, key)


def jobs(desk: Desk, *states: str) -> int:
    with desk.parts.database.reading() as connection:
        asked = text("SELECT count(*) FROM procrastinate_jobs WHERE status::text = ANY(:states)")
        return int(connection.execute(asked, {"states": list(states)}).scalar_one())


def at_rest(desk: Desk) -> bool:
    return not (desk.count(tables.inbox) or desk.count(tables.effect) or jobs(desk, "todo", "doing"))


def test_job_is_kept_with_the_hint_or_not_at_all(desk: Desk) -> None:
    with desk.parts.database.writing() as connection:
        inbox.add_hints(connection, ["7"], utc_now())
    assert jobs(desk, "todo") == 1
    with suppress(ZeroDivisionError), desk.parts.database.writing() as connection:
        inbox.add_hints(connection, ["8"], utc_now())
        raise ZeroDivisionError
    assert jobs(desk, "todo") == 1


def test_crew_works_every_hint_and_sends_every_effect_once(desk: Desk) -> None:
    swept(desk)
    with working(desk, 3):
        until(lambda: somebody_leads(desk.parts.database))
        cards = [desk.add(f"Сквер {number}", column="Одобрено") for number in range(12)]
        until(lambda: all(desk.feature(card) is not None for card in cards))
        until(lambda: all(len(desk.links(card)) == 1 for card in cards))
        for card in cards:
            desk.drag(card, "Выполнено")
        until(lambda: all(desk.known(card).properties["stage"] == "done" for card in cards))
        until(lambda: at_rest(desk))
    assert all(len(desk.links(card)) == 1 for card in cards)
    desk.sweep()  # leaves the mark
    assert desk.sweep().board_writes == 0


def test_sweeps_are_done_by_one_of_them_and_when_asked(desk: Desk) -> None:
    swept(desk)
    desk.webhooks = False
    card = desk.add(column="Одобрено")
    with working(desk, 2, Schedule(timedelta(seconds=1), day_time(2, 30), ZoneInfo("UTC"))):
        until(lambda: desk.feature(card) is not None)
        until(lambda: len(desk.links(card)) == 1)


def test_worker_killed_in_the_middle_of_a_job_loses_nothing(desk: Desk) -> None:
    swept(desk)
    desk.webhooks = False
    card = desk.add(column="Одобрено")
    url = desk.parts.database.url
    desk.parts.database.close()
    child = os.fork()
    if child == 0:
        try:
            _hang_in_the_middle(desk)
        finally:
            os._exit(1)
    desk.parts.database = Database(url)
    with desk.parts.database.writing() as connection:
        inbox.add_hints(connection, [card], utc_now())
    until(lambda: jobs(desk, "doing"))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert desk.feature(card) is None
    with working(desk):
        until(lambda: desk.feature(card) is not None)
        until(lambda: len(desk.links(card)) == 1)
        until(lambda: at_rest(desk))


def _hang_in_the_middle(desk: Desk) -> None:
    parts = hand(desk)
    board: Any = parts.board
    board.read = lambda _cards: time.sleep(600)
    Crew([parts], RARELY).run()


def test_what_is_due_and_has_no_job_gets_one(desk: Desk) -> None:
    swept(desk)
    card = desk.add(column="Одобрено")
    with working(desk):
        until(lambda: len(desk.links(card)) == 1)
        with desk.parts.database.writing() as connection:  # as if it came in with a backup
            row = {"guid": desk.known(card).guid, "key": "tag:x", "kind": "no_link", "body": "{}", "version": 1}
            rest = {"state": "pending", "attempts": 0, "run_after": stamp(utc_now()), "created": stamp(utc_now())}
            connection.execute(tables.effect.insert().values({**row, **rest}))
            connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            connection.execute(text("DELETE FROM procrastinate_jobs WHERE status = 'todo'"))
        until(lambda: at_rest(desk))


def test_lost_server_is_waited_for_without_hands(desk: Desk, cluster: Cluster) -> None:
    swept(desk)
    with working(desk):
        until(lambda: somebody_leads(desk.parts.database))
        cluster.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'placecard'")
        card = desk.add(column="Одобрено")
        until(lambda: desk.feature(card) is not None)


SPRING = datetime(2026, 3, 29, tzinfo=UTC)  # in Berlin 02:30 does not happen on that day
AUTUMN = datetime(2026, 10, 25, tzinfo=UTC)  # and happens twice on this one


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_night_runs_once_across_a_clock_change(desk: Desk, day: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    nights = Schedule(timedelta(minutes=10), day_time(2, 30), ZoneInfo("Europe/Berlin"))
    full: list[datetime] = []
    swept(desk)
    note(desk, NIGHT_DONE, (day - timedelta(days=1)).date().isoformat())
    crew = [Crew([hand(desk)], nights) for _ in range(2)]
    whole = crews._Sweeper._sweep

    def counted(self: Any, options: Any) -> Any:
        if options.full:
            full.append(self.parts.now())
        return whole(self, options)

    monkeypatch.setattr(crews._Sweeper, "_sweep", counted)
    for step in range(6 * 24):
        now = day + timedelta(minutes=10 * step)
        for each in crew:
            each.hands[0].now = partial(_given, now)
            if each._sweep_is_due():
                each._sweep(each.hands[0])
    assert len(full) == 1
    assert noted(desk, NIGHT_DONE) == day.date().isoformat()
    for each in crew:
        each.hands[0].database.close()


def _given(moment: datetime) -> datetime:
    return moment


def test_writer_shut_out_does_not_pass_the_gate(desk: Desk) -> None:
    with desk.parts.database.writing() as connection:
        connection.execute(update(tables.store).values(gate="frozen"))
    crew = Crew([desk.parts], RARELY)
    assert not crew._watches()
    with desk.parts.database.reading() as connection:
        assert connection.execute(select(tables.lease.c.holder).where(tables.lease.c.name == "watch")).first() is None
