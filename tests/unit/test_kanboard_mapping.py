from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kanban_adapter.card import Card, Related, Relation
from kanban_adapter.errors import Failed
from kanban_adapter.kanboard import mapping
from kanban_adapter.kanboard.mapping import Details, Names
from kanban_adapter.kanboard.reader import to_zone

SAMARA = ZoneInfo("Europe/Samara")

ROW: dict[str, Any] = {
    "id": 7,
    "project_id": 2,
    "column_id": 5,
    "is_active": 1,
    "title": "Сквер",
    "description": "Адрес:\r\nМира, 1",
    "reference": "",
    "date_creation": 1790000000,
    "date_modification": 1790000100,
    "date_started": 0,
    "date_due": 1893484800,
    "owner_id": 3,
    "category_id": 0,
    "swimlane_id": 4,
    "color_id": "yellow",
    "position": 3,
    "url": "http://localhost/?task_id=7",
    "date_moved": 1790000050,
    "score": None,
}
NOTHING = Details([], [], [], [], [])
NAMES = Names({"1": "Парки"}, {"4": "Основная"}, {"3": "bot"})


def card(row: dict[str, Any] = ROW, details: Details = NOTHING) -> Card:
    return mapping.to_card(row, details, NAMES, zone=SAMARA, public_url="https://board.example/kb/")


def text_row() -> dict[str, Any]:
    """The same row from a database that gives numbers as text."""
    return {name: str(value) if isinstance(value, int) else value for name, value in ROW.items()}


def test_numbers_as_text_are_the_same_card() -> None:
    assert card(text_row()) == card()
    assert mapping.to_listed(text_row()) == mapping.to_listed(ROW)
    assert card().fingerprint == mapping.to_listed(ROW).fingerprint


def test_closed_as_text_is_closed() -> None:
    assert card({**text_row(), "is_active": "0"}).closed
    assert mapping.to_listed({**text_row(), "is_active": "0"}).closed


@pytest.mark.parametrize("name", ["position", "date_moved", "score", "url"])
def test_what_is_no_content_leaves_the_fingerprint(name: str) -> None:
    assert mapping.fingerprint({**ROW, name: "9"}) == mapping.fingerprint(ROW)


@pytest.mark.parametrize(
    "name",
    [
        *("id", "project_id", "column_id", "is_active", "title", "description", "reference", "date_creation"),
        *("date_started", "date_due", "owner_id", "category_id", "swimlane_id", "color_id", "date_modification"),
    ],
)
def test_content_is_in_the_fingerprint(name: str) -> None:
    assert mapping.fingerprint({**ROW, name: "9"}) != mapping.fingerprint(ROW)


def test_fields_do_not_run_together() -> None:
    one, other = {**ROW, "title": "ab", "description": "c"}, {**ROW, "title": "a", "description": "bc"}
    assert mapping.fingerprint(one) != mapping.fingerprint(other)


def test_names_stand_for_ids() -> None:
    assert (card().responsible, card().category, card().swimlane) == ("bot", None, "Основная")


def test_address_works_without_rewriting() -> None:
    assert card().url == "https://board.example/kb/?controller=TaskViewController&action=show&task_id=7"


@pytest.mark.parametrize("nothing", [None, 0, "0", "", -5])
def test_no_date(nothing: object) -> None:
    assert mapping.to_date(nothing, SAMARA) is None


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 3, 31, 19, 59, tzinfo=UTC), date(2026, 3, 31)),
        (datetime(2026, 3, 31, 20, 0, tzinfo=UTC), date(2026, 4, 1)),
        (datetime(2105, 1, 1, 12, 0, tzinfo=UTC), date(2105, 1, 1)),
    ],
)
def test_date_is_that_of_the_board(moment: datetime, day: date) -> None:
    assert mapping.to_date(int(moment.timestamp()), SAMARA) == day
    assert mapping.to_date(str(int(moment.timestamp())), SAMARA) == day


def test_date_is_written_with_its_time() -> None:
    assert mapping.from_date(date(2031, 2, 3)) == "2031-02-03 12:00"
    assert mapping.from_date(None) == ""


def test_unknown_zone_is_said() -> None:
    for name in ("Mars/Olympus", "", "../etc/passwd"):
        with pytest.raises(Failed):
            to_zone(name)


@pytest.mark.parametrize("empty", [[], {}, None])
def test_empty_arrays_are_empty(empty: object) -> None:
    found = card(details=Details(empty, empty, empty, empty, empty))
    assert (found.tags, found.metadata, found.links, found.related, found.comments) == (frozenset(), {}, (), (), ())


def test_relations_that_mean_nothing_are_left_out() -> None:
    rows = [
        {"label": "relates to", "task_id": 1, "is_active": 1},
        {"label": "is blocked by", "task_id": "12", "is_active": "0"},
        {"label": "duplicates", "task_id": 3, "is_active": 1},
        {"label": "is a child of", "task_id": 4, "is_active": 1},
    ]
    assert mapping.to_related(rows) == (
        Related(Relation.DUPLICATES, "3", open=True),
        Related(Relation.IS_BLOCKED_BY, "12", open=False),
    )


def test_detail_ignores_what_is_no_content() -> None:
    assert card({**ROW, "date_modification": 1}).detail == card().detail
    assert card({**ROW, "position": 9}).detail == card().detail


@pytest.mark.parametrize(
    "details",
    [
        NOTHING.__class__({"1": "стоп"}, [], [], [], []),
        NOTHING.__class__([], {"a": "1"}, [], [], []),
        NOTHING.__class__([], [], [{"id": 1, "url": "https://a.example", "title": ""}], [], []),
        NOTHING.__class__([], [], [], [{"label": "duplicates", "task_id": 3, "is_active": 1}], []),
        NOTHING.__class__([], [], [], [], [{"id": 1, "comment": "x", "date_creation": 1, "username": None}]),
    ],
    ids=["tags", "metadata", "links", "related", "comments"],
)
def test_detail_sees_everything(details: Details) -> None:
    assert card(details=details).detail != card().detail
