"""A card closed as a duplicate: its addresses lead to the survivor, its place is offered; and it can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from kanban_adapter.card import Relation
from sync_service.store import clashes, merged, tables
from sync_service.store.features import Author, write_feature
from sync_service.store.inbox import add_hints
from sync_service.sync.disputes import CLASH_TAG, DUPLICATE
from sync_service.sync.duplicates import last_survivor
from sync_service.sync.editing import GEOMETRY, geometry_text
from sync_service.sync.place import set_place
from sync_service.sync.values import Stage, Visibility
from tests.desk import PLACE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sync_service.store.clashes import OpenClash
    from tests.desk import Desk

OTHER = "Место: 53.5100, 49.4000"
NOWHERE = "Место: без места"


def close_as(desk: Desk, duplicate: str, original: str) -> None:
    """A moderator says that a card duplicates another, and closes it."""
    desk.person.relate(duplicate, Relation.DUPLICATES, original)
    desk.person.close_card(duplicate)
    desk.work()


def leads(desk: Desk, card: str) -> str | None:
    """The card that an old card's proposal leads to in the end."""
    with desk.parts.database.reading() as connection:
        row = merged.survivor_row(connection, desk.known(card).guid)
    return None if row is None else str(row.card_id)


def offers(desk: Desk, card: str) -> Sequence[OpenClash]:
    with desk.parts.database.reading() as connection:
        return [c for c in clashes.open_clashes(connection, desk.known(card).guid) if c.reason == DUPLICATE]


def tagged(desk: Desk, card: str) -> bool:
    found = desk.board.read([card]).cards[card]
    assert found is not None
    return CLASH_TAG in found.tags


def at_rest(desk: Desk) -> None:
    desk.sweep(full=True)
    desk.sweep(full=True)
    seq = desk.count(tables.change)
    third = desk.sweep(full=True)
    assert (third.board_writes, desk.count(tables.change) - seq, desk.count(tables.effect)) == (0, 0, 0)


def test_both_places_are_offered_and_the_old_card_leads_to_the_survivor(make: Callable[..., Desk]) -> None:
    desk = make(LANGUAGE="ru")
    original, duplicate = desk.add(column="Одобрено"), desk.add(description=OTHER, column="Выполнено")
    desk.work()
    close_as(desk, duplicate, original)
    assert leads(desk, duplicate) == original
    (offer,) = offers(desk, original)
    sides = offer.fields[GEOMETRY]
    both = desk.known(original).geometry, desk.known(duplicate).geometry
    assert (sides.base, sides.theirs, sides.mine) == (None, *map(geometry_text, both))
    assert offer.origin.other == desk.known(duplicate).guid
    assert (tagged(desk, original), tagged(desk, duplicate)) == (True, False)
    told = desk.board.read([original]).cards[original]
    assert told is not None
    assert [c.text.partition(".")[0] for c in told.comments] == [
        "Расхождение: у карточки, закрытой как повтор, другое место"
    ]
    closed = desk.known(duplicate)
    assert (closed.properties["stage"], closed.visibility) == (Stage.CLOSED, Visibility.HIDDEN)
    at_rest(desk)


@pytest.mark.parametrize(
    ("mine", "theirs", "offered"),
    [(PLACE, PLACE, False), (OTHER, NOWHERE, True), (OTHER, "", True), (NOWHERE, PLACE, False), ("", "", False)],
    ids=["the same place", "only the duplicate's", "an unplaced survivor", "only the survivor's", "no place at all"],
)
def test_what_is_offered(desk: Desk, mine: str, theirs: str, offered: bool) -> None:
    original, duplicate = desk.add(description=theirs), desk.add(description=mine)
    desk.work()
    close_as(desk, duplicate, original)
    assert bool(offers(desk, original)) == offered
    assert leads(desk, duplicate) == original
    at_rest(desk)


@pytest.mark.parametrize("how", ["reopened", "unlinked"])
def test_what_is_no_duplicate_any_more_stands_for_itself(desk: Desk, how: str) -> None:
    original, duplicate = desk.add(column="Одобрено"), desk.add(description=OTHER, column="Одобрено")
    desk.work()
    close_as(desk, duplicate, original)
    if how == "reopened":
        desk.person.reopen_card(duplicate)
    else:
        desk.person.unrelate(duplicate, Relation.DUPLICATES, original)
    desk.work()
    assert (leads(desk, duplicate), offers(desk, original)) == (None, [])
    assert (desk.known(duplicate).visibility is Visibility.PUBLIC) == (how == "reopened")
    assert not tagged(desk, original)
    at_rest(desk)
    close_as(desk, duplicate, original) if how == "unlinked" else desk.person.close_card(duplicate)
    desk.work()
    assert len(offers(desk, original)) == 1, "it is offered again"


def test_a_link_on_an_open_card_says_nothing_yet(desk: Desk) -> None:
    original, duplicate = desk.add(), desk.add(description=OTHER)
    desk.person.relate(duplicate, Relation.DUPLICATES, original)
    desk.work()
    assert (leads(desk, duplicate), offers(desk, original)) == (None, [])


