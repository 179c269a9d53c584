"""Either side goes back in time, or a copy of the store starts: it is noticed before anything is written.

A store is put back here as an operator without our commands would do it: the file, copied over.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kanban_adapter.card import MARK_NOTE
from kanban_adapter.errors import BadCredentials, NotPermitted
from sync_service.engine.mark import Kept, Mark, Verdict, check_mark, judge, leave_mark
from sync_service.engine.recovery import ACTS, look_around, recover, rehearse
from sync_service.engine.report import Report
from sync_service.engine.sending import send_effects
from sync_service.engine.sweep import SweepOptions, sweep
from sync_service.errors import PersonNeeded
from sync_service.jobs.worker import swept_now
from sync_service.store import counter, home, outbox, tables
from sync_service.store.backup import back_up
from sync_service.store.clashes import GONE, open_clashes
from sync_service.store.database import Database
from sync_service.store.features import Author, find_feature, write_feature
from sync_service.store.home import Home, is_strange, keep_home, kept_home
from sync_service.store.leases import read_note, write_note
from sync_service.store.pairs import find_pair
from sync_service.store.restore import put_back
from sync_service.sync.decision import Effect, EffectKind
from sync_service.sync.place import PLACE_LOST, TEXT_CHANGED, set_place
from sync_service.sync.shared import CHECK_TAG
from sync_service.sync.values import Hand, Visibility
from sync_service.words import LANGUAGES, Language, say
from tests.builders import THERE, edit, make_feature
from tests.desk import PLACE, START
from tests.postgres import both_stores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kanban_adapter.card import Card
    from sync_service.sync.state import Feature, Pair
    from tests.desk import Desk

QGIS = Author("qgis", who="Редактор")
TEXT = f"{PLACE}\nАдрес: улица Мира, 1\nГоризонт: 2030"


def store_of(desk: Desk) -> Path:
    return desk.folder / "placecard.db"


def save(desk: Desk) -> Path:
    """A backup of the store as it is now."""
    target = desk.folder / "saved.db"
    target.unlink(missing_ok=True)
    back_up(store_of(desk), target, START)
    return target


def go_back(desk: Desk, saved: Path) -> None:
    """The file of the store, overwritten by an older one: it keeps its place on the disk."""
    desk.parts.database.close()
    with closing(sqlite3.connect(saved)) as old, closing(sqlite3.connect(store_of(desk))) as present:
        old.backup(present)
        present.execute("PRAGMA journal_mode=WAL")


def on_map(desk: Desk, card: str, change: Callable[[Feature], Feature]) -> None:
    with desk.parts.database.writing() as connection:
        write_feature(connection, change(desk.known(card)), QGIS, desk.now)
    desk.hear(card)


def horizon(desk: Desk, card: str, year: int) -> None:
    on_map(desk, card, lambda known: edit(known, horizon=year))


def read(desk: Desk, card: str) -> Card:
    found = desk.board.read([card]).cards[card]
    assert found is not None
    return found


def pair_of(desk: Desk, card: str) -> Pair:
    with desk.parts.database.reading() as connection:
        stored = find_pair(connection, str(counter.identity(connection).board), card)
    assert stored is not None
    return stored.pair


def stops(desk: Desk) -> Verdict:
    """The verdict with which a sweep stops; nothing was written by it."""
    before = desk.board.snapshot()
    with pytest.raises(PersonNeeded) as stopped:
        desk.sweep(full=True)
    assert desk.board.snapshot() == before
    return Verdict(str(stopped.value.data["reason"]))


# --- noticing


def test_store_put_back_within_one_sweep_is_noticed_before_the_board_is_written(desk: Desk) -> None:
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    horizon(desk, card, 2041)
    saved = save(desk)
    desk.work()  # no sweep: only the hint, and what it leads to
    assert read(desk, card).metadata["placecard_horizon"] == "2041"
    desk.board.set_metadata(card, {"placecard_horizon": "2030"})
    go_back(desk, saved)
    with pytest.raises(PersonNeeded) as stopped:
        desk.work()
    assert stopped.value.data["reason"] == Verdict.STORE_WENT_BACK
    assert read(desk, card).metadata["placecard_horizon"] == "2030", "nothing is written a second time"


def test_what_is_written_after_a_mark_is_followed_by_another(desk: Desk) -> None:
    """Nothing of the store changes when an effect is sent: only the mark tells a backup of before from one of after."""
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    desk.webhooks = False
    horizon(desk, card, 2041)
    sweep(desk.parts, SweepOptions(full=True))
    saved = save(desk)
    assert send_effects(desk.parts, Report()) == 1
    desk.board.set_metadata(card, {"placecard_horizon": "2030"})
    go_back(desk, saved)
    assert stops(desk) is Verdict.STORE_WENT_BACK


def test_board_put_back_within_one_sweep_is_noticed(desk: Desk) -> None:
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    saved = desk.board.snapshot()
    horizon(desk, card, 2041)
    desk.work()
    desk.board.restore(saved)
    assert stops(desk) is Verdict.BOARD_WENT_BACK


def test_nothing_back_in_time_is_nothing_to_recover_from(desk: Desk) -> None:
    desk.add(column="Одобрено")
    desk.sweep()
    with desk.parts.database.reading() as connection:
        before = counter.identity(connection)
    assert recover(desk.parts).verdict is Verdict.FINE
    with desk.parts.database.reading() as connection:
        assert counter.identity(connection) == before


def test_mark_that_somebody_spoilt_stops_and_is_recovered_from(desk: Desk) -> None:
    desk.add(column="Одобрено")
    desk.sweep()
    for text in ("не отметка", "[]", '{"store": 7, "epoch": "x"}', '{"epoch": null}'):
        desk.board.write_project_notes({MARK_NOTE: text})
        assert stops(desk) is Verdict.OTHER_STORE
        recover(desk.parts)
        assert desk.sweep(full=True).errors == []


def mark(turn: int, *, seq: int = 5, epoch: int = 1, nonce: str = "a", store: str = "me") -> Mark:
    return Mark(store, epoch, seq, turn, nonce)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (mark(3), Verdict.FINE),
        (mark(2), Verdict.FINE),
        (mark(1), Verdict.BOARD_WENT_BACK),
        (mark(1, nonce="older"), Verdict.BOARD_WENT_BACK),
        (mark(1, nonce=""), Verdict.BOARD_WENT_BACK),
        (mark(3, nonce="b"), Verdict.OTHER_COPY),
        (mark(4, nonce="b"), Verdict.STORE_WENT_BACK),
        (mark(1, epoch=2), Verdict.STORE_WENT_BACK),
        (mark(9, store="other"), Verdict.OTHER_STORE),
        (None, Verdict.BOARD_WENT_BACK),
    ],
    ids=["same", "not arrived", "old", "old process", "old program", "copy", "later", "epoch", "other", "none"],
)
def test_marks_are_judged(found: Mark | None, verdict: Verdict) -> None:
    kept = Kept(mark(3).dump(), mark(2).dump(), ("older", "a"))
    assert judge(kept, None if found is None else found.dump(), "me") is verdict


# --- copies of the store


@pytest.fixture
def copied(desk: Desk, tmp_path: Path) -> Iterator[Desk]:
    """A second service on a copy of the store, beside the same board. Nothing has happened since."""
    desk.add("Первое", TEXT, "Одобрено")
    desk.sweep(full=True)
    folder = tmp_path / "copy"
    desk.parts.database.close()
    shutil.copytree(desk.folder, folder, ignore=shutil.ignore_patterns("copy"))
    other = replace(desk, folder=folder, parts=replace(desk.parts, nonce=""))
    other.parts.database = Database(f"sqlite:///{folder / 'placecard.db'}")
    yield other
    other.parts.database.close()


def test_identical_copy_does_not_write_to_the_board(desk: Desk, copied: Desk) -> None:
    card = desk.add("Второе", TEXT, "Одобрено")
    assert stops(copied) is Verdict.STORE_COPIED
    assert stops(copied) is Verdict.STORE_COPIED, "and it stays so"
    copied.hear(card)
    with pytest.raises(PersonNeeded):
        copied.work()
    assert desk.sweep().errors == [], "the store itself goes on"
    assert len(desk.links(card)) == 1


def test_copy_that_takes_over_is_noticed_by_the_store_it_came_from(desk: Desk, copied: Desk) -> None:
    assert recover(copied.parts).verdict is Verdict.STORE_COPIED
    with copied.parts.database.reading() as connection:
        assert counter.identity(connection).epoch == 1, "a move is no new epoch"
    assert copied.sweep(full=True).errors == []
    assert stops(desk) is Verdict.STORE_WENT_BACK


def test_copy_of_a_whole_machine_is_noticed_by_its_first_word(
    desk: Desk, copied: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing tells the two apart but what they write."""
    monkeypatch.setattr("sync_service.engine.mark.is_strange", lambda _connection: False)
    copied.add("Второе", TEXT, "Одобрено")
    assert copied.sweep(full=True).errors == []
    assert stops(desk) in (Verdict.STORE_WENT_BACK, Verdict.OTHER_COPY)


