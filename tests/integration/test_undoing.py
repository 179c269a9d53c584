"""Putting back: what a push did is undone where it still stands, later edits are spared, and both sides rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import shapely

from sync_service.editing.undoing import undo_change, undo_push
from sync_service.errors import NotFound
from sync_service.store import tables
from sync_service.store.history import pasts_of
from sync_service.store.pushes import find_push
from sync_service.sync.values import Hand
from tests.builders import HERE, THERE
from tests.editor import Editor, rests
from tests.postgres import both_stores

if TYPE_CHECKING:
    from sync_service.editing.undoing import Undoing
    from tests.desk import Desk

pytestmark = both_stores

DRAWN = "0d6f0a52-6a1c-4c59-8f4e-0e4f8f1f7a10"
ELSEWHERE = shapely.to_wkb(shapely.Point(49.3, 53.5))


@pytest.fixture
def anna(desk: Desk) -> Editor:
    return Editor(desk)


@pytest.fixture
def guids(desk: Desk) -> list[str]:
    cards = [desk.add(column="Одобрено"), desk.add(title="Фонтан", column="Одобрено")]
    desk.work()
    return [desk.known(card).guid for card in cards]


def undo(editor: Editor, key: str, *, dry_run: bool = False) -> Undoing:
    desk = editor.desk
    return undo_push(desk.parts.database, key, Editor(desk, "olga", "page").author, desk.now, dry_run=dry_run)


@pytest.mark.parametrize("reached", [True, False], ids=["after it reached the cards", "before"])
def test_a_push_is_put_back_whole(desk: Desk, anna: Editor, guids: list[str], reached: bool) -> None:
    before = [anna.sees(guid) for guid in guids]
    changes = [anna.update(guids[0], THERE, address="Мира, 2"), anna.update(guids[1], placement="citywide")]
    anna.push(*changes, key="wrong")
    if reached:
        desk.work()
    foretold = undo(anna, "wrong", dry_run=True)
    done = undo(anna, "wrong")
    assert (foretold.proposals, foretold.key) == (done.proposals, None)
    assert [set(each.fields) for each in done.proposals] == [{"geometry", "address"}, {"geometry", "placement"}]
    after = [anna.sees(guid) for guid in guids]
    assert [(f.geometry, f.hand, f.source, dict(f.properties)) for f in after] == [
        (f.geometry, f.hand, f.source, dict(f.properties)) for f in before
    ]
    rests(desk)
    assert [anna.sees(guid).geometry for guid in guids] == [f.geometry for f in before]
    with desk.parts.database.reading() as connection:
        assert find_push(connection, "wrong").undone  # type: ignore[union-attr]  # it was just made
        newest = pasts_of(connection, guids[0])
    assert any((past.who, past.source, past.push) == ("olga", "page", done.key) for past in newest)


def test_a_dry_run_changes_nothing(desk: Desk, anna: Editor, guids: list[str]) -> None:
    anna.push(anna.update(guids[0], THERE), key="wrong")
    before = [desk.count(table) for table in tables.metadata.tables.values()]
    assert undo(anna, "wrong", dry_run=True).proposals[0].fields
    assert before == [desk.count(table) for table in tables.metadata.tables.values()]


def test_later_edits_are_spared(desk: Desk, anna: Editor, guids: list[str]) -> None:
    guid = guids[0]
    anna.push(anna.update(guid, THERE, address="Мира, 2", horizon=2031), key="wrong")
    boris = Editor(desk, "boris")
    boris.push(boris.update(guid, address="Мира, 3"))
    (told,) = undo(anna, "wrong").proposals
    assert told.spared == ["address"]
    seen = anna.sees(guid)
    assert (seen.properties["address"], seen.properties["horizon"], seen.geometry) == ("Мира, 3", None, HERE)


def test_a_place_that_was_moved_again_is_spared_with_its_words(desk: Desk, anna: Editor, guids: list[str]) -> None:
    guid = guids[0]
    anna.push(anna.unplace(guid, placement="citywide"), key="wrong")
    anna.push(anna.update(guid, ELSEWHERE))
    (told,) = undo(anna, "wrong").proposals
    assert (dict(told.fields), told.spared) == ({}, ["geometry", "placement"])
    assert anna.sees(guid).geometry == ELSEWHERE


def test_a_place_set_by_the_push_and_moved_since_stays_placed(desk: Desk, anna: Editor) -> None:
    card = desk.add(description="")
    desk.work()
    guid = desk.known(card).guid
    anna.push(anna.update(guid, THERE), key="wrong")
    anna.push(anna.update(guid, ELSEWHERE))
    (told,) = undo(anna, "wrong").proposals
    assert told.spared == ["geometry", "placement"]
    seen = anna.sees(guid)
    assert (seen.geometry, seen.properties["placement"]) == (ELSEWHERE, "placed")


def test_what_the_push_drew_loses_its_place_and_stays(desk: Desk, anna: Editor) -> None:
    anna.push(anna.create(DRAWN, HERE, title="Фонтан", address="Мира, 5"), key="wrong")
    desk.work()
    undo(anna, "wrong")
    seen = anna.sees(DRAWN)
    assert (seen.geometry, seen.properties["placement"], seen.hand) == (None, "unplaced", Hand.MAP)
    assert (seen.properties["address"], seen.properties["title"]) == (None, "Фонтан")
    rests(desk)
    assert anna.sees(DRAWN).geometry is None


def test_an_undo_is_a_push_that_can_be_undone(desk: Desk, anna: Editor, guids: list[str]) -> None:
    anna.push(anna.update(guids[0], THERE, address="Мира, 2"), key="right after all")
    key = undo(anna, "right after all").key
    assert key is not None
    undo(anna, key)
    seen = anna.sees(guids[0])
    assert (seen.geometry, seen.hand, seen.properties["address"]) == (THERE, Hand.MAP, "Мира, 2")
    assert undo(anna, key).key is None, "nothing of it stands any more"


def test_edits_that_clashed_are_withdrawn(desk: Desk, anna: Editor, guids: list[str]) -> None:
    boris = Editor(desk, "boris")
    base = anna.version(guids[0])
    boris.push(boris.update(guids[0], address="Мира, 3"))
    anna.push(anna.update(guids[0], base=base, address="Мира, 2"), key="wrong")
    assert len(anna.clashes()) == 1
    undo(anna, "wrong")
    assert anna.clashes() == []
    assert anna.sees(guids[0]).properties["address"] == "Мира, 3"


def test_edits_of_other_pushes_that_clashed_stay(desk: Desk, anna: Editor, guids: list[str]) -> None:
    boris = Editor(desk, "boris")
    base = anna.version(guids[0])
    boris.push(boris.update(guids[0], THERE, address="Мира, 3", horizon=2030))
    anna.push(anna.update(guids[0], base=base, address="Мира, 2"), key="right")
    anna.push(anna.update(guids[0], ELSEWHERE, base=base, horizon=2031), key="wrong")
    anna.push(anna.update(guids[0], base=base, horizon=2032), key="newer")
    undo(anna, "wrong")
    (clash,) = anna.clashes()
    assert {name: sides.mine for name, sides in clash.fields.items()} == {"address": "Мира, 2", "horizon": 2032}


def test_one_change_is_put_back(desk: Desk, anna: Editor, guids: list[str]) -> None:
    anna.push(anna.update(guids[0], THERE))
    anna.push(anna.update(guids[0], address="Мира, 2"))
    with desk.parts.database.reading() as connection:
        past = next(past for past in pasts_of(connection, guids[0]) if "geometry" in past.after)
    undo_change(desk.parts.database, guids[0], past.id, anna.author, desk.now, dry_run=False)
    seen = anna.sees(guids[0])
    assert (seen.geometry, seen.properties["address"]) == (HERE, "Мира, 2")


def test_what_nobody_did_cannot_be_undone(desk: Desk, anna: Editor, guids: list[str]) -> None:
    for dry_run in (True, False):
        with pytest.raises(NotFound):
            undo(anna, "no such push", dry_run=dry_run)
        with pytest.raises(NotFound):
            undo_change(desk.parts.database, guids[0], 10_000, anna.author, desk.now, dry_run=dry_run)
    anna.push(anna.update(guids[0], title="Парк"), key="all rejected")
    assert undo(anna, "all rejected").proposals == ()
