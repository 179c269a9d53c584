from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanban_adapter.kanboard import hinted_cards

EVENTS = json.loads((Path(__file__).parents[1] / "data/kanboard_events.json").read_text(encoding="utf-8"))
"""One body of each kind, as a Kanboard 1.2.51 sent it, and the cards it is about."""


NO_IDS: tuple[Any, ...] = (None, True, 0, -1, 1.5, "", "x", "1 or 1", {}, [], "9" * 30)
"""What no card is called."""


def body(content: object) -> bytes:
    return json.dumps(content).encode()


@pytest.mark.parametrize("name", EVENTS)
def test_event_as_it_was_sent(name: str) -> None:
    assert hinted_cards(body(EVENTS[name]["body"])) == set(EVENTS[name]["cards"])


def test_kinds_cover_what_kanboard_sends() -> None:
    assert {
        *("task.create", "task.update", "task.close", "task.open", "task.assignee_change"),
        *("task.move.column", "task.move.swimlane", "task.move.project", "task.file.create", "task.file.destroy"),
        *("comment.create", "comment.update", "comment.delete", "subtask.create", "subtask.update", "subtask.delete"),
        *("task_internal_link.create_update", "task_internal_link.delete"),
    } == set(EVENTS)


@pytest.mark.parametrize(
    "nothing",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"17",
        b'"task.create"',
        b"{",
        body({"event_name": "task.create"}),
        body({"event_name": "task.create", "event_data": None}),
        body({"event_name": "task.create", "event_data": [1]}),
        body({"event_name": "user.create", "event_data": {"task_id": 1}}),
        body({"event_name": 7, "event_data": {"task_id": 1}}),
        body({"event_data": {"task_id": 1}}),
        *(body({"event_name": "task.update", "event_data": {"task_id": value}}) for value in NO_IDS),
        b"[" * 5000,
    ],
)
def test_anything_else_hints_at_nothing(nothing: bytes) -> None:
    assert hinted_cards(nothing) == frozenset()


@pytest.mark.parametrize(
    ("content", "cards"),
    [
        ({"event_name": "task.update", "event_data": {"task_id": "12"}}, {"12"}),
        ({"event_name": "task.overdue", "event_data": {"tasks": [{"id": 1}, {"id": "2"}, None]}}, {"1", "2"}),
        ({"event_name": "comment.create", "event_data": {"comment": {"id": 5, "task_id": 6}}}, {"6"}),
        ({"event_name": "task.file.create", "event_data": {"file": {"id": 5, "task_id": 7}}}, {"7"}),
        (
            [
                {"event_name": "task.update", "event_data": {"task_id": 1}},
                {"event_name": "unknown", "event_data": {"task_id": 2}},
                {"event_name": "subtask.update", "event_data": {"subtask": {"id": 9, "task_id": 3}}},
                "noise",
            ],
            {"1", "3"},
        ),
    ],
    ids=["text for a number", "several cards", "comment alone", "file alone", "several events"],
)
def test_other_forms(content: object, cards: set[str]) -> None:
    assert hinted_cards(body(content)) == cards


@given(st.binary())
def test_bytes_never_raise(noise: bytes) -> None:
    hinted_cards(noise)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["task", "task_id", "tasks", "id", "file"]), inner),
)


@given(st.sampled_from(["task.update", "comment.create", "x"]), JSON)
def test_content_never_raises(name: str, content: object) -> None:
    found = hinted_cards(body({"event_name": name, "event_data": content}))
    assert all(card.isdecimal() and int(card) > 0 for card in found)