def test_renamed_folder_is_no_copy(desk: Desk, tmp_path: Path) -> None:
    desk.add(column="Одобрено")
    desk.sweep()
    desk.parts.database.close()
    folder = tmp_path / "renamed"
    folder.mkdir()
    store_of(desk).rename(folder / "placecard.db")
    desk.parts.database = Database(f"sqlite:///{folder / 'placecard.db'}")
    assert desk.sweep(full=True).errors == []


def test_restored_backup_is_no_copy(desk: Desk) -> None:
    desk.add(column="Одобрено")
    desk.sweep()
    saved = save(desk)
    desk.parts.database.close()
    put_back(saved, store_of(desk), desk.now)
    assert desk.sweep(full=True).errors == []


HERE = Home("machine", "boot", "1", "100", "host", "/var/placecard.db")


@pytest.mark.parametrize(
    ("now", "same"),
    [
        (HERE, True),
        (replace(HERE, path="/srv/placecard.db", host="renamed"), True),
        (replace(HERE, boot="later", device="2"), True),
        (replace(HERE, machine=""), True),
        (replace(HERE, number="101"), False),
        (replace(HERE, device="2"), False),
        (replace(HERE, machine="other"), False),
        (replace(HERE, machine="other", boot="later"), False),
    ],
    ids=["same", "renamed", "restarted", "container", "copied", "snapshot", "moved", "moved disk"],
)
def test_homes_are_compared(now: Home, same: bool) -> None:
    assert HERE.is_of(now) is same


