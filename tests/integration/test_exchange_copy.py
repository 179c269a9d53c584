"""A working copy over the plugin's protocol: whole after the first snapshot, and never behind without knowing it."""

from __future__ import annotations

import random
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import shapely
from sqlalchemy import select

from sync_service.store import tables
from sync_service.store.counter import begin_epoch
from sync_service.sync.fields import field_table
from sync_service.sync.values import Visibility
from tests.copies import PROPOSALS, Void, WorkingCopy, expect, shape_of
from tests.ogc import BEARER, LINE, POINT, Town
from tests.postgres import both_stores

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.exchange import Exchange

pytestmark = both_stores
FAR = shapely.Point(10.0, 50.0)
BOX = "49.2,53.4,49.5,53.6"


def stored(town: Town) -> dict[str, int]:
    """Number of each feature's state, of all that are not retired."""
    with town.database.reading() as connection:
        rows = connection.execute(select(tables.feature.c.guid, tables.feature.c.version, tables.feature.c.visibility))
        return {row.guid: row.version for row in rows if row.visibility != Visibility.RETIRED}


def numbers(copy: WorkingCopy) -> dict[str, int]:
    return {guid: row["properties"]["row_version"] for guid, row in copy.rows.items()}


# --- the snapshot


def test_snapshot_has_every_stage_and_every_property(full: Exchange) -> None:
    copy = full.copy().take()
    assert list(copy.rows) == full.town.planted
    for row in copy.rows.values():
        assert list(row["properties"]) == list(field_table())
        assert row["properties"]["guid"] == row["guid"]
    hidden = copy.rows[full.town.planted[6]]
    assert (hidden["properties"]["stage"], hidden["properties"]["responsible"]) == ("proposed", "Отдел")


def test_geometry_is_iso_wkb_longitude_first(full: Exchange) -> None:
    rows = full.copy().take().rows
    first, line, nowhere = (rows[full.town.planted[number]]["geometry"] for number in (0, 2, 4))
    assert shape_of(first) == POINT
    assert shape_of(line) == LINE
    assert nowhere is None


def test_days_overdue_are_counted_when_answering(full: Exchange) -> None:
    late = full.town.planted[0]
    assert full.copy().take().rows[late]["properties"]["overdue_days"] == 10
    copy = full.copy().take()
    full.town.now += timedelta(days=1)
    assert full.copy().take().rows[late]["properties"]["overdue_days"] == 11
    assert copy.follow().seen == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_together_are_the_whole(full: Exchange, limit: int) -> None:
    assert full.copy().take(limit).rows == full.copy().take().rows


def test_empty_store_has_an_empty_snapshot(exchange: Exchange) -> None:
    copy = exchange.copy().take()
    assert copy.rows == {}
    guid = exchange.town.plant()
    assert list(copy.follow().rows) == [guid]


def test_box_takes_what_meets_it_and_what_has_no_place(full: Exchange) -> None:
    copy = full.copy(box="49.29,53.49,49.35,53.54").take(2)
    planted = full.town.planted
    assert list(copy.rows) == [planted[number] for number in (0, 2, 4, 5, 6)]


def test_box_may_cross_the_antimeridian(exchange: Exchange) -> None:
    east, west, _ = (exchange.town.plant(shapely.Point(x, 60)) for x in (179.5, -179.5, 0.0))
    copy = exchange.copy(box="179,50,-179,70").take()
    assert list(copy.rows) == [east, west]
    assert list(copy.follow().rows) == [east, west]


def test_retired_proposal_is_in_no_snapshot(exchange: Exchange) -> None:
    guid = exchange.town.plant()
    exchange.town.change(guid, visibility=Visibility.RETIRED)
    assert exchange.copy().take().rows == {}


# --- changes


