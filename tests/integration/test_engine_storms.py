"""After any storm of edits on both sides two sweeps bring them to rest: the third writes nothing anywhere.

What the storm asks of syncing is said in `tests/simulation/`; here moderators also close duplicates, in chains and
circles, and editors move, close, speak and resolve, through faults of the board.
"""

from __future__ import annotations

import random
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from kanban_adapter.card import Relation
from kanban_adapter.errors import BoardError
from kanban_adapter.memory import MemoryBoard
from sync_service.editing.resolving import Resolution, resolve_clash
from sync_service.engine.sending import LEASE
from sync_service.errors import PlacecardError
from sync_service.store import outbox, tables
from sync_service.store.clashes import GONE
from sync_service.store.features import find_feature
from sync_service.sync.decision import close_at, move_to, say_words
from sync_service.sync.disputes import CLASH_TAG
from sync_service.sync.values import Placement, Stage, Visibility
from tests.builders import HERE, THERE
from tests.desk import START, make_desk
from tests.editor import Editor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sync_service.store.clashes import OpenClash
    from sync_service.sync.decision import Effect
    from tests.desk import Desk

STEPS = 45
COLUMNS = ("Предложено", "На рассмотрении", "Одобрено", "В работе", "Выполнено", "Отклонено")
LINES = ("Горизонт: 2031", "Горизонт: 2032", "Адрес: Мира, 1", "Адрес: Ленина, 4", "Место: 53.51, 49.4", "")


class Weather:
    """A storm of doings on both sides, each drawn by dice."""

    def __init__(self, desk: Desk, dice: random.Random) -> None:
        self.desk, self.dice = desk, dice
        self.editor = Editor(desk)
        self.doings: list[Callable[[], None]] = [
            *(self.add, self.drag, self.rewrite, self.close, self.reopen, self.relate, self.unrelate, self.remove),
            *(self.tag, self.draw, self.edit, self.place, self.unplace, self.act, self.resolve, self.work, self.work),
        ]

    def step(self) -> None:
        """One thing happens; some of it while the board is out of reach, loses answers or tells nobody."""
        world = self.desk.board.world
        world.faults.unreachable = self.dice.random() < 0.1
        world.faults.losing_answers = self.dice.random() < 0.1
        self.desk.webhooks = self.dice.random() < 0.7
        self.desk.later(seconds=self.dice.choice((0, 1, 40, 4000)))
        with suppress(BoardError, PlacecardError):
            self.dice.choice(self.doings)()
        world.faults.unreachable = world.faults.losing_answers = False

    def card(self) -> str:
        return self.dice.choice(sorted(self.desk.board.world.state.cards) or [self.desk.add()])

    def guid(self) -> str | None:
        with self.desk.parts.database.reading() as connection:
            rows = connection.execute(tables.feature.select().order_by(tables.feature.c.fid)).all()
        alive = [row.guid for row in rows if row.visibility != Visibility.RETIRED]
        return self.dice.choice(alive) if alive else None

    def add(self) -> None:
        self.desk.add(description=self.dice.choice(LINES), column=self.dice.choice(COLUMNS))

    def drag(self) -> None:
        self.desk.drag(self.card(), self.dice.choice(COLUMNS))

    def rewrite(self) -> None:
        self.desk.person.edit_card(self.card(), description="\n".join(self.dice.sample(LINES, 2)))

    def close(self) -> None:
        self.desk.person.close_card(self.card())

    def reopen(self) -> None:
        self.desk.person.reopen_card(self.card())

    def relate(self) -> None:
        card, other = self.card(), self.card()
        self.desk.person.relate(card, Relation.DUPLICATES, other)
        self.desk.person.close_card(card)

    def unrelate(self) -> None:
        card = self.card()
        for relation, other in list(self.desk.board.world.held(card).related):
            if relation is Relation.DUPLICATES and other != card:
                self.desk.person.unrelate(card, relation, other)

    def remove(self) -> None:
        if self.dice.random() < 0.3:
            self.desk.person.remove_card(self.card())

    def tag(self) -> None:
        self.desk.person.set_tags(self.card(), {CLASH_TAG} if self.dice.random() < 0.5 else set())

    def draw(self) -> None:
        guid = str(UUID(int=self.dice.getrandbits(128), version=4))
        stage = self.dice.choice((Stage.PROPOSED, Stage.APPROVED)).value
        self.editor.push(self.editor.create(guid, HERE, title="Нарисованное", stage=stage))

    def edit(self) -> None:
        if guid := self.guid():
            values = self.dice.choice(
                ({"horizon": 2040}, {"horizon": 2041}, {"address": "Новая, 7"}, {"address": None})
            )
            self.editor.push(self.editor.update(guid, **values))

    def place(self) -> None:
        if guid := self.guid():
            self.editor.push(self.editor.update(guid, self.dice.choice((HERE, THERE))))

    def unplace(self) -> None:
        if guid := self.guid():
            self.editor.push(self.editor.unplace(guid, placement=self.dice.choice((None, Placement.CITYWIDE.value))))

    def act(self) -> None:
        if guid := self.guid():
            self.owe(guid, self.action(self.editor.sees(guid).properties.get("stage")))

    def action(self, stage: object) -> Effect:
        now = None if stage is None else Stage(str(stage))
        said = say_words(f"{self.dice.getrandbits(40):x}", "Где вход?", "редактор")
        return self.dice.choice((move_to(Stage.APPROVED, now), move_to(Stage.REVIEW, now), close_at(now), said))

    def owe(self, guid: str, effect: Effect) -> None:
        with self.desk.parts.database.writing() as connection:
            outbox.owe(connection, guid, [effect], self.desk.now)

    def resolve(self) -> None:
        for clash in self.editor.clashes():
            if self.dice.random() < 0.5:
                self.settle(clash)

    def settle(self, clash: OpenClash) -> None:
        if clash.reason == GONE:
            said = Resolution(clash.revision, {}, renew=self.dice.random() < 0.5)
        else:
            side = self.dice.choice(("mine", "theirs"))
            said = Resolution(clash.revision, {name: getattr(sides, side) for name, sides in clash.fields.items()})
        database, rules = self.desk.parts.database, self.editor.rules
        resolve_clash(database, clash.id, said, self.editor.author, rules=rules, now=self.desk.now)

    def work(self) -> None:
        if self.dice.random() < 0.3:
            self.desk.sweep(full=self.dice.random() < 0.3, force=True)
        else:
            self.desk.work()


