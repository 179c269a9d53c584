"""Pushes: what comes in together is applied once, whole or edit by edit, and nobody's edit is lost."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest
import shapely
from sqlalchemy import select, text, update

from sync_service.editing.applying import EditRules
from sync_service.editing.pushes import Mode, PushAnswer
from sync_service.errors import Unprocessable
from sync_service.places.area import Area
from sync_service.store import tables
from sync_service.store.counter import begin_epoch
from sync_service.store.database import Database
from sync_service.store.features import recount_collections, write_feature
from sync_service.store.history import pasts_in, pasts_of
from sync_service.sync.editing import geometry_text
from sync_service.sync.values import Hand, Visibility
from tests.builders import HERE, THERE
from tests.editor import Editor
from tests.postgres import both_stores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from sync_service.store.history import Past
    from tests.desk import Desk

pytestmark = both_stores

DRAWN = "0d6f0a52-6a1c-4c59-8f4e-0e4f8f1f7a10"
ELSEWHERE = shapely.to_wkb(shapely.Point(49.3, 53.5))


@pytest.fixture
def anna(desk: Desk) -> Editor:
    return Editor(desk)


@pytest.fixture
def boris(desk: Desk) -> Editor:
    return Editor(desk, "boris")


@pytest.fixture
def guid(desk: Desk) -> str:
    """A proposal that its card has placed, at rest."""
    card = desk.add(column="Одобрено")
    desk.work()
    return desk.known(card).guid


def statuses(answer: PushAnswer) -> list[str]:
    return [result.status.value for result in answer.results]


def codes(answer: PushAnswer) -> list[str | None]:
    return [None if result.refusal is None else result.refusal.code for result in answer.results]


def history(desk: Desk, guid: str) -> list[Past]:
    with desk.parts.database.reading() as connection:
        return list(pasts_of(connection, guid))


def test_edit_reaches_the_map_at_once_and_the_card_by_the_engine(desk: Desk, anna: Editor, guid: str) -> None:
    answer = anna.push(anna.update(guid, THERE, address="Мира, 2"), key="push-1")
    assert (statuses(answer), answer.kept, answer.key) == (["applied"], True, "push-1")
    assert answer.results[0].version == anna.version(guid)
    seen = anna.sees(guid)
    assert (seen.geometry, seen.hand, seen.properties["address"]) == (THERE, Hand.MAP, "Мира, 2")
    newest = history(desk, guid)[0]
    assert (newest.source, newest.who, newest.push, newest.version) == ("qgis", "anna", "push-1", seen.version)
    desk.work()
    card = desk.board.read([str(seen.properties["card_id"])]).cards[str(seen.properties["card_id"])]
    assert card is not None
    assert card.metadata["placecard_address"] == "Мира, 2"
    assert len(card.comments) == 1


def test_drawn_on_the_map_becomes_a_card_and_stays_itself(desk: Desk, anna: Editor) -> None:
    answer = anna.push(anna.create(DRAWN, HERE, title="Фонтан", address="Мира, 5", horizon=2031))
    assert statuses(answer) == ["applied"]
    desk.work()
    seen = anna.sees(DRAWN)
    assert (seen.properties["stage"], seen.geometry) == ("proposed", HERE)
    card = desk.board.read([str(seen.properties["card_id"])]).cards[str(seen.properties["card_id"])]
    assert card is not None
    assert (card.title, card.reference, card.metadata["placecard_address"]) == ("Фонтан", DRAWN, "Мира, 5")
    assert codes(anna.push(anna.create(DRAWN, THERE))) == ["exists"]
    assert desk.sweep().board_writes == desk.sweep().board_writes == 0


@pytest.mark.parametrize(("may", "stage"), [(True, "approved"), (False, None)])
def test_only_who_may_approve_draws_approved(anna: Editor, may: bool, stage: str | None) -> None:
    anna.rules = EditRules(may_approve=may)
    answer = anna.push(anna.create(DRAWN, HERE, title="Фонтан", stage="approved"))
    assert codes(answer) == [None if may else "may_not_approve"]
    if stage:
        assert anna.sees(DRAWN).properties["stage"] == stage


def test_two_editors_of_different_fields_merge(anna: Editor, boris: Editor, guid: str) -> None:
    base = anna.version(guid)
    assert statuses(anna.push(anna.update(guid, base=base, address="Мира, 2"))) == ["applied"]
    assert statuses(boris.push(boris.update(guid, THERE, base=base, horizon=2031))) == ["merged"]
    seen = anna.sees(guid)
    assert (seen.geometry, seen.properties["address"], seen.properties["horizon"]) == (THERE, "Мира, 2", 2031)


def test_the_same_field_clashes_and_waits(anna: Editor, boris: Editor, guid: str) -> None:
    base = anna.version(guid)
    anna.push(anna.update(guid, THERE, base=base, address="Мира, 2"))
    answer = boris.push(boris.update(guid, ELSEWHERE, base=base, address="Мира, 3", horizon=2031), key="late")
    assert statuses(answer) == ["clash"]
    (clash,) = boris.clashes(guid)
    assert (clash.reason, clash.revision, clash.origin.who, clash.origin.push) == ("edit", 1, "boris", "late")
    assert (clash.origin.theirs_by, clash.origin.client) == ("anna", "boris's copy")
    told = answer.results[0].clash
    assert told is not None
    assert told["fields"]["address"] == {"base": None, "theirs": "Мира, 2", "mine": "Мира, 3"}
    assert (told["geometry"]["theirs"], told["geometry"]["mine"]) == (geometry_text(THERE), geometry_text(ELSEWHERE))
    seen = anna.sees(guid)
    assert (seen.geometry, seen.properties["address"], seen.properties["horizon"]) == (THERE, "Мира, 2", 2031)


def test_a_clash_follows_the_map_and_ends_when_both_say_the_same(anna: Editor, boris: Editor, guid: str) -> None:
    base = anna.version(guid)
    anna.push(anna.update(guid, base=base, address="Мира, 2", horizon=2030))
    boris.push(boris.update(guid, base=base, address="Мира, 3", horizon=2031))
    anna.push(anna.update(guid, address="Мира, 4"))
    (clash,) = boris.clashes()
    assert (clash.revision, clash.fields["address"].theirs, clash.fields["address"].mine) == (2, "Мира, 4", "Мира, 3")
    anna.push(anna.update(guid, address="Мира, 3"))
    (clash,) = boris.clashes()
    assert set(clash.fields) == {"horizon"}
    anna.push(anna.update(guid, horizon=2031))
    assert boris.clashes() == []


def test_one_persons_newer_edit_takes_the_place_of_his_older(anna: Editor, boris: Editor, guid: str) -> None:
    base = anna.version(guid)
    anna.push(anna.update(guid, base=base, address="Мира, 2"))
    for said in ("Мира, 3", "Мира, 4"):
        boris.push(boris.update(guid, base=base, address=said))
    (clash,) = boris.clashes()
    assert (clash.revision, clash.fields["address"].mine) == (2, "Мира, 4")
    boris.push(boris.update(guid, address="Мира, 5"))
    assert boris.clashes() == [], "he has seen what is there and set it"
    assert boris.sees(guid).properties["address"] == "Мира, 5"


def test_what_one_person_wants_of_several_fields_waits_in_one_clash(anna: Editor, boris: Editor, guid: str) -> None:
    base = anna.version(guid)
    anna.push(anna.update(guid, base=base, address="Мира, 2", horizon=2030))
    boris.push(boris.update(guid, base=base, address="Мира, 3"))
    boris.push(boris.update(guid, base=base, horizon=2031))
    olga = Editor(anna.desk, "olga")
    olga.push(olga.update(guid, base=base, horizon=2032))
    standing = {each.origin.who: set(each.fields) for each in boris.clashes(guid)}
    assert standing == {"boris": {"address", "horizon"}, "olga": {"horizon"}}


def test_two_copies_that_share_a_token_do_not_lose_each_others_edits(anna: Editor, guid: str) -> None:
    base = anna.version(guid)
    anna.push(anna.update(guid, base=base, address="Мира, 2"))
    home, office = Editor(anna.desk, "token", copy="home"), Editor(anna.desk, "token", copy="office")
    home.push(home.update(guid, base=base, address="Мира, 3"))
    office.push(office.update(guid, base=base, address="Мира, 4"))
    assert {each.fields["address"].mine for each in home.clashes(guid)} == {"Мира, 3", "Мира, 4"}
    office.push(office.update(guid, address="Мира, 5"))
    assert [each.fields["address"].mine for each in home.clashes(guid)] == ["Мира, 3"]


def test_what_clashes_is_told_to_the_edit_that_said_it(anna: Editor, boris: Editor, guid: str) -> None:
    base = anna.version(guid)
    anna.push(anna.update(guid, base=base, address="Мира, 2", horizon=2030))
    told = [boris.push(boris.update(guid, base=base, **said)).results[0].clash for said in WISHES]
    assert [set(clash["fields"]) for clash in told if clash is not None] == [{"address"}, {"horizon"}]


WISHES: list[dict[str, Any]] = [{"address": "Мира, 3"}, {"horizon": 2031}]


def test_same_guid_twice_in_one_push_never_clashes_with_itself(anna: Editor, guid: str) -> None:
    base = anna.version(guid)
    changes = [anna.update(guid, THERE, base=base, address="Мира, 2"), anna.update(guid, ELSEWHERE, base=base)]
    changes += [anna.update(guid, base=base, address="Мира, 3"), anna.update(guid, base=base, horizon=2031)]
    answer = anna.push(*changes)
    assert set(statuses(answer)) <= {"applied", "merged"}
    seen = anna.sees(guid)
    assert (seen.geometry, seen.properties["address"], seen.properties["horizon"]) == (ELSEWHERE, "Мира, 3", 2031)
    assert anna.clashes() == []
    assert answer.results[-1].version == anna.version(guid)


def test_the_same_push_again_does_nothing_and_answers_the_same(desk: Desk, anna: Editor, guid: str) -> None:
    base = anna.version(guid)
    Editor(desk, "boris").push(Editor(desk, "boris").update(guid, horizon=2030))
    changes = [
        anna.update(guid, base=base, address="Мира, 2"),
        anna.update(guid, base=base, horizon=2031),
        anna.update(guid, base=base, title="Парк"),
        anna.create(DRAWN, HERE, title="Фонтан"),
    ]
    first = anna.push(*changes, key="once")
    assert statuses(first) == ["merged", "clash", "rejected", "applied"]
    before = [desk.count(table) for table in (tables.history, tables.change, tables.edit, tables.push, tables.clash)]
    again = anna.push(*changes, key="once")
    assert again.results == tuple(replace(result, replayed=True) for result in first.results)
    assert not again.kept
    assert before == [desk.count(t) for t in (tables.history, tables.change, tables.edit, tables.push, tables.clash)]
    under_another_key = anna.push(*changes, key="twice")
    assert all(result.replayed for result in under_another_key.results)


def test_a_change_named_twice_in_one_push_is_done_once(anna: Editor, guid: str) -> None:
    change = anna.update(guid, address="Мира, 2")
    answer = anna.push(change, change)
    assert statuses(answer) == ["applied", "applied"]
    assert [result.replayed for result in answer.results] == [False, True]


def test_other_content_under_a_used_name_is_refused(anna: Editor, guid: str) -> None:
    change = anna.update(guid, address="Мира, 2")
    anna.push(change, key="mine")
    other = replace(change, edit=replace(change.edit, set={"address": "Мира, 3"}))
    assert codes(anna.push(other)) == ["change_id_reused"]
    assert anna.sees(guid).properties["address"] == "Мира, 2"
    with pytest.raises(Unprocessable) as refused:
        anna.push(other, key="mine")
    assert refused.value.data["reason"] == "key_reused"


def test_names_of_one_client_are_not_anothers(anna: Editor, boris: Editor, guid: str) -> None:
    change = anna.update(guid, address="Мира, 2")
    anna.push(change)
    assert statuses(boris.push(replace(change, edit=replace(change.edit, set={"horizon": 2031})))) == ["merged"]


def test_checking_changes_nothing(desk: Desk, anna: Editor, boris: Editor, guid: str) -> None:
    base = anna.version(guid)
    anna.push(anna.update(guid, base=base, address="Мира, 2"))
    before = [desk.count(table) for table in tables.metadata.tables.values()]
    changes = [boris.update(guid, base=base, address="Мира, 3"), boris.create(DRAWN, HERE), boris.update(guid, THERE)]
    answer = boris.push(*changes, key="later", check=True)
    assert (statuses(answer), answer.kept) == (["clash", "applied", "applied"], False)
    assert answer.results[0].clash is not None
    assert answer.results[0].clash["id"] is None
    assert [result.version for result in answer.results] == [None] * 3, "that version may still come to be another's"
    assert before == [desk.count(table) for table in tables.metadata.tables.values()]
    assert statuses(boris.push(*changes, key="later")) == statuses(answer)
    same = boris.update(guid, address=anna.sees(guid).properties["address"])
    assert boris.push(same, check=True).results[0].version == anna.version(guid)


def test_all_or_nothing(desk: Desk, anna: Editor, guid: str) -> None:
    before = [desk.count(table) for table in tables.metadata.tables.values()]
    good, bad = anna.update(guid, address="Мира, 2"), anna.update(guid, title="Парк")
    answer = anna.push(good, bad, mode=Mode.ALL)
    assert (codes(answer), answer.kept) == (["all_or_nothing", "read_only"], False)
    assert before == [desk.count(table) for table in tables.metadata.tables.values()]
    assert statuses(anna.push(good, mode=Mode.ALL)) == ["applied"], "what was not kept may be sent again"


def test_each_stands_for_itself(anna: Editor, guid: str) -> None:
    unknown = anna.update(guid, base=None, horizon=2031)
    changes = [
        replace(unknown, edit=replace(unknown.edit, guid=DRAWN)),
        anna.update(guid, colour="red"),
        anna.update(guid, address="Мира, 2"),
    ]
    assert codes(anna.push(*changes)) == ["unknown_guid", "unknown_property", None]
    assert anna.sees(guid).properties["address"] == "Мира, 2"


def test_retired_proposal_is_gone(desk: Desk, anna: Editor, guid: str) -> None:
    with desk.parts.database.writing() as connection:
        retired = replace(anna.sees(guid), visibility=Visibility.RETIRED)
        write_feature(connection, retired, Editor(desk).author, desk.now)
    assert codes(anna.push(anna.update(guid, address="Мира, 2"), anna.create(guid))) == ["gone", "gone"]


@pytest.mark.parametrize("foreign", ["store", "epoch", "later", "words", None])
def test_base_of_another_life_of_the_store_tells_nothing(
    desk: Desk, anna: Editor, guid: str, foreign: str | None
) -> None:
    store, epoch, version = anna.version(guid).split(".")
    bases = {"store": f"{DRAWN}.{epoch}.{version}", "later": f"{store}.{epoch}.99", "words": "not a version"}
    bases["epoch"] = f"{store}.{epoch}.{version}"
    if foreign == "epoch":
        with desk.parts.database.writing() as connection:
            begin_epoch(connection)
    base = bases[foreign] if foreign else None
    assert statuses(anna.push(anna.update(guid, THERE, base=base))) == ["clash"]
    assert anna.sees(guid).geometry != THERE
    same = anna.sees(guid)
    assert statuses(anna.push(anna.update(guid, same.geometry, base=base, title=same.properties["title"]))) == [
        "unchanged"
    ]


def test_base_is_not_known_where_the_history_has_a_gap(desk: Desk, anna: Editor, guid: str) -> None:
    base = anna.version(guid)
    anna.push(anna.update(guid, horizon=2031))
    anna.push(anna.update(guid, horizon=2032))
    assert statuses(anna.push(anna.update(guid, base=base, cadastral_number="63:09:1"))) == ["merged"]
    with desk.parts.database.writing() as connection:
        newest = select(tables.history.c.id).where(tables.history.c.version == 3).scalar_subquery()
        connection.execute(update(tables.history).where(tables.history.c.id == newest).values(version=None))
    assert statuses(anna.push(anna.update(guid, base=base, address="Мира, 2"))) == ["clash"]


def test_base_is_rebuilt_through_what_the_board_did(desk: Desk, anna: Editor) -> None:
    card = desk.add(column="Одобрено")
    desk.work()
    guid = desk.known(card).guid
    base = anna.version(guid)
    desk.person.edit_card(card, title="Парк", description="Место: 53.51, 49.4\nАдрес: Мира, 9")
    desk.work()
    answer = anna.push(anna.update(guid, ELSEWHERE, base=base, horizon=2031, title="Сквер у школы"))
    assert statuses(answer) == ["clash"]
    assert answer.results[0].clash is not None
    assert answer.results[0].clash["theirs_by"] == "board"
    assert set(answer.results[0].clash["fields"]) == set()
    assert anna.sees(guid).properties["horizon"] == 2031


def test_same_push_from_two_threads_is_done_once(desk: Desk, anna: Editor, guid: str) -> None:
    changes = [anna.update(guid, THERE, address="Мира, 2"), anna.create(DRAWN, HERE, title="Фонтан")]
    answers: list[PushAnswer] = []
    ready = Barrier(2)

    def send() -> None:
        ready.wait()
        answers.append(anna.push(*changes, key="once"))

    threads = [Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [statuses(answer) for answer in answers] == [["applied", "applied"]] * 2
    assert sorted(answer.kept for answer in answers) == [False, True]
    with desk.parts.database.reading() as connection:
        assert [past.guid for past in pasts_in(connection, "once")] == [guid, DRAWN]


def test_what_is_written_together_counts_like_what_is_written_one_by_one(desk: Desk, anna: Editor) -> None:
    for number in range(3):
        desk.add(title=f"Сквер {number}", column="Одобрено")
    desk.work()
    with desk.parts.database.reading() as connection:
        guids = list(connection.execute(select(tables.feature.c.guid)).scalars())
    anna.push(*(anna.unplace(guid) for guid in guids[:2]), anna.create(DRAWN, HERE), anna.update(guids[0], THERE))
    anna.push(anna.update(guids[0], ELSEWHERE), anna.update(guids[1], HERE), anna.unplace(guids[2]))
    count = select(tables.collection.c.name, tables.collection.c.count).order_by(tables.collection.c.name)
    with desk.parts.database.writing() as connection:
        kept = connection.execute(count).all()
        recount_collections(connection)
        assert connection.execute(count).all() == kept
        if connection.dialect.name == "sqlite":
            boxes = connection.execute(text(f"SELECT fid, west FROM {tables.BOX_TABLE} ORDER BY fid")).all()
            placed = select(tables.feature.c.fid, tables.feature.c.west).where(tables.feature.c.west.is_not(None))
            there = connection.execute(placed.order_by(tables.feature.c.fid)).all()
            assert [(row.fid, round(row.west, 4)) for row in boxes] == [(row.fid, round(row.west, 4)) for row in there]
        feed = connection.execute(select(tables.change.c.seq).order_by(tables.change.c.seq)).scalars().all()
        assert list(feed) == list(range(1, len(feed) + 1))


def test_hidden_proposals_are_edited_alike(desk: Desk, anna: Editor) -> None:
    card = desk.add(column="Предложено")
    desk.work()
    guid = desk.known(card).guid
    assert statuses(anna.push(anna.update(guid, THERE))) == ["applied"]
    assert anna.sees(guid).visibility is Visibility.HIDDEN


def test_overwriting_is_applied_and_offers_back_what_another_hand_had_set(
    desk: Desk, anna: Editor, boris: Editor, guid: str
) -> None:
    anna.push(anna.update(guid, THERE, address="Мира, 2"))
    anna.push(anna.update(guid, horizon=2031))
    desk.later(hours=23)
    over = replace(boris.update(guid, ELSEWHERE, base=None, address="Мира, 3"), overwrite=True)
    assert statuses(boris.push(over)) == ["applied"]
    (kept,) = boris.clashes(guid)
    assert (kept.reason, kept.origin.who, kept.origin.theirs_by) == ("overwritten", "anna", "boris")
    assert (kept.fields["address"].theirs, kept.fields["address"].mine) == ("Мира, 3", "Мира, 2")
    assert kept.fields["geometry"].mine == geometry_text(THERE)
    anna.push(anna.update(guid, THERE, address="Мира, 2"))
    assert boris.clashes() == [], "put back"


def test_what_was_overwritten_is_not_offered_back_to_who_has_set_it_again(
    anna: Editor, boris: Editor, guid: str
) -> None:
    anna.push(anna.update(guid, address="Мира, 2"))
    boris.push(replace(boris.update(guid, base=None, address="Мира, 3"), overwrite=True))
    anna.push(anna.update(guid, address="Мира, 4"))
    assert anna.clashes() == []


def test_people_of_one_name_are_two(desk: Desk, guid: str) -> None:
    """What one of them wishes does not stand in the other's clash, nor is taken back by the other's edit."""
    first = Editor(desk, who_id="https://sso.test 1")
    second = replace(first, who_id="https://sso.test 2")
    base = first.version(guid)
    Editor(desk, "boris").push(first.update(guid, address="Мира, 1"))
    for editor in (first, second):
        editor.push(editor.update(guid, base=base, address="Мира, 2"))
    assert {each.origin.who_id for each in first.clashes(guid)} == {"https://sso.test 1", "https://sso.test 2"}
    second.push(second.update(guid, address="Мира, 5"))
    (left,) = first.clashes(guid)
    assert (left.origin.who, left.origin.who_id) == ("anna", "https://sso.test 1")
    assert "who_id" not in left.document()


def test_somebody_renamed_is_the_same(desk: Desk, guid: str) -> None:
    before, after = Editor(desk, who_id="https://sso.test 1"), Editor(desk, "anna b.", who_id="https://sso.test 1")
    before.push(before.update(guid, address="Мира, 2"))
    after.push(replace(after.update(guid, base=None, address="Мира, 3"), overwrite=True))
    assert after.clashes() == [], "nobody takes back what is one's own"


def test_who_an_older_release_knew_by_name_is_the_same(desk: Desk, anna: Editor, guid: str) -> None:
    now = Editor(desk, who_id="https://sso.test 1")
    anna.push(anna.update(guid, address="Мира, 2"))
    now.push(replace(now.update(guid, base=None, address="Мира, 3"), overwrite=True))
    assert now.clashes() == []


@pytest.mark.parametrize("case", ["long ago", "own", "nothing"])
def test_overwriting_what_nobody_misses_is_not_offered_back(
    desk: Desk, anna: Editor, boris: Editor, guid: str, case: str
) -> None:
    editor = boris if case == "own" else anna
    editor.push(editor.update(guid, address=None if case == "nothing" else "Мира, 2", horizon=2031))
    desk.later(hours=25 if case == "long ago" else 1)
    boris.push(replace(boris.update(guid, base=None, address="Мира, 3"), overwrite=True))
    assert boris.clashes() == []
    assert boris.sees(guid).properties["address"] == "Мира, 3"


def test_place_lies_in_its_district_at_once(anna: Editor, guid: str) -> None:
    anna.rules = EditRules(district_of=lambda wkb: "Центральный" if wkb == THERE else "Другой")
    anna.push(anna.update(guid, THERE), anna.create(DRAWN, HERE))
    assert anna.sees(guid).properties["district"] == "Центральный"
    assert anna.sees(DRAWN).properties["district"] == "Другой"


def wkb(text: str, *, srid: int = 0, byte_order: int = 1) -> bytes:
    shape = shapely.set_srid(shapely.from_wkt(text), srid)
    made: bytes = shapely.to_wkb(shape, include_srid=bool(srid), byte_order=byte_order)
    return made


@pytest.mark.parametrize(
    ("geometry", "code"),
    [
        pytest.param(b"no geometry", "geometry_unreadable", id="not WKB"),
        pytest.param(wkb("POINT EMPTY"), "geometry_empty", id="empty"),
        pytest.param(wkb("GEOMETRYCOLLECTION (POINT (49 53), LINESTRING (49 53, 50 54))"), "geometry_kind", id="mixed"),
        pytest.param(wkb("POINT (49.3 53.5)", srid=3857), "geometry_crs", id="another coordinate system"),
        pytest.param(shapely.to_wkb(shapely.Point(float("inf"), 53)), "geometry_invalid", id="endless"),
        pytest.param(wkb("POLYGON ((49 53, 49.1 53.1, 49.1 53, 49 53.1, 49 53))"), "geometry_invalid", id="bow tie"),
        pytest.param(wkb("LINESTRING (49 53, 49 53)"), "geometry_invalid", id="line without length"),
        pytest.param(wkb("POINT (53.5 49.3)"), "outside_area", id="latitude first"),
        pytest.param(wkb("POINT (200 53.5)"), "outside_area", id="not on the globe"),
        pytest.param(wkb("LINESTRING (49.3 53.5, 39.3 53.5)"), "outside_area", id="one end outside"),
        pytest.param(
            shapely.to_wkb(shapely.LineString([(49 + n / 1e6, 53.5) for n in range(20_001)])),
            "geometry_too_big",
            id="too many vertices",
        ),
    ],
)
def test_geometry_refused(anna: Editor, guid: str, geometry: bytes, code: str) -> None:
    anna.rules = EditRules(area=Area(48, 52, 50, 54))
    before = anna.sees(guid)
    answer = anna.push(anna.update(guid, geometry, address="Мира, 2"), anna.create(DRAWN, geometry))
    assert codes(answer) == [code, code]
    assert anna.sees(guid) == before
    for language in ("ru", "en"):
        assert "{" not in str(answer.results[0].message(language))


@pytest.mark.parametrize(
    ("geometry", "kept"),
    [
        pytest.param(wkb("POINT Z (49.3 53.5 7)"), "POINT (49.3 53.5)", id="height dropped"),
        pytest.param(wkb("MULTIPOINT (49.3 53.5)"), "POINT (49.3 53.5)", id="one part"),
        pytest.param(wkb("POINT (49.3 53.5)", srid=4326), "POINT (49.3 53.5)", id="named coordinate system"),
        pytest.param(wkb("POINT (49.3 53.5)", byte_order=0), "POINT (49.3 53.5)", id="other byte order"),
        pytest.param(wkb("MULTIPOINT (49.3 53.5, 49.4 53.5)"), "MULTIPOINT (49.3 53.5, 49.4 53.5)", id="two parts"),
    ],
)
def test_geometry_is_kept_plain(anna: Editor, guid: str, geometry: bytes, kept: str) -> None:
    assert statuses(anna.push(anna.update(guid, geometry))) == ["applied"]
    assert anna.sees(guid).geometry == shapely.to_wkb(shapely.from_wkt(kept), byte_order=1)


def test_a_place_outside_that_is_there_already_hinders_no_edit(anna: Editor, guid: str) -> None:
    anna.rules = EditRules(area=Area(10, 10, 11, 11))
    place = anna.sees(guid).geometry
    assert statuses(anna.push(anna.update(guid, place, address="Мира, 2"))) == ["applied"]


class Deadly(Database):
    """A store at which the process dies just before, or just after, its next write is kept."""

    before: bool

    @contextmanager
    def writing(self, **options: Any) -> Iterator[Connection]:
        with super().writing(**options) as connection:
            yield connection
            if self.before:
                raise SystemExit
        raise SystemExit


@pytest.mark.parametrize("before", [True, False], ids=["before it was kept", "before the answer came"])
def test_who_got_no_answer_sends_it_again(desk: Desk, anna: Editor, guid: str, before: bool) -> None:
    changes = [anna.update(guid, THERE, address="Мира, 2"), anna.create(DRAWN, HERE, title="Фонтан")]
    whole = desk.parts.database
    desk.parts.database = Deadly(whole.url)
    desk.parts.database.before = before
    with pytest.raises(SystemExit):
        anna.push(*changes, key="once")
    desk.parts.database.close()
    desk.parts.database = whole
    answer = anna.push(*changes, key="once")
    assert statuses(answer) == ["applied", "applied"]
    assert [result.replayed for result in answer.results] == [not before] * 2
    with desk.parts.database.reading() as connection:
        assert [past.guid for past in pasts_in(connection, "once")] == [guid, DRAWN]
    desk.work()
    assert len(desk.board.read([str(anna.sees(DRAWN).properties["card_id"])]).cards) == 1
    assert desk.count(tables.pair) == 2
