"""What people do on the map reaches the board: cards made, told, moved, closed, spoken on, and each only once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from sync_service.app import create_app
from sync_service.editing.applying import EditRules
from sync_service.editing.resolving import Resolution, resolve_clash
from sync_service.engine.report import Report
from sync_service.engine.sending import LEASE, send_effects
from sync_service.engine.sweep import SweepOptions, sweep
from sync_service.engine.telling import CLASHES_PATH
from sync_service.operation.check import Checked, run_checks
from sync_service.settings import load_settings
from sync_service.store import outbox, tables
from sync_service.store.clashes import open_clashes
from sync_service.store.features import Author, find_feature, write_feature
from sync_service.store.inbox import add_hints
from sync_service.sync.decide import Rules, decide
from sync_service.sync.decision import Effect, EffectKind, close_at, move_to, say_words
from sync_service.sync.disputes import show_disputes
from sync_service.sync.place import set_place
from sync_service.sync.state import Dispute, Feature
from sync_service.sync.values import Hand, Placement, Stage, Visibility
from sync_service.words import say
from tests.builders import HERE, THERE, edit, make_card, make_pair
from tests.desk import PLACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from kanban_adapter.card import Card
    from tests.desk import Desk

GUID = "0b6f8c1e-2f0e-4d0a-8a51-6f6f4f0f9d01"
EDITOR = Author("qgis", "Редактор карты", "push-1")


def card_of(desk: Desk, card_id: str) -> Card:
    found = desk.board.read([card_id]).cards[card_id]
    assert found is not None
    return found


def ours(desk: Desk, card_id: str) -> list[str]:
    """Texts of our own comments, without their markers."""
    return [c.text.partition(" [placecard:")[0] for c in card_of(desk, card_id).comments if "[placecard:" in c.text]


def on_map(desk: Desk, card_id: str, change: Callable[[Feature], Feature], author: Author = EDITOR) -> None:
    """A person edits on the map, as a push does: the feature, its history and a hint for its card."""
    with desk.parts.database.writing() as connection:
        write_feature(connection, change(desk.known(card_id)), author, desk.now)
        add_hints(connection, [card_id], desk.now)


def draw(desk: Desk, **properties: str) -> None:
    """A person draws a feature on the map, as a push does: its card is owed in the same transaction."""
    said = {"title": "Новый сквер", "address": "Мира, 9", "stage": Stage.PROPOSED.value, **properties}
    fresh = set_place(Feature(GUID, said, None, Hand.MAP, None, Visibility.HIDDEN), HERE)
    with desk.parts.database.writing() as connection:
        written = write_feature(connection, fresh, EDITOR, desk.now)
        outbox.owe(connection, GUID, decide(None, written, None, Rules(publishing=True)).effects, desk.now)


def owe(desk: Desk, *effects: Effect, guid: str) -> None:
    """An action on the map owes the card this."""
    with desk.parts.database.writing() as connection:
        outbox.owe(connection, guid, effects, desk.now)


def drawn(desk: Desk) -> Feature:
    with desk.parts.database.reading() as connection:
        feature = find_feature(connection, GUID)
    assert feature is not None
    return feature


def at_rest(desk: Desk) -> None:
    """Two sweeps, and the third writes nothing on either side."""
    desk.sweep(full=True)
    desk.sweep(full=True)
    seq = desk.count(tables.change)
    third = desk.sweep(full=True)
    assert (third.board_writes, desk.count(tables.change) - seq, desk.count(tables.effect)) == (0, 0, 0)


# --- the place is told -----------------------------------------------------------------------------------------------


def test_place_set_is_told_where_by_whom_and_by_what(make: Callable[..., Desk]) -> None:
    desk = make(LANGUAGE="ru")
    card = desk.add(column="Одобрено")
    desk.work()
    desk.person.remove_links(card)
    on_map(desk, card, lambda feature: set_place(feature, THERE))
    desk.work()
    assert ours(desk, card) == ["Место задано: 53.51000, 49.40000 — Редактор карты, QGIS"]
    assert desk.links(card) == [desk.parts.interpreter.link_of(card)], "the link a person took off is there again"
    at_rest(desk)
    assert len(ours(desk, card)) == 1


@pytest.mark.parametrize(
    ("placement", "told"),
    [
        (Placement.UNPLACED, "The place was taken off the map — Редактор карты, QGIS"),
        (Placement.CITYWIDE, "Place set: the whole city — Редактор карты, QGIS"),
        (Placement.NONE, "Place set: no place — Редактор карты, QGIS"),
    ],
)
def test_place_taken_off_is_told_as_what_it_is(desk: Desk, placement: Placement, told: str) -> None:
    card = desk.add()
    desk.work()
    on_map(desk, card, lambda feature: set_place(feature, None, placement))
    desk.work()
    assert ours(desk, card) == [told]
    at_rest(desk)


def test_vertices_moved_before_the_card_is_told_are_one_comment(desk: Desk) -> None:
    card = desk.add()
    desk.work()
    for place in (THERE, HERE, THERE):
        on_map(desk, card, partial(set_place, geometry=place), Author("ogc"))
    desk.work()
    assert ours(desk, card) == ["Place set: 53.51000, 49.40000 — OGC API"]


def test_a_card_that_is_not_public_gets_a_comment_and_no_link(desk: Desk) -> None:
    card = desk.add()
    desk.work()
    on_map(desk, card, lambda feature: set_place(feature, THERE))
    desk.work()
    assert (len(ours(desk, card)), desk.links(card)) == (1, [])


def test_the_same_place_edited_otherwise_is_not_told_again(desk: Desk) -> None:
    card = desk.add()
    desk.work()
    on_map(desk, card, lambda feature: set_place(feature, THERE))
    desk.work()
    on_map(desk, card, lambda feature: edit(feature, horizon=2035))
    desk.work()
    assert len(ours(desk, card)) == 1


# --- shared fields and the placement --------------------------------------------------------------------------------


def metadata(desk: Desk, card_id: str) -> dict[str, str]:
    """What the card's metadata says of ours, without our prefix."""
    return {k.removeprefix("placecard_"): v for k, v in card_of(desk, card_id).metadata.items()}


