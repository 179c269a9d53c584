"""Clashes kept in the copy until they are resolved, here or elsewhere.

What was pushed from here and clashed stays in the rows, and is not sent again: it waits for the clash. `sent` holds
those values. Once the clash is resolved, whoever did it, the service's word stands, unless it was edited here since.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from placecard.core.copyfile.difference import PLACEMENT
from placecard.core.copyfile.rows import put_rows, read_states, rewrite_row
from placecard.core.copyfile.taking import tidy
from placecard.core.copyfile.waiting import edited_since
from placecard.core.wire import GEOMETRY, Value, read_clash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from placecard.core.copyfile.copy import WorkingCopy
    from placecard.core.copyfile.rows import Book, Image, State
    from placecard.core.wire import Clash, Resolved

_NO = object()
_FIND = "SELECT id, guid, document, sent FROM placecard_clash"


def kept_clashes(copy: WorkingCopy) -> list[Clash]:
    """The open clashes as of the last pull, oldest first."""
    with copy.reading() as book:
        found = book.connection.execute("SELECT document FROM placecard_clash ORDER BY opened, id").fetchall()
    return [read_clash(json.loads(row[0])) for row in found]


def keep_clash(book: Book, clash: Clash, sent: Mapping[str, Value]) -> None:
    """A clash that a push from here opened; `sent` is what clashed: values, and the geometry in base64."""
    if clash.id is None:
        return
    found = book.run("SELECT sent FROM placecard_clash WHERE id = ?", clash.id).fetchone()
    before = json.loads(found[0]) if found is not None and found[0] else {}
    _enter(book, clash, {**before, **sent})


def _enter(book: Book, clash: Clash, sent: Mapping[str, Value] | None) -> None:
    told = json.dumps(clash.document, ensure_ascii=False)
    waits = json.dumps(sent, ensure_ascii=False) if sent else None
    values = (clash.id, clash.guid, clash.opened, told, waits)
    book.connection.execute("INSERT OR REPLACE INTO placecard_clash VALUES (?, ?, ?, ?, ?)", values)


def take_clashes(copy: WorkingCopy, clashes: Iterable[Clash]) -> None:
    """Keep the service's list: what is no longer on it was resolved, and what the service has stands."""
    listed = {clash.id: clash for clash in clashes if clash.id is not None}
    with copy.writing() as book:
        known = {row[0]: row for row in book.connection.execute(_FIND).fetchall()}
        for clash_id, clash in listed.items():
            sent = _sent(known.get(clash_id))
            still = {name: value for name, value in sent.items() if name in fields_of(clash)}
            _let_go(book, clash.guid, {name: value for name, value in sent.items() if name not in still})
            _enter(book, clash, still)
        for clash_id, row in known.items():
            if clash_id not in listed:
                book.run("DELETE FROM placecard_clash WHERE id = ?", clash_id)
                _let_go(book, row[1], _sent(row))
        tidy(book)


def take_resolved(copy: WorkingCopy, clash: Clash, resolved: Resolved) -> None:
    """A clash was resolved from here: its fields are no longer edits; what is left of it is kept."""
    others = [each for each in kept_clashes(copy) if each.id != clash.id]
    take_clashes(copy, [*others, *([resolved.left] if resolved.left else [])])


def fields_of(clash: Clash) -> set[str]:
    """The names that clash; the place is one of them."""
    return {*clash.fields, *((GEOMETRY,) if clash.geometry is not None else ())}


def _sent(row: tuple[Any, ...] | None) -> dict[str, Value]:
    return json.loads(row[3]) if row is not None and row[3] else {}


def _let_go(book: Book, guid: str, sent: Mapping[str, Value]) -> None:
    """What was sent and waited is no edit any more, where it still stands as it was sent."""
    if not sent:
        return
    state = read_states(book, [guid])[guid]
    if state.base is None:
        return
    if GEOMETRY in sent and state.rows and GEOMETRY not in edited_since(state, sent):
        state = _let_place_go(book, state, state.base)
    before = state.base.values if state.base is not None else {}
    for row in state.rows:
        fields = {name for name, value in sent.items() if name != PLACEMENT and row.values.get(name, _NO) == value}
        back = {name: before[name] for name in fields}
        if back:
            rewrite_row(book, row, row.with_values(row.version, back, row.geometry))


def _let_place_go(book: Book, state: State, base: Image) -> State:
    placement = {PLACEMENT: base.values.get(PLACEMENT)}
    first = state.rows[0]
    put_rows(book, state.rows, first.with_values(first.version, placement, base.geometry))
    return read_states(book, [state.guid])[state.guid]
