"""SIGKILL at every write point, on the real Kanboard: nothing is lost and nothing is doubled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

import shapely
from sqlalchemy import delete, func, select

from kanban_adapter.kanboard import KanboardBoard
from sync_service.app import create_parts
from sync_service.engine.report import Report
from sync_service.engine.sweep import SweepOptions, sweep
from sync_service.jobs.leader import Leadership
from sync_service.jobs.worker import drain
from sync_service.operation.setup import set_up
from sync_service.settings import load_settings
from sync_service.store import inbox, outbox, tables
from sync_service.store.clock import utc_now
from sync_service.store.database import Database
from sync_service.store.features import Author, find_feature, write_feature
from sync_service.sync.decide import Rules, decide
from sync_service.sync.decision import move_to, say_words
from sync_service.sync.place import set_place
from sync_service.sync.state import CardRef, Feature
from sync_service.sync.values import Hand, Stage, Visibility
from tests.crash import Fuse, FusedDatabase, FusedSession, dies_at

if TYPE_CHECKING:
    from pathlib import Path

    from sync_service.engine.parts import Parts
    from sync_service.settings import Settings
    from tests.boards import KanboardProject

MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class Bridge:
    """A store and a project of the real Kanboard, between which a child may die."""

    settings: Settings
    project: KanboardProject

    def parts(self, fuse: Fuse) -> Parts:
        board = KanboardBoard(
            FusedSession(fuse),
            url=self.project.server.url,
            token=self.project.server.api_token,
            projects=(self.project.id,),
        )
        parts = create_parts(self.settings, board)
        parts.database = FusedDatabase(self.settings.store_url, fuse)
        return parts

    def run(self, fuse: Fuse) -> None:
        """What a worker does: lead, hints first, a sweep, and all that is owed, until nothing is due."""
        parts = self.parts(fuse)
        with Leadership(self.settings.store_url) as leadership:
            assert leadership.take()
            report = Report()
            drain(parts, report)
            sweep(parts, SweepOptions())
            drain(parts, report)
        assert report.errors == []

    def let_lease_lapse(self) -> None:
        """As if the seconds of the dead worker's lease had passed."""
        database = Database(self.settings.store_url)
        with database.writing() as connection:
            connection.execute(delete(tables.lease))
        database.close()

    def guid(self, card: str) -> str:
        database = Database(self.settings.store_url)
        with database.reading() as connection:
            board = connection.execute(select(tables.store.c.board)).scalar_one()
        database.close()
        created = self.project.server.call("getTask", task_id=int(card))["date_creation"]
        return CardRef(board, card, int(created)).guid

    def move_on_map(self, card: str, place: shapely.Point, address: str) -> None:
        """A person on the map sets the place and the address."""
        database, guid = Database(self.settings.store_url), self.guid(card)
        with database.writing() as connection:
            feature = find_feature(connection, guid)
            assert feature is not None
            properties = {**feature.properties, "address": address, "placement": "placed"}
            moved = replace(feature, geometry=place.wkb, hand=Hand.MAP, properties=properties)
            write_feature(connection, moved, Author("qgis"), utc_now())
            inbox.add_hints(connection, [card], utc_now())
        database.close()

    def draw_on_map(self, title: str) -> str:
        """A person draws an approved proposal, as a push does: its card is owed at once. Its guid."""
        guid, database = str(uuid4()), Database(self.settings.store_url)
        said = {"title": title, "stage": "approved", "address": "ул. Мира, 1"}
        drawn = set_place(Feature(guid, said, None, Hand.MAP, None, Visibility.HIDDEN), shapely.Point(49.3, 53.5).wkb)
        with database.writing() as connection:
            written = write_feature(connection, drawn, Author("qgis"), utc_now())
            outbox.owe(connection, guid, decide(None, written, None, Rules(publishing=True)).effects, utc_now())
        database.close()
        return guid

    def act_on_map(self, guid: str) -> None:
        """A person on the map has something done next, and says so."""
        database = Database(self.settings.store_url)
        effects = [move_to(Stage.IN_PROGRESS, Stage.APPROVED), say_words(str(uuid4()), "Начали", "Отдел")]
        with database.writing() as connection:
            outbox.owe(connection, guid, effects, utc_now())
        database.close()

    def card_of(self, guid: str) -> str:
        (card,) = self.project.adapter.find_reference(guid)
        return card


