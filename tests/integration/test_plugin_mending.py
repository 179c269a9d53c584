"""What QGIS's tools leave behind – splits, copies, features without an id, deleted ones – is mended before a push."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import shapely

from placecard.core.copyfile.batch import freeze, settle
from placecard.core.copyfile.edits import discard, image, join, local_edits, mend, place, placement, restore, separate
from placecard.core.geometry import to_blob
from tests.copies import shape_of
from tests.ogc import AREA, LINE, POINT

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from tests.seats import Office, Seat

THERE = shapely.Point(49.4, 53.51)
WEST, EAST = shapely.box(49.40, 53.50, 49.41, 53.52), shapely.box(49.41, 53.50, 49.42, 53.52)
FIRST, SECOND = (
    shapely.LineString([(49.30, 53.50), (49.31, 53.51)]),
    shapely.LineString([(49.31, 53.51), (49.32, 53.52)]),
)


def copied(seat: Seat, guid: str, shape: BaseGeometry | None) -> None:
    """A copy of a feature with all its attributes, as pasting and splitting make it."""
    row = seat.rows(guid)[0]
    values = {name: value for name, value in row.items() if name not in {"fid", "layer", "geometry", "guid"}}
    seat.draw(shape, guid, **values)


def split(seat: Seat, guid: str, first: BaseGeometry, *others: BaseGeometry) -> None:
    """What QGIS's split leaves: the first part in the old feature, the others in new ones under the same guid."""
    seat.move(guid, first)
    for other in others:
        copied(seat, guid, other)


def _shape(office: Office, guid: str) -> BaseGeometry:
    found = shape_of(office.exchange.row(guid)["geometry"])
    assert found is not None
    return found


# --- splits


@pytest.mark.parametrize(("number", "first", "second"), [(3, WEST, EAST), (2, FIRST, SECOND)], ids=["area", "line"])
def test_parts_of_a_split_stay_one_proposal_whose_place_is_what_it_was(
    full_office: Office, number: int, first: BaseGeometry, second: BaseGeometry
) -> None:
    seat, guid = full_office.seat(), full_office.exchange.town.planted[number]
    before = seat.row(guid)["geometry"]
    split(seat, guid, first, second)
    seat.edit(guid, address="ул. Мира, 5")
    checked = seat.check()
    assert (checked.splits, checked.mended.doubtful, checked.mended.renamed) == ([guid], [], [])
    (edit,) = local_edits(seat.copy)
    assert (edit.parts, dict(edit.set), edit.geometry) == (2, {"address": "ул. Мира, 5"}, None)
    assert [result.status for result in seat.push().results] == ["applied"]
    assert (_shape(full_office, guid), seat.row(guid)["geometry"]) == (before, before)
    assert local_edits(seat.copy) == []


def test_split_that_says_nothing_is_healed_by_the_push(full_office: Office) -> None:
    seat, area = full_office.seat(), full_office.exchange.town.planted[3]
    split(seat, area, WEST, EAST)
    assert seat.push().results == []
    assert seat.row(area)["geometry"] == AREA
    assert seat.copy.counts().local == 0


def test_parts_become_proposals_of_their_own_if_a_person_says_so(full_office: Office) -> None:
    seat, area = full_office.seat(), full_office.exchange.town.planted[3]
    split(seat, area, WEST, EAST)
    mend(seat.copy)
    (other,) = separate(seat.copy, area)
    kinds = {edit.guid: edit.kind for edit in local_edits(seat.copy)}
    assert kinds == {area: "changed", other: "added"}
    assert {result.status for result in seat.push().results} == {"applied"}
    assert (_shape(full_office, area), _shape(full_office, other)) == (WEST, EAST)
    told = full_office.exchange.row(other)["properties"]
    assert (told["title"], told["stage"], told["card_id"]) == ("Парк", "proposed", None)


def test_split_that_was_cut_further_is_a_doubt_and_is_not_sent(full_office: Office) -> None:
    seat, area = full_office.seat(), full_office.exchange.town.planted[3]
    split(seat, area, WEST, shapely.box(49.41, 53.50, 49.42, 53.51))
    assert seat.check().mended.doubtful == [area]
    assert seat.push().results == []
    assert local_edits(seat.copy)[0].problem == "edit.doubtful"
    join(seat.copy, area)
    assert seat.check().splits == [area]
    assert [result.status for result in seat.push().results] == ["applied"]
    assert _shape(full_office, area).equals(WEST.union(shapely.box(49.41, 53.50, 49.42, 53.51)))


