"""Values that were sent and clashed: they stay in their row and wait; everything else of it follows the service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from placecard.core.wire import GEOMETRY, bytes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placecard.core.copyfile.rows import Book, Image
    from placecard.core.wire import Value

_SENT = "SELECT guid, sent FROM placecard_clash WHERE sent IS NOT NULL ORDER BY opened, id"


def waiting(book: Book) -> dict[str, dict[str, Value]]:
    """What waits for a clash to be resolved: by guid, values by name, and the geometry in base64."""
    found: dict[str, dict[str, Value]] = {}
    for guid, sent in book.connection.execute(_SENT):
        found.setdefault(guid, {}).update(json.loads(sent))
    return found


def with_waiting(image: Image, waits: Mapping[str, Value]) -> Image:
    """A proposal as the service has it, with what waits."""
    values = {name: value for name, value in waits.items() if name != GEOMETRY}
    told = waits.get(GEOMETRY)
    place = bytes_of(str(told) if told else None) if GEOMETRY in waits else image.geometry
    return image.with_values(image.version, values, place)