def make_bridge(folder: Path, project: KanboardProject) -> Bridge:
    environ = {
        "PLACECARD_STORE_URL": f"sqlite:///{folder / 'placecard.db'}",
        "PLACECARD_PUBLISH": "on",
        "PLACECARD_SURGE_LIMIT": "100000",
        "PLACECARD_LANGUAGE": "en",
    }
    bridge = Bridge(load_settings(environ, folder), project)
    set_up(bridge.parts(Fuse(0)), bridge.settings.store_url)
    return bridge


def one_round(bridge: Bridge, number: int, before: str) -> str:
    """People at work on both sides: a new approved card, one sent back, one moved on the map."""
    project = bridge.project
    card = project.add(f"Предложение {number}", "Место: 53.5303, 49.3461", "Одобрено")
    if before:
        bridge.move_on_map(before, shapely.Point(49.3 + number / 10000, 53.5), f"ул. Мира, {number}")
    return card


def assert_whole(bridge: Bridge, cards: list[str]) -> None:
    """Both sides say the same, once."""
    database = Database(bridge.settings.store_url)
    with database.reading() as connection:
        features = connection.execute(select(tables.feature.c.guid, tables.feature.c.visibility)).all()
        assert len(features) == len(cards)
        assert {visibility for _, visibility in features} == {Visibility.PUBLIC}
        assert connection.execute(select(func.count()).select_from(tables.pair)).scalar_one() == len(cards)
        assert connection.execute(select(func.count()).select_from(tables.effect)).scalar_one() == 0
        assert connection.execute(select(func.count()).select_from(tables.inbox)).scalar_one() == 0
        numbers = list(connection.execute(select(tables.change.c.seq).order_by(tables.change.c.seq)).scalars())
        assert numbers == list(range(1, len(numbers) + 1)), "the feed has a hole"
        public = connection.execute(select(tables.collection.c.count).where(tables.collection.c.name == "proposals"))
        assert public.scalar_one() == len(cards)
    database.close()


def assert_card(bridge: Bridge, card: str, comments: int, address: str | None) -> None:
    server = bridge.project.server
    links = server.call("getAllExternalTaskLinks", task_id=int(card))
    assert [link["url"] for link in links] == [f"{bridge.settings.public_url}/board/cards/{card}"]
    assert len(server.call("getAllComments", task_id=int(card))) == comments
    metadata = server.call("getTaskMetadata", task_id=int(card)) or {}
    assert metadata.get("placecard_address") == address


def test_killed_at_every_write_point(tmp_path: Path, kanboard_project: KanboardProject) -> None:
    bridge = make_bridge(tmp_path, kanboard_project)
    cards: list[str] = []
    died, point = True, 0
    while died:
        point += 1
        assert point < MOST_POINTS
        before = cards[-1] if cards else ""
        cards.append(one_round(bridge, point, before))
        died = dies_at(point, bridge.run)
        bridge.let_lease_lapse()
        assert not dies_at(MOST_POINTS * 1000, bridge.run), "the second run meets no fuse"
        bridge.let_lease_lapse()
        assert_whole(bridge, cards)
        assert_card(bridge, cards[-1], comments=0, address=None)
        if before:
            assert_card(bridge, before, comments=1, address=f"ул. Мира, {point}")
    assert point > 40, f"only {point} write points: the scenario has shrunk"


def test_killed_while_cards_are_made_moved_and_spoken_on(tmp_path: Path, kanboard_project: KanboardProject) -> None:
    bridge, project = make_bridge(tmp_path, kanboard_project), kanboard_project
    drawn: list[str] = []
    died, point = True, 0
    while died:
        point += 5  # neighbours among the write points differ by a request or a commit
        assert point < MOST_POINTS
        before = drawn[-1] if drawn else None
        drawn.append(bridge.draw_on_map(f"Нарисованное {point}"))
        if before:
            bridge.act_on_map(before)
        died = dies_at(point, bridge.run)
        bridge.let_lease_lapse()
        assert not dies_at(MOST_POINTS * 1000, bridge.run), "the second run meets no fuse"
        bridge.let_lease_lapse()
        cards = {guid: bridge.card_of(guid) for guid in drawn}
        assert_whole(bridge, drawn)
        assert len(project.adapter.listing().cards) == len(drawn), "a card has a twin"
        assert_card(bridge, cards[drawn[-1]], comments=1, address="ул. Мира, 1")
        if before:
            assert_card(bridge, cards[before], comments=2, address="ул. Мира, 1")
            moved = project.server.call("getTask", task_id=int(cards[before]))
            assert str(moved["column_id"]) == project.columns["В работе"]
    assert point > 40, f"only {point} write points: the scenario has shrunk"