def test_newest_state_per_proposal_however_often_it_changed(exchange: Exchange) -> None:
    one, two = exchange.town.plant(), exchange.town.plant()
    copy = exchange.copy().take()
    for year in (2027, 2028, 2029):
        exchange.town.change(one, horizon=year)
    exchange.town.change(two, horizon=2031)
    copy.follow()
    assert [(each["op"], each["properties"]["horizon"]) for each in copy.seen] == [("upsert", 2029), ("upsert", 2031)]
    assert copy.rows == exchange.copy().take().rows


def test_nothing_changed_is_nothing(full: Exchange) -> None:
    copy = full.copy().take()
    before = copy.cursor
    assert copy.follow().seen == []
    assert copy.cursor == before


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_retired_proposal_is_deleted_from_copies(exchange: Exchange, limit: int) -> None:
    guids = [exchange.town.plant() for _ in range(3)]
    copy = exchange.copy().take()
    for guid in guids[:2]:
        exchange.town.change(guid, visibility=Visibility.RETIRED)
    copy.follow(limit)
    assert [(each["op"], each["guid"]) for each in copy.seen] == [("delete", guid) for guid in guids[:2]]
    assert list(copy.rows) == guids[2:]


def test_hidden_proposal_stays_in_the_copies_of_those_who_may_see_it(exchange: Exchange) -> None:
    guid = exchange.town.plant()
    copy = exchange.copy().take()
    exchange.town.change(guid, visibility=Visibility.HIDDEN, stage="review")
    assert copy.follow().rows[guid]["properties"]["stage"] == "review"


def test_box_is_left_and_entered(exchange: Exchange) -> None:
    town = exchange.town
    inside, outside, nowhere = town.plant(POINT), town.plant(FAR), town.plant(None)
    copy = exchange.copy(box=BOX).take()
    assert list(copy.rows) == [inside, nowhere]
    town.change(inside, shape=FAR)
    town.change(outside, shape=POINT)
    town.change(nowhere, horizon=2030)
    copy.follow()
    assert [(each["op"], each["guid"]) for each in copy.seen] == [
        ("leave", inside),
        ("upsert", outside),
        ("upsert", nowhere),
    ]
    assert copy.seen[0]["geometry"] is None
    assert copy.rows == exchange.copy(box=BOX).take().rows


def test_changed_far_from_the_box_and_never_in_it_is_told_as_outside(exchange: Exchange) -> None:
    guid = exchange.town.plant(FAR)
    copy = exchange.copy(box=BOX).take()
    exchange.town.change(guid, horizon=2030)
    assert [each["op"] for each in copy.follow().seen] == ["leave"]


def test_retired_far_from_the_box_is_deleted_all_the_same(exchange: Exchange) -> None:
    guid = exchange.town.plant(FAR)
    copy = exchange.copy(box=BOX).take()
    exchange.town.change(guid, visibility=Visibility.RETIRED)
    assert [each["op"] for each in copy.follow().seen] == ["delete"]


# --- others write meanwhile


def hands(town: Town, seed: int) -> Callable[[], None]:
    """Somebody who at each call writes a few times: new, moved, edited, retired, come back."""
    dice = random.Random(seed)

    def write() -> None:
        for _ in range(dice.randint(0, 4)):
            act = dice.choice(["plant", "nowhere", "edit", "move", "move", "retire", "back"])
            if act == "plant" or not town.planted:
                town.plant(dice.choice([POINT, FAR, LINE]))
            elif act == "nowhere":
                town.plant(None)
            else:
                changes: dict[str, Any] = {
                    "edit": {"horizon": dice.randint(2026, 2060)},
                    "move": {"shape": dice.choice([POINT, FAR, LINE])},
                    "retire": {"visibility": Visibility.RETIRED},
                    "back": {"visibility": Visibility.PUBLIC},
                }
                town.change(dice.choice(town.planted), **changes[act])

    return write


@pytest.mark.parametrize("box", [None, BOX])
@pytest.mark.parametrize("seed", range(3))
def test_writes_between_pages_are_completed_by_the_changes(exchange: Exchange, seed: int, box: str | None) -> None:
    write = hands(exchange.town, seed)
    for _ in range(8):
        write()
    copy = exchange.copy(box=box).take(limit=2, between=write)
    copy.follow(limit=2)
    assert copy.rows == exchange.copy(box=box).take().rows
    if box is None:
        assert numbers(copy) == stored(exchange.town)


