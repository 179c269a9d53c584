"""Values that were sent and clashed: they stay in their row and wait; everything else of it follows the service.

What is typed over such a value meanwhile is an edit like any other: it is sent when the clash is over.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from placecard.core.copyfile.difference import IS_PLACED, IS_UNPLACED, PLACEMENT, edited_values, joined_place
from placecard.core.errors import BadGeometry
from placecard.core.geometry import same_place
from placecard.core.wire import GEOMETRY, bytes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placecard.core.copyfile.rows import Book, Image, State
    from placecard.core.wire import Value

_SENT = "SELECT guid, sent FROM placecard_clash WHERE sent IS NOT NULL ORDER BY opened, id"


def waiting(book: Book) -> dict[str, dict[str, Value]]:
    """What waits for a clash to be resolved: by guid, values by name, and the geometry in base64."""
    found: dict[str, dict[str, Value]] = {}
    for guid, sent in book.connection.execute(_SENT):
        found.setdefault(guid, {}).update(json.loads(sent))
    return found


def with_waiting(image: Image, state: State, waits: Mapping[str, Value]) -> Image:
    """A proposal as the service has it, with what waits, or what it was edited to since."""
    since = edited_since(state, waits)
    values = {name: _said(state, name) if name in since else value for name, value in waits.items() if name != GEOMETRY}
    place = _sent_place(waits) if GEOMETRY in waits else image.geometry
    if GEOMETRY in since:
        place, values[PLACEMENT] = _stands(state)
    return image.with_values(image.version, values, place)


def edited_since(state: State, waits: Mapping[str, Value]) -> set[str]:
    """Names that wait whose value was edited after it had been sent. A place and its placement are one thing."""
    names = {name for name in waits if name not in {GEOMETRY, PLACEMENT} and _said(state, name) != waits[name]}
    moved = GEOMETRY in waits and not _stands_as_sent(state, waits)
    return {*names, GEOMETRY, PLACEMENT} if moved else names


def _stands_as_sent(state: State, waits: Mapping[str, Value]) -> bool:
    try:
        place, placement = _stands(state)
    except BadGeometry:
        return False
    return same_place(place, _sent_place(waits)) and placement == waits.get(PLACEMENT, placement)


def _sent_place(waits: Mapping[str, Value]) -> bytes | None:
    told = waits[GEOMETRY]
    return bytes_of(told if isinstance(told, str) else None)


def _said(state: State, name: str) -> Value:
    before = None if state.base is None else state.base.values.get(name)
    return edited_values(state).get(name, before)


def _stands(state: State) -> tuple[bytes | None, Value]:
    """The place as it stands, and its placement, said or going without saying."""
    place, said = joined_place(state), _said(state, PLACEMENT)
    if place is not None:
        return place, IS_PLACED
    return None, IS_UNPLACED if said == IS_PLACED else said
