"""Broken surroundings, with a clock that the test moves: nothing is lost, doubled or unpublished, and it is said."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import shapely
from sqlalchemy import event, select, update

from kanban_adapter.errors import BadCredentials, BoardError, Failed, NotPermitted, Unreachable
from sync_service.app import create_app
from sync_service.errors import Unavailable
from sync_service.jobs.courtesy import CALM
from sync_service.jobs.leader import LENGTH, WORKER, Leadership
from sync_service.jobs.lookups import Lookups
from sync_service.jobs.schedule import Schedule
from sync_service.jobs.worker import NIGHT_DONE, TROUBLE, Worker
from sync_service.operation.check import Checked, Finding, run_checks
from sync_service.places.geocoders import RemoteGeocoder
from sync_service.places.providers import Pace
from sync_service.store import outbox, requests, tables
from sync_service.store.clock import stamp, utc_now
from sync_service.store.database import Database
from sync_service.store.endings import Ending, Kind, keep_ending, take_token
from sync_service.store.leases import read_note, take_lease
from sync_service.store.migrate import migrate
from sync_service.store.sessions import Session, add_session
from sync_service.sync.values import Visibility
from tests.desk import PLACE
from tests.exchange import body, change, wkb
from tests.service import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from flask.testing import FlaskClient

    from kanban_adapter.memory import MemoryBoard
    from tests.desk import Desk

PUBLIC, HIDDEN = Visibility.PUBLIC, Visibility.HIDDEN
TOKEN = "a webhook token of some length"
MACHINE = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8080"}


@dataclass(slots=True)
class Pendulum:
    """Stands in for the worker's waiting: time passes at once, and at `end` the worker is told to stop.

    `stride` is the least that passes at a time, in seconds: long spans need not be lived second by second.
    """

    desk: Desk
    stop: threading.Event
    end: datetime
    stride: float = 0.01
    waits: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.desk.later(seconds=max(self.stride, seconds))
        if self.desk.now >= self.end:
            self.stop.set()


@contextmanager
def led(desk: Desk) -> Iterator[Worker]:
    """A worker of the desk's bridge, which leads."""
    schedule = Schedule(timedelta(seconds=60), time(2, 30), ZoneInfo("UTC"))
    with Leadership(desk.parts.database.url) as leadership:
        yield Worker(desk.parts, schedule, leadership, Pendulum(desk, threading.Event(), desk.now))  # type: ignore[arg-type]  # it waits likewise


def work(desk: Desk, worker: Worker, *, stride: float = 0.01, **span: float) -> None:
    """Have the worker work for so long, by the desk's clock."""
    worker.stop.clear()
    worker.alarm = Pendulum(desk, worker.stop, desk.now + timedelta(**span), stride)  # type: ignore[assignment]  # as above
    worker.run()


def findings(desk: Desk, **settings: str) -> dict[str, Finding]:
    """What `placecard check` says."""
    from sync_service.settings import load_settings

    environ = {"PLACECARD_LANGUAGE": "en"} | settings
    checked = Checked(load_settings(environ, desk.folder), desk.parts.database, desk.board, desk.now)
    return {finding.name: finding for finding in run_checks(checked)}


def note_of(desk: Desk, key: str) -> str | None:
    with desk.parts.database.reading() as connection:
        return read_note(connection, key)


def outbox_of(desk: Desk) -> outbox.OutboxState:
    with desk.parts.database.reading() as connection:
        return outbox.outbox_state(connection, desk.now)


def client(desk: Desk, **settings: str) -> FlaskClient:
    """The web application on the desk's store."""
    from sync_service.settings import load_settings

    environ = {
        "PLACECARD_STORE_URL": desk.parts.database.url,
        "PLACECARD_WEBHOOK_TOKEN": TOKEN,
        "PLACECARD_PUBLISH": "on",
    } | settings
    return create_app(load_settings(environ, desk.folder)).test_client()


def events(caplog: pytest.LogCaptureFixture, name: str) -> list[dict[str, Any]]:
    return [getattr(record, "data", {}) for record in caplog.records if record.getMessage() == name]