def test_shared_fields_and_placement_follow_the_map_and_rest(desk: Desk) -> None:
    card = desk.add(description=f"{PLACE}\nАдрес: Мира, 1\nГоризонт: 2030", column="Одобрено")
    desk.work()
    on_map(desk, card, lambda feature: edit(set_place(feature, THERE), address="Ленина, 4", horizon=None))
    at_rest(desk)
    assert metadata(desk, card) == {"address": "Ленина, 4", "horizon": "∅"}
    on_map(desk, card, lambda feature: edit(set_place(feature, None, Placement.DISTRICT), district="Центральный"))
    at_rest(desk)
    said = metadata(desk, card)
    assert (said["placement"], said["district"]) == ("district", "Центральный")
    desk.board.set_metadata(card, {"placecard_placement": "citywide"})
    at_rest(desk)
    feature = desk.known(card)
    assert (feature.properties["placement"], feature.geometry, feature.hand) == ("citywide", None, Hand.MAP)
    on_map(desk, card, lambda feature: edit(set_place(feature, HERE), address=None))
    at_rest(desk)
    assert (metadata(desk, card)["placement"], metadata(desk, card)["address"]) == ("placed", "∅")
    assert (desk.known(card).geometry, desk.known(card).properties["address"]) == (HERE, None)
    assert len(ours(desk, card)) == 3, "what the card said itself it was not told"
    assert desk.count(tables.clash) == 0


def test_metadata_cannot_take_away_a_place_of_the_map(desk: Desk) -> None:
    card = desk.add()
    desk.work()
    on_map(desk, card, lambda feature: set_place(feature, THERE))
    desk.work()
    desk.board.set_metadata(card, {"placecard_placement": "none"})
    at_rest(desk)
    assert (desk.known(card).geometry, metadata(desk, card)["placement"]) == (THERE, "placed")
    assert "проверить место" in card_of(desk, card).tags