def test_home_is_kept_once_and_again_after_a_restart(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.add(column="Одобрено")
    desk.sweep()
    monkeypatch.setattr(home, "_boot", lambda: "later")
    with desk.parts.database.writing() as connection:
        assert not is_strange(connection)
        keep_home(connection)
        known = kept_home(connection)
    assert known is not None
    assert known.boot == "later"


@both_stores
def test_store_knows_its_home_on_either_database(new_store: Callable[[], str]) -> None:
    here, copy = Database(new_store()), Database(new_store())
    with here.writing() as connection:
        assert (kept_home(connection), is_strange(connection)) == (None, False)
        keep_home(connection)
        noted = read_note(connection, home.HOME)
        assert not is_strange(connection)
    with copy.writing() as connection:
        write_note(connection, home.HOME, noted)
        assert is_strange(connection)
    for each in (here, copy):
        each.close()


# --- the store went back: what was written on the board since is not undone


def recovered(desk: Desk, saved: Path) -> Desk:
    """The store is put back, and a person goes on from there."""
    go_back(desk, saved)
    assert stops(desk) is Verdict.STORE_WENT_BACK
    assert recover(desk.parts).verdict is Verdict.STORE_WENT_BACK
    desk.sweep(full=True)
    return desk


def test_newer_word_of_the_card_comes_to_the_restored_map(desk: Desk) -> None:
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    saved = save(desk)
    horizon(desk, card, 2041)
    desk.sweep(full=True)
    recovered(desk, saved)
    assert desk.known(card).properties["horizon"] == 2041
    assert read(desk, card).metadata["placecard_horizon"] == "2041"
    assert pair_of(desk, card).clashing == {}


def test_edit_that_arrived_after_the_backup_is_agreed_again(desk: Desk) -> None:
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    horizon(desk, card, 2041)
    saved = save(desk)
    desk.sweep(full=True)
    recovered(desk, saved)
    assert (desk.known(card).properties["horizon"], pair_of(desk, card).clashing) == (2041, {})


def test_edit_that_arrived_and_was_changed_on_the_board_is_a_clash(desk: Desk) -> None:
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    horizon(desk, card, 2041)
    saved = save(desk)
    desk.sweep(full=True)
    desk.board.set_metadata(card, {"placecard_horizon": "2030"})
    desk.sweep(full=True)
    recovered(desk, saved)
    assert read(desk, card).metadata["placecard_horizon"] == "2030", "not undone"
    sides = pair_of(desk, card).clashing["horizon"]
    assert (sides.theirs, sides.mine) == (2030, 2041), "and not lost"


def test_edit_that_never_arrived_is_owed_still(desk: Desk) -> None:
    card = desk.add(description=TEXT, column="Одобрено")
    other = desk.add("Другое", TEXT, "Одобрено")
    desk.sweep(full=True)
    horizon(desk, card, 2041)
    saved = save(desk)
    go_back(desk, saved)
    horizon(desk, other, 2050)
    desk.sweep(full=True)  # a life that is lost, in which the card was not reached
    desk.board.world.state.cards[card].metadata.clear()
    recovered(desk, saved)
    assert read(desk, card).metadata["placecard_horizon"] == "2041"
    assert pair_of(desk, card).clashing == {}


DRAWN = "0b7a5c52-7c1f-4d25-8a55-5f1b4a0c2e77"


def write_drawn(desk: Desk, stage: str) -> Feature:
    """A proposal drawn in QGIS, which is owed its card."""
    drawn = replace(make_feature(THERE, Hand.MAP, title="Нарисовано в QGIS"), guid=DRAWN)
    body = {"stage": stage, "title": "Нарисовано в QGIS", "description": "", "reference": drawn.guid}
    with desk.parts.database.writing() as connection:
        write_feature(connection, drawn, QGIS, desk.now)
        outbox.owe(connection, drawn.guid, [Effect(EffectKind.CARD, "card", body)], desk.now)
    return drawn


def draw(desk: Desk, stage: str) -> tuple[Feature, str]:
    """A proposal drawn in QGIS, and its card."""
    drawn = write_drawn(desk, stage)
    desk.sweep(full=True)
    (card,) = desk.board.find_reference(drawn.guid)
    assert desk.known(card).guid == drawn.guid
    return drawn, card


def test_feature_drawn_after_the_backup_comes_back_under_its_guid(desk: Desk) -> None:
    desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    saved = save(desk)
    drawn, card = draw(desk, "proposed")
    recovered(desk, saved)
    again = desk.known(card)
    assert (again.guid, again.geometry, again.properties["title"]) == (drawn.guid, None, "Нарисовано в QGIS")
    assert again.properties["place_check"] == PLACE_LOST
    assert len(desk.board.find_reference(drawn.guid)) == 1, "no twin"
    assert read(desk, card).metadata["placecard_placement"] == "placed", "not undone while nobody has looked"
    assert read(desk, card).reference == drawn.guid


def test_it_does_so_too_when_its_metadata_was_taken_off(desk: Desk) -> None:
    desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    saved = save(desk)
    drawn, card = draw(desk, "proposed")
    desk.drag(card, "Одобрено")
    desk.sweep(full=True)
    assert desk.links(card)
    desk.board.world.state.cards[card].metadata.clear()
    recovered(desk, saved)
    assert desk.known(card).guid == drawn.guid


def test_it_does_so_too_when_its_card_was_just_made(desk: Desk) -> None:
    """Then nothing of ours is on it but the reference, and whoever drew it may push it again."""

    def clock() -> float:
        return desk.now.timestamp()

    desk.board.world.clock = clock
    desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    saved = save(desk)
    desk.later(seconds=60)
    desk.board.world.faults.hook = only_cards
    drawn, card = draw(desk, "proposed")
    assert read(desk, card).metadata == {}
    desk.board.world.faults.hook = None
    recovered(desk, saved)
    assert desk.known(card).guid == drawn.guid
    assert len(desk.board.find_reference(drawn.guid)) == 1


def test_drawn_proposal_whose_card_was_taken_for_somebody_elses_gets_another(desk: Desk) -> None:
    """A backup that came and went unnoticed: nothing tells of the card's reference, until it is pushed again."""
    taken = desk.add("Нарисовано в QGIS")
    desk.person.edit_card(taken, reference=DRAWN)
    desk.sweep(full=True)
    write_drawn(desk, "proposed")
    for _ in range(2):
        desk.sweep(full=True)
    (card,) = desk.board.find_reference(DRAWN)
    assert (card != taken, desk.known(card).guid) == (True, DRAWN)
    assert desk.sweep(full=True).board_writes == 0


def test_copy_that_takes_a_lost_guid_leaves_no_twin(desk: Desk) -> None:
    desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    saved = save(desk)
    guid = "0b7a5c52-7c1f-4d25-8a55-5f1b4a0c2e77"
    card = desk.add("Нарисовано в QGIS")
    desk.person.edit_card(card, reference=guid)  # as it is made, before anything else is written on it
    desk.sweep(full=True)
    copy = desk.person.duplicate_card(card)
    desk.person.set_metadata(copy, {"placecard_horizon": "2044"})
    recovered(desk, saved)
    desk.sweep(full=True)
    assert desk.board.find_reference(guid) == [copy]
    assert desk.known(copy).guid == guid != desk.known(card).guid


def test_foreign_reference_is_no_guid_of_ours(desk: Desk) -> None:
    card = desk.add(description=TEXT, column="Одобрено")
    desk.person.edit_card(card, reference="9f0c3d61-1a54-4c6e-9d3c-0d6a2f6f7a10")
    desk.sweep(full=True)
    assert desk.known(card).guid != "9f0c3d61-1a54-4c6e-9d3c-0d6a2f6f7a10"
    assert read(desk, card).reference == "9f0c3d61-1a54-4c6e-9d3c-0d6a2f6f7a10"


def test_place_set_after_the_backup_is_asked_about_once_and_nothing_doubles(desk: Desk) -> None:
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    saved = save(desk)
    on_map(desk, card, lambda known: set_place(known, THERE))
    desk.sweep(full=True)
    comments = len(read(desk, card).comments)
    assert comments == 1
    recovered(desk, saved)
    assert desk.known(card).properties["place_check"] == PLACE_LOST
    assert (len(read(desk, card).comments), len(desk.links(card))) == (comments, 1)
    tag = next(tag for tag in read(desk, card).tags if "место" in tag)
    desk.board.set_tag(card, tag, present=False)
    desk.sweep(full=True)
    desk.sweep(full=True)
    assert desk.known(card).properties["place_check"] is None, "a moderator looked: it is not asked again"


def test_question_about_a_place_that_never_reached_the_card_is_asked_after_the_store_went_back(desk: Desk) -> None:
    """That the card has no tag does not tell that somebody looked."""
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    on_map(desk, card, lambda known: set_place(known, THERE))
    desk.sweep(full=True)
    desk.board.world.faults.hook = refuse_tags
    desk.board.as_person.edit_card(card, description=TEXT.replace("53.5303", "53.5304"))
    desk.sweep(full=True)
    assert desk.known(card).properties["place_check"] == TEXT_CHANGED
    saved = save(desk)
    horizon(desk, card, 2041)
    desk.sweep(full=True)
    assert read(desk, card).tags == set()
    desk.board.world.faults.hook = None
    recovered(desk, saved)
    assert CHECK_TAG in read(desk, card).tags
    assert desk.known(card).properties["place_check"] == TEXT_CHANGED


def test_place_of_the_lost_life_is_asked_about_though_the_map_went_on_before_somebody_recovered(desk: Desk) -> None:
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    swept_now(desk.parts)
    saved = save(desk)
    on_map(desk, card, lambda known: set_place(known, THERE))
    desk.sweep(full=True)
    go_back(desk, saved)
    stops(desk)
    desk.later(seconds=60)
    on_map(desk, card, lambda known: replace(known, properties={**known.properties, "horizon": 2041}))
    on_map(desk, card, lambda known: replace(known, properties={**known.properties, "horizon": 2042}))
    recover(desk.parts)
    desk.sweep(full=True)
    assert desk.known(card).properties["place_check"] == PLACE_LOST


def test_move_that_was_owed_is_not_made_again(desk: Desk) -> None:
    card = desk.add(description=TEXT, column="На рассмотрении")
    desk.sweep(full=True)
    body: dict[str, Any] = {"stage": "approved", "expected": "review", "marker": "m"}
    with desk.parts.database.writing() as connection:
        outbox.owe(connection, desk.known(card).guid, [Effect(EffectKind.MOVE, "move", body)], desk.now)
    saved = save(desk)
    desk.sweep(full=True)
    assert read(desk, card).column_id == desk.column("Одобрено")
    desk.drag(card, "На рассмотрении")
    desk.sweep(full=True)
    go_back(desk, saved)
    assert stops(desk) is Verdict.STORE_WENT_BACK
    assert recover(desk.parts).acts == (("move", card),)
    desk.sweep(full=True)
    assert read(desk, card).column_id == desk.column("На рассмотрении")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("act", ACTS)
def test_what_is_not_done_again_is_worded(act: str, language: Language) -> None:
    assert "№ 7" in say(f"cli.drops_{act}", language, card="№ 7")


@pytest.mark.parametrize("spoilt", [None, "somebody's own words"])
def test_worker_that_looks_before_the_board_has_the_new_mark_stops_nothing(desk: Desk, spoilt: str | None) -> None:
    """It runs while a person recovers: what is on the board then is what they decided to go on from."""
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    saved = save(desk)
    horizon(desk, card, 2041)
    desk.sweep(full=True)
    if spoilt is not None:
        desk.board.write_project_notes({MARK_NOTE: spoilt})
    go_back(desk, saved)
    stops(desk)
    worker = replace(desk.parts, nonce="")
    looked: list[bool] = []

    def meanwhile(operation: str, phase: str) -> None:
        if (operation, phase) == ("write_project_notes", "write") and not looked:
            looked.append(True)
            check_mark(worker, desk.board.read(()).mark)

    desk.board.world.faults.hook = meanwhile
    recover(desk.parts)
    assert looked
    assert desk.sweep(full=True).errors == []
    assert look_around(desk.parts).verdict is Verdict.FINE


def test_epochs_of_a_lost_life_are_not_used_again(desk: Desk) -> None:
    desk.add(column="Одобрено")
    desk.sweep()
    first = save(desk)
    for _ in range(2):
        desk.later(seconds=1)
        desk.add(column="Одобрено")
        desk.sweep()
        go_back(desk, first)
        stops(desk)
        recover(desk.parts)
    with desk.parts.database.reading() as connection:
        assert counter.identity(connection).epoch == 3


# --- the board went back


def test_older_word_of_the_board_is_no_edit(desk: Desk) -> None:
    card, calm = desk.add(description=TEXT, column="Одобрено"), desk.add("Спокойное", TEXT, "Одобрено")
    desk.sweep(full=True)
    saved = desk.board.snapshot()
    for year in (2041, 2042):
        horizon(desk, card, year)
        desk.sweep(full=True)
    desk.board.restore(saved)
    assert stops(desk) is Verdict.BOARD_WENT_BACK
    recover(desk.parts)
    desk.sweep(full=True)
    sides = pair_of(desk, card).clashing["horizon"]
    assert (sides.theirs, sides.mine) == (2030, 2042)
    assert desk.known(card).properties["horizon"] == 2042
    assert pair_of(desk, calm).clashing == {}


def test_place_link_and_comment_come_back_to_the_restored_board(desk: Desk) -> None:
    card = desk.add(description=TEXT, column="На рассмотрении")
    desk.sweep(full=True)
    saved = desk.board.snapshot()
    desk.drag(card, "Одобрено")
    on_map(desk, card, lambda known: set_place(known, THERE))
    desk.sweep(full=True)
    desk.board.restore(saved)
    desk.drag(card, "Одобрено")
    stops(desk)
    recover(desk.parts)
    desk.sweep(full=True)
    assert (desk.known(card).geometry, desk.known(card).visibility) == (THERE, Visibility.PUBLIC)
    assert (len(desk.links(card)), len(read(desk, card).comments)) == (1, 1)
    desk.sweep(full=True)
    assert (len(desk.links(card)), len(read(desk, card).comments)) == (1, 1)


def test_comment_that_is_there_is_not_written_again(desk: Desk) -> None:
    card, other = desk.add(description=TEXT, column="Одобрено"), desk.add("Другое", TEXT, "Одобрено")
    desk.sweep(full=True)
    on_map(desk, card, lambda known: set_place(known, THERE))
    desk.sweep(full=True)
    saved = desk.board.snapshot()
    horizon(desk, card, 2044)
    horizon(desk, other, 2044)
    desk.sweep(full=True)
    desk.board.restore(saved)
    stops(desk)
    recover(desk.parts)
    desk.sweep(full=True)
    assert len([each for each in read(desk, card).comments if each.text.count("placecard:") == 1]) == 2, (
        "the place of before the backup, and the clash"
    )


def left_without_its_card(desk: Desk, place: bytes | None = None) -> Feature:
    """A proposal whose card the restored board never had, once its absence was read often enough to be believed.

    `place` was set on the map before. A person is asked, and nothing else is open.
    """
    desk.sweep(full=True)
    saved = desk.board.snapshot()
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    if place is not None:
        on_map(desk, card, lambda known: set_place(known, place))
        desk.sweep(full=True)
    known = desk.known(card)
    desk.board.restore(saved)
    stops(desk)
    recover(desk.parts)
    for _ in range(3):
        desk.sweep(full=True)
    with desk.parts.database.reading() as connection:
        kept = find_feature(connection, known.guid)
        assert [each.reason for each in open_clashes(connection)] == [GONE]
    assert kept is not None
    return kept


def test_proposal_placed_on_the_map_is_not_let_go_with_its_card(desk: Desk) -> None:
    kept = left_without_its_card(desk, THERE)
    assert (kept.geometry, kept.visibility) == (THERE, Visibility.HIDDEN)


def test_card_that_the_restored_board_never_had_was_not_removed(desk: Desk) -> None:
    kept = left_without_its_card(desk)
    assert (kept.properties["horizon"], kept.visibility) == (2030, Visibility.HIDDEN)


def test_question_about_a_place_is_asked_again_on_the_restored_board(desk: Desk) -> None:
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    on_map(desk, card, lambda known: set_place(known, THERE))
    desk.sweep(full=True)
    desk.board.as_person.edit_card(card, description=TEXT.replace("53.5303", "53.5304"))
    saved = desk.board.snapshot()
    desk.sweep(full=True)
    assert read(desk, card).tags == {CHECK_TAG}
    desk.board.restore(saved)
    stops(desk)
    recover(desk.parts)
    desk.sweep(full=True)
    assert (desk.known(card).properties["place_check"], set(read(desk, card).tags)) == (TEXT_CHANGED, {CHECK_TAG})


def test_card_that_comes_back_with_the_board_says_nothing_new(desk: Desk) -> None:
    card, _ = desk.add(description=TEXT, column="Одобрено"), desk.add("Спокойное", TEXT)
    desk.sweep(full=True)
    saved = desk.board.snapshot()
    desk.board.as_person.edit_card(card, description=TEXT.replace("2030", "2035"))
    desk.sweep(full=True)
    desk.board.as_person.remove_card(card)
    for _ in range(2):
        desk.sweep(full=True)
    desk.board.restore(saved)
    stops(desk)
    recover(desk.parts)
    desk.sweep(full=True)
    sides = pair_of(desk, card).clashing["horizon"]
    assert (sides.theirs, sides.mine, desk.known(card).visibility) == (2030, 2035, Visibility.PUBLIC)


@pytest.mark.parametrize("removed", [False, True], ids=["", "and the card was removed"])
def test_place_that_only_the_map_knows_now_stays(desk: Desk, removed: bool) -> None:
    card, _ = desk.add(description=TEXT, column="Одобрено"), desk.add("Спокойное", TEXT)
    desk.sweep(full=True)
    saved = desk.board.snapshot()
    desk.board.as_person.edit_card(card, description=TEXT.replace("53.5303", "53.5304"))
    desk.sweep(full=True)
    known = desk.known(card)
    if removed:
        desk.board.as_person.remove_card(card)
        for _ in range(2):
            desk.sweep(full=True)
    desk.board.restore(saved)
    stops(desk)
    recover(desk.parts)
    desk.sweep(full=True)
    stays = desk.known(card)
    assert (stays.geometry, stays.hand, stays.properties["place_check"]) == (known.geometry, Hand.MAP, TEXT_CHANGED)
    assert read(desk, card).tags == {CHECK_TAG}


def test_older_word_is_no_edit_of_a_value_put_back_on_the_map_before_it_was_read(desk: Desk) -> None:
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    saved = desk.board.snapshot()
    desk.board.as_person.edit_card(card, description=TEXT.replace("2030", "2035"))
    desk.sweep(full=True)
    horizon(desk, card, 2041)
    desk.board.restore(saved)
    stops(desk)
    recover(desk.parts)
    horizon(desk, card, 2035)
    desk.sweep(full=True)
    sides = pair_of(desk, card).clashing["horizon"]
    assert (sides.theirs, sides.mine) == (2030, 2035)


def test_word_of_a_clash_that_the_restored_board_says_no_more_is_kept(desk: Desk) -> None:
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    saved = desk.board.snapshot()
    desk.board.as_person.edit_card(card, description=TEXT.replace("2030", "2035"))
    on_map(desk, card, lambda known: edit(known, horizon=2044))
    desk.sweep(full=True)
    assert pair_of(desk, card).clashing["horizon"].theirs == 2035
    desk.board.restore(saved)
    stops(desk)
    recover(desk.parts)
    desk.sweep(full=True)
    with desk.parts.database.reading() as connection:
        kept = {each.reason: each.fields["horizon"] for each in open_clashes(connection, desk.known(card).guid)}
    assert (kept["edit"].theirs, kept["edit"].mine) == (2044, 2035)
    desk.sweep(full=True)
    with desk.parts.database.reading() as connection:
        assert len(open_clashes(connection, desk.known(card).guid)) == len(kept)


def test_board_that_went_back_in_a_life_that_the_store_has_lost_is_doubted_too(desk: Desk) -> None:
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    board = desk.board.snapshot()
    desk.board.as_person.edit_card(card, description=TEXT.replace("2030", "2035"))
    desk.sweep(full=True)
    saved = save(desk)
    desk.board.restore(board)
    stops(desk)
    recover(desk.parts)
    desk.sweep(full=True)
    desk.board.as_person.edit_card(card, description=TEXT.replace("2030", "2041"))
    desk.sweep(full=True)
    recovered(desk, saved)
    sides = pair_of(desk, card).clashing["horizon"]
    assert (sides.theirs, sides.mine) == (2041, 2035)


# --- the rehearsal


def test_rehearsal_says_what_comes_and_changes_nothing(desk: Desk) -> None:
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    saved = save(desk)
    desk.add("Второе", TEXT, "Одобрено")
    horizon(desk, card, 2041)
    desk.sweep(full=True)
    go_back(desk, saved)
    stops(desk)
    board, rows = desk.board.snapshot(), desk.count(tables.feature)
    would = rehearse(desk.parts, lambda _done, _total: None)
    assert (would.read, would.created, would.updated, would.published) == (2, 1, 1, 1)
    assert desk.board.snapshot() == board
    assert desk.count(tables.feature) == rows
    assert look_around(desk.parts).verdict is Verdict.STORE_WENT_BACK
    assert [path.name for path in desk.folder.iterdir() if path.name.startswith(".recover")] == []


def refuse(operation: str, phase: str) -> None:
    """The account may not leave marks."""
    if phase == "write" and operation == "write_project_notes":
        raise BadCredentials(operation, "account bot")


def refuse_tags(operation: str, phase: str) -> None:
    """The account may not set tags."""
    if phase == "write" and operation == "set_tag":
        raise NotPermitted(operation, "account bot")


def only_cards(operation: str, phase: str) -> None:
    """The account may make cards, and nothing else."""
    if phase == "write" and operation not in {"create_card", "write_project_notes"}:
        raise NotPermitted(operation, "account bot")


def die(operation: str, phase: str) -> None:
    """The process dies when the board has what was written."""
    if (operation, phase) == ("set_metadata", "answer"):
        raise KeyboardInterrupt


def test_mark_that_cannot_be_left_holds_no_effect_up_and_follows(desk: Desk) -> None:
    desk.webhooks = False
    card = desk.add(column="Одобрено")
    sweep(desk.parts, SweepOptions())
    desk.board.world.faults.hook = refuse
    before = desk.board.read_project_notes()[MARK_NOTE]
    assert send_effects(desk.parts, Report()) == 1
    assert (len(desk.links(card)), desk.board.read_project_notes()[MARK_NOTE]) == (1, before)
    desk.board.world.faults.hook = None
    assert desk.sweep().board_writes == 1
    assert desk.board.read_project_notes()[MARK_NOTE] != before
    assert desk.sweep().board_writes == 0, "at rest"


def test_mark_that_could_not_be_left_is_left_before_more_is_written(desk: Desk) -> None:
    """Otherwise a backup of before both writes is put back unnoticed, and what it lacks counts as taken away."""
    card = desk.add(description=TEXT, column="Одобрено")
    desk.sweep(full=True)
    backup = desk.board.snapshot()
    horizon(desk, card, 2041)
    desk.board.world.faults.hook = refuse
    desk.work()
    horizon(desk, card, 2042)
    desk.board.world.faults.hook = die
    with pytest.raises(KeyboardInterrupt):
        desk.work()
    desk.board.world.faults.hook = None
    desk.board.restore(backup)
    assert stops(desk) is Verdict.BOARD_WENT_BACK


def test_mark_left_by_another_worker_between_two_looks_is_no_regression(desk: Desk) -> None:
    """Several workers share a store on PostgreSQL: what one read on the board the other may have replaced since."""
    card = desk.add(column="Одобрено")
    desk.sweep()
    other = replace(desk.parts, nonce="")
    turns = [0]

    def meanwhile(operation: str, phase: str) -> None:
        if (operation, phase) == ("read", "taken") and not turns[0]:
            turns[0] = 1
            with other.database.writing() as connection:
                write_feature(connection, edit(desk.known(card), horizon=2031), QGIS, desk.now)
            assert leave_mark(other)

    desk.board.world.faults.hook = meanwhile
    assert desk.sweep(full=True).errors == []
    assert turns == [1]
