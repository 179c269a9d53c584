"""Proposals that follow the service although something of them is edited.

A pull holds back what comes for an edited row. Two kinds of rows take it, where nobody else touched what is edited: one
of which only waits what clashed (it may have been edited since); and one whose last edit was merged with what was not
seen here. What was merged is *unsure* until the next pull: its base would be a state that this copy has never had.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from placecard.core.copyfile.difference import PLACEMENT, differ
from placecard.core.copyfile.held import drop_held
from placecard.core.copyfile.rows import image_from, keep_before, put_rows
from placecard.core.copyfile.waiting import edited_since, with_waiting
from placecard.core.geometry import same_place
from placecard.core.wire import GEOMETRY, UPSERT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from placecard.core.copyfile.difference import Difference
    from placecard.core.copyfile.rows import Book, Image, State
    from placecard.core.wire import Change, Value


def be_unsure(book: Book, guid: str) -> None:
    """What the service made of a proposal's edit is not known here, before the next pull."""
    book.run("INSERT OR IGNORE INTO placecard_unsure VALUES (?)", guid)


def unsure(book: Book) -> set[str]:
    """Proposals of which it is not known."""
    return {row[0] for row in book.run("SELECT guid FROM placecard_unsure")}


def be_sure(book: Book, guids: Iterable[str] | None = None) -> None:
    """The service has told of these, or of all."""
    if guids is None:
        book.run("DELETE FROM placecard_unsure")
        return
    those = json.dumps(sorted(guids))
    book.run("DELETE FROM placecard_unsure WHERE guid IN (SELECT value FROM json_each(?))", those)


def follow(book: Book, change: Change, state: State, waits: Mapping[str, Value], *, strange: bool) -> bool:
    """Let an edited proposal follow, if it is one of those that do; `strange`: it is unsure. Otherwise it is held."""
    if change.op != UPSERT or state.base is None or len(state.rows) != 1:
        return False
    found = differ(state, book.layout, waits)
    now = image_from(book.layout, change.row)
    alone = bool(waits) and found.nothing
    if found.problem is not None or not (alone or strange):
        return False
    if not is_untouched(state.base, now, {*_names(found), *edited_since(state, waits)}):
        return False
    drop_held(book, state.guid)  # what was held before is older
    keep_before(book, now)
    put_rows(book, state.rows, _edited(state.rows[0], with_waiting(now, state, waits), found))
    return True


def _names(found: Difference) -> set[str]:
    """What is edited. A place and its placement are one thing."""
    place = {GEOMETRY, PLACEMENT} if found.moved is not None or found.gone else set()
    return {*found.set, *found.readonly, *place}


def is_untouched(before: Image, now: Image, names: set[str]) -> bool:
    """Whether these are with the service as they were."""
    moved = GEOMETRY in names and not same_place(before.geometry, now.geometry)
    return not moved and all(before.values[name] == now.values[name] for name in names - {GEOMETRY})


def _edited(row: Image, now: Image, found: Difference) -> Image:
    names = _names(found)
    place = row.geometry if GEOMETRY in names else now.geometry
    return now.with_values(now.version, {name: row.values[name] for name in names - {GEOMETRY}}, place)