def test_split_is_settled_around_what_is_edited_meanwhile(full_office: Office) -> None:
    seat, area = full_office.seat(), full_office.exchange.town.planted[3]
    east = shapely.box(49.43, 53.50, 49.44, 53.52)
    split(seat, area, WEST, east)
    join(seat.copy, area)
    batch = freeze(seat.copy)
    assert batch is not None
    answer = seat.service.push(batch.key, batch.body)
    seat.edit(area, horizon=2035)
    settle(seat.copy, batch, answer.results)
    assert [(dict(edit.set), edit.geometry) for edit in local_edits(seat.copy)] == [({"horizon": 2035}, None)]
    seat.push()
    assert full_office.exchange.row(area)["properties"]["horizon"] == 2035
    assert _shape(full_office, area).equals(WEST.union(east))
    assert local_edits(seat.copy) == []


def test_new_area_that_was_split_is_one_and_new_points_are_several(full_office: Office) -> None:
    seat = full_office.seat()
    area = seat.draw(WEST, title="Новый парк")
    copied(seat, area, EAST)
    stop = seat.draw(POINT, title="Остановка")
    copied(seat, stop, THERE)
    mended = mend(seat.copy)
    assert (mended.splits, len(mended.renamed), mended.doubtful) == ([area], 1, [])
    assert {result.status for result in seat.push().results} == {"applied"}
    assert _shape(full_office, area).equals(AREA)
    assert (_shape(full_office, stop), _shape(full_office, mended.renamed[0])) == (POINT, THERE)


# --- copies


@pytest.mark.parametrize("shape", [POINT, THERE], ids=["where it was", "dragged aside"])
def test_copy_is_a_new_proposal_and_the_original_is_left_alone(full_office: Office, shape: BaseGeometry) -> None:
    seat, point = full_office.seat(), full_office.exchange.town.planted[0]
    copied(seat, point, shape)
    (new,) = mend(seat.copy).renamed
    assert {edit.guid: edit.kind for edit in local_edits(seat.copy)} == {new: "added"}
    assert [result.status for result in seat.push().results] == ["applied"]
    told = full_office.exchange.row(new)["properties"]
    assert (told["title"], told["stage"], told["card_id"]) == ("Сквер «Ромашка»", "proposed", None)
    assert full_office.exchange.row(point)["properties"]["row_version"] == 1


def test_copy_beside_an_original_that_was_moved_stays_where_that_was(full_office: Office) -> None:
    seat, point = full_office.seat(), full_office.exchange.town.planted[0]
    copied(seat, point, POINT)
    seat_rows = seat.rows(point)
    with seat.tool() as connection:
        blob = to_blob(THERE.wkb)[1]
        connection.execute("UPDATE placecard_points SET geom = ? WHERE fid = ?", (blob, seat_rows[0]["fid"]))
    (new,) = mend(seat.copy).renamed
    assert (seat.row(point)["geometry"], seat.row(new)["geometry"]) == (THERE, POINT)


def test_cut_and_pasted_feature_is_the_same_proposal(full_office: Office) -> None:
    seat, point = full_office.seat(), full_office.exchange.town.planted[0]
    row = seat.row(point)
    seat.delete(point)
    values = {name: value for name, value in row.items() if name not in {"fid", "layer", "geometry", "guid"}}
    seat.draw(POINT, point, **values)
    mend(seat.copy)
    assert local_edits(seat.copy) == []
    assert seat.row(point)["geometry"] == POINT


def test_unplaced_proposal_pasted_onto_the_map_is_placed(full_office: Office) -> None:
    seat, unplaced = full_office.seat(), full_office.exchange.town.planted[5]
    copied(seat, unplaced, LINE)
    assert mend(seat.copy).renamed == []
    assert seat.row(unplaced)["layer"] == "lines"
    assert [result.status for result in seat.push().results] == ["applied"]
    assert _shape(full_office, unplaced) == LINE


@pytest.mark.parametrize("guid", [None, "", " "])
def test_empty_guid_is_given_by_the_file_itself(full_office: Office, guid: str | None) -> None:
    seat = full_office.seat()
    made = [seat.draw(POINT, guid, title="Первое"), seat.draw(THERE, guid, title="Второе")]
    assert len(set(made)) == 2
    assert all(len(each) == 36 and each == each.lower() for each in made)
    assert mend(seat.copy).renamed == []
    assert [result.status for result in seat.push().results] == ["applied"] * 2


def test_guid_that_is_misspelt_is_spelt_and_one_that_is_none_is_replaced(full_office: Office) -> None:
    seat, point = full_office.seat(), full_office.exchange.town.planted[0]
    seat.draw(THERE, "{D6A15007-015C-4A99-959B-322A9D643BD0}", title="В скобках")
    seat.draw(THERE, "17", title="Номер")
    seat.draw(THERE, point.upper(), title="Чужой")
    renamed = mend(seat.copy).renamed
    assert len(renamed) == 3
    assert "d6a15007-015c-4a99-959b-322a9d643bd0" in renamed
    assert point not in renamed
    assert [result.status for result in seat.push().results] == ["applied"] * 3


