"""What another GIS made of exported proposals comes back through the same merge: against the real exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import shapely

from placecard.core.copyfile.edits import local_edits
from placecard.core.copyfile.foreign import Foreign, take_foreign
from placecard.processing.finding import Finder, fold

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from tests.seats import Office, Seat

HERE, THERE = shapely.Point(49.41, 53.61), shapely.Point(49.42, 53.62)


def exported(seat: Seat, title: str) -> tuple[str, dict[str, Any]]:
    """A proposal as an exported file has it."""
    (row,) = [each for each in seat.rows() if each["title"] == title]
    return row["guid"], row


def taken(row: dict[str, Any], *, shape: BaseGeometry | str | None = "as it was", **changed: Any) -> Foreign:
    """The row of a file after somebody has changed it."""
    place = row["geometry"] if isinstance(shape, str) else shape
    return Foreign(row["guid"], row["version"], {**row, **changed}, None if place is None else place.wkb)


@pytest.fixture
def seat(full_office: Office) -> Seat:
    return full_office.seat()


def test_only_what_the_other_changed_is_an_edit(seat: Seat) -> None:
    guid, row = exported(seat, "Сквер «Ромашка»")
    came = take_foreign(seat.copy, [taken(row, shape=HERE, address="Мира, 9", stage="done")])
    assert came.changed == [guid]
    (edit,) = local_edits(seat.copy)
    assert (dict(edit.set), edit.readonly) == ({"address": "Мира, 9"}, ())
    assert [result.status for result in seat.push().results] == ["applied"]
    seat.pull()
    assert (seat.row(guid)["geometry"], seat.row(guid)["stage"]) == (HERE, "approved")


def test_what_was_not_touched_is_let_be(seat: Seat) -> None:
    rows = seat.rows()
    assert len(take_foreign(seat.copy, [taken(row) for row in rows]).same) == len(rows)
    assert local_edits(seat.copy) == []


def test_what_others_changed_meanwhile_stays(seat: Seat, full_office: Office) -> None:
    guid, row = exported(seat, "Сквер «Ромашка»")
    full_office.exchange.town.change(guid, horizon=2045)
    seat.pull()
    take_foreign(seat.copy, [taken(row, address="Мира, 9")])
    assert [result.status for result in seat.push().results] == ["merged"]
    seat.pull()
    assert (seat.row(guid)["horizon"], seat.row(guid)["address"]) == (2045, "Мира, 9")


def test_the_same_field_changed_on_both_sides_clashes(seat: Seat, full_office: Office) -> None:
    guid, row = exported(seat, "Сквер «Ромашка»")
    full_office.exchange.town.change(guid, address="Ленина, 1")
    seat.pull()
    take_foreign(seat.copy, [taken(row, address="Мира, 9")])
    (result,) = seat.push().results
    assert result.clash is not None
    sides = result.clash.fields["address"]
    assert (sides.theirs, sides.mine) == ("Ленина, 1", "Мира, 9")


def test_edits_made_here_stay_beside_those_of_the_file(seat: Seat) -> None:
    guid, row = exported(seat, "Сквер «Ромашка»")
    seat.edit(guid, cadastral_number="63:09:0101152:17")
    take_foreign(seat.copy, [taken(row, address="Мира, 9")])
    (edit,) = local_edits(seat.copy)
    assert dict(edit.set) == {"address": "Мира, 9", "cadastral_number": "63:09:0101152:17"}


def test_edits_made_here_from_another_version_are_pushed_first(seat: Seat, full_office: Office) -> None:
    guid, row = exported(seat, "Сквер «Ромашка»")
    full_office.exchange.town.change(guid, horizon=2045)
    seat.pull()
    seat.edit(guid, cadastral_number="63:09:0101152:17")
    assert take_foreign(seat.copy, [taken(row, address="Мира, 9")]).edited == [guid]
    assert seat.row(guid)["address"] is None
    seat.push()
    seat.pull()
    assert take_foreign(seat.copy, [taken(row, address="Мира, 9")]).changed == [guid]


def test_a_place_taken_away_unplaces_and_a_missing_row_does_not(seat: Seat) -> None:
    guid, row = exported(seat, "Сквер «Ромашка»")
    take_foreign(seat.copy, [taken(row, shape=None)])
    (edit,) = local_edits(seat.copy)
    assert (edit.guid, edit.kind) == (guid, "unplaced")


def test_a_proposal_gets_a_place_of_another_kind(seat: Seat) -> None:
    guid, row = exported(seat, "Где-то")
    area = shapely.box(49.3, 53.5, 49.31, 53.51)
    take_foreign(seat.copy, [taken(row, shape=area)])
    assert (seat.row(guid)["layer"], seat.row(guid)["placement"]) == ("areas", "placed")
    assert [result.status for result in seat.push().results] == ["applied"]


def test_parts_in_several_rows_are_one_place(seat: Seat) -> None:
    guid, row = exported(seat, "Сквер «Ромашка»")
    take_foreign(seat.copy, [taken(row, shape=HERE), taken(row, shape=THERE)])
    assert seat.row(guid)["geometry"] == shapely.MultiPoint([HERE, THERE])


def test_what_is_new_there_is_new_here(seat: Seat) -> None:
    new = Foreign("", None, {"title": "Скамейка", "description": "У входа", "card_id": "77"}, HERE.wkb)
    assert len(take_foreign(seat.copy, [new]).added) == 1
    (edit,) = local_edits(seat.copy)
    assert (edit.kind, edit.title) == ("added", "Скамейка")
    assert [result.status for result in seat.push().results] == ["applied"]


def test_what_is_not_here_and_what_is_no_place_is_told(seat: Seat) -> None:
    guid, row = exported(seat, "Сквер «Ромашка»")
    lost = Foreign("00000000-0000-4000-8000-000000000000", "a version", {"title": "Ушло"}, HERE.wkb)
    broken = Foreign(guid, row["version"], {**row, "address": "Мира, 9"}, b"")
    came = take_foreign(seat.copy, [lost, broken])
    assert (came.unknown, came.broken) == ([lost.guid], [guid])
    assert local_edits(seat.copy) == []


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("address", "г. Тольятти, ул. Мира, д. 5", "Мира ул., 5, Тольятти"),
        ("address", "Зелёная, 3", "улица Зеленая 3"),
        ("title", "Сквер «Ромашка»", "сквер  Ромашка"),
        ("card_id", 17.0, "17"),
        ("cadastral_number", " 63:09:0101152:17", "63:09:0101152:17"),
    ],
)
def test_the_same_is_found_however_it_is_written(name: str, one: object, other: object) -> None:
    assert fold(name, one) == fold(name, other) != ""


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("address", "Мира, 5", "Мира, 15"),
        ("address", "Мира, 5", "Мира, 5а"),
        ("cadastral_number", "63:09:0101152:17", "63:09:0101152:171"),
        ("card_id", "1.5", "15"),
    ],
)
def test_what_differs_is_not_taken_for_the_same(name: str, one: object, other: object) -> None:
    assert fold(name, one) != fold(name, other)


def test_nothing_is_found_by_nothing(seat: Seat) -> None:
    finder = Finder(seat.copy, "address")
    assert finder.find(None) == finder.find("") == finder.find("  ") == []


def test_proposals_are_found_by_what_they_say(seat: Seat) -> None:
    assert [each.title for each in Finder(seat.copy, "title").find("ПАРК")] == ["Парк"]
    assert [each.title for each in Finder(seat.copy, "card_id", waiting=True).find(6)] == ["Где-то"]
    assert Finder(seat.copy, "card_id", waiting=True).find(4) == []
