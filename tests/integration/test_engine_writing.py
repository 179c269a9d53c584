"""What is owed to the board, through store and outbox: the map's edits reach the card, and no echo becomes an edit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from sync_service.engine.gathering import Overtaken
from sync_service.engine.proposal import work_card
from sync_service.engine.reading import read_cards
from sync_service.engine.report import Report
from sync_service.engine.sending import LEASE, send_effects
from sync_service.engine.sweep import SweepOptions, sweep
from sync_service.store import outbox, tables
from sync_service.store.features import Author, write_feature
from sync_service.store.pairs import find_pair
from sync_service.sync.decision import Effect, EffectKind
from sync_service.sync.place import set_place
from sync_service.sync.shared import CHECK_TAG
from sync_service.sync.state import Sides
from tests.builders import THERE, edit
from tests.postgres import both_stores

if TYPE_CHECKING:
    from collections.abc import Callable

    from kanban_adapter.card import Card
    from sync_service.sync.state import Feature, Pair
    from tests.desk import Desk

pytestmark = both_stores

TEXT = "Адрес: улица Мира, 1\nГоризонт: 2030"
QGIS = Author("qgis")


@pytest.fixture
def desk(make: Callable[..., Desk]) -> Desk:
    return make()


def on_map(desk: Desk, card: str, change: Callable[[Feature], Feature]) -> None:
    """A person edits on the map; nobody works it yet."""
    with desk.parts.database.writing() as connection:
        write_feature(connection, change(desk.known(card)), QGIS, desk.now)


def horizon(desk: Desk, card: str, value: int | None) -> None:
    on_map(desk, card, lambda feature: edit(feature, horizon=value))


def pair_of(desk: Desk, card: str) -> Pair:
    with desk.parts.database.reading() as connection:
        board = connection.execute(select(tables.store.c.board)).scalar_one()
        stored = find_pair(connection, board, card)
    assert stored is not None
    return stored.pair


def read(desk: Desk, card: str) -> Card:
    found = desk.board.read([card]).cards[card]
    assert found is not None
    return found


def test_edit_of_the_map_reaches_the_metadata_and_is_agreed(desk: Desk) -> None:
    card = desk.add(description=TEXT)
    desk.sweep()
    horizon(desk, card, 2041)
    desk.sweep(full=True)
    assert read(desk, card).metadata["placecard_horizon"] == "2041"
    assert (pair_of(desk, card).agreed["horizon"], pair_of(desk, card).owed) == (2041, {})
    assert desk.count(tables.effect) == 0


def test_clearing_on_the_map_reaches_the_card_and_stays(desk: Desk) -> None:
    card = desk.add(description=TEXT)
    desk.sweep()
    horizon(desk, card, None)
    desk.sweep(full=True)
    desk.sweep(full=True)
    assert (desk.known(card).properties["horizon"], pair_of(desk, card).owed) == (None, {})
    assert desk.count(tables.effect) == 0


def test_unreadable_metadata_says_nothing(desk: Desk) -> None:
    card = desk.add(description=TEXT)
    desk.sweep()
    for text in ("скоро", "--5", "²", "9" * 30):
        desk.board.set_metadata(card, {"placecard_horizon": text, "placecard_placement": "everywhere"})
        assert desk.sweep(full=True).errors == []
        assert desk.known(card).properties["horizon"] == 2030


def test_place_set_on_the_map_is_told_once(desk: Desk) -> None:
    card = desk.add(description=TEXT)
    desk.sweep()
    on_map(desk, card, lambda feature: set_place(edit(feature), THERE))
    desk.sweep(full=True)
    desk.sweep(full=True)
    assert len([comment for comment in read(desk, card).comments if "[placecard:" in comment.text]) == 1
    assert pair_of(desk, card).telling is None
    desk.person.edit_card(card, description="Место: 53.5303, 49.3461")
    desk.sweep(full=True)
    assert (desk.known(card).geometry, CHECK_TAG in read(desk, card).tags) == (THERE, True)
    desk.board.set_tag(card, CHECK_TAG, present=False)
    desk.sweep(full=True)
    assert desk.known(card).properties["place_check"] is None


def test_write_under_way_while_the_map_reverts_is_no_edit_of_the_board(desk: Desk) -> None:
    card = desk.add(description=TEXT)
    desk.sweep()
    horizon(desk, card, 2041)
    sweep(desk.parts, SweepOptions(full=True))
    with desk.parts.database.writing() as connection:
        (claimed,) = outbox.claim_effects(connection, desk.now, LEASE, 5)
        assert outbox.flying_keys(connection, claimed.guid, desk.now) == {"metadata:horizon"}
    horizon(desk, card, 2030)
    desk.sweep(full=True)
    desk.board.set_metadata(card, {"placecard_horizon": "2041"})
    with desk.parts.database.writing() as connection:
        outbox.settle_effect(connection, claimed)
    desk.sweep(full=True)
    assert (desk.known(card).properties["horizon"], pair_of(desk, card).clashing) == (2030, {})
    assert read(desk, card).metadata["placecard_horizon"] == "2030"


def test_reading_from_before_our_write_is_not_believed_after_it(desk: Desk) -> None:
    card = desk.add(description=TEXT)
    desk.sweep()
    horizon(desk, card, 2041)
    sweep(desk.parts, SweepOptions(full=True))
    context, reading = read_cards(desk.parts, [card])
    stale = reading.cards[card]
    assert stale is not None
    send_effects(desk.parts, Report())
    with pytest.raises(Overtaken):
        work_card(desk.parts, context, stale, (None, None), Report())
    desk.work()
    assert pair_of(desk, card).agreed["horizon"] == 2041


def test_saying_the_same_again_does_not_hurry_an_effect(desk: Desk) -> None:
    card = desk.add(description=TEXT)
    desk.sweep()
    horizon(desk, card, 2041)
    effect = Effect(EffectKind.METADATA, "metadata:horizon", {"field": "horizon", "expected": None, "target": 2041})
    with desk.parts.database.writing() as connection:
        outbox.owe(connection, desk.known(card).guid, [effect], desk.now)
        first = connection.execute(select(tables.effect.c.version, tables.effect.c.run_after)).one()
        desk.later(minutes=1)
        outbox.owe(connection, desk.known(card).guid, [effect], desk.now)
        assert connection.execute(select(tables.effect.c.version, tables.effect.c.run_after)).one() == first
        other = replace(effect, body={**effect.body, "target": 2042})
        outbox.owe(connection, desk.known(card).guid, [other], desk.now)
        assert connection.execute(select(tables.effect.c.version)).scalar_one() == first.version + 1


def test_nothing_said_in_the_metadata_is_a_word_too(desk: Desk) -> None:
    card = desk.add(description=TEXT)
    desk.sweep()
    horizon(desk, card, 2041)
    sweep(desk.parts, SweepOptions(full=True))
    desk.person.set_metadata(card, {"placecard_horizon": "∅"})
    desk.sweep(full=True)
    assert read(desk, card).metadata["placecard_horizon"] == "∅"
    assert pair_of(desk, card).clashing["horizon"] == Sides(base=2030, theirs=None, mine=2041)


def test_word_taken_out_of_the_metadata_is_not_written_over(desk: Desk) -> None:
    card = desk.add(description=TEXT)
    desk.sweep()
    desk.person.set_metadata(card, {"placecard_horizon": "2035"})
    desk.sweep(full=True)
    horizon(desk, card, 2041)
    sweep(desk.parts, SweepOptions(full=True))
    desk.person.set_metadata(card, {"placecard_horizon": ""})
    desk.sweep(full=True)
    assert pair_of(desk, card).clashing["horizon"] == Sides(base=2035, theirs=2030, mine=2041)