def test_poller_at_any_moment_misses_nothing(exchange: Exchange) -> None:
    town = exchange.town
    guids = [town.plant() for _ in range(60)]
    copies = [exchange.copy().take(limit=7), exchange.copy(box=BOX).take(limit=7)]
    running = threading.Event()
    running.set()

    def write(mine: list[str], shapes: tuple[Any, ...]) -> None:
        # Each proposal is written for the last time at another moment: no later write can heal a hole.
        for number, guid in enumerate(mine):
            for step in range(3):
                town.change(guid, shape=shapes[(number + step) % 2], horizon=2027 + step)

    def poll(copy: WorkingCopy) -> None:
        while running.is_set():
            copy.follow(limit=5)

    writers = [threading.Thread(target=write, args=(guids[part::3], (POINT, FAR))) for part in range(3)]
    pollers = [threading.Thread(target=poll, args=(copy,)) for copy in copies]
    for thread in (*writers, *pollers):
        thread.start()
    for thread in writers:
        thread.join()
    running.clear()
    for thread in pollers:
        thread.join()
    for copy in copies:
        assert copy.follow().rows == exchange.copy(box=copy.box).take().rows
    assert numbers(copies[0]) == stored(town)


# --- cursors


def test_epoch_ends_a_cursor_and_a_new_snapshot_begins_again(full: Exchange) -> None:
    copy = full.copy().take()
    with full.town.database.writing() as connection:
        begin_epoch(connection)
    with pytest.raises(Void, match="cursor_epoch"):
        copy.follow()
    full.town.change(full.town.planted[0], horizon=2044)
    assert copy.take().follow().rows[full.town.planted[0]]["properties"]["horizon"] == 2044


def test_epoch_ends_a_snapshot_in_the_making(full: Exchange) -> None:
    def begin() -> None:
        with full.town.database.writing() as connection:
            begin_epoch(connection)

    with pytest.raises(Void, match="cursor_epoch"):
        full.copy().take(limit=2, between=begin)


def test_store_that_went_back_unnoticed_ends_a_cursor(full: Exchange) -> None:
    copy = full.copy().take()
    with full.town.database.writing() as connection:
        connection.execute(tables.store.update().values(seq=tables.store.c.seq - 1))
    with pytest.raises(Void, match="cursor_epoch"):
        copy.follow()


def test_another_store_ends_a_cursor(full: Exchange) -> None:
    copy = full.copy().take()
    with full.town.database.writing() as connection:
        connection.execute(tables.store.update().values(guid="another"))
    with pytest.raises(Void, match="cursor_store"):
        copy.follow()


def test_another_box_ends_a_cursor(full: Exchange) -> None:
    copy = full.copy(box=BOX).take()
    for box, status in ((BOX, 200), ("49.2,53.4,49.5,53.7", 410)):
        asked, problem = full.ask("GET", f"{PROPOSALS}/changes", query={"since": copy.cursor, "bbox": box})
        assert asked == status
    assert expect("problem", problem)["reason"] == "cursor_box"


def test_other_rights_end_a_cursor(full: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = full.copy().take()
    monkeypatch.setattr("sync_service.exchange.routes.VIEW", "another")
    with pytest.raises(Void, match="cursor_view"):
        copy.follow()


@pytest.mark.parametrize("path", ["snapshot", "changes"])
def test_working_data_are_for_those_with_rights(full: Exchange, path: str) -> None:
    answer = full.client.get(f"{PROPOSALS}/{path}")
    assert answer.status_code == 401
    expect("problem", answer.json)


def test_large_answers_are_packed_and_kept_by_no_cache(full: Exchange) -> None:
    answer = full.client.get(f"{PROPOSALS}/snapshot", headers={**BEARER, "Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Authorization" in answer.headers["Vary"]
