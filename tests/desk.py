"""A whole bridge in one process for tests: a board in memory with people at it, a store on disk, and the engine.

Time stands still until a test moves it, so that nothing depends on how fast the machine is.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from kanban_adapter.memory import MemoryBoard
from sync_service.app import create_parts
from sync_service.engine.report import Report
from sync_service.engine.sweep import SweepOptions, sweep
from sync_service.jobs.worker import drain
from sync_service.operation.setup import set_up
from sync_service.settings import load_settings
from sync_service.store import inbox, tables
from sync_service.store.features import find_feature
from sync_service.store.pairs import find_pair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sync_service.engine.parts import Parts
    from sync_service.sync.state import Feature

PLACE = "Место: 53.5303, 49.3461"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(slots=True)
class Desk:
    """The bridge, its board, and the hands to work both. `webhooks` false loses every webhook."""

    parts: Parts
    board: MemoryBoard
    folder: Path
    now: datetime = START
    webhooks: bool = True
    report: Report = field(default_factory=Report)

    @property
    def person(self) -> Any:
        """A moderator at the board."""
        return self.board.as_person

    @property
    def project(self) -> str:
        """The watched project."""
        return self.board.projects()[0].id

    def column(self, title: str) -> str:
        """Id of the column with this title."""
        return next(c.id for c in self.board.columns() if c.title == title and c.project_id == self.project)

    def add(self, title: str = "Сквер у школы", description: str = PLACE, column: str = "Предложено") -> str:
        """A moderator makes a card."""
        return str(self.person.add_card(self.project, self.column(column), title, description))

    def drag(self, card_id: str, column: str) -> None:
        """A moderator drags a card."""
        self.person.drag_card(card_id, self.column(column))

    def hear(self, card_id: str) -> None:
        """A webhook arrives."""
        if self.webhooks:
            with self.parts.database.writing() as connection:
                inbox.add_hints(connection, [card_id], self.now)

    def sweep(self, **options: Any) -> Report:
        """One sweep, and everything it leads to, until nothing is due."""
        report = sweep(self.parts, SweepOptions(**options))
        drain(self.parts, report)
        return report

    def work(self) -> Report:
        """Work the hints and send what is owed, without a sweep."""
        report = Report()
        drain(self.parts, report)
        return report

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)

    def feature(self, card_id: str) -> Feature | None:
        """The feature of the newest card with this id."""
        me = self.parts.database
        with me.reading() as connection:
            board = connection.execute(select(tables.store.c.board)).scalar_one()
            known = find_pair(connection, board, card_id)
            return None if known is None else find_feature(connection, known.pair.guid)

    def known(self, card_id: str) -> Feature:
        """The feature of a card that must have one."""
        feature = self.feature(card_id)
        assert feature is not None, f"card {card_id} has no feature"
        return feature

    def count(self, table: Any) -> int:
        """Rows of a table."""
        with self.parts.database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())

    def links(self, card_id: str) -> list[str]:
        """Addresses of our links on a card."""
        card = self.board.read([card_id]).cards[card_id]
        assert card is not None
        return [link.url for link in card.links if link.url.startswith(self.parts.interpreter.link_base)]


def make_desk(folder: Path, board: MemoryBoard | None = None, **settings: str) -> Desk:
    """A bridge with publishing on and a high surge limit, unless settings say otherwise; `init` has run.

    Its store is a file in `folder`, unless STORE_URL names another.
    """
    board = board or MemoryBoard()
    given = {
        "PUBLISH": "on",
        "SURGE_LIMIT": "1000",
        "TIMEZONE": "UTC",
        "LANGUAGE": "en",
        "SECRET_KEY": "key",
    } | settings
    given.setdefault("STORE_URL", f"sqlite:///{folder / 'placecard.db'}")
    environ = {f"PLACECARD_{name}": value for name, value in given.items()}
    loaded = load_settings(environ, folder)
    desk = Desk(create_parts(loaded, board), board, folder)
    desk.parts.now = lambda: desk.now
    desk.parts.jitter = random.Random(7)
    set_up(desk.parts, loaded.store_url)
    board.listen(desk.hear)
    return desk


@pytest.fixture
def make(tmp_path: Path, server_store: str | None) -> Iterator[Callable[..., Desk]]:
    """Makes desks with settings of the test's own, all on one store."""
    made: list[Desk] = []
    kind = {} if server_store is None else {"STORE_URL": server_store}

    def create(board: MemoryBoard | None = None, **settings: str) -> Desk:
        desk = make_desk(tmp_path, board, **kind, **settings)
        made.append(desk)
        return desk

    yield create
    for desk in made:
        desk.parts.database.close()


@pytest.fixture
def desk(make: Callable[..., Desk]) -> Desk:
    """A bridge with publishing on."""
    return make()


__all__ = ["PLACE", "Desk", "desk", "make", "make_desk"]
