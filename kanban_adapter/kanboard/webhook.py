"""What a webhook of Kanboard hints at. Pure: reads a body, believes nothing in it but which cards to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KINDS = ("task.", "comment.", "subtask.", "task_internal_link.")
"""Beginnings of the names of events that are about a card."""

CARD_KEYS = ("task_id", "opposite_task_id")
NESTED_KEYS = ("task", "comment", "subtask", "file", "task_link")
MANY_KEYS = ("tasks",)


def hinted_cards(body: bytes) -> frozenset[str]:
    """Ids of the cards about which something may have changed; empty for anything not understood. Never raises."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return frozenset()
    events = content if isinstance(content, list) else [content]
    return frozenset(card for event in events if isinstance(event, dict) for card in _of_event(event))


def _of_event(event: Mapping[str, Any]) -> Iterator[str]:
    name, content = event.get("event_name"), event.get("event_data")
    if isinstance(name, str) and name.startswith(KINDS) and isinstance(content, dict):
        yield from _of_data(content)


def _of_data(content: Mapping[str, Any]) -> Iterator[str]:
    yield from _ids(content.get(key) for key in CARD_KEYS)
    for key in NESTED_KEYS:
        part = content.get(key)
        if isinstance(part, dict):
            yield from _ids(part.get(name) for name in ("id" if key == "task" else "task_id", "opposite_task_id"))
    for key in MANY_KEYS:
        rows = content.get(key)
        if isinstance(rows, list):
            yield from _ids(row.get("id") for row in rows if isinstance(row, dict))


def _ids(values: Iterator[Any]) -> Iterator[str]:
    for value in values:
        text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
        if text.isascii() and text.isdecimal() and 0 < len(text) < 19 and int(text):
            yield str(int(text))
