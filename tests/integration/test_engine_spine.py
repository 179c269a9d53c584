"""A card moved to Approved is a place on the map: the engine on a board in memory and a store on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kanban_adapter.card import Relation
from sync_service.engine.proposal import confirm_item
from sync_service.engine.recovery import recover
from sync_service.errors import PersonNeeded
from sync_service.store import bindings, outbox, tables, waiting
from sync_service.store.features import Author
from sync_service.sync.values import Stage, Visibility
from tests.desk import PLACE
from tests.postgres import both_stores

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.desk import Desk

pytestmark = both_stores

PUBLIC, HIDDEN, RETIRED = Visibility.PUBLIC, Visibility.HIDDEN, Visibility.RETIRED


def test_card_moved_to_approved_is_public_and_placed(desk: Desk) -> None:
    card = desk.add()
    desk.work()
    assert desk.known(card).visibility is HIDDEN
    desk.drag(card, "Одобрено")
    desk.work()
    feature = desk.known(card)
    assert (feature.visibility, feature.properties["placement"]) == (PUBLIC, "placed")
    assert feature.geometry is not None
    assert desk.links(card) == [desk.parts.interpreter.link_of(card)]


def test_every_webhook_lost_a_sweep_still_finds_it(desk: Desk) -> None:
    desk.webhooks = False
    card = desk.add(column="Одобрено")
    assert desk.work().read == 0
    assert desk.sweep().published == 1
    assert desk.known(card).visibility is PUBLIC


def test_rest_nothing_is_read_or_written_when_nothing_changed(desk: Desk) -> None:
    for number in range(5):
        desk.add(title=f"Предложение {number}", column="В работе")
    desk.sweep()
    desk.sweep()
    third = desk.sweep()
    assert (third.read, third.board_writes, third.updated) == (0, 0, 0)
    full = desk.sweep(full=True)
    assert (full.read, full.updated, full.board_writes) == (5, 0, 0)


@pytest.mark.parametrize(
    ("column", "closed", "public"),
    [
        ("Предложено", False, False),
        ("На рассмотрении", False, False),
        ("Одобрено", False, True),
        ("В работе", False, True),
        ("Выполнено", False, True),
        ("Отклонено", False, False),
        ("Одобрено", True, False),
        ("Выполнено", True, True),
        ("Отклонено", True, False),
    ],
)
def test_gate_by_column_and_state(desk: Desk, column: str, public: bool, closed: bool) -> None:
    card = desk.add(column=column)
    if closed:
        desk.person.close_card(card)
    desk.sweep()
    assert (desk.known(card).visibility is PUBLIC) == public


def test_gate_denies_a_column_without_a_stage(desk: Desk) -> None:
    column = desk.person.add_column(desk.project, "Кабинет мэра")
    card = desk.person.add_card(desk.project, column, "Без стадии", PLACE)
    desk.sweep()
    assert desk.known(card).visibility is HIDDEN
    assert desk.known(card).properties["stage"] is None


def test_gate_moved_back_is_hidden(desk: Desk) -> None:
    card = desk.add(column="Одобрено")
    desk.work()
    desk.drag(card, "Отклонено")
    desk.work()
    assert desk.known(card).visibility is HIDDEN


def test_gate_closed_duplicate_is_not_done(desk: Desk) -> None:
    first, second = desk.add(column="Выполнено"), desk.add(column="Выполнено")
    desk.person.relate(second, Relation.DUPLICATES, first)
    desk.person.close_card(second)
    desk.sweep()
    assert desk.known(second).properties["stage"] == Stage.CLOSED
    assert desk.known(second).visibility is HIDDEN


def test_gate_foreign_project_is_never_known(desk: Desk) -> None:
    other = desk.board.world.add_project("Чужой", ("Одобрено",))
    column = next(c.id for c in desk.board.world.state.columns.values() if c.project_id == other)
    card = desk.person.add_card(other, column, "Чужая карточка", PLACE)
    desk.hear(card)
    desk.work()
    desk.sweep(full=True)
    assert desk.feature(card) is None


def test_card_of_a_foreign_project_with_a_reference_of_its_own_is_nothing_to_us(desk: Desk) -> None:
    other = desk.board.world.add_project("Чужое", ("Разное",))
    column = next(c.id for c in desk.board.world.state.columns.values() if c.project_id == other)
    card = str(desk.person.add_card(other, column, "Не наше"))
    desk.person.edit_card(card, reference="3cdc6481-7766-4642-a755-53ff19594382")
    assert desk.work().errors == []
    assert (desk.count(tables.feature), desk.count(tables.inbox)) == (0, 0)


def test_card_moved_to_a_foreign_project_is_hidden_and_comes_back(desk: Desk) -> None:
    card = desk.add(column="Одобрено")
    desk.work()
    guid = desk.known(card).guid
    other = desk.board.world.add_project("Чужой", ("Одобрено",))
    desk.person.move_project(card, other)
    desk.sweep()
    assert desk.known(card).visibility is HIDDEN
    desk.person.move_project(card, desk.project)
    desk.drag(card, "Одобрено")
    desk.sweep()
    assert (desk.known(card).visibility, desk.known(card).guid) == (PUBLIC, guid)


def test_removed_card_is_hidden_then_retired_by_a_full_sweep(desk: Desk) -> None:
    card = desk.add(column="Одобрено")
    desk.work()
    desk.person.remove_card(card)
    assert desk.sweep().hidden == 1
    assert desk.known(card).visibility is HIDDEN
    assert desk.sweep().retired == 0
    assert desk.sweep(full=True).retired == 1
    assert desk.known(card).visibility is RETIRED


def test_publishing_off_publishes_nothing(make: Callable[..., Desk]) -> None:
    desk = make(PUBLISH="off")
    card = desk.add(column="Одобрено")
    desk.sweep()
    assert desk.known(card).visibility is HIDDEN
    assert desk.count(tables.waiting) == 0
    assert desk.links(card) == []


def test_surge_waits_for_a_person_and_everything_else_goes_on(make: Callable[..., Desk]) -> None:
    desk = make(SURGE_LIMIT="3")
    cards = [desk.add(title=f"Предложение {n}", column="Одобрено") for n in range(5)]
    desk.work()
    public = [card for card in cards if desk.known(card).visibility is PUBLIC]
    assert len(public) == 3
    desk.person.edit_card(cards[4], title="Новое название")
    desk.work()
    assert desk.known(cards[4]).properties["title"] == "Новое название"
    with desk.parts.database.writing() as connection:
        items = waiting.waiting_items(connection)
        assert len(items) == 2
        for item in items:
            confirm_item(connection, item, Author("job", confirmed=True), desk.now)
    desk.work()
    assert all(desk.known(card).visibility is PUBLIC for card in cards)
    assert all(desk.links(card) for card in cards)


def test_surge_a_publication_that_waits_is_dropped_when_the_card_moves_back(make: Callable[..., Desk]) -> None:
    desk = make(SURGE_LIMIT="0")
    card = desk.add(column="Одобрено")
    desk.work()
    assert desk.count(tables.waiting) == 1
    desk.drag(card, "Отклонено")
    desk.work()
    assert desk.count(tables.waiting) == 0
    assert desk.known(card).visibility is HIDDEN


def test_surge_passes_after_ten_minutes(make: Callable[..., Desk]) -> None:
    desk = make(SURGE_LIMIT="1")
    first, second = desk.add(column="Одобрено"), desk.add(column="Одобрено")
    desk.work()
    desk.later(minutes=11)
    desk.sweep(full=True)
    assert [desk.known(card).visibility for card in (first, second)] == [PUBLIC, PUBLIC]


def test_listing_that_lacks_much_takes_nothing_away(desk: Desk) -> None:
    cards = [desk.add(title=f"Предложение {n}", column="Одобрено") for n in range(30)]
    desk.work()
    for card in cards[:12]:
        desk.person.remove_card(card)
    report = desk.sweep()
    assert (report.hidden, len(report.errors)) == (0, 1)
    assert desk.sweep(force=True).hidden == 12


def test_new_cards_do_not_hide_that_a_listing_lacks_much(desk: Desk) -> None:
    cards = [desk.add(title=f"Предложение {n}", column="Одобрено") for n in range(30)]
    desk.work()
    desk.webhooks = False
    for card in cards[:12]:
        desk.person.remove_card(card)
    for number in range(200):
        desk.add(title=f"Новое {number}")
    report = desk.sweep()
    assert (report.hidden, report.created, len(report.errors)) == (0, 200, 1)


def test_cut_listing_takes_nothing_away(desk: Desk) -> None:
    card = desk.add(column="Одобрено")
    desk.work()
    desk.board.world.faults.hidden = frozenset({card})
    assert desk.sweep().hidden == 0, "the look-up found it"
    assert desk.known(card).visibility is PUBLIC


def test_renamed_column_changes_nothing_until_confirmed(desk: Desk) -> None:
    card = desk.add(column="Одобрено")
    desk.work()
    desk.person.rename_column(desk.column("Одобрено"), "Отклонено навсегда")
    desk.sweep()
    assert desk.known(card).visibility is PUBLIC
    with desk.parts.database.reading() as connection:
        assert [row.waits for row in bindings.bindings(connection) if row.stage is Stage.APPROVED] == [True]


def test_reused_id_is_another_proposal(desk: Desk) -> None:
    card = desk.add(column="Одобрено")
    desk.work()
    old = desk.known(card)
    desk.person.remove_card(card)
    desk.board.world.state.last_number -= 1
    desk.board.world.clock = lambda: 2_000_000_000.0
    again = desk.add(title="Совсем другое", column="Предложено")
    assert again == card
    desk.sweep()
    assert desk.known(card).guid != old.guid
    with desk.parts.database.reading() as connection:
        from sync_service.store.features import find_feature

        gone = find_feature(connection, old.guid)
    assert gone is not None
    assert gone.visibility is not PUBLIC


def test_copied_card_is_a_new_proposal_with_its_own_link(desk: Desk) -> None:
    card = desk.add(column="Одобрено")
    desk.work()
    copy = desk.person.duplicate_card(card)
    desk.sweep(full=True)
    desk.sweep(full=True)
    assert desk.known(copy).guid != desk.known(card).guid
    assert desk.links(copy) in ([], [desk.parts.interpreter.link_of(copy)])
    assert desk.links(card) == [desk.parts.interpreter.link_of(card)]


def test_blocked_by_an_open_card_until_that_is_closed(desk: Desk) -> None:
    card, blocker = desk.add(column="В работе"), desk.add(title="Сначала это")
    desk.person.relate(card, Relation.IS_BLOCKED_BY, blocker)
    desk.work()
    assert desk.known(card).properties["blocked"] is True
    desk.person.close_card(blocker)
    desk.work()
    assert desk.known(card).properties["blocked"] is False


def test_board_put_back_from_a_backup_stops_everything_until_recover(desk: Desk) -> None:
    card = desk.add(column="Одобрено")
    desk.sweep()
    backup = desk.board.snapshot()
    desk.drag(card, "Отклонено")
    desk.sweep()
    desk.board.restore(backup)
    with pytest.raises(PersonNeeded) as stopped:
        desk.sweep()
    assert stopped.value.data["reason"] == "board_went_back"
    assert desk.known(card).visibility is HIDDEN, "nothing is published while it stands"
    recover(desk.parts)
    desk.sweep()
    assert desk.known(card).visibility is PUBLIC


def test_poisoned_card_does_not_block_the_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = desk.add(title="Яд", column="Одобрено"), desk.add(title="Хорошая", column="Одобрено")
    reading = type(desk.parts.placing).read

    def poisoned(self: object, description: str, *rest: object) -> object:
        if description == "яд":
            raise RuntimeError("poison")
        return reading(self, description, *rest)  # type: ignore[arg-type]

    desk.person.edit_card(bad, description="яд")
    monkeypatch.setattr(type(desk.parts.placing), "read", poisoned)
    desk.work()
    assert desk.known(good).visibility is PUBLIC
    assert desk.feature(bad) is None
    assert desk.count(tables.inbox) == 1, "the hint is kept for later"
    monkeypatch.undo()
    desk.later(minutes=10)
    desk.work()
    assert desk.known(bad).visibility is PUBLIC


def test_board_away_keeps_effects_and_sends_them_later(desk: Desk) -> None:
    card = desk.add(column="Одобрено")
    from sync_service.engine import hints
    from sync_service.engine.report import Report

    hints.work_hints(desk.parts, Report())
    desk.board.world.faults.unreachable = True
    from kanban_adapter.errors import Unreachable
    from sync_service.engine.sending import send_effects

    with pytest.raises(Unreachable):
        send_effects(desk.parts, Report())
    assert desk.count(tables.effect) == 1
    desk.board.world.faults.unreachable = False
    desk.later(minutes=10)
    desk.work()
    assert (desk.count(tables.effect), len(desk.links(card))) == (0, 1)


def test_effect_the_board_refuses_dies_is_shown_and_lives_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from kanban_adapter.errors import Failed

    def refuse(*_args: object, **_named: object) -> bool:
        raise Failed("createExternalTaskLink", "no reason")

    monkeypatch.setattr(type(desk.board), "ensure_link", refuse)
    desk.add(column="Одобрено")
    for _ in range(12):
        desk.work()
        desk.later(minutes=20)
    with desk.parts.database.reading() as connection:
        assert outbox.outbox_state(connection, desk.now).dead == 1
    monkeypatch.undo()
    desk.sweep(full=True)
    with desk.parts.database.reading() as connection:
        assert outbox.outbox_state(connection, desk.now) == outbox.OutboxState(0, 0, desk.now - desk.now, None)


def test_text_that_looks_personal_is_held_until_released(desk: Desk) -> None:
    card = desk.add(description=f"Звоните +7 912 345-67-89\n{PLACE}", column="Одобрено")
    desk.work()
    assert desk.known(card).properties["held"] == "summary"
    with desk.parts.database.writing() as connection:
        [item] = waiting.waiting_items(connection)
        confirm_item(connection, item, Author("job", confirmed=True), desk.now)
    assert desk.known(card).properties["held"] is None
    desk.sweep(full=True)
    assert desk.known(card).properties["held"] is None
    desk.person.edit_card(card, description=f"Звоните +7 912 345-67-90\n{PLACE}")
    desk.work()
    assert desk.known(card).properties["held"] == "summary", "released were other words"