def test_a_copy_that_is_closed_is_a_duplicate(desk: Desk) -> None:
    original = desk.add(column="Одобрено")
    desk.work()
    copy = str(desk.person.duplicate_card(original))
    desk.work()
    assert leads(desk, copy) is None
    desk.person.close_card(copy)
    desk.work()
    assert (leads(desk, copy), offers(desk, original)) == (original, [])
    at_rest(desk)


def test_a_duplicate_of_a_card_read_later_leads_to_it(desk: Desk) -> None:
    desk.webhooks = False
    duplicate, original = desk.add(description=OTHER), desk.add()
    close_as(desk, duplicate, original)
    desk.sweep()
    assert leads(desk, duplicate) == original
    assert len(offers(desk, original)) == 1


def test_chains_lead_to_their_end_and_come_apart(desk: Desk) -> None:
    first, second, third = (desk.add(title, text) for title, text in (("А", OTHER), ("Б", ""), ("В", PLACE)))
    desk.work()
    close_as(desk, first, second)
    assert [len(offers(desk, card)) for card in (second, third)] == [1, 0]
    close_as(desk, second, third)
    assert (leads(desk, first), leads(desk, second)) == (third, third)
    assert [len(offers(desk, card)) for card in (second, third)] == [0, 1]
    desk.person.reopen_card(second)
    desk.work()
    assert (leads(desk, first), leads(desk, second)) == (second, None)
    assert [len(offers(desk, card)) for card in (second, third)] == [1, 0]
    at_rest(desk)


def test_cycles_lead_nowhere_and_offer_nothing(desk: Desk) -> None:
    first, second = desk.add(description=OTHER), desk.add()
    desk.work()
    close_as(desk, first, second)
    close_as(desk, second, first)
    assert (leads(desk, first), leads(desk, second)) == (None, None)
    assert (offers(desk, first), offers(desk, second)) == ([], [])
    at_rest(desk)
    desk.person.reopen_card(second)
    desk.work()
    assert (leads(desk, first), len(offers(desk, second))) == (second, 1)
    at_rest(desk)


def test_a_card_that_duplicates_itself_leads_nowhere(desk: Desk) -> None:
    card = desk.add()
    desk.work()
    close_as(desk, card, card)
    assert leads(desk, card) is None


def test_several_duplicates_offer_each_its_place(desk: Desk) -> None:
    original = desk.add()
    duplicates = [desk.add(description=f"Место: 53.51{n}0, 49.4000") for n in range(3)]
    desk.work()
    for duplicate in duplicates:
        close_as(desk, duplicate, original)
    assert len(offers(desk, original)) == 3
    at_rest(desk)


def test_what_was_settled_is_not_asked_again(desk: Desk) -> None:
    original, duplicate = desk.add(), desk.add(description=OTHER)
    desk.work()
    close_as(desk, duplicate, original)
    with desk.parts.database.writing() as connection:
        clashes.close_clash(connection, offers(desk, original)[0].id, desk.now)
        add_hints(connection, [original], desk.now)
    at_rest(desk)
    assert (offers(desk, original), tagged(desk, original)) == ([], False)


def test_an_offer_follows_the_survivors_place_and_ends_when_they_are_one(desk: Desk) -> None:
    original, duplicate = desk.add(), desk.add(description=OTHER)
    desk.work()
    close_as(desk, duplicate, original)
    place = desk.known(duplicate).geometry
    with desk.parts.database.writing() as connection:
        write_feature(connection, set_place(desk.known(original), place), Author("qgis"), desk.now)
        add_hints(connection, [original], desk.now)
    desk.work()
    assert (offers(desk, original), tagged(desk, original)) == ([], False)
    at_rest(desk)


def test_a_removed_duplicate_still_leads(desk: Desk) -> None:
    original, duplicate = desk.add(column="Одобрено"), desk.add(description=OTHER)
    desk.work()
    close_as(desk, duplicate, original)
    desk.person.remove_card(duplicate)
    desk.sweep(full=True)
    desk.sweep(full=True)
    assert desk.known(duplicate).visibility is Visibility.RETIRED
    assert (leads(desk, duplicate), len(offers(desk, original))) == (original, 1)


def test_a_duplicate_of_a_foreign_card_leads_nowhere(desk: Desk) -> None:
    other = desk.board.world.add_project("Чужой", ("Новые",))
    column = next(c.id for c in desk.board.world.state.columns.values() if c.project_id == other)
    foreign = desk.person.add_card(other, column, "Чужая", PLACE)
    duplicate = desk.add()
    desk.work()
    close_as(desk, duplicate, foreign)
    assert leads(desk, duplicate) is None
    with desk.parts.database.reading() as connection:
        assert connection.execute(select(tables.merged)).all() == []


@pytest.mark.parametrize(
    ("steps", "last"),
    [({}, None), ({"a": "b"}, "b"), ({"a": "b", "b": "c"}, "c"), ({"a": "b", "b": "a"}, None), ({"a": "a"}, None)],
)
def test_last_survivor(steps: dict[str, str], last: str | None) -> None:
    assert last_survivor("a", steps.get) == last


def test_a_chain_that_ends_in_a_circle_leads_nowhere() -> None:
    assert last_survivor("a", {"a": "b", "b": "c", "c": "b"}.get) is None