@pytest.mark.parametrize("seed", range(10))
def test_two_sweeps_bring_both_sides_to_rest(tmp_path: Path, seed: int) -> None:
    desk = make_desk(tmp_path, MemoryBoard(clock=count(START.timestamp()).__next__))  # no two cards in one second
    weather = Weather(desk, random.Random(seed))
    for _ in range(STEPS):
        weather.step()
    desk.webhooks = False
    for _ in range(2):
        desk.now += LEASE
        desk.sweep(full=True, force=True)
    seq = desk.count(tables.change)
    for full in (True, False):
        third = desk.sweep(full=full, force=True)
        assert (third.board_writes, desk.count(tables.change) - seq, third.errors) == (0, 0, [])
    assert (desk.count(tables.effect), desk.count(tables.inbox)) == (0, 0)
    as_they_must(desk, weather)
    desk.parts.database.close()


def as_they_must(desk: Desk, weather: Weather) -> None:
    """What each card shows: its tag exactly while something clashes, one comment per clash, one link at most."""
    shown = {clash.guid for clash in weather.editor.clashes() if clash.reason in {"fields", "edit", "duplicate"}}
    references: list[str] = []
    for card_id, card in desk.board.world.state.cards.items():
        feature = desk.known(card_id)
        assert (CLASH_TAG in card.tags) == (feature.guid in shown)
        assert len(desk.links(card_id)) <= 1
        markers = [c.text.rpartition("[placecard:")[2] for c in card.comments if "[placecard:" in c.text]
        assert len(markers) == len(set(markers)), "a comment is there twice"
        references += [card.reference] if card.reference else []
        duplicate = any(relation is Relation.DUPLICATES for relation, _ in card.related)
        assert not (card.closed and duplicate and feature.visibility is Visibility.PUBLIC)
    assert len(references) == len(set(references)), "a drawn proposal has twin cards"
    with desk.parts.database.reading() as connection:
        drawn = [find_feature(connection, reference) for reference in references]
    assert all(feature is not None for feature in drawn)
