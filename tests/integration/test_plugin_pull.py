"""A working copy of the plugin is filled, follows the service, and keeps what is edited in it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import shapely

from placecard.core.copyfile.copy import WorkingCopy
from placecard.core.copyfile.edits import discard, local_edits
from placecard.core.errors import AlreadyThere, Cancelled, NotACopy, SignInNeeded
from placecard.core.pulling import pull
from sync_service.store.counter import begin_epoch
from sync_service.sync.values import Visibility
from tests.ogc import AREA, LINE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.seats import Office, Seat

THERE = shapely.Point(49.4, 53.51)
BOX = "49.2,53.4,49.45,53.6"


def agree(seat: Seat, office: Office, *, but: tuple[str, ...] = ()) -> None:
    """The copy has what a fresh one of the same box has, row by row."""
    facts = seat.copy.facts
    fresh = office.exchange.copy(facts.box).take().rows
    mine = {row["guid"]: row for row in seat.rows() if row["guid"] not in but}
    assert set(mine) == set(fresh) - set(but)
    for guid, row in mine.items():
        theirs = fresh[guid]["properties"]
        assert row["version"] == fresh[guid]["version"]
        for name, value in theirs.items():
            assert row[name] == as_kept(name, value), name


def as_kept(name: str, value: Any) -> Any:
    if name in {"created", "modified", "published"} and value is not None:
        return value[:23] + "Z"
    return int(value) if isinstance(value, bool) else value


def test_first_pull_has_every_proposal_in_the_layer_of_its_kind(full_office: Office) -> None:
    seat = full_office.seat()
    agree(seat, full_office)
    layers = {row["title"]: row["layer"] for row in seat.rows()}
    assert layers == {
        "Сквер «Ромашка»": "points",
        "Остановки": "points",
        "Велодорожка": "lines",
        "Парк": "areas",
        "Весь город": "unplaced",
        "Где-то": "unplaced",
        "Тайное": "points",
    }
    assert {row["geometry"] for row in seat.rows() if row["layer"] in ("lines", "areas")} == {LINE, AREA}
    assert local_edits(seat.copy) == []


def test_file_has_its_name_only_when_it_is_whole(full_office: Office) -> None:
    seat = full_office.empty("Рабочая копия №1")
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        pull(seat.service, seat.copy, lambda done, key: None, lambda: next(asked))
    assert not seat.copy.path.exists()
    seat.pull()
    assert [path.name for path in seat.copy.path.parent.glob("*.gpkg*")] == ["Рабочая копия №1.gpkg"]
    assert len(WorkingCopy.open(seat.copy.path).proposals("all")) == 7


def test_what_is_there_is_not_written_over(full_office: Office, tmp_path: Path) -> None:
    full_office.seat("моя")
    with pytest.raises(AlreadyThere):
        full_office.empty("моя")


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "missing"), (b"", "foreign"), (b"not a database at all, this" * 40, "damaged")]
)
def test_what_is_no_copy_says_why(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "чужой.gpkg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NotACopy) as caught:
        WorkingCopy.open(path)
    assert caught.value.data["reason"] == reason


def test_copy_of_a_later_plugin_is_left_alone(full_office: Office) -> None:
    seat = full_office.seat()
    with seat.tool() as connection:
        connection.execute("UPDATE placecard_facts SET value = '2' WHERE name = 'format'")
    with pytest.raises(NotACopy) as caught:
        WorkingCopy.open(seat.copy.path)
    assert caught.value.key == "error.copy.newer"


def test_changes_are_followed_from_layer_to_layer(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point, many, line, area, _city, unplaced, secret = town.planted
    town.change(point, shape=AREA, title="Теперь парк")
    town.change(many, horizon=2040)
    town.change(unplaced, shape=LINE, placement="placed")
    town.change(secret, visibility=Visibility.RETIRED)
    new = town.plant(THERE)
    pulled = seat.pull()
    agree(seat, full_office)
    assert (pulled.taken, pulled.removed, pulled.held, pulled.fresh) == (4, 1, 0, False)
    assert {guid: seat.row(guid)["layer"] for guid in (point, unplaced, new)} == {
        point: "areas",
        unplaced: "lines",
        new: "points",
    }
    assert seat.row(line)["geometry"] == LINE
    assert seat.row(area)["geometry"] == AREA
    assert seat.pull().taken == 0


def test_features_keep_their_numbers_while_their_layer_stays(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    before = seat.row(town.planted[0])["fid"]
    town.change(town.planted[0], shape=THERE)
    seat.pull()
    assert (seat.row(town.planted[0])["fid"], seat.row(town.planted[0])["geometry"]) == (before, THERE)


def test_edited_row_is_neither_written_over_nor_removed(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point, many, line, *_ = town.planted
    seat.edit(point, address="ул. Мира, 5")
    seat.move(line, shapely.LineString([(49.31, 53.5), (49.33, 53.52)]))
    town.change(point, horizon=2044)
    town.change(line, visibility=Visibility.RETIRED)
    town.change(many, horizon=2044)
    assert seat.pull().held == 2
    assert (seat.row(point)["address"], seat.row(point)["horizon"]) == ("ул. Мира, 5", 2030)
    assert seat.row(many)["horizon"] == 2044
    assert [edit.guid for edit in local_edits(seat.copy)] == sorted([line, point], key=lambda guid: guid != line)
    discard(seat.copy, point)
    discard(seat.copy, line)
    agree(seat, full_office)
    assert local_edits(seat.copy) == []


def test_what_was_edited_back_is_no_edit_and_takes_what_came(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point = town.planted[0]
    seat.edit(point, address="ул. Мира, 5")
    town.change(point, horizon=2044)
    seat.pull()
    seat.edit(point, address="  ")
    assert local_edits(seat.copy) == []
    seat.pull()
    agree(seat, full_office)
    assert seat.copy.counts().local == 0


def test_void_cursor_makes_the_copy_anew_in_the_same_file(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point, many, line, area, _city, unplaced, _secret = town.planted
    seat.edit(point, address="ул. Мира, 5")
    mine = seat.draw(THERE, title="Новое")
    town.change(many, horizon=2044)
    town.change(area, visibility=Visibility.RETIRED)
    with town.database.writing() as connection:
        begin_epoch(connection)
    town.now += timedelta(days=1)
    pulled = seat.pull()
    assert (pulled.fresh, pulled.held) == (True, 1)
    assert seat.rows(area) == []
    assert seat.row(point)["address"] == "ул. Мира, 5"
    agree(seat, full_office, but=(point, mine))
    assert {edit.guid: edit.kind for edit in local_edits(seat.copy)} == {point: "changed", mine: "added"}
    assert seat.row(line)["geometry"] == LINE
    assert seat.row(unplaced)["layer"] == "unplaced"


def test_copy_of_a_box_is_left_and_entered(full_office: Office) -> None:
    seat, town = full_office.seat(box=BOX), full_office.exchange.town
    far = town.planted[1]
    assert seat.rows(far) == []
    town.change(town.planted[0], shape=shapely.Point(10, 50))
    town.change(far, shape=THERE)
    seat.pull()
    assert seat.rows(town.planted[0]) == []
    assert seat.row(far)["geometry"] == THERE
    agree(seat, full_office)


def test_unplaced_and_doubtful_are_listed_and_counted(full_office: Office) -> None:
    town = full_office.exchange.town
    town.change(town.planted[2], place_check="moved")
    town.plant(None, title="Ещё не одобрено", stage="proposed")
    seat = full_office.seat()
    assert [each.title for each in seat.copy.proposals("unplaced")] == ["Где-то"]
    assert [each.title for each in seat.copy.proposals("check")] == ["Велодорожка"]
    assert [each.title for each in seat.copy.proposals("all", "СКВЕР ромаш")] == ["Сквер «Ромашка»"]
    counts = seat.copy.counts()
    assert (counts.local, counts.unplaced, counts.to_check, counts.all) == (0, 1, 1, 8)


def test_who_is_not_signed_in_is_told(full_office: Office) -> None:
    seat = full_office.seat()
    seat.transport.token = "wrong"
    with pytest.raises(SignInNeeded):
        seat.pull()
    assert len(seat.rows()) == 7
