"""One bridge in memory, with a clock, a network and everything that can go wrong at the points where it can.

The wiring is made once per process; a run begins by pouring the same empty, initialised store and board into it.
"""

from __future__ import annotations

import logging
import os
import random
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from kanban_adapter.card import BOARD_NOTE
from kanban_adapter.errors import BadCredentials, BoardError, Failed, NotPermitted, Unreachable
from kanban_adapter.memory import World
from sync_service.app import create_parts
from sync_service.engine import hints, sending
from sync_service.engine.report import Report
from sync_service.engine.sweep import SweepOptions, sweep
from sync_service.errors import PlacecardError, Unavailable
from sync_service.jobs.worker import drain, swept_now
from sync_service.operation.setup import set_up
from sync_service.settings import load_settings
from sync_service.store import inbox
from sync_service.store.database import Database
from sync_service.store.outbox import release_claims
from tests.simulation.board import WatchedBoard
from tests.simulation.store import Died, Image, MemoryStore
from tests.simulation.watching import FeedReader
from tests.simulation.words import new_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kanban_adapter.memory import Held
    from sync_service.engine.parts import Parts
    from tests.simulation.chance import Chances
    from tests.simulation.oracle import Oracle

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BOARD = "6f1f3a52-0d7e-4b0a-9f3c-0d2f5a1c9b11"
WATCHED = ("Предложено", "На рассмотрении", "Одобрено", "В работе", "Выполнено", "Отклонено", "Склад")
_MOST_ROUNDS = 100
_STORE_FAULTS = ("store_busy", "disk_full", "store_read_only", "disk_error")


