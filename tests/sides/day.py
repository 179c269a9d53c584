"""A day between a real Kanboard and two working copies: the service between them, its clock, and the book of what
people did. Everything follows from one seed but the ids and times that Kanboard gives."""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from sqlite3 import connect
from typing import TYPE_CHECKING, Any

import shapely

from kanban_adapter.kanboard import KanboardBoard
from sync_service.app import create_parts
from sync_service.editing.shapes import clean_geometry
from sync_service.engine.hints import work_hints
from sync_service.engine.report import Report
from sync_service.engine.sweep import SweepOptions, sweep
from sync_service.jobs.worker import drain
from sync_service.operation.setup import set_up
from sync_service.store import inbox
from sync_service.store.clock import stamp
from tests.boards import CountingSession
from tests.exchange import open_exchange
from tests.ogc import Town, settings_for
from tests.seats import Office
from tests.simulation.oracle import Oracle
from tests.simulation.words import new_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from sync_service.engine.parts import Parts
    from tests.boards import KanboardProject
    from tests.simulation.oracle import Key

PLACE = "geometry"
Doings = dict["Callable[[], str | None]", int]
"""What somebody may do, and how often. It says what was done, or None when there was nothing to do it to."""


@dataclass
class Day:
    """One run. `unread` are the cards' fields that a moderator wrote since the service read them, by channel."""

    dice: random.Random
    project: KanboardProject
    parts: Parts
    office: Office
    store: Path
    oracle: Oracle
    eyes: KanboardBoard
    number: int = 0
    trace: list[str] = field(default_factory=list)
    unread: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def town(self) -> Town:
        """The service's store and clock."""
        return self.office.exchange.town

    def happen(self, doings: Doings) -> None:
        """Time passes, and one of these is done."""
        self.town.now += timedelta(seconds=self.dice.choice((1, 5, 60, 700)))
        (act,) = self.dice.choices(list(doings), list(doings.values()))
        said = act()
        if said is not None:
            self.trace.append(f"{self.town.now:%H:%M:%S} {said}")

    # --- what nobody has said before

    def fresh(self, name: str) -> Any:
        """A value that no other edit of the day has."""
        self.number += 1
        return new_value(name, self.number)

    def fresh_shape(self) -> BaseGeometry:
        """A place of any kind that no other edit of the day has."""
        self.number += 1
        west, south = 49.2 + self.number / 1000, 53.5 + self.number / 2000
        shapes = (
            shapely.Point(west, south),
            shapely.MultiPoint([(west, south), (west + 0.1, south)]),
            shapely.LineString([(west, south), (west + 0.02, south + 0.02)]),
            shapely.box(west, south, west + 0.02, south + 0.02),
        )
        return self.dice.choice(shapes)

    # --- the service

    def hear(self, card_id: str) -> None:
        """A webhook arrives, if it was not lost."""
        if self.dice.random() < 0.7:
            self._hint(card_id)

    def _hint(self, card_id: str) -> None:
        with self.parts.database.writing() as connection:
            inbox.add_hints(connection, [card_id], self.town.now)

    def read(self, card_id: str) -> None:
        """The service reads a card now."""
        self._hint(card_id)
        self.decide()
        self.unread = {of: channel for of, channel in self.unread.items() if of[0] != card_id}

    def decide(self) -> str:
        """Hints are worked; what is owed to the board waits."""
        worked = work_hints(self.parts, Report())
        return f"the service works {worked} hints"

    def work(self) -> str:
        """Hints are worked and everything owed is sent."""
        report = Report()
        drain(self.parts, report)
        assert report.errors == []
        return f"the service works, {report.board_writes} writes"

    def sweep(self, *, full: bool = False) -> Report:
        """One sweep and everything it leads to."""
        report = sweep(self.parts, SweepOptions(full=full))
        drain(self.parts, report)
        assert report.errors == []
        if full:
            self.unread.clear()
        return report

    def sweep_shortly(self) -> str:
        return f"a short sweep, {self.sweep().board_writes} writes"

    def sweep_fully(self) -> str:
        return f"a full sweep, {self.sweep(full=True).board_writes} writes"

    @property
    def doings(self) -> Doings:
        """What the service does by itself."""
        return {self.decide: 4, self.work: 6, self.sweep_shortly: 2, self.sweep_fully: 1}

    # --- the board

    def cards(self) -> list[str]:
        """Ids of the cards that are there, oldest first."""
        return sorted(self.eyes.listing().cards, key=int)

    def look(self, card_ids: Iterable[str]) -> dict[str, Any]:
        """These cards as people see them. `Any`: the simulation's words are for cards in memory, which look alike."""
        return dict(self.eyes.read(list(card_ids)).cards)

    # --- the book

    def lost(self) -> list[str]:
        """The edits that are nowhere any more, by the oracle."""
        with closing(connect(self.store)) as raw:
            return self.oracle.judge(raw, set())


def guid_finder(store: Path) -> Callable[[Key], str | None]:
    """Tells which proposal a card is, if the store knows it."""

    def find(key: Key) -> str | None:
        query = "SELECT guid FROM pair WHERE card_id = ? AND card_created = ?"
        with closing(connect(store)) as raw:
            row = raw.execute(query, key[1:3]).fetchone()
        return None if row is None else str(row[0])

    return find


def key_of(card: Any) -> Key:
    """Which proposal a card is, to the oracle."""
    return "card", card.id, str(card.created)


def as_kept(shape: BaseGeometry | None) -> bytes | None:
    """A place as the store keeps it."""
    kept = None if shape is None else clean_geometry(shape.wkb)
    assert kept is None or isinstance(kept, bytes), kept
    return kept


def begin(project: KanboardProject, folder: Path, seed: int) -> Day:
    """A day on this project, which is empty, with everything else anew."""
    store = folder / "store.db"
    settings = settings_for(f"sqlite:///{store}").model_copy(update={"surge_limit": 1000})
    parts = create_parts(settings, project.adapter)
    set_up(parts, settings.store_url)
    town = Town(parts.database, settings)
    parts.now, parts.jitter = lambda: town.now, random.Random(seed)
    eyes = KanboardBoard(
        CountingSession(), url=project.server.url, projects=[project.id], token=project.server.api_token
    )
    office = Office(open_exchange(town), folder)
    oracle = Oracle(guid_finder(store), lambda: stamp(town.now))
    return Day(random.Random(seed), project, parts, office, store, oracle, eyes)
