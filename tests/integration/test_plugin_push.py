"""Edits made in the plugin's working copy reach the service once, and what is not taken stays an edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import shapely

from placecard.core.copyfile.batch import freeze, settle, unanswered
from placecard.core.copyfile.clashes import kept_clashes, take_resolved
from placecard.core.copyfile.edits import discard, local_edits, place, placement, set_values
from placecard.core.errors import Refused, Unreachable
from sync_service.store.clashes import drop_sides, open_clashes
from sync_service.sync.values import Visibility
from tests.copies import shape_of
from tests.ogc import AREA, LINE, POINT

if TYPE_CHECKING:
    from tests.seats import Office, Seat

THERE = shapely.Point(49.4, 53.51)
ELSEWHERE = shapely.Point(49.41, 53.52)
OWN = {"fid", "layer", "geometry", "guid"}
ACROSS = shapely.LineString([(49.5, 53.5), (49.51, 53.52)])


def served(office: Office, guid: str) -> dict[str, Any]:
    """A proposal as the service has it: properties and `geometry`."""
    row = office.exchange.row(guid)
    return {**row["properties"], "geometry": shape_of(row["geometry"])}


def statuses(seat: Seat, *guids: str) -> list[str]:
    return [result.status for result in seat.push(*guids).results]


# --- what is sent


def test_edited_fields_and_places_arrive_and_are_edits_no_more(full_office: Office) -> None:
    seat = full_office.seat()
    point, many, line, area, *_ = full_office.exchange.town.planted
    seat.edit(point, address=" ул. Мира, 5 ", horizon=2035)
    seat.move(line, AREA.exterior)
    seat.delete(area)
    assert statuses(seat) == ["applied"] * 3
    assert (served(full_office, point)["address"], served(full_office, point)["horizon"]) == ("ул. Мира, 5", 2035)
    assert served(full_office, point)["geometry"] == POINT
    assert served(full_office, line)["geometry"].equals(AREA.exterior)
    assert (served(full_office, area)["geometry"], served(full_office, area)["placement"]) == (None, "unplaced")
    assert local_edits(seat.copy) == []
    assert seat.push().results == []
    assert len(seat.copy.pushes()) == 1
    assert served(full_office, many)["row_version"] == 1


def test_first_image_is_kept_however_often_it_is_edited(full_office: Office) -> None:
    seat = full_office.seat()
    point = full_office.exchange.town.planted[0]
    for year in (2031, 2032, 2033):
        seat.edit(point, horizon=year)
        seat.move(point, shapely.Point(49.4, 53.5 + year / 1e6))
    (edit,) = local_edits(seat.copy)
    assert (edit.kind, dict(edit.set), edit.before) == ("changed", {"horizon": 2033}, shapely.MultiPoint([POINT]).wkb)
    with seat.tool() as connection:
        (kept,) = connection.execute("SELECT horizon FROM placecard_before").fetchall()
    assert tuple(kept) == (2030,)


def test_placing_the_unplaced_is_one_edit(full_office: Office) -> None:
    seat = full_office.seat()
    unplaced = full_office.exchange.town.planted[5]
    place(seat.copy, unplaced, LINE.wkb)
    assert seat.row(unplaced)["layer"] == "lines"
    assert [each.title for each in seat.copy.proposals("unplaced")] == []
    (edit,) = local_edits(seat.copy)
    assert (edit.kind, dict(edit.set), edit.before) == ("changed", {}, None)
    assert statuses(seat) == ["applied"]
    assert (served(full_office, unplaced)["geometry"], served(full_office, unplaced)["placement"]) == (LINE, "placed")


def test_placed_and_taken_back_is_no_edit(full_office: Office) -> None:
    seat = full_office.seat()
    unplaced = full_office.exchange.town.planted[5]
    place(seat.copy, unplaced, THERE.wkb)
    placement(seat.copy, unplaced, "unplaced")
    assert local_edits(seat.copy) == []
    assert statuses(seat) == []
    assert seat.copy.counts().local == 0


@pytest.mark.parametrize("kind", ["citywide", "none", "unplaced"])
def test_place_gives_way_to_a_word(full_office: Office, kind: str) -> None:
    seat = full_office.seat()
    point = full_office.exchange.town.planted[0]
    placement(seat.copy, point, kind)
    assert seat.row(point)["layer"] == "unplaced"
    assert statuses(seat) == ["applied"]
    assert (served(full_office, point)["geometry"], served(full_office, point)["placement"]) == (None, kind)
    assert local_edits(seat.copy) == []


def test_district_is_said_with_its_placement(full_office: Office) -> None:
    seat = full_office.seat()
    unplaced = full_office.exchange.town.planted[5]
    placement(seat.copy, unplaced, "district", "Центральный")
    assert statuses(seat) == ["applied"]
    found = served(full_office, unplaced)
    assert (found["placement"], found["district"]) == ("district", "Центральный")


def test_whatever_the_form_says_of_the_place_is_sent_as_a_word(full_office: Office) -> None:
    seat = full_office.seat()
    point = full_office.exchange.town.planted[0]
    seat.edit(point, placement="citywide")
    assert statuses(seat) == ["applied"]
    assert served(full_office, point)["geometry"] is None
    seat.pull()
    assert seat.row(point)["layer"] == "unplaced"


def test_drawn_feature_becomes_a_proposal_under_the_guid_the_file_gave_it(full_office: Office) -> None:
    seat = full_office.seat()
    guid = seat.draw(AREA, title="Новый парк", description="Тенистый", address="", blocked=None)
    assert statuses(seat) == ["applied"]
    found = served(full_office, guid)
    assert (found["title"], found["stage"], found["geometry"], found["address"]) == (
        "Новый парк",
        "proposed",
        AREA,
        None,
    )
    seat.pull()
    assert local_edits(seat.copy) == []
    seat.edit(guid, horizon=2030)
    assert statuses(seat) == ["applied"]


def test_what_the_board_owns_is_named_and_not_sent(full_office: Office) -> None:
    seat = full_office.seat()
    point, many, *_ = full_office.exchange.town.planted
    seat.edit(point, title="Иначе", horizon=2036)
    seat.edit(many, title="Иначе")
    told = {edit.guid: (edit.readonly, edit.sendable) for edit in local_edits(seat.copy)}
    assert told == {point: (("title",), True), many: (("title",), False)}
    assert statuses(seat) == ["applied"]
    assert served(full_office, point)["title"] == "Сквер «Ромашка»"
    seat.pull()
    assert seat.row(point)["title"] == "Сквер «Ромашка»"
    discard(seat.copy, many)
    assert seat.row(many)["title"] == "Остановки"


def test_guid_and_version_are_not_the_users_to_change(full_office: Office) -> None:
    seat = full_office.seat()
    point = full_office.exchange.town.planted[0]
    version = seat.row(point)["version"]
    seat.edit(point, guid="моё", version="моя", horizon=2037)
    assert seat.row(point)["version"] == version
    assert statuses(seat) == ["applied"]


def test_chosen_ones_are_pushed_and_the_others_wait(full_office: Office) -> None:
    seat = full_office.seat()
    point, many, *_ = full_office.exchange.town.planted
    seat.edit(point, horizon=2036)
    seat.edit(many, horizon=2036)
    assert [result.guid for result in seat.push(many).results] == [many]
    assert [edit.guid for edit in local_edits(seat.copy)] == [point]


def test_more_than_one_push_may_hold_goes_in_several(full_office: Office) -> None:
    town = full_office.exchange.town
    guids = [town.plant(shapely.Point(49.3 + n / 1e5, 53.5)) for n in range(510)]
    seat = full_office.seat()
    with seat.tool() as connection:
        connection.execute("UPDATE placecard_points SET horizon = 2050 WHERE title LIKE 'Предложение%'")
    pushed = seat.push()
    assert (len(pushed.results), len(pushed.keys)) == (510, 2)
    assert {result.status for result in pushed.results} == {"applied"}
    assert served(full_office, guids[-1])["horizon"] == 2050


def test_dry_run_tells_and_keeps_nothing(full_office: Office) -> None:
    seat = full_office.seat()
    point, many, *_ = full_office.exchange.town.planted
    seat.edit(point, horizon=2036)
    seat.edit(many, horizon=3)
    checked = seat.check()
    assert sorted(result.status for result in checked.results) == ["applied", "rejected"]
    assert len(checked.edits) == 2
    assert served(full_office, point)["horizon"] == 2030
    assert len(local_edits(seat.copy)) == 2
    assert unanswered(seat.copy) is None


def test_undoing_a_push_comes_back_by_the_next_pull(full_office: Office) -> None:
    seat = full_office.seat()
    point = full_office.exchange.town.planted[0]
    seat.move(point, THERE)
    (key,) = seat.push().keys
    assert [each.guid for each in seat.service.undo(key, dry_run=True).proposals] == [point]
    assert served(full_office, point)["geometry"] == THERE
    seat.service.undo(key)
    seat.pull()
    assert seat.row(point)["geometry"] == POINT


# --- what the other side did meanwhile


def test_other_fields_are_merged_and_the_row_has_both(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point = town.planted[0]
    seat.edit(point, address="ул. Мира, 5")
    town.change(point, horizon=2044)
    seat.pull()
    assert statuses(seat) == ["merged"]
    assert (seat.row(point)["address"], seat.row(point)["horizon"]) == ("ул. Мира, 5", 2044)
    assert local_edits(seat.copy) == []
    seat.pull()
    assert (served(full_office, point)["address"], served(full_office, point)["horizon"]) == ("ул. Мира, 5", 2044)


def clash(office: Office) -> tuple[Seat, str]:
    """A horizon that clashes, beside an address that does not."""
    seat, town = office.seat(), office.exchange.town
    point = town.planted[0]
    seat.edit(point, address="ул. Мира, 5", horizon=2035)
    town.change(point, horizon=2044)
    assert statuses(seat) == ["clash"]
    return seat, point


def test_clash_is_kept_and_its_field_waits(full_office: Office) -> None:
    seat, point = clash(full_office)
    (edit,) = local_edits(seat.copy)
    assert (edit.clashing, dict(edit.set), edit.sendable) == (("horizon",), {}, False)
    assert (served(full_office, point)["address"], served(full_office, point)["horizon"]) == ("ул. Мира, 5", 2044)
    assert statuses(seat) == []
    seat.pull()
    assert statuses(seat) == []
    assert seat.row(point)["horizon"] == 2035
    (kept,) = kept_clashes(seat.copy)
    assert (kept.fields["horizon"].theirs, kept.fields["horizon"].mine) == (2044, 2035)
    assert seat.copy.counts().clashing == 1


@pytest.mark.parametrize("chosen", [2035, 2044, 2040])
def test_resolved_clash_leaves_what_was_chosen(full_office: Office, chosen: int) -> None:
    seat, point = clash(full_office)
    (kept,) = kept_clashes(seat.copy)
    assert kept.id is not None
    assert kept.revision is not None
    resolved = seat.service.resolve(kept.id, kept.revision, {"horizon": chosen})
    take_resolved(seat.copy, kept, resolved)
    assert local_edits(seat.copy) == []
    seat.pull()
    assert (seat.row(point)["horizon"], kept_clashes(seat.copy)) == (chosen, [])
    assert statuses(seat) == []


def test_clash_resolved_elsewhere_is_over_here(full_office: Office) -> None:
    seat, point = clash(full_office)
    (kept,) = kept_clashes(seat.copy)
    assert kept.id is not None
    assert kept.revision is not None
    seat.service.resolve(kept.id, kept.revision, {"horizon": 2041})
    seat.pull()
    assert statuses(seat) == []
    seat.pull()
    assert (seat.row(point)["horizon"], local_edits(seat.copy)) == (2041, [])


def test_clashing_places_wait_whole(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point = town.planted[0]
    seat.move(point, THERE)
    town.change(point, shape=ELSEWHERE)
    assert statuses(seat) == ["clash"]
    assert (statuses(seat), seat.row(point)["geometry"]) == ([], THERE)
    (kept,) = kept_clashes(seat.copy)
    assert kept.geometry is not None
    assert (shapely.from_wkb(kept.geometry.theirs), shapely.from_wkb(kept.geometry.mine)) == (ELSEWHERE, THERE)
    assert kept.id is not None
    assert kept.revision is not None
    take_resolved(seat.copy, kept, seat.service.resolve(kept.id, kept.revision, geometry=THERE.wkb))
    seat.pull()
    assert (seat.row(point)["geometry"], served(full_office, point)["geometry"]) == (THERE, THERE)
    assert local_edits(seat.copy) == []


def test_what_is_edited_while_a_clash_waits_is_sent_after_it(full_office: Office) -> None:
    seat, point = clash(full_office)
    seat.edit(point, horizon=2050)
    (kept,) = kept_clashes(seat.copy)
    assert kept.id is not None
    assert kept.revision is not None
    take_resolved(seat.copy, kept, seat.service.resolve(kept.id, kept.revision, {"horizon": 2044}))
    seat.pull()
    assert dict(local_edits(seat.copy)[0].set) == {"horizon": 2050}
    assert statuses(seat) == ["applied"]


def test_what_is_edited_while_a_clash_waits_stands_whatever_comes(full_office: Office) -> None:
    seat, point = clash(full_office)
    seat.edit(point, horizon=2050, address="пл. Свободы, 4")
    assert statuses(seat) == ["applied"]
    assert (seat.row(point)["horizon"], served(full_office, point)["address"]) == (2050, "пл. Свободы, 4")
    full_office.exchange.town.change(point, title="Другое")
    seat.pull()
    assert (seat.row(point)["horizon"], seat.row(point)["title"]) == (2050, "Другое")


@pytest.mark.parametrize(
    ("wanted", "instead"),
    [(THERE, ELSEWHERE), (THERE, "citywide"), ("citywide", "none"), ("citywide", THERE)],
    ids=["moved", "put into words", "other words", "placed"],
)
def test_place_set_anew_while_its_clash_waits_is_sent_after_it(full_office: Office, wanted: Any, instead: Any) -> None:
    def put(where: Any) -> None:
        if isinstance(where, str):
            placement(seat.copy, point, where)
        else:
            place(seat.copy, point, where.wkb)

    seat, town = full_office.seat(), full_office.exchange.town
    point = town.planted[0]
    put(wanted)
    town.change(point, shape=LINE)
    assert statuses(seat) == ["clash"]
    put(instead)
    town.change(point, title="Другое")
    seat.pull()
    assert seat.row(point)["title"] == "Другое"
    (kept,) = kept_clashes(seat.copy)
    assert kept.id is not None
    assert kept.revision is not None
    assert kept.geometry is not None
    take_resolved(seat.copy, kept, seat.service.resolve(kept.id, kept.revision, geometry=kept.geometry.theirs))
    assert statuses(seat) == ["applied"]
    found = served(full_office, point)
    assert (found["placement"] if isinstance(instead, str) else found["geometry"]) == instead


def test_what_another_chose_unseen_is_not_written_over_by_what_was_edited_meanwhile(full_office: Office) -> None:
    seat, point = clash(full_office)
    seat.edit(point, horizon=2050)
    (kept,) = kept_clashes(seat.copy)
    assert kept.id is not None
    assert kept.revision is not None
    seat.service.resolve(kept.id, kept.revision, {"horizon": 2041})
    seat.pull()
    assert statuses(seat) == ["clash"]
    (again,) = kept_clashes(seat.copy)
    assert (again.fields["horizon"].theirs, again.fields["horizon"].mine) == (2041, 2050)


def test_retired_proposal_rejects_the_edit_which_stays_until_discarded(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point = town.planted[0]
    seat.edit(point, horizon=2035)
    town.change(point, visibility=Visibility.RETIRED)
    seat.pull()
    (result,) = seat.push().results
    assert (result.status, result.code) == ("rejected", "gone")
    (edit,) = local_edits(seat.copy)
    assert (edit.code, edit.message) == ("gone", result.message)
    discard(seat.copy, point)
    assert (seat.rows(point), local_edits(seat.copy)) == ([], [])


# --- what is lost on the way


def lose_first_push(seat: Seat, what: str) -> None:
    lost = iter([what])
    seat.transport.lose = lambda request: next(lost, None) if request.url.endswith("/push") else None
    with pytest.raises(Unreachable):
        seat.push()


@pytest.mark.parametrize("what", ["request", "answer"])
def test_unanswered_push_is_sent_again_and_does_nothing_twice(full_office: Office, what: str) -> None:
    seat = full_office.seat()
    point = full_office.exchange.town.planted[0]
    seat.edit(point, horizon=2035)
    new = seat.draw(AREA, title="Новый парк")
    lose_first_push(seat, what)
    assert len(local_edits(seat.copy)) == 2
    later = full_office.again(seat)
    results = later.push().results
    assert {(result.status, result.replayed) for result in results} == {("applied", what == "answer")}
    sent = [request.body for request in (*seat.transport.asked, *later.transport.asked) if request.body]
    assert sent[0] == sent[1]
    assert served(full_office, point)["row_version"] == 2
    assert served(full_office, new)["row_version"] == 1
    assert local_edits(later.copy) == []


def test_what_is_edited_meanwhile_goes_in_the_next(full_office: Office) -> None:
    seat = full_office.seat()
    point, many, line, *_ = full_office.exchange.town.planted
    seat.edit(point, horizon=2035, address="ул. Мира, 5")
    seat.move(line, shapely.LineString([(49.31, 53.5), (49.33, 53.52)]))
    new = seat.draw(AREA, title="Новый парк")
    lose_first_push(seat, "answer")
    seat.edit(point, horizon=2036)
    seat.delete(line)
    seat.edit(new, cadastral_number="63:09:1")
    seat.edit(many, horizon=2036)
    later = full_office.again(seat)
    results = later.push().results
    assert [(result.status, result.replayed) for result in results] == [("applied", True)] * 3 + [
        ("applied", False)
    ] * 4
    assert (served(full_office, point)["horizon"], served(full_office, point)["address"]) == (2036, "ул. Мира, 5")
    assert served(full_office, line)["geometry"] is None
    assert served(full_office, new)["cadastral_number"] == "63:09:1"
    assert local_edits(later.copy) == []


def test_settling_twice_changes_nothing(full_office: Office) -> None:
    seat = full_office.seat()
    point = full_office.exchange.town.planted[0]
    seat.edit(point, horizon=2035)
    batch = freeze(seat.copy)
    assert batch is not None
    answer = seat.service.push(batch.key, batch.body)
    settle(seat.copy, batch, answer.results)
    before = seat.rows()
    seat.edit(point, horizon=2036)
    settle(seat.copy, batch, answer.results)
    assert dict(local_edits(seat.copy)[0].set) == {"horizon": 2036}
    seat.edit(point, horizon=2035)
    assert seat.rows() == before


def test_batch_under_other_properties_is_sent_under_the_present_ones(full_office: Office) -> None:
    seat = full_office.seat(without="cadastral_number")
    point = full_office.exchange.town.planted[0]
    seat.edit(point, horizon=2035)
    assert statuses(seat) == ["applied"]
    seat.edit(point, horizon=2036)
    assert seat.pull().fresh
    assert seat.copy.facts.schema_rev == seat.service.capabilities().schema_rev
    seat.edit(point, cadastral_number="63:09:1")
    assert statuses(seat) == ["applied"]
    assert (served(full_office, point)["horizon"], served(full_office, point)["cadastral_number"]) == (2036, "63:09:1")


def test_refused_batch_is_dropped_and_its_edits_stay(full_office: Office) -> None:
    seat = full_office.seat()
    seat.edit(full_office.exchange.town.planted[0], horizon=2035)
    with seat.tool() as connection:
        connection.execute("UPDATE placecard_facts SET value = '' WHERE name = 'client_id'")
    with pytest.raises(Refused):
        seat.push()
    assert (unanswered(seat.copy), len(local_edits(seat.copy))) == (None, 1)


def test_field_of_a_looked_at_place_is_cleared(full_office: Office) -> None:
    town = full_office.exchange.town
    town.change(town.planted[0], place_check="moved")
    seat = full_office.seat()
    set_values(seat.copy, town.planted[0], {"place_check": None})
    assert statuses(seat) == ["applied"]
    assert served(full_office, town.planted[0])["place_check"] is None


def test_what_came_after_a_lost_answer_stands(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point = town.planted[0]
    seat.edit(point, horizon=2035)
    lose_first_push(seat, "answer")
    town.change(point, horizon=2044)
    seat.pull()
    assert [(result.status, result.replayed) for result in seat.push().results] == [("applied", True)]
    assert (seat.row(point)["horizon"], local_edits(seat.copy)) == (2044, [])
    assert seat.row(point)["version"] == full_office.exchange.row(point)["version"]


def test_what_was_merged_unseen_is_not_written_over(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point = town.planted[0]
    seat.edit(point, address="ул. Мира, 5")
    town.change(point, horizon=2044)
    assert statuses(seat) == ["merged"]
    seat.edit(point, horizon=2035)
    assert statuses(seat) == ["clash"]
    assert served(full_office, point)["horizon"] == 2044


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_what_is_edited_before_an_answer_is_not_made_from_what_was_held_back(full_office: Office, lost: str) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point, line = town.planted[0], town.planted[2]
    for guid in (point, line):
        seat.edit(guid, address="ул. Мира, 5")
    if lost == "answer":
        lose_first_push(seat, lost)
    town.change(point, horizon=2044, shape=THERE)
    town.change(line, title="Другое")
    seat.pull()
    if lost == "request":
        lose_first_push(seat, lost)
    for guid in (point, line):
        seat.edit(guid, horizon=2050)
        seat.move(guid, ELSEWHERE if guid == point else ACROSS)
    found = {result.guid: result for result in seat.push().results}  # of each, the last
    assert (found[point].status, found[line].status) == ("clash", "applied")
    clash = found[point].clash
    assert clash is not None
    assert (set(clash.fields), clash.geometry is not None) == ({"horizon"}, True)
    assert (served(full_office, point)["horizon"], served(full_office, point)["address"]) == (2044, "ул. Мира, 5")
    assert (served(full_office, line)["horizon"], served(full_office, line)["geometry"]) == (2050, ACROSS)


def test_copy_made_before_an_answer_does_not_send_back_what_was_held_back(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point = town.planted[0]
    seat.move(point, THERE)
    lose_first_push(seat, "answer")
    town.change(point, horizon=2044)
    seat.pull()
    placement(seat.copy, point, "citywide")  # which stands in another layer
    copied = {name: value for name, value in seat.row(point).items() if name not in OWN}
    seat.draw(None, point, **{**copied, "title": "Копия"})
    assert statuses(seat, point) == ["applied", "merged"]
    assert (served(full_office, point)["horizon"], served(full_office, point)["placement"]) == (2044, "citywide")


def test_what_came_to_something_drawn_before_its_answer_is_not_written_over(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    new = seat.draw(AREA, title="Новый парк")
    lose_first_push(seat, "answer")
    town.change(new, horizon=2044)
    seat.pull()
    seat.edit(new, horizon=2050)
    assert statuses(seat) == ["applied", "clash"]
    assert served(full_office, new)["horizon"] == 2044


def test_row_of_a_clash_follows_the_service_in_everything_else(full_office: Office) -> None:
    seat, point = clash(full_office)
    full_office.exchange.town.change(point, title="Другое", shape=THERE)
    seat.pull()
    found = seat.row(point)
    assert (found["title"], found["geometry"], found["horizon"]) == ("Другое", THERE, 2035)
    seat.move(point, ELSEWHERE)
    assert statuses(seat) == ["applied"]
    assert served(full_office, point)["geometry"] == ELSEWHERE
    assert local_edits(seat.copy)[0].clashing == ("horizon",)


def test_what_changed_unseen_beside_a_clash_is_not_written_over(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point = town.planted[0]
    seat.edit(point, address="ул. Мира, 5")
    town.change(point, address="пл. Свободы, 4", horizon=2044)
    assert statuses(seat) == ["clash"]
    seat.edit(point, horizon=2050)
    assert statuses(seat) == ["clash"]
    assert served(full_office, point)["horizon"] == 2044


def test_clash_of_what_is_no_more_goes_with_it(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point = town.planted[0]
    seat.edit(point, horizon=2035)
    town.change(point, horizon=2044)
    lose_first_push(seat, "answer")
    town.change(point, visibility=Visibility.RETIRED)
    seat.pull()
    assert statuses(seat) == ["clash"]
    with town.database.writing() as connection:
        for clash in open_clashes(connection, point):
            drop_sides(connection, clash, set(clash.fields), town.now, "board")
    seat.pull()
    assert (seat.rows(point), kept_clashes(seat.copy), local_edits(seat.copy)) == ([], [], [])


def test_what_came_before_an_edit_was_sent_does_not_take_it_back(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point = town.planted[0]
    seat.edit(point, address="ул. Мира, 5")
    town.change(point, horizon=2044)
    seat.pull()
    lose_first_push(seat, "answer")
    assert [(result.status, result.replayed) for result in seat.push().results] == [("merged", True)]
    assert (seat.row(point)["address"], seat.row(point)["horizon"]) == ("ул. Мира, 5", 2044)


def test_what_was_merged_may_be_taken_back_before_the_next_pull(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point = town.planted[0]
    seat.edit(point, address="ул. Мира, 5")
    town.change(point, horizon=2044)
    assert statuses(seat) == ["merged"]
    seat.edit(point, address=None)
    assert statuses(seat) == ["applied"]
    assert (served(full_office, point)["address"], served(full_office, point)["horizon"]) == (None, 2044)


def test_what_was_merged_may_be_edited_again_without_a_clash_with_oneself(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    line = town.planted[2]
    seat.edit(line, address="ул. Мира, 5")
    town.change(line, title="Другое")
    assert statuses(seat) == ["merged"]
    seat.edit(line, address="пл. Свободы, 4")
    place(seat.copy, line, AREA.wkb)
    assert statuses(seat) == ["applied"]
    found = served(full_office, line)
    assert (found["address"], found["title"], found["geometry"]) == ("пл. Свободы, 4", "Другое", AREA)
    assert seat.row(line)["title"] == "Другое"


def test_place_that_another_took_away_with_a_word_keeps_the_word(full_office: Office) -> None:
    seat, other = full_office.seat(), full_office.seat()
    point = full_office.exchange.town.planted[0]
    placement(other.copy, point, "none")
    assert statuses(other) == ["applied"]
    seat.delete(point)
    seat.pull()
    assert statuses(seat) == ["unchanged"]
    assert (seat.row(point)["placement"], local_edits(seat.copy)) == ("none", [])


def test_what_was_held_before_does_not_come_back_after_what_was_followed(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point = town.planted[0]
    seat.edit(point, address="ул. Мира, 5", horizon=2035)
    town.change(point, horizon=2044)
    assert statuses(seat) == ["clash"]
    seat.pull()
    seat.edit(point, cadastral_number="63:09:1")
    town.change(point, title="Первое")
    seat.pull()
    seat.edit(point, cadastral_number=None)
    town.change(point, title="Второе")
    seat.pull()
    (kept,) = kept_clashes(seat.copy)
    assert kept.id is not None
    assert kept.revision is not None
    take_resolved(seat.copy, kept, seat.service.resolve(kept.id, kept.revision, {"horizon": 2044}))
    assert seat.row(point)["title"] == "Второе"
    seat.pull()
    assert (seat.row(point)["title"], seat.row(point)["version"]) == (
        "Второе",
        full_office.exchange.row(point)["version"],
    )