# --- a feature drawn on the map becomes a card -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "column", "visibility"),
    [("proposed", "Предложено", Visibility.HIDDEN), ("approved", "Одобрено", Visibility.PUBLIC)],
)
def test_drawn_feature_becomes_a_card(desk: Desk, stage: str, column: str, visibility: Visibility) -> None:
    draw(desk, stage=stage, description="Тень и скамьи")
    desk.work()
    (card_id,) = desk.board.find_reference(GUID)
    card = card_of(desk, card_id)
    assert (card.title, card.description, card.column_id) == ("Новый сквер", "Тень и скамьи", desk.column(column))
    assert card.metadata["placecard_address"] == "Мира, 9"
    feature = desk.known(card_id)
    assert (feature.guid, feature.geometry, feature.visibility) == (GUID, HERE, visibility)
    assert bool(desk.links(card_id)) == (visibility is Visibility.PUBLIC)
    at_rest(desk)
    assert len(desk.board.listing().cards) == 1


def test_what_was_emptied_before_its_card_was_read_clashes_with_what_somebody_set_there(desk: Desk) -> None:
    draw(desk)
    assert send_effects(desk.parts, Report()) == 1  # the card is made, and not read yet
    (card_id,) = desk.board.find_reference(GUID)
    desk.board.set_metadata(card_id, {"placecard_address": "Ленина, 4"})
    with desk.parts.database.writing() as connection:
        drawn = find_feature(connection, GUID)
        assert drawn is not None
        write_feature(connection, edit(drawn, address=None), EDITOR, desk.now)
    desk.sweep(full=True)
    with desk.parts.database.reading() as connection:
        (clash,) = open_clashes(connection, GUID)
    assert (clash.fields["address"].theirs, clash.fields["address"].mine) == ("Ленина, 4", None)


def test_what_was_drawn_without_a_title_has_one_in_words(desk: Desk) -> None:
    draw(desk, title="")
    desk.work()
    (card_id,) = desk.board.find_reference(GUID)
    assert card_of(desk, card_id).title == say("card.untitled", desk.parts.policy.language)
    assert desk.known(card_id).properties["title"] == card_of(desk, card_id).title
    at_rest(desk)


def test_card_is_made_once_when_its_answer_is_lost(desk: Desk) -> None:
    draw(desk)
    desk.board.world.faults.losing_answers = True
    with pytest.raises(Exception, match="answer"):
        desk.work()
    desk.board.world.faults.losing_answers = False
    desk.later(minutes=10)
    desk.work()
    desk.sweep(full=True)
    assert len(desk.board.find_reference(GUID)) == 1
    assert desk.known(desk.board.find_reference(GUID)[0]).guid == GUID


def test_card_removed_before_it_was_read_back_is_made_again(desk: Desk) -> None:
    draw(desk)
    desk.board.world.faults.hook = lambda operation, phase: (
        desk.person.remove_card(*desk.board.world.state.cards)
        if (operation, phase) == ("create_card", "answer")
        else None
    )
    desk.work()
    desk.board.world.faults.hook = None
    assert desk.board.find_reference(GUID) == []
    desk.sweep(full=True)
    assert len(desk.board.find_reference(GUID)) == 1


def test_card_moved_away_before_it_was_read_back_is_the_same_proposal(desk: Desk) -> None:
    draw(desk)
    other = desk.board.world.add_project("Чужой", ("Новые",))

    def move(operation: str, phase: str) -> None:
        if (operation, phase) == ("create_card", "answer"):
            desk.person.move_project(max(desk.board.world.state.cards), other)

    desk.board.world.faults.hook = move
    desk.work()
    desk.board.world.faults.hook = None
    desk.sweep(full=True)
    assert len(desk.board.world.state.cards) == 1
    assert desk.known(max(desk.board.world.state.cards)).guid == GUID


def test_a_foreign_card_with_a_reference_is_none_of_ours(desk: Desk) -> None:
    other = desk.board.world.add_project("Чужой", ("Новые",))
    column = next(c.id for c in desk.board.world.state.columns.values() if c.project_id == other)
    card = desk.person.add_card(other, column, "Чужая", PLACE)
    for reference in ("ABC-1", GUID):
        desk.person.edit_card(card, reference=reference)
        desk.hear(card)
        assert desk.work().errors == []
    assert (desk.feature(card), desk.count(tables.inbox)) == (None, 0)


