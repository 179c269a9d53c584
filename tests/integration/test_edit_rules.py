"""Rules that keep edits, where the store and the engine meet: tickets, generations, numbers without holes, the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from sync_service.engine.gathering import Overtaken
from sync_service.engine.proposal import work_card
from sync_service.engine.reading import read_cards
from sync_service.engine.report import Report
from sync_service.errors import Unavailable
from sync_service.store import counter, inbox, tables
from tests.postgres import both_stores

if TYPE_CHECKING:
    from tests.desk import Desk


pytestmark = both_stores


def test_older_reading_is_not_believed(desk: Desk) -> None:
    card_id = desk.add(title="Прежнее", column="Одобрено")
    context, older = read_cards(desk.parts, [card_id])
    card = older.cards[card_id]
    desk.person.edit_card(card_id, title="Новое")
    desk.work()
    assert card is not None
    with pytest.raises(Overtaken):
        work_card(desk.parts, context, card, (None, None), Report())
    assert desk.known(card_id).properties["title"] == "Новое"


def test_hint_that_comes_meanwhile_is_kept(desk: Desk) -> None:
    database = desk.parts.database
    with database.writing() as connection:
        inbox.add_hints(connection, ["7"], desk.now)
        (hint,) = inbox.due_hints(connection, desk.now, 10)
        inbox.add_hints(connection, ["7"], desk.now)
        inbox.settle_hint(connection, hint)
        (again,) = inbox.due_hints(connection, desk.now, 10)
        assert again.card_id == "7"
        inbox.settle_hint(connection, again)
        assert inbox.due_hints(connection, desk.now, 10) == []


def test_number_of_a_write_that_failed_is_used_again(desk: Desk) -> None:
    database = desk.parts.database
    with database.writing() as connection:
        first = counter.next_seq(connection)

    def fail() -> None:
        with database.writing() as connection:
            assert counter.next_seq(connection) == first + 1
            raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        fail()
    with database.writing() as connection:
        assert counter.next_seq(connection) == first + 1


def test_frozen_store_takes_no_write(desk: Desk) -> None:
    card_id = desk.add(column="Одобрено")
    with desk.parts.database.writing() as connection:
        connection.execute(update(tables.store).values(gate="frozen"))
    with pytest.raises(Unavailable) as refusal:
        desk.work()
    assert refusal.value.data["reason"] == "store_frozen"
    assert desk.feature(card_id) is None
    with desk.parts.database.writing(gate=False) as connection:
        connection.execute(update(tables.store).values(gate="open"))
    desk.work()
    assert desk.feature(card_id) is not None