# --- deleted features


def test_deleted_feature_is_an_unplaced_proposal(full_office: Office) -> None:
    seat, point = full_office.seat(), full_office.exchange.town.planted[0]
    seat.delete(point)
    assert [(edit.kind, edit.geometry) for edit in local_edits(seat.copy)] == [("unplaced", None)]
    mend(seat.copy)
    assert seat.row(point)["layer"] == "unplaced"
    assert {each.guid for each in seat.copy.proposals("unplaced")} >= {point}
    place(seat.copy, point, THERE.wkb)
    assert [(edit.kind, edit.geometry) for edit in local_edits(seat.copy)] == [("changed", THERE.wkb)]


def test_row_of_the_list_that_was_deleted_stands_again(full_office: Office) -> None:
    seat, unplaced = full_office.seat(), full_office.exchange.town.planted[5]
    seat.delete(unplaced)
    assert local_edits(seat.copy) == []
    mend(seat.copy)
    assert seat.row(unplaced)["layer"] == "unplaced"
    assert seat.copy.counts().local == 0


def test_drawn_and_deleted_again_is_nothing(full_office: Office) -> None:
    seat = full_office.seat()
    seat.delete(seat.draw(POINT, title="Ошибка"))
    assert (mend(seat.copy).renamed, local_edits(seat.copy)) == ([], [])
    assert seat.copy.counts().local == 0


# --- taking back


def test_discarding_brings_back_what_was(full_office: Office) -> None:
    seat, area = full_office.seat(), full_office.exchange.town.planted[3]
    before = seat.row(area)
    split(seat, area, WEST, EAST)
    seat.edit(area, title="Иначе", address="ул. Мира, 5")
    discard(seat.copy, area)
    assert {**seat.row(area), "fid": 0} == {**before, "fid": 0}
    assert (local_edits(seat.copy), seat.copy.counts().local) == ([], 0)


@pytest.mark.parametrize("edited", [False, True])
def test_last_placing_is_taken_back_exactly(full_office: Office, edited: bool) -> None:
    seat, unplaced = full_office.seat(), full_office.exchange.town.planted[5]
    if edited:
        seat.edit(unplaced, address="ул. Мира, 5")
    before, kept = seat.row(unplaced), image(seat.copy, unplaced)
    edits = local_edits(seat.copy)
    place(seat.copy, unplaced, LINE.wkb)
    restore(seat.copy, kept)
    assert {**seat.row(unplaced), "fid": 0} == {**before, "fid": 0}
    assert local_edits(seat.copy) == edits
    placement(seat.copy, unplaced, "citywide")
    restore(seat.copy, kept)
    assert local_edits(seat.copy) == edits


def test_what_was_drawn_over_a_place_of_another_kind_is_one_edit(full_office: Office) -> None:
    seat, point = full_office.seat(), full_office.exchange.town.planted[0]
    place(seat.copy, point, AREA.wkb)
    place(seat.copy, point, LINE.wkb)
    assert seat.row(point)["layer"] == "lines"
    (edit,) = local_edits(seat.copy)
    assert (edit.geometry, edit.before) == (LINE.wkb, shapely.MultiPoint([POINT]).wkb)
    place(seat.copy, point, POINT.wkb)
    assert local_edits(seat.copy) == []


def test_what_was_edited_before_it_was_deleted_is_an_edit_still(full_office: Office) -> None:
    seat, point = full_office.seat(), full_office.exchange.town.planted[0]
    seat.edit(point, address="ул. Мира, 5")
    seat.delete(point)
    (edit,) = local_edits(seat.copy)
    assert (edit.kind, dict(edit.set)) == ("unplaced", {"address": "ул. Мира, 5"})
    assert [result.status for result in seat.push().results] == ["applied"]
    told = full_office.exchange.row(point)["properties"]
    assert (told["address"], told["placement"]) == ("ул. Мира, 5", "unplaced")
    assert (seat.row(point)["address"], local_edits(seat.copy)) == ("ул. Мира, 5", [])


def test_what_came_while_a_copy_bore_the_same_guid_is_taken_once_it_has_its_own(full_office: Office) -> None:
    seat, point = full_office.seat(), full_office.exchange.town.planted[0]
    copied(seat, point, THERE)
    full_office.exchange.town.change(point, horizon=2044)
    assert seat.pull().held == 1
    assert len(mend(seat.copy).renamed) == 1
    assert seat.row(point)["horizon"] == 2044
