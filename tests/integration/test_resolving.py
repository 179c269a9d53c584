"""Resolving clashes: what a person says stands, both sides come to rest, and who moved meanwhile is not overruled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import shapely

from sync_service.editing.resolving import Resolution, resolve_clash
from sync_service.errors import BadRequest, Conflict, NotFound, PlacecardError, Unprocessable
from sync_service.store.counter import begin_epoch
from sync_service.store.history import pasts_of
from sync_service.sync.editing import geometry_text
from sync_service.sync.values import Visibility
from tests.builders import HERE, THERE
from tests.editor import Editor, rests
from tests.postgres import both_stores

if TYPE_CHECKING:
    from sync_service.editing.resolving import Resolved
    from sync_service.store.clashes import OpenClash
    from tests.desk import Desk

pytestmark = both_stores

ELSEWHERE = shapely.to_wkb(shapely.Point(49.3, 53.5))
LINE = "Место: 53.5303, 49.3461\nАдрес: {}"


@pytest.fixture
def anna(desk: Desk) -> Editor:
    return Editor(desk)


@pytest.fixture
def boris(desk: Desk) -> Editor:
    return Editor(desk, "boris")


def resolve(editor: Editor, clash: OpenClash, **said: Any) -> Resolved:
    renew, revision = said.pop("renew", None), said.pop("revision", clash.revision)
    resolution = Resolution(revision, said, renew)
    desk = editor.desk
    return resolve_clash(desk.parts.database, clash.id, resolution, editor.author, rules=editor.rules, now=desk.now)


def placed(desk: Desk, address: str = "Мира, 1") -> tuple[str, str]:
    card = desk.add(description=LINE.format(address), column="Одобрено")
    desk.work()
    return card, desk.known(card).guid


def clash_by_line(desk: Desk, anna: Editor) -> tuple[str, str, OpenClash]:
    """Board and map edit the address differently, the board by the line of its text."""
    card, guid = placed(desk)
    anna.push(anna.update(guid, address="Мира, 2"))
    desk.person.edit_card(card, description=LINE.format("Мира, 3"))
    desk.work()
    (clash,) = anna.clashes(guid)
    return card, guid, clash


def clash_by_metadata(desk: Desk, anna: Editor) -> tuple[str, str, OpenClash]:
    """Likewise, the board by its metadata, after the map had written there before."""
    card, guid = placed(desk)
    anna.push(anna.update(guid, address="Мира, 9"))
    desk.work()
    desk.webhooks = False
    anna.push(anna.update(guid, address="Мира, 2"))
    desk.board.set_metadata(card, {"placecard_address": "Мира, 3"})
    desk.webhooks = True
    desk.work()
    (clash,) = anna.clashes(guid)
    return card, guid, clash


def address_on(desk: Desk, card_id: str) -> str | None:
    card = desk.board.read([card_id]).cards[card_id]
    assert card is not None
    return card.metadata.get("placecard_address")


@pytest.mark.parametrize("begin", [clash_by_line, clash_by_metadata])
@pytest.mark.parametrize("choice", ["Мира, 3", "Мира, 2", "Мира, 4"], ids=["theirs", "mine", "neither"])
def test_a_choice_between_board_and_map_sticks_and_both_rest(desk: Desk, anna: Editor, begin: Any, choice: str) -> None:
    card, guid, clash = begin(desk, anna)
    assert (clash.reason, clash.fields["address"].theirs, clash.fields["address"].mine) == (
        "fields",
        "Мира, 3",
        "Мира, 2",
    )
    done = resolve(anna, clash, address=choice)
    assert (done.guid, done.left) == (guid, None)
    assert anna.sees(guid).properties["address"] == choice
    desk.work()
    assert anna.clashes() == []
    assert anna.sees(guid).properties["address"] == choice
    if (begin, choice) != (clash_by_line, "Мира, 3"):
        assert address_on(desk, card) == choice
    rests(desk)
    assert anna.sees(guid).properties["address"] == choice


def test_board_moving_on_after_the_choice_is_an_edit_of_its_own(desk: Desk, anna: Editor) -> None:
    card, guid, clash = clash_by_line(desk, anna)
    resolve(anna, clash, address="Мира, 3")
    desk.person.edit_card(card, description=LINE.format("Мира, 7"))
    desk.work()
    assert anna.sees(guid).properties["address"] == "Мира, 7"
    assert anna.clashes() == []


def test_board_moving_while_mine_is_on_its_way_is_a_clash_again(desk: Desk, anna: Editor) -> None:
    card, guid, clash = clash_by_line(desk, anna)
    resolve(anna, clash, address="Мира, 2")
    desk.person.edit_card(card, description=LINE.format("Мира, 7"))
    desk.work()
    (again,) = anna.clashes(guid)
    assert (again.fields["address"].theirs, again.fields["address"].mine) == ("Мира, 7", "Мира, 2")


@pytest.mark.parametrize("mover", ["board", "map"])
def test_either_side_moving_since_is_refused(desk: Desk, anna: Editor, mover: str) -> None:
    card, guid, clash = clash_by_line(desk, anna)
    if mover == "board":
        desk.person.edit_card(card, description=LINE.format("Мира, 7"))
        desk.work()
    else:
        anna.push(anna.update(guid, address="Мира, 8"))
    before = anna.sees(guid)
    with pytest.raises(Conflict) as refused:
        resolve(anna, clash, address="Мира, 3")
    assert refused.value.data["reason"] == "clash_moved"
    assert anna.sees(guid) == before


def both_moved(anna: Editor, boris: Editor, guid: str) -> OpenClash:
    base = anna.version(guid)
    anna.push(anna.update(guid, THERE, base=base, address="Мира, 2"))
    boris.push(boris.update(guid, ELSEWHERE, base=base, address="Мира, 3"))
    (clash,) = boris.clashes(guid)
    return clash


def test_an_edit_against_the_map_is_resolved_field_by_field(desk: Desk, anna: Editor, boris: Editor) -> None:
    _, guid = placed(desk)
    clash = both_moved(anna, boris, guid)
    done = resolve(anna, clash, geometry=geometry_text(ELSEWHERE))
    assert done.left is not None
    assert (set(done.left.fields), done.left.revision > clash.revision) == ({"address"}, True)
    assert anna.sees(guid).geometry == ELSEWHERE
    done = resolve(anna, done.left, address="Мира, 2")
    assert (done.left, anna.sees(guid).properties["address"], done.version) == (None, "Мира, 2", anna.version(guid))
    rests(desk)
    with desk.parts.database.reading() as connection:
        newest = next(past for past in pasts_of(connection, guid) if "geometry" in past.after)
    assert (newest.who, newest.after["geometry"]) == ("anna", geometry_text(ELSEWHERE))


def test_a_place_and_its_placement_are_decided_together(desk: Desk, anna: Editor, boris: Editor) -> None:
    _, guid = placed(desk)
    base = anna.version(guid)
    anna.push(anna.update(guid, THERE, base=base))
    boris.push(boris.update(guid, base=base, placement="district", district="Центральный"))
    (clash,) = boris.clashes(guid)
    assert set(clash.fields) == {"geometry", "placement", "district"}
    assert resolve(anna, clash, geometry=geometry_text(THERE)).left is None
    assert anna.sees(guid).geometry == THERE
    boris.push(boris.update(guid, base=base, placement="district", district="Центральный"))
    (clash,) = boris.clashes(guid)
    assert resolve(anna, clash, geometry=None).left is None
    seen = anna.sees(guid)
    assert (seen.properties["placement"], seen.properties["district"]) == ("district", "Центральный")
    rests(desk)
    assert anna.sees(guid).properties["district"] == "Центральный"


def test_what_cannot_be_is_refused_and_the_clash_stays(desk: Desk, anna: Editor, boris: Editor) -> None:
    _, guid = placed(desk)
    clash = both_moved(anna, boris, guid)
    wrong: list[tuple[type[PlacecardError], dict[str, Any]]] = [
        (Unprocessable, {"address": "a" * 300}),
        (Unprocessable, {"geometry": geometry_text(shapely.to_wkb(shapely.Point(500, 53)))}),
        (BadRequest, {"geometry": "%"}),
        (BadRequest, {"horizon": 2031}),
        (BadRequest, {}),
        (BadRequest, {"address": "Мира, 3", "renew": True}),
        (Conflict, {"address": "Мира, 3", "revision": clash.revision + 1}),
    ]
    before = anna.sees(guid)
    for error, said in wrong:
        with pytest.raises(error) as refused:
            resolve(anna, clash, **said)
        assert "{" not in refused.value.say("ru") + refused.value.say("en")
    assert (anna.sees(guid), anna.clashes(guid)) == (before, [clash])
    resolve(anna, clash, geometry=geometry_text(THERE), address="Мира, 2")
    with pytest.raises(NotFound):
        resolve(anna, clash, address="Мира, 3")


def test_a_long_line_of_the_card_may_be_chosen(desk: Desk, anna: Editor) -> None:
    card, guid = placed(desk)
    anna.push(anna.update(guid, address="Мира, 2"))
    desk.person.edit_card(card, description=LINE.format("улица Мира " * 40))
    desk.work()
    (clash,) = anna.clashes(guid)
    theirs = clash.fields["address"].theirs
    assert len(str(theirs)) > 255
    resolve(anna, clash, address=theirs)
    rests(desk)
    assert anna.sees(guid).properties["address"] == theirs


@pytest.fixture
def gone(desk: Desk, anna: Editor) -> tuple[str, OpenClash]:
    """A card was removed while an edit was on its way to it."""
    card, guid = placed(desk)
    desk.sweep(full=True)
    anna.push(anna.update(guid, THERE, address="Мира, 2"))
    desk.person.remove_card(card)
    desk.sweep(full=True)
    (clash,) = anna.clashes(guid)
    assert clash.reason == "gone"
    return guid, clash


def test_gone_card_is_made_anew(desk: Desk, anna: Editor, gone: tuple[str, OpenClash]) -> None:
    guid, clash = gone
    assert resolve(anna, clash, renew=True).left is None
    desk.work()
    seen = anna.sees(guid)
    card_id = str(seen.properties["card_id"])
    card = desk.board.read([card_id]).cards[card_id]
    assert card is not None
    assert (card.reference, card.metadata["placecard_address"], seen.geometry) == (guid, "Мира, 2", THERE)
    rests(desk)
    assert anna.clashes() == []


def test_gone_card_takes_its_proposal_along(desk: Desk, anna: Editor, gone: tuple[str, OpenClash]) -> None:
    guid, clash = gone
    resolve(anna, clash, renew=False)
    assert anna.sees(guid).visibility is Visibility.RETIRED
    assert anna.clashes() == []
    rests(desk)
    assert anna.sees(guid).visibility is Visibility.RETIRED


def test_place_of_the_map_is_kept_when_the_boards_word_was_about_something_else(desk: Desk, anna: Editor) -> None:
    _, guid, clash = clash_by_line(desk, anna)
    anna.push(anna.update(guid, HERE))
    (clash,) = anna.clashes(guid)
    resolve(anna, clash, address="Мира, 3")
    assert anna.sees(guid).geometry == HERE


@pytest.mark.parametrize("choice", ["citywide", "district", "none"], ids=["theirs", "mine", "neither"])
def test_words_for_a_place_are_resolved_like_any_field(desk: Desk, anna: Editor, choice: str) -> None:
    card = desk.add(description="", column="Одобрено")
    desk.work()
    guid = desk.known(card).guid
    anna.push(anna.update(guid, placement="none"))
    desk.work()
    desk.webhooks = False
    anna.push(anna.update(guid, placement="district", district="Центральный"))
    desk.board.set_metadata(card, {"placecard_placement": "citywide"})
    desk.webhooks = True
    desk.work()
    (clash,) = anna.clashes(guid)
    assert (clash.fields["placement"].theirs, clash.fields["placement"].mine) == ("citywide", "district")
    assert resolve(anna, clash, placement=choice).left is None
    rests(desk)
    assert anna.sees(guid).properties["placement"] == choice
    read = desk.board.read([card]).cards[card]
    assert read is not None
    assert read.metadata["placecard_placement"] == choice
    assert anna.clashes() == []


def test_what_was_seen_in_a_life_that_ended_resolves_nothing(desk: Desk, anna: Editor) -> None:
    _, guid, clash = clash_by_line(desk, anna)
    seen = set()
    for _ in range(2):
        (before,) = anna.clashes(guid)
        seen |= {before.revision, before.revision + 1}
        with desk.parts.database.writing() as connection:
            begin_epoch(connection)
        with pytest.raises(Conflict):
            resolve(anna, clash, revision=before.revision, address="Мира, 2")
        (now,) = anna.clashes(guid)
        assert now.revision not in seen
    assert resolve(anna, now, address="Мира, 2").left is None


def test_place_that_moved_meanwhile_is_not_taken_away_by_a_word_about_it(desk: Desk, anna: Editor) -> None:
    card = desk.add(description="Тень", column="Одобрено")
    desk.work()
    guid = desk.known(card).guid
    desk.person.set_metadata(card, {"placecard_placement": "none"})
    desk.person.edit_card(card, description=LINE.format("Мира, 1"))
    desk.work()
    (seen,) = anna.clashes(guid)
    assert set(seen.fields) == {"placement"}
    anna.push(anna.update(guid, THERE))
    with pytest.raises(Conflict):
        resolve(anna, seen, placement="none")
    assert desk.known(card).geometry == THERE
