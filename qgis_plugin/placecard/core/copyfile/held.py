"""What the service said of proposals that are edited here: held until their edits are gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from placecard.core.copyfile.rows import image_from, keep_before, put_rows
from placecard.core.wire import UPSERT, Change, Row

if TYPE_CHECKING:
    from placecard.core.copyfile.rows import Book, State


def hold(book: Book, change: Change, state: State) -> None:
    """Hold back what the service says. Of a proposal that was new here the service knows now: that is its base.

    How often its edits have been sent by then is noted: what they did may be in what is held.
    """
    row = change.row
    properties = json.dumps(dict(row.properties)) if change.op == UPSERT else None
    values = (row.guid, change.op, row.version, row.geometry, properties, row.guid)
    book.connection.execute(_HOLD, values)
    if state.base is None and change.op == UPSERT:
        keep_before(book, image_from(book.layout, row))


_HOLD = """INSERT OR REPLACE INTO placecard_held VALUES (?, ?, ?, ?, ?, (SELECT coalesce(max(b.sent), 0)
  FROM placecard_batch AS b JOIN placecard_frozen AS f ON f.key = b.key WHERE f.guid = ?))"""


def came_after_sending(book: Book, guid: str) -> bool:
    """Whether what is held came after the edits of its proposal had been sent, and may have them in it."""
    found = book.connection.execute("SELECT after FROM placecard_held WHERE guid = ?", (guid,)).fetchone()
    return found is not None and found[0] > 0


def held_of(book: Book, guid: str) -> Change | None:
    """What is held of a proposal."""
    found = book.connection.execute(
        "SELECT op, version, geometry, properties FROM placecard_held WHERE guid = ?", (guid,)
    ).fetchone()
    if found is None:
        return None
    op, version, geometry, properties = found
    return Change(op, Row(guid, version, geometry, json.loads(properties) if properties else {}))


def drop_held(book: Book, guid: str) -> None:
    """It was taken, or is of no use any more."""
    book.connection.execute("DELETE FROM placecard_held WHERE guid = ?", (guid,))


def release(book: Book, state: State) -> None:
    """Let the service's word stand: what is held, otherwise what it said last."""
    held = held_of(book, state.guid)
    if held is None:
        image = state.base
    else:
        image = image_from(book.layout, held.row) if held.op == UPSERT else None
        drop_held(book, state.guid)
    put_rows(book, state.rows, image)