def test_without_a_column_the_drawn_feature_waits_and_check_says_so(desk: Desk) -> None:
    proposed = desk.column("Предложено")
    desk.person.remove_column(proposed)
    desk.sweep()
    draw(desk)
    for _ in range(12):
        desk.work()
        desk.later(minutes=5)
    assert desk.board.find_reference(GUID) == []
    assert columns_finding(desk) == ("columns_awaited", {"stages": "proposed", "count": 1})
    desk.person.add_column(desk.project, "Предложено")
    desk.sweep()
    desk.later(minutes=5)
    desk.work()
    assert len(desk.board.find_reference(GUID)) == 1
    assert columns_finding(desk)[0] == "ok"


def columns_finding(desk: Desk) -> tuple[str, object]:
    settings = load_settings({"PLACECARD_STORE_URL": f"sqlite:///{desk.folder / 'placecard.db'}"}, desk.folder)
    checked = Checked(settings, desk.parts.database, desk.board, desk.now)
    finding = next(each for each in run_checks(checked) if each.name == "columns")
    return finding.key, finding.data


# --- moves, closings and words ---------------------------------------------------------------------------------------


def test_a_move_is_made_and_read_back(desk: Desk) -> None:
    card = desk.add()
    desk.work()
    owe(desk, move_to(Stage.APPROVED, Stage.PROPOSED), guid=desk.known(card).guid)
    desk.work()
    assert card_of(desk, card).column_id == desk.column("Одобрено")
    assert desk.known(card).visibility is Visibility.PUBLIC
    at_rest(desk)


@pytest.mark.parametrize(
    "effect", [move_to(Stage.APPROVED, Stage.PROPOSED), close_at(Stage.PROPOSED)], ids=["move", "close"]
)
def test_nothing_is_moved_or_closed_that_somebody_else_moved(desk: Desk, effect: Effect) -> None:
    card = desk.add()
    desk.work()
    desk.webhooks = False
    desk.drag(card, "Отклонено")
    owe(desk, effect, guid=desk.known(card).guid)
    desk.work()
    assert (card_of(desk, card).column_id, card_of(desk, card).closed) == (desk.column("Отклонено"), False)
    assert desk.known(card).properties["stage"] == Stage.REJECTED
    assert desk.count(tables.effect) == 0


def test_a_card_that_stands_there_already_is_not_moved(desk: Desk) -> None:
    card = desk.add(column="Одобрено")
    desk.work()
    owe(desk, move_to(Stage.APPROVED, Stage.PROPOSED), guid=desk.known(card).guid)
    assert desk.work().board_writes == 0


def test_a_card_closed_before_is_reopened_by_its_return(desk: Desk) -> None:
    card = desk.add(column="Отклонено")
    desk.person.close_card(card)
    desk.work()
    owe(desk, move_to(Stage.REVIEW, Stage.CLOSED), guid=desk.known(card).guid)
    desk.board.world.faults.hook = breaks
    with pytest.raises(Dies):
        desk.work()
    desk.board.world.faults.hook = None
    desk.now += LEASE
    desk.work()
    assert (card_of(desk, card).column_id, card_of(desk, card).closed) == (desk.column("На рассмотрении"), False)


class Dies(BaseException):
    """The process dies."""


def breaks(operation: str, phase: str) -> None:
    if (operation, phase) == ("set_closed", "look"):
        raise Dies


def test_a_card_is_closed_once(desk: Desk) -> None:
    card = desk.add()
    desk.work()
    guid = desk.known(card).guid
    owe(desk, close_at(Stage.PROPOSED), guid=guid)
    desk.work()
    assert (card_of(desk, card).closed, desk.known(card).properties["stage"]) == (True, Stage.CLOSED)
    owe(desk, close_at(Stage.PROPOSED), guid=guid)
    assert desk.work().board_writes == 0


def test_the_last_wish_is_what_counts(desk: Desk) -> None:
    card = desk.add()
    desk.work()
    guid = desk.known(card).guid
    owe(desk, move_to(Stage.APPROVED, Stage.PROPOSED), close_at(Stage.PROPOSED), guid=guid)
    desk.work()
    assert (card_of(desk, card).column_id, card_of(desk, card).closed) == (desk.column("Предложено"), True)