# --- the board


def test_board_that_fails_for_an_hour_costs_nothing_but_the_hour(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    tries: list[datetime] = []

    def broken(_operation: str, _phase: str) -> None:
        tries.append(desk.now)
        raise Unreachable("getTask", "HTTP 500")

    with led(desk) as worker:
        here = desk.add(column="Одобрено")
        work(desk, worker, minutes=3)
        assert desk.known(here).visibility is PUBLIC
        owed = desk.add(title="Ждёт ссылки", column="Одобрено")
        moved = [desk.add(title=f"Новое {number}", column="Одобрено") for number in range(5)]
        desk.board.world.faults.hook = broken
        work(desk, worker, hours=1)

        assert desk.known(here).visibility is PUBLIC, "nothing is taken away"
        assert desk.count(tables.inbox) == 6, "hints are kept"
        gaps = [(later - before).total_seconds() for before, later in pairwise(tries)]
        assert gaps[0] < 6 < max(gaps) <= 31, "longer after every failure, at least twice a minute in the end"
        assert len({round(gap, 1) for gap in gaps[-30:]}) > 10, "never all at once: jitter"
        assert len(tries) < 400
        found = findings(desk)
        assert "HTTP 500" in found["board"].say("en")
        assert "HTTP 500" in found["worker"].say("en")
        assert len(events(caplog, "worker.rests")) == 1, "said once"

        desk.board.world.faults.hook = None
        work(desk, worker, minutes=3)
        for card in (here, owed, *moved):
            assert desk.known(card).visibility is PUBLIC
            assert len(desk.links(card)) == 1
        assert (note_of(desk, TROUBLE), outbox_of(desk).waiting, outbox_of(desk).dead) == (None, 0, 0)
        assert findings(desk)["worker"].ok


@pytest.mark.parametrize("lost", [False, True], ids=["refused with 500", "done, and every answer lost"])
def test_effects_never_die_of_a_board_that_is_away(desk: Desk, lost: bool) -> None:
    def broken(_operation: str, phase: str) -> None:
        if phase == ("answer" if lost else "write"):
            raise Unreachable("createExternalTaskLink", "HTTP 500")

    with led(desk) as worker:
        desk.add(column="Одобрено")
        work(desk, worker, minutes=2)
        desk.board.world.faults.hook = broken
        card = desk.add(title="Вторая", column="Одобрено")
        work(desk, worker, stride=7, hours=1)
        assert desk.known(card).visibility is PUBLIC, "reading goes on"
        assert outbox_of(desk).dead == 0
        assert findings(desk)["time"].ok, "a mark that did not get through is no board that went back"
        desk.board.world.faults.hook = None
        work(desk, worker, minutes=3)
        assert outbox_of(desk).waiting == 0
        assert len(desk.links(card)) == 1


def test_account_that_may_not_write_is_said_and_does_not_stop_the_map(desk: Desk) -> None:
    def shut_out(_operation: str, phase: str) -> None:
        if phase == "write":
            raise BadCredentials("createExternalTaskLink", "account bot")

    with led(desk) as worker:
        work(desk, worker, minutes=2)
        desk.board.world.faults.hook = shut_out
        card = desk.add(column="Одобрено")
        work(desk, worker, stride=5, minutes=10)
        assert desk.known(card).visibility is PUBLIC
        assert (outbox_of(desk).waiting, outbox_of(desk).dead) == (1, 0)
        assert "account bot" in findings(desk)["effects"].say("en")
        desk.board.world.faults.hook = None
        work(desk, worker, minutes=3)
        assert findings(desk)["effects"].ok


def test_mistake_in_one_effect_stops_no_other_and_dies_visibly(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = desk.add(title="Плохая", column="Одобрено")
    good = desk.add(title="Хорошая", column="Одобрено")
    ensure = type(desk.board).ensure_link

    def poisoned(self: MemoryBoard, card_id: str, *rest: Any, **named: Any) -> bool:
        if card_id == bad:
            raise KeyError("poison")
        return ensure(self, card_id, *rest, **named)

    monkeypatch.setattr(type(desk.board), "ensure_link", poisoned)
    with led(desk) as worker:
        work(desk, worker, stride=5, minutes=30)
        assert len(desk.links(good)) == 1
        assert outbox_of(desk).dead == 1
        assert "poison" in findings(desk)["effects"].say("en")
        assert note_of(desk, TROUBLE) is None
        monkeypatch.undo()
        desk.sweep(full=True)
        assert len(desk.links(bad)) == 1


def test_mistake_of_ours_is_rested_and_logged_and_the_worker_lives(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    card = desk.add(column="Одобрено")
    monkeypatch.setattr(type(desk.board), "columns", lambda _self: [].pop())
    with led(desk) as worker:
        work(desk, worker, minutes=5)
        assert "IndexError" in str(note_of(desk, TROUBLE))
        assert any(record.exc_info for record in caplog.records if record.getMessage() == "worker.failed")
        monkeypatch.undo()
        work(desk, worker, minutes=2)
        assert (note_of(desk, TROUBLE), desk.known(card).visibility) == (None, PUBLIC)


def test_failing_sweep_is_no_recovery_and_the_next_try_begins_with_it(desk: Desk) -> None:
    """Without hints and effects there is nothing but the sweep that fails; in between nothing works either."""
    with led(desk) as worker:
        work(desk, worker, minutes=2)
        desk.board.world.faults.unreachable = True
        for _ in range(20):
            work(desk, worker, minutes=2)
            assert "out of reach" in str(note_of(desk, TROUBLE))
        desk.board.world.faults.unreachable = False
        desk.webhooks = False
        card = desk.add(column="Одобрено")
        work(desk, worker, seconds=40)
        assert desk.known(card).visibility is PUBLIC


def test_listing_that_one_card_spoils_holds_up_no_other(desk: Desk) -> None:
    """Kanboard answers no listing at all while one title in it is no UTF-8; everything else it answers."""

    def spoiled(operation: str, _phase: str) -> None:
        if operation == "listing":
            raise Failed("getAllTasks", "Internal error Malformed UTF-8 characters")

    with led(desk) as worker:
        work(desk, worker, minutes=2)
        desk.board.world.faults.hook = spoiled
        work(desk, worker, minutes=10)
        card = desk.add(column="Одобрено")
        work(desk, worker, seconds=3)
        assert (desk.known(card).visibility, len(desk.links(card))) == (PUBLIC, 1)
        assert "Malformed UTF-8" in str(note_of(desk, TROUBLE))
        desk.board.world.faults.hook = None
        work(desk, worker, minutes=1)
        assert note_of(desk, TROUBLE) is None


def test_move_that_met_our_write_and_was_not_told_of_is_looked_for_once_it_is_calm(desk: Desk) -> None:
    """Kanboard makes such a move, answers that its file is locked, and sends no webhook."""
    first, second, third = (desk.add(column="На рассмотрении") for _ in range(3))
    moved: list[str] = []

    def meanwhile(operation: str, phase: str) -> None:
        if (operation, phase) == ("ensure_link", "write") and not moved:
            for card, desk.webhooks in ((second, False), (third, True)):
                moved.append(card)
                desk.drag(card, "Одобрено")

    with led(desk) as worker:
        work(desk, worker, seconds=1)
        desk.board.world.faults.hook = meanwhile
        desk.drag(first, "Одобрено")
        work(desk, worker, seconds=CALM.total_seconds() + 2)
    assert moved == [second, third]
    assert [desk.known(card).visibility for card in (first, second, third)] == [PUBLIC] * 3


def test_trouble_of_a_worker_that_died_is_not_said_for_ever(desk: Desk) -> None:
    desk.board.world.faults.unreachable = True
    with led(desk) as worker:
        work(desk, worker, minutes=2)
        assert not findings(desk)["worker"].ok
    desk.board.world.faults.unreachable = False
    with led(desk) as worker:
        work(desk, worker, minutes=2)
        assert (note_of(desk, TROUBLE), findings(desk)["worker"].ok) == (None, True)


@pytest.mark.parametrize(
    ("error", "code"),
    [(Unreachable("getAllTasks", "HTTP 500"), 3), (NotPermitted("getAllTasks", "403"), 3), (Failed("getColumns"), 1)],
    ids=["away", "not permitted", "failed"],
)
def test_resting_worker_answers_who_asks_for_a_sweep_at_once(desk: Desk, error: BoardError, code: int) -> None:
    def broken(_operation: str, _phase: str) -> None:
        raise error

    def ask() -> str:
        with desk.parts.database.writing() as connection:
            return requests.ask_sweep(connection, desk.now, full=False, force=False)

    def answer(request: str) -> dict[str, Any] | None:
        with desk.parts.database.reading() as connection:
            return requests.sweep_answer(connection, request)

    with led(desk) as worker:
        desk.board.world.faults.hook = broken
        work(desk, worker, minutes=5)
        asked = ask()
        work(desk, worker, seconds=1.5)
        failed = answer(asked)
        assert failed is not None
        assert (failed["code"], failed["failed"]) == (code, type(error).__name__)
        assert str(error) in str(failed["why"])
        desk.board.world.faults.hook = None
        asked = ask()
        work(desk, worker, seconds=1.5)
        assert (answer(asked) or {})["errors"] == []
        assert note_of(desk, TROUBLE) is None, "and the rest is over"


def test_recover_ends_the_rest_at_once(desk: Desk) -> None:
    from sync_service.engine.recovery import recover

    with led(desk) as worker:
        card = desk.add(column="Одобрено")
        work(desk, worker, minutes=2)
        backup = desk.board.snapshot()
        desk.drag(card, "Отклонено")
        work(desk, worker, minutes=2)
        desk.board.restore(backup)
        work(desk, worker, stride=5, minutes=10)
        assert desk.known(card).visibility is HIDDEN, "nothing is published"
        assert not findings(desk)["time"].ok
        recover(desk.parts)
        work(desk, worker, seconds=2.5)
        assert desk.known(card).visibility is PUBLIC
        assert findings(desk)["time"].ok


@pytest.mark.parametrize("column", ["Одобрено", "Предложено"])
def test_removed_column_takes_only_its_cards(desk: Desk, column: str) -> None:
    stays, goes = desk.add(column="В работе"), desk.add(title="Уйдёт", column=column)
    desk.sweep()
    desk.person.remove_card(goes)  # Kanboard removes a column's cards with it
    desk.person.remove_column(desk.column(column))
    report = desk.sweep()
    assert report.errors == []
    assert (desk.known(stays).visibility, desk.known(goes).visibility) == (PUBLIC, HIDDEN)


def test_added_column_with_cards_is_named_and_public_only_when_confirmed(desk: Desk) -> None:
    column = desk.person.add_column(desk.project, "Согласовано мэрией")
    card = desk.person.add_card(desk.project, column, "В новом столбце", PLACE)
    desk.sweep()
    assert desk.known(card).visibility is HIDDEN
    assert "Согласовано мэрией" in findings(desk)["columns"].say("en")
    desk.person.rename_column(column, "Одобрено")
    desk.sweep()
    assert desk.known(card).visibility is HIDDEN, "a name decides nothing until a person confirms"


def test_vanished_project_takes_nothing_away(desk: Desk) -> None:
    cards = [desk.add(title=f"Предложение {number}", column="Одобрено") for number in range(3)]
    desk.sweep()
    backup = desk.board.snapshot()
    with led(desk) as worker:
        desk.person.remove_project(desk.project)
        work(desk, worker, stride=5, minutes=30)
        assert {desk.known(card).visibility for card in cards} == {PUBLIC}
        assert "project" in findings(desk)["board"].say("en")
        desk.board.restore(backup)
        work(desk, worker, minutes=2)
        assert findings(desk)["worker"].ok


def test_flood_of_webhooks_about_foreign_cards_holds_nobody_up(desk: Desk) -> None:
    for number in range(300):
        desk.hear(str(100_000 + number))
    card = desk.add(column="Одобрено")
    for _ in range(50):
        desk.hear(card)
    with led(desk) as worker:
        work(desk, worker, seconds=5)
    assert desk.known(card).visibility is PUBLIC
    assert (desk.count(tables.inbox), desk.count(tables.feature), len(desk.links(card))) == (0, 1, 1)


def test_webhooks_doubled_and_out_of_order_tell_the_truth_of_now(desk: Desk) -> None:
    desk.webhooks = False
    cards = [desk.add(title=f"Предложение {number}") for number in range(4)]
    for column in ("На рассмотрении", "Одобрено", "Отклонено", "Одобрено"):
        for card in cards:
            desk.drag(card, column)
    desk.drag(cards[0], "Отклонено")
    desk.webhooks = True
    for card in (*reversed(cards), *cards, *reversed(cards)):
        desk.hear(card)
    desk.work()
    assert [desk.known(card).visibility for card in cards] == [HIDDEN, PUBLIC, PUBLIC, PUBLIC]
    assert [desk.known(card).version for card in cards] == [1, 1, 1, 1]


# --- the machine


@contextmanager
def full_disk(database: Database) -> Iterator[None]:
    """No page can be added to the store, as on a full disk: SQLite says the very same (SQLITE_FULL)."""

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    database.close()
    event.listen(database.engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(database.engine, "connect", limit)
        database.close()


def fill(desk: Desk) -> None:
    """Take up the room that is left in the store's last pages."""
    with closing(sqlite3.connect(desk.folder / "placecard.db")) as store:
        store.execute("CREATE TABLE IF NOT EXISTS ballast (stuff BLOB)")
        store.execute("VACUUM")


def test_full_disk_stops_writing_only_and_heals_by_itself(desk: Desk) -> None:
    with led(desk) as worker:
        card = desk.add(column="Одобрено")
        work(desk, worker, minutes=2)
        web = client(desk)
        fill(desk)
        with full_disk(desk.parts.database):
            desk.webhooks = False
            long = [desk.add(f"Длинное {n}", f"{PLACE}\n{'я' * 9000}", "Одобрено") for n in range(3)]
            work(desk, worker, stride=5, minutes=10)
            assert "full" in str(worker._trouble)
            assert desk.known(card).visibility is PUBLIC
            assert len(web.get("/ogc/collections/proposals/items").get_json()["features"]) == 1
            assert web.get("/readyz").status_code == 200
            waits = worker.alarm.waits  # type: ignore[attr-defined]  # the pendulum's
            assert len(waits) < 700, "it does not spin"
        work(desk, worker, minutes=2)
        assert {desk.known(each).visibility for each in long} == {PUBLIC}
        assert (note_of(desk, TROUBLE), [len(desk.links(each)) for each in long]) == (None, [1, 1, 1])


@contextmanager
def read_only(database: Database) -> Iterator[None]:
    """The store can be read and not written, as on a disk that was mounted read-only after an error."""

    def forbid(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA query_only=ON")

    database.close()
    event.listen(database.engine, "connect", forbid)
    try:
        yield
    finally:
        event.remove(database.engine, "connect", forbid)
        database.close()


def test_store_that_turns_read_only_serves_on_and_heals_by_itself(desk: Desk) -> None:
    with led(desk) as worker:
        card = desk.add(column="Одобрено")
        work(desk, worker, minutes=2)
        web = client(desk)
        with read_only(desk.parts.database):
            desk.webhooks = False
            late = desk.add("Пока диск заперт", column="Одобрено")
            work(desk, worker, stride=5, minutes=10)
            assert "cannot be written" in str(worker._trouble)
            assert "not written" in findings(desk)["store"].say("en")
            assert len(web.get("/ogc/collections/proposals/items").get_json()["features"]) == 1
            assert desk.links(late) == []
            assert worker.alarm.waits, "it rests"  # type: ignore[attr-defined]  # the pendulum's
        work(desk, worker, minutes=2)
        assert [desk.known(each).visibility for each in (card, late)] == [PUBLIC, PUBLIC]
        assert (note_of(desk, TROUBLE), len(desk.links(late))) == (None, 1)


@pytest.mark.parametrize(("fault", "reason"), [(full_disk, "disk_full"), (read_only, "store_read_only")])
def test_push_that_the_disk_refuses_leaves_nothing_and_is_taken_later(
    desk: Desk, fault: Callable[[Database], Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync_service.app.Database", lambda _url: desk.parts.database)
    said = {"title": "Беседка", "description": "я" * 5000}
    drawn = [change(str(uuid4()), op="create", set=said, geometry=wkb(shapely.Point(49.4, 53.5))) for _ in range(20)]
    asked = {"json": body(*drawn), "headers": {"Idempotency-Key": "one"}, "environ_overrides": MACHINE}
    web = client(desk)
    fill(desk)
    with fault(desk.parts.database):
        refused = web.post("/sync/v1/collections/proposals/push", **asked)
        assert (refused.status_code, refused.get_json()["reason"]) == (503, reason)
        assert desk.count(tables.edit) + desk.count(tables.push) + desk.count(tables.feature) == 0
    taken = web.post("/sync/v1/collections/proposals/push", **asked)
    assert taken.status_code == 200
    results = taken.get_json()["results"]
    assert {(each["status"], each.get("replayed", False)) for each in results} == {("applied", False)}
    desk.now = utc_now()  # the clock of the web
    desk.sweep()
    assert all(len(desk.board.find_reference(each["guid"])) == 1 for each in drawn)


def test_check_finds_a_store_that_cannot_be_written(desk: Desk) -> None:
    desk.sweep()
    desk.add("Сквер", PLACE, "Одобрено")  # something to be written
    with closing(sqlite3.connect(desk.folder / "placecard.db", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        readonly = Database(f"sqlite:///file:{desk.folder / 'placecard.db'}?mode=ro&uri=true")
        desk.parts.database, own = readonly, desk.parts.database
        try:
            said = findings(desk)["store"].say("en")
            assert "not written" in said
            assert "read-only" in said
            with pytest.raises(Unavailable) as caught:
                desk.sweep()
            assert caught.value.data["reason"] == "store_read_only"
        finally:
            desk.parts.database = own
            readonly.close()


@pytest.mark.parametrize(("gate", "remedy"), [("frozen", "--give-up"), ("moved", "PLACECARD_STORE_URL")])
def test_check_says_that_a_store_is_shut(desk: Desk, gate: str, remedy: str) -> None:
    with desk.parts.database.writing() as connection:
        connection.execute(update(tables.store).values(gate=gate))
    found = findings(desk)["store"]
    assert (found.ok, remedy in found.say("en")) == (False, True)
    with desk.parts.database.writing(gate=False) as connection:
        connection.execute(update(tables.store).values(gate="open"))
    assert findings(desk)["store"].ok


def test_store_that_is_away_is_logged_once_by_who_asks_geocoders(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    class Rounds(threading.Event):
        """Ends after five rounds, which take no time."""

        left = 5

        def wait(self, timeout: float | None = None) -> bool:
            self.left -= 1
            if self.left == 0:
                self.set()
            return self.is_set()

    desk.parts.database, own = Database(f"sqlite:///{desk.folder / 'nowhere' / 'placecard.db'}"), desk.parts.database
    rounds = Rounds()
    Lookups(desk.parts, rounds).run()
    desk.parts.database = own
    assert (rounds.left, len(events(caplog, "lookups.rest"))) == (0, 1)


def test_damaged_store_is_said_and_never_served_as_truth(desk: Desk) -> None:
    for number in range(20):
        desk.add(f"Предложение {number}", f"{PLACE}\n{'я' * 3000}", "Одобрено")
    desk.sweep()
    desk.parts.database.close()
    path = desk.folder / "placecard.db"
    with closing(sqlite3.connect(path)) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = path.read_bytes()
    path.write_bytes(content[:200] + b"\xff" * (len(content) - 200))
    found = findings(desk)
    assert found["store"].key in {"store_damaged", "store_away"}
    assert "damaged" in found["store"].say("en")
    assert found["board"].ok, "the other checks go on"
    with pytest.raises(Unavailable) as caught:
        desk.sweep()
    assert caught.value.data["reason"] == "store_damaged"
    assert client(desk).get("/ogc/collections/proposals/items").status_code == 503


def test_no_store_where_one_should_be(desk: Desk) -> None:
    desk.parts.database.close()
    for file in desk.folder.glob("placecard.db*"):
        file.unlink()
    assert findings(desk)["store"].key == "store_empty"
    with pytest.raises(Unavailable) as caught:
        desk.sweep()
    assert caught.value.data["reason"] == "store_empty"
    with led(desk) as worker:
        work(desk, worker, minutes=2)
        assert "placecard init" in str(worker._trouble)
    answer = client(desk).get("/readyz")
    assert (answer.status_code, "init" in answer.get_data(as_text=True)) == (503, True)


def test_store_of_a_newer_schema_is_neither_written_nor_migrated(desk: Desk) -> None:
    with closing(sqlite3.connect(desk.folder / "placecard.db")) as store:
        store.execute("UPDATE store SET schema_version = '9999'")
        store.execute("UPDATE alembic_version SET version_num = '9999'")
        store.commit()
    assert "newer" in findings(desk)["store"].say("en")
    for attempt in (desk.sweep, lambda: migrate(desk.parts.database.url)):
        with pytest.raises(Unavailable) as caught:
            attempt()
        assert caught.value.data == {"reason": "store_newer", "retry_after": 5, "version": "9999"}


def test_busy_store_does_not_make_the_board_wait_and_loses_no_hint(desk: Desk) -> None:
    web = client(desk)
    body = {"event_name": "task.update", "event_data": {"task_id": 77}}
    with closing(sqlite3.connect(desk.folder / "placecard.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = web.post("/board/events", query_string={"token": TOKEN}, json=body)
        assert answer.status_code == 204
        assert other.in_transaction, "answered while the store was still locked"
        assert desk.count(tables.inbox) == 0
        other.execute("ROLLBACK")
    until(lambda: desk.count(tables.inbox) == 1)


def test_announcement_that_cannot_be_stored_is_answered_and_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    web = client(desk)
    desk.parts.database.close()
    for file in desk.folder.glob("placecard.db*"):
        file.unlink()
    body = {"event_name": "task.update", "event_data": {"task_id": 77}}
    assert web.post("/board/events", query_string={"token": TOKEN}, json=body).status_code == 204
    (lost,) = events(caplog, "hint.lost")
    assert lost["cards"] == ["77"]
    assert TOKEN not in caplog.text


def test_lease_taken_before_the_clock_was_set_back_holds_nobody_off(desk: Desk) -> None:
    with desk.parts.database.writing() as connection:
        assert take_lease(connection, WORKER, "dead", utc_now() + timedelta(hours=5), LENGTH)
    with led(desk) as worker:
        work(desk, worker, minutes=2)
        assert findings(desk)["worker"].ok


def test_clock_set_back_stops_neither_sweeps_nor_the_end_of_a_rest(desk: Desk) -> None:
    desk.webhooks = False
    with led(desk) as worker:
        work(desk, worker, minutes=2)
        desk.later(hours=-5)
        card = desk.add(column="Одобрено")
        work(desk, worker, seconds=5)
        assert desk.known(card).visibility is PUBLIC
        desk.board.world.faults.unreachable = True
        work(desk, worker, minutes=5)
        desk.later(hours=-5)
        desk.board.world.faults.unreachable = False
        work(desk, worker, seconds=5)
        assert note_of(desk, TROUBLE) is None


def test_night_is_swept_in_full_once_and_again_after_a_failure(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    def full_sweeps() -> int:
        return sum(bool(data.get("full")) for data in events(caplog, "sweep.done"))

    with led(desk) as worker:
        work(desk, worker, stride=900, hours=16)  # from nine in the morning to one at night
        assert full_sweeps() == 1, "the first day's, made up for"
        desk.board.world.faults.unreachable = True
        work(desk, worker, stride=900, hours=3)
        assert (full_sweeps(), note_of(desk, NIGHT_DONE)) == (1, "2026-03-02")
        desk.board.world.faults.unreachable = False
        work(desk, worker, stride=900, hours=20)
        assert (full_sweeps(), note_of(desk, NIGHT_DONE)) == (2, "2026-03-03")


def test_night_forgets_who_was_signed_in(desk: Desk) -> None:
    """Names and sealed tokens of sessions that are over do not wait for somebody else to sign in."""
    database, now = desk.parts.database, desk.now
    over = Session("over", "token", "{}", *(stamp(now + timedelta(hours=hours)) for hours in (0, 0, 1)))
    stays = Session("stays", "token", "{}", *(stamp(now + timedelta(hours=hours)) for hours in (0, 16, 30)))
    with database.writing() as connection:
        add_session(connection, over, now)
        add_session(connection, stays, now)
        keep_ending(connection, Ending(Kind.SIGN_IN, "s-1", 0), now - timedelta(hours=10))
        take_token(connection, "t-1", now + timedelta(minutes=2))
    with led(desk) as worker:
        work(desk, worker, stride=900, hours=18)
    with database.reading() as connection:
        kept = (tables.session, tables.ended, tables.logout_token)
        left = [connection.execute(select(table)).all() for table in kept]
    database.close()
    assert [len(rows) for rows in left] == [1, 0, 0]
    assert left[0][0].digest == "stays"


# --- the geocoder


class Geocoder(ThreadingHTTPServer):
    """Answers as Nominatim does, or with `status` alone; counts what it was asked."""

    daemon_threads = True
    status = 200
    asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answering(BaseHTTPRequestHandler):
    server: Geocoder

    def do_GET(self) -> None:
        self.server.asked += 1
        parts = {"road": "улица Мира", "house_number": "5", "city": "Тольятти", "country_code": "ru"}
        found = {
            "lat": "53.51",
            "lon": "49.41",
            "class": "building",
            "type": "yes",
            "addresstype": "building",
            "osm_type": "way",
            "osm_id": 1,
            "place_id": 1,
            "display_name": "5, улица Мира, Тольятти",
            "address": parts,
        }
        body = json.dumps([found], ensure_ascii=False).encode() if self.server.status == 200 else b"slow down"
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's signature
        pass


@pytest.fixture
def geocoder() -> Iterator[Geocoder]:
    with Geocoder(("127.0.0.1", 0), _Answering) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [429, 500, 403])
def test_address_waits_for_its_geocoder_and_is_placed_later_without_hands(
    make: Callable[..., Desk], geocoder: Geocoder, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"GEOCODER": "nominatim", "GEOCODER_URL": geocoder.url, "HOME_SETTLEMENT": "Тольятти"}
    desk = make(**settings, GEOCODER_RATE="50")
    provider = desk.parts.placing.resolver._geocoder
    assert isinstance(provider, RemoteGeocoder)
    provider._remote._pace = Pace(0.0, clock=lambda: desk.now.timestamp())  # noqa: PLW0108 - the clock is moved later
    asking = Lookups(desk.parts)
    geocoder.status = status
    card = desk.add(description="Адрес: улица Мира, 5", column="Одобрено")
    other = desk.add("Со своим местом", column="Одобрено")
    desk.work()
    assert desk.known(other).geometry is not None, "nobody waits for the geocoder"
    assert desk.known(card).properties["placement"] == "unplaced"
    assert desk.known(card).properties["place_reason"]
    for _ in range(6):
        assert asking.ask_next()
        assert not asking.ask_next(), "not again at once"
        desk.later(minutes=10)
    down = events(caplog, "geocoder.down")
    assert [line["attempts"] for line in down] == [1, 2, 3, 4, 5, 6]
    geocoder.status = 200
    assert asking.ask_next()
    desk.work()
    assert desk.known(card).properties["placement"] == "placed"
    asked = geocoder.asked
    desk.sweep(full=True)
    assert not asking.ask_next()
    assert geocoder.asked == asked, "the answer is kept"