class Rig:
    """The bridge of a run. `stormy` lets things go wrong; `meddler` is what somebody else does meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.now = START
        self.random = random.Random(0)
        self.stormy = False
        self.depth = self.number = 0
        self.network: list[str] = []
        self.trace: list[str] = []
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self.world = World(self._seconds)
        self.store = MemoryStore()
        self._prepare(folder)
        self.world.listeners.append(self._announced)
        self.world.faults.hook = self._at_board
        self.store.point = self._at_store
        self.meddler: Callable[[], None] = lambda: None
        self.chances: Chances
        self.oracle: Oracle
        self._collector = _Collector(self.failures)

    def _seconds(self) -> float:
        return self.now.timestamp()

    def _prepare(self, folder: Path) -> None:
        """Make the empty store and board every run begins with."""
        self.project = self.world.add_project("Карта", WATCHED)
        self.foreign = self.world.add_project("Чужое", ("Разное",))
        self.world.state.notes[self.project][BOARD_NOTE] = BOARD
        self.board = WatchedBoard(self.world, (self.project,))
        url = f"sqlite:///{folder / 'placecard.db'}"
        given = {"PUBLISH": "on", "TIMEZONE": "UTC", "LANGUAGE": "en", "STORE_URL": url}
        settings = load_settings({f"PLACECARD_{name}": value for name, value in given.items()}, folder)
        with seeded(0):
            self.parts = create_parts(settings, self.board)
            self.parts.now = lambda: self.now
            set_up(self.parts, settings.store_url)
            self._take(settings.store_url)
        self._state = self.world.snapshot()
        self.columns = {c.title: c.id for c in self.world.state.columns.values() if c.project_id == self.project}

    def _take(self, url: str) -> None:
        self.parts.database.close()
        file = Database(url)
        raw = file.engine.raw_connection()
        raw.driver_connection.execute("PRAGMA journal_mode=DELETE")  # type: ignore[union-attr]  # it is connected
        self._image = Image(raw.driver_connection)  # type: ignore[arg-type]  # sqlite3's own
        raw.close()
        file.close()
        self.parts.database = self.store

    def begin(self, chances: Chances, dice: random.Random, oracle: Oracle) -> None:
        """Begin a run: everything empty and initialised, and nothing wrong yet."""
        self._image.pour(self.store.raw)
        self.world.restore(self._state)
        self.random, self.chances, self.oracle = dice, chances, oracle
        self.board.oracle = oracle
        self.board.forget()
        self.board.ours.clear()
        self.now, self.depth, self.stormy, self.number = START, 0, False, 0
        self.network.clear()
        self.trace, self.counts = [], Counter()
        self.failures.clear()
        self.parts.jitter = random.Random(dice.random())
        self.parts.policy = replace(self.parts.policy, surge_limit=chances.surge_limit)
        self.parts.nonce = ""
        self._other = replace(self.parts)
        self.feed = FeedReader(self.store.raw, chances.surge_limit)
        self._failed = self._died = False
        self.unheard = False

    def restart(self) -> None:
        """The service is started anew: no process remembers anything, and whoever leads frees what was claimed."""
        self.parts.nonce = self._other.nonce = ""
        self.board.forget()
        self._died = True

    @contextmanager
    def listening(self) -> Iterator[None]:
        """What the engine logs meanwhile is heard here; the log is nobody else's to find changed afterwards."""
        log = logging.getLogger("sync_service")
        before = log.level
        log.setLevel(logging.ERROR)
        log.addHandler(self._collector)
        try:
            yield
        finally:
            log.removeHandler(self._collector)
            log.setLevel(before)

    def say(self, line: str) -> None:
        """Note one line of the trace."""
        self.trace.append(f"{self.now:%H:%M:%S} {'    ' * self.depth}{line}")

    # --- the points where things happen

    def _at_store(self, where: str) -> None:
        if where == "committed":
            self.feed.look()
        if not self.stormy:
            return
        self._perhaps_die(self.chances.crash, f"store {where}")
        if where == "committed":
            if self.happens(self.chances.commit_lost):
                self._fail_store("disk_error", where)
        elif self.happens(self.chances.store_fault):
            self._fail_store("disk_full" if where == "commit" else self.random.choice(_STORE_FAULTS), where)
        if where != "commit":
            self._perhaps_meddle()

    def _fail_store(self, reason: str, where: str) -> None:
        self.say(f"! {reason} at {where}")
        raise Unavailable(reason=reason)

    def _at_board(self, operation: str, phase: str) -> None:
        if self.stormy:
            self._perhaps_die(self.chances.crash, f"{operation} {phase}")
            self._perhaps_fail(operation, phase)
            self._perhaps_meddle()
        if phase == "write":
            self.board.before_write(operation)

    def _perhaps_fail(self, operation: str, phase: str) -> None:
        rate = self.chances.answer_lost if phase == "answer" else self.chances.board_fault
        if phase in {"look", "answer", "write"} and self.happens(rate):
            error: BoardError = Unreachable(operation, phase)
            if phase == "write" and self.happens(0.5):
                error = self.random.choice((Failed, BadCredentials, NotPermitted))(operation, phase)
            self.say(f"! {type(error).__name__} {operation} {phase}")
            raise error

    def _perhaps_die(self, rate: float, where: str) -> None:
        if self.happens(rate):
            self.say(f"! dies at {where}")
            raise Died

    def _perhaps_meddle(self) -> None:
        if self.depth == 0 and self.happens(self.chances.meddling):
            self.depth += 1
            self.board.frames.append({})
            self.now += timedelta(seconds=1)
            try:
                self.meddler()
            finally:
                self.depth -= 1
                self.board.frames.pop()

    def happens(self, rate: float) -> bool:
        return rate > 0 and self.random.random() < rate

    def guid_of(self, key: tuple[str, ...]) -> str | None:
        """The proposal that a card is, if the store knows it."""
        query = "SELECT guid FROM pair WHERE card_id = ? AND card_created = ?"
        row = self.store.raw.execute(query, key[1:3]).fetchone() if key[0] == "card" else None
        return None if row is None else str(row[0])

    def remembered(self, card: Held) -> dict[str, Any] | None:
        """What the store remembers of a card, if it knows it."""
        query = "SELECT state FROM pair WHERE card_id = ? AND card_created = ?"
        row = self.store.raw.execute(query, (card.id, card.created)).fetchone()
        return None if row is None else orjson.loads(row[0])

    def fresh(self, field: str) -> Any:
        """A value of this field that nobody has said before."""
        self.number += 1
        return new_value(field, self.number)

    # --- the network

    def _announced(self, card_id: str) -> None:
        if self.happens(self.chances.webhook_lost):
            self.unheard = True
            return
        self.network.append(card_id)
        if self.chances.prompt:
            with self.alone():
                self.deliver()
        if self.happens(self.chances.webhook_doubled):
            self.network.append(card_id)

    def deliver(self) -> None:
        """One webhook arrives, in whatever order."""
        if self.network:
            card_id = self.network.pop(self.random.randrange(len(self.network)))
            self.say(f"webhook about card {card_id}")
            heard = False
            with self.server():
                with self.store.writing() as connection:
                    inbox.add_hints(connection, [card_id], self.now)
                heard = True
            self.unheard |= not heard

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else does anything meanwhile."""
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Nothing goes wrong meanwhile, and nobody else does anything."""
        before, self.stormy = self.stormy, False
        try:
            yield
        finally:
            self.stormy = before

    @contextmanager
    def server(self) -> Iterator[None]:
        """Whoever asks the service may get no answer: it died, or could not."""
        try:
            yield
        except Died:
            self.counts["crashes"] += 1
        except PlacecardError as error:
            self.say(f"no answer: {error}")

    # --- the engine

    @property
    def process(self) -> Parts:
        """The worker's process, or that of another worker who is at it meanwhile."""
        return self._other if self.depth else self.parts

    def engine(self, name: str, work: Callable[[Report], Any]) -> Report:
        """One piece of work of the worker, with what its process does around it."""
        report = Report()
        self.say(name)
        if not self.depth:
            self.board.forget()
        try:
            if self._died and not self.depth:
                with self.store.writing() as connection:
                    release_claims(connection)
                self._died = False
            work(report)
            if self._failed and not self.depth:
                with self.store.writing() as connection:
                    release_claims(connection)
                self._failed = False
        except Died:
            self.counts["crashes"] += 1
            self.process.nonce = ""
            self._died = True
        except (BoardError, PlacecardError) as error:
            self._failed = True
            self.say(f"stopped: {type(error).__name__} {error}")
        return report

    def work(self) -> Report:
        """Work a batch of hints, or send a batch of effects."""
        return self.engine(
            "works", lambda report: hints.work_hints(self.process, report) or sending.send_effects(self.process, report)
        )

    def drain(self) -> Report:
        """Work until nothing is due."""
        return self.engine("drains", self._drain)

    def _drain(self, report: Report) -> None:
        rounds = 0

        def go_on() -> bool:
            nonlocal rounds
            rounds += 1
            return rounds < _MOST_ROUNDS

        drain(self.process, report, go_on=go_on)
        if rounds >= _MOST_ROUNDS:
            self.failures.append("unrest: there is always something due")

    def sweep(self, *, full: bool) -> Report:
        """One sweep, and what it leads to."""

        def work(report: Report) -> None:
            done = sweep(self.process, SweepOptions(full=full))
            report.board_writes += done.board_writes
            report.created += done.created
            report.updated += done.updated
            report.errors += done.errors
            self._drain(report)
            with self.undisturbed():
                swept_now(self.process)

        return self.engine("sweeps in full" if full else "sweeps", work)


class _Collector(logging.Handler):
    """Keeps what the engine logs as its own failure: a card or an effect that broke."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            self._kept.append(f"broke: {record.getMessage()}: {type(error).__name__}: {error}")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Have the machine's own randomness (of which UUIDs are made) follow from a seed."""
    dice, own = random.Random(seed), os.urandom
    os.urandom = dice.randbytes
    try:
        yield
    finally:
        os.urandom = own