def test_a_move_waits_for_its_column_and_is_not_lost(desk: Desk) -> None:
    desk.person.remove_column(desk.column("Одобрено"))
    card = desk.add()
    desk.sweep()
    owe(desk, move_to(Stage.APPROVED, Stage.PROPOSED), guid=desk.known(card).guid)
    desk.work()
    assert columns_finding(desk) == ("columns_awaited", {"stages": "approved", "count": 1})
    desk.person.add_column(desk.project, "Одобрено")
    desk.later(minutes=5)
    desk.sweep()
    assert card_of(desk, card).column_id == desk.column("Одобрено")


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("Редактор карты", "Где вход? — Редактор карты"),
        ("token", "Где вход? — signed in by token"),
        (None, "Где вход?"),
    ],
)
def test_words_are_said_once(desk: Desk, who: str | None, said: str) -> None:
    card = desk.add()
    desk.work()
    for _ in range(2):
        owe(desk, say_words("5f0e", "Где вход?", who), guid=desk.known(card).guid)
        desk.work()
    assert ours(desk, card) == [said]


def test_words_cannot_pass_for_a_comment_of_the_service(desk: Desk) -> None:
    card = desk.add()
    desk.work()
    on_map(desk, card, lambda feature: set_place(feature, THERE))
    desk.sweep(dry_run=True)
    forged = "[placecard:5f0f] верно"
    owe(desk, say_words("5f0e", forged, None), guid=desk.known(card).guid)
    desk.work()
    assert "[placecard:5f0f]" not in "".join(comment.text for comment in card_of(desk, card).comments)


def test_words_for_a_card_outside_wait_until_it_is_back(desk: Desk) -> None:
    card = desk.add()
    desk.work()
    other = desk.board.world.add_project("Чужой", ("Новые",))
    desk.person.move_project(card, other)
    desk.work()
    owe(desk, say_words("5f0e", "Где вход?", None), guid=desk.known(card).guid)
    desk.work()
    assert ours(desk, card) == []
    desk.person.move_project(card, desk.project)
    desk.later(minutes=5)
    desk.work()
    assert ours(desk, card) == ["Где вход?"]


# --- clashes on the card ---------------------------------------------------------------------------------------------


def test_a_clash_is_a_tag_and_one_comment_until_it_ends(make: Callable[..., Desk]) -> None:
    desk = make(LANGUAGE="ru")
    card = desk.add(description="Горизонт: 2030")
    desk.work()
    desk.webhooks = False
    desk.person.edit_card(card, description="Горизонт: 2035")
    on_map(desk, card, lambda feature: edit(feature, horizon=2040))
    desk.work()
    assert "расхождение" in card_of(desk, card).tags
    with desk.parts.database.reading() as connection:
        (clash,) = open_clashes(connection)
    differs = "на карточке и на карте изменено по-разному – Горизонт, год: «2035» и «2040»"
    page = f"{desk.parts.policy.home}/desk/clashes/{clash.id}"
    assert ours(desk, card) == [f"Расхождение: {differs}. Оба варианта сохранены и ждут решения: {page}"]
    at_rest(desk)
    desk.person.set_tags(card, set())
    desk.sweep(full=True)
    assert "расхождение" in card_of(desk, card).tags, "a moderator who takes the tag off has resolved nothing"
    desk.person.edit_card(card, description="Горизонт: 2040")
    desk.sweep()
    assert "расхождение" not in card_of(desk, card).tags
    assert len(ours(desk, card)) == 1
    at_rest(desk)


def test_a_clash_is_told_also_where_the_tag_stood_already(desk: Desk) -> None:
    card = desk.add(description="Горизонт: 2030")
    desk.work()
    desk.webhooks = False
    desk.person.set_tags(card, {"расхождение"})
    desk.person.edit_card(card, description="Горизонт: 2035")
    on_map(desk, card, lambda feature: edit(feature, horizon=2040))
    desk.work()
    assert len(ours(desk, card)) == 1


