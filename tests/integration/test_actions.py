"""Actions: what people ask of the board is owed to the card, and the stage follows the board."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sync_service.editing.actions import Act, Asked, act_on
from sync_service.errors import BadRequest, Conflict, Gone, NotFound
from sync_service.store.features import write_feature
from sync_service.sync.values import Hand, Visibility
from tests.builders import HERE, THERE
from tests.editor import Editor, rests
from tests.postgres import both_stores

if TYPE_CHECKING:
    from kanban_adapter.card import Card
    from tests.desk import Desk

pytestmark = both_stores

DRAWN = "0d6f0a52-6a1c-4c59-8f4e-0e4f8f1f7a10"


@pytest.fixture
def anna(desk: Desk) -> Editor:
    return Editor(desk)


def ask(editor: Editor, guid: str, act: str, reason: str | None = None, **said: Any) -> str:
    asked = Asked(Act(act), reason, **said)
    return act_on(editor.desk.parts.database, guid, asked, editor.author, editor.desk.now)


def read(desk: Desk, card_id: str) -> Card:
    card = desk.board.read([card_id]).cards[card_id]
    assert card is not None
    return card


@pytest.mark.parametrize(
    ("act", "reason", "stage"),
    [("approve", None, "approved"), ("return", "Уточните место", "proposed"), ("close", "Повтор", "closed")],
)
def test_a_stage_is_asked_for_and_follows_the_board(
    desk: Desk, anna: Editor, act: str, reason: str | None, stage: str
) -> None:
    card = desk.add(column="На рассмотрении")
    desk.work()
    guid = desk.known(card).guid
    version = ask(anna, guid, act, reason, base_version=anna.version(guid))
    assert version == anna.version(guid)
    assert anna.sees(guid).properties["stage"] == "review", "not before the board has it"
    desk.work()
    assert anna.sees(guid).properties["stage"] == stage
    texts = [comment.text for comment in read(desk, card).comments]
    assert len([text for text in texts if reason and reason in text and "anna" in text]) == (1 if reason else 0)
    rests(desk)


@pytest.mark.parametrize("act", ["comment", "suggest"])
def test_words_are_said_once_under_one_key(desk: Desk, anna: Editor, act: str) -> None:
    card = desk.add()
    desk.work()
    guid = desk.known(card).guid
    for _ in range(2):
        ask(anna, guid, act, "Скамейки у входа", key="k1")
        desk.work()
    ask(anna, guid, act, "Скамейки у входа")
    desk.work()
    assert len([each for each in read(desk, card).comments if "Скамейки" in each.text]) == 2


def test_a_place_is_handed_back_to_the_card(desk: Desk, anna: Editor) -> None:
    card = desk.add(column="Одобрено")
    desk.work()
    guid = desk.known(card).guid
    anna.push(anna.update(guid, THERE))
    desk.work()
    ask(anna, guid, "hand_back")
    desk.work()
    seen = anna.sees(guid)
    assert (seen.geometry, seen.hand) == (HERE, Hand.CARD)
    rests(desk)


def test_who_has_not_seen_the_stage_decides_nothing(desk: Desk, anna: Editor) -> None:
    card = desk.add(column="На рассмотрении")
    desk.work()
    guid = desk.known(card).guid
    seen = anna.version(guid)
    anna.push(anna.update(guid, address="Мира, 2"))
    ask(anna, guid, "approve", base_version=seen)
    desk.work()
    for version in (seen, "another.1.1"):
        with pytest.raises(Conflict):
            ask(anna, guid, "return", "Рано", base_version=version)


def test_what_cannot_be_asked(desk: Desk, anna: Editor) -> None:
    card = desk.add()
    desk.work()
    guid = desk.known(card).guid
    with pytest.raises(BadRequest):
        ask(anna, guid, "close")
    with pytest.raises(BadRequest):
        ask(anna, guid, "comment", "a" * 4_001)
    with pytest.raises(NotFound):
        ask(anna, DRAWN, "approve")
    anna.push(anna.create(DRAWN, HERE))
    with pytest.raises(Conflict) as refused:
        ask(anna, DRAWN, "approve")
    assert "{" not in refused.value.say("ru") + refused.value.say("en")
    with desk.parts.database.writing() as connection:
        write_feature(connection, replace(anna.sees(guid), visibility=Visibility.RETIRED), anna.author, desk.now)
    with pytest.raises(Gone):
        ask(anna, guid, "comment", "Зачем?")