def test_the_tag_is_no_content(desk: Desk) -> None:
    card = desk.add()
    desk.person.set_tags(card, {"Направление: спорт", "расхождение"})
    desk.sweep()
    assert card_of(desk, card).tags == {"Направление: спорт"}
    at_rest(desk)


def test_a_comment_about_a_clash_that_ended_is_not_written(desk: Desk) -> None:
    card = desk.add()
    desk.work()
    ended = show_disputes(make_card(), make_pair(), [Dispute(GUID, "edit")]).effects
    owe(desk, *(effect for effect in ended if effect.kind is EffectKind.COMMENT), guid=desk.known(card).guid)
    desk.work()
    assert (ours(desk, card), desk.count(tables.effect)) == ([], 0)


def test_history_of_the_push_names_the_setter(desk: Desk) -> None:
    card = desk.add()
    desk.work()
    on_map(desk, card, lambda feature: set_place(feature, THERE), Author("import"))
    on_map(desk, card, lambda feature: edit(feature, horizon=2044), replace(EDITOR, who="Кто-то другой"))
    desk.work()
    assert ours(desk, card) == ["Place set: 53.51000, 49.40000 — import"]


@pytest.mark.parametrize(("renew", "owed"), [(True, ["card"]), (False, [])], ids=["a new card", "an end"])
def test_what_was_owed_to_a_card_that_is_gone_is_owed_no_longer(desk: Desk, renew: bool, owed: list[str]) -> None:
    card = desk.add()
    desk.work()
    on_map(desk, card, lambda feature: edit(set_place(feature, THERE), horizon=2040))
    desk.person.remove_card(card)
    sweep(desk.parts, SweepOptions(full=True))
    owe(desk, say_words("5f0e", "Где вход?", None), guid=desk.known(card).guid)
    database, author = desk.parts.database, Author("page", "Редактор карты")
    with database.reading() as connection:
        (clash,) = open_clashes(connection)
    resolve_clash(database, clash.id, Resolution(1, renew=renew), author, rules=EditRules(), now=desk.now)
    with database.reading() as connection:
        assert list(connection.execute(select(tables.effect.c.key)).scalars()) == owed


def test_an_effect_without_a_card_is_dropped(desk: Desk) -> None:
    owe(desk, say_words("5f0e", "Где вход?", None), guid=GUID)
    report = desk.work()
    assert (report.errors, desk.count(tables.effect)) == ([], 0)


@pytest.mark.parametrize("made", [True, False], ids=["after the new card was made", "before"])
def test_a_card_that_comes_back_takes_nothing_from_its_renewed_proposal(desk: Desk, made: bool) -> None:
    card = desk.add(description="Горизонт: 2030")
    desk.work()
    guid, held = desk.known(card).guid, desk.board.world.held(card)
    desk.add("Другая", "")  # so that its id is not used again
    on_map(desk, card, lambda feature: edit(set_place(feature, THERE), horizon=2040))
    desk.person.remove_card(card)
    sweep(desk.parts, SweepOptions(full=True))
    database, author = desk.parts.database, Author("page", "Редактор карты")
    with database.reading() as connection:
        (clash,) = open_clashes(connection)
    resolve_clash(database, clash.id, Resolution(1, renew=True), author, rules=EditRules(), now=desk.now)
    if made:
        desk.work()
    desk.board.world.state.cards[card] = held
    for _ in range(2):
        desk.sweep(full=True)
    with database.reading() as connection:
        renewed = find_feature(connection, guid)
    assert renewed is not None
    assert (renewed.properties["horizon"], renewed.geometry) == (2040, THERE)
    assert (desk.known(card).guid == guid) != made, "before, it is the same proposal; after, one of its own"
    assert len(desk.board.find_reference(guid)) == int(made)
    at_rest(desk)


def test_a_comment_about_a_clash_links_the_page_that_settles_it(desk: Desk) -> None:
    app = create_app(load_settings({"PLACECARD_STORE_URL": f"sqlite:///{desk.folder / 'placecard.db'}"}, desk.folder))
    endpoint, _ = app.url_map.bind("localhost").match(f"{CLASHES_PATH}{GUID}")
    assert endpoint.startswith("desk.")
