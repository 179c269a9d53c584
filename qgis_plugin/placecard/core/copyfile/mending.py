"""Mending what tools leave behind: copied and misspelt guids, deleted features, the parts of a split."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from placecard.core.copyfile.difference import (
    IS_PLACED,
    IS_UNPLACED,
    ON_CREATE,
    PLACEMENT,
    edited_values,
    joined_place,
)
from placecard.core.copyfile.layout import UNPLACED
from placecard.core.copyfile.parting import DOUBT, SPLIT, part
from placecard.core.copyfile.rows import (
    insert_row,
    keep_before,
    local_guids,
    put_rows,
    read_states,
    remove_row,
    rewrite_row,
)
from placecard.core.copyfile.taking import tidy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from placecard.core.copyfile.copy import WorkingCopy
    from placecard.core.copyfile.rows import Book, Image, State
    from placecard.core.wire import Value


@dataclass(frozen=True)
class Mended:
    """What mending did: guids that were given anew, to copies and misspelt ones.

    `splits` stay one proposal unless `separate` is called; `doubtful` ones are not sent before a person has said.
    """

    renamed: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)


def mend(copy: WorkingCopy) -> Mended:
    """Mend guids, put deleted features into the list of the unplaced, forget edits that came to nothing."""
    mended = Mended()
    with copy.writing() as book:
        joined = _joined(book)
        for guid, state in read_states(book, local_guids(book)).items():
            if state.base is None and not _is_guid(guid):
                mended.renamed.extend(_respell(book, state))
            else:
                _mend(book, state, mended, joined=guid in joined)
        tidy(book)
    return mended


def _mend(book: Book, state: State, mended: Mended, *, joined: bool) -> None:
    parting = part(state, joined=joined)
    for row in parting.moved:
        _leave_list(book, state, row)
    mended.renamed.extend(_rename(book, row) for row in parting.copies)
    if parting.verdict == SPLIT:
        mended.splits.append(state.guid)
    elif parting.verdict == DOUBT:
        mended.doubtful.append(state.guid)
    if state.rows and state.rows[0].fid is None:
        row = state.rows[0]
        placed = row.values.get(PLACEMENT) == IS_PLACED
        insert_row(book, row.with_values(row.version, {PLACEMENT: IS_UNPLACED} if placed else {}, None))


def _leave_list(book: Book, state: State, row: Image) -> None:
    if state.base is not None and not state.kept:
        keep_before(book, state.base)
    remove_row(book, row)


def _rename(book: Book, row: Image, guid: str | None = None) -> str:
    """Make a feature a proposal of its own. What the board says of the first is not true of this one."""
    made = guid or str(uuid4())
    kept = {*book.layout.writable, *ON_CREATE} - {"stage", "place_check"}
    values: dict[str, Value] = {name: value if name in kept else None for name, value in row.values.items()}
    values[PLACEMENT] = IS_UNPLACED if row.layer == UNPLACED else IS_PLACED
    image = row.with_values(None, values, row.geometry)
    image = replace(image, raw=(made, *image.raw[1:]))
    book.run("INSERT OR IGNORE INTO placecard_added VALUES (?, ?)", *rewrite_row(book, row, image))
    return made


def _respell(book: Book, state: State) -> list[str]:
    """A new proposal under what is no guid: the guid that is meant, if it is free, otherwise another."""
    meant = _meant(state.guid)
    if meant is not None and (other := read_states(book, [meant])[meant]) and (other.base or other.rows):
        meant = None
    return [_rename(book, row, meant if number == 0 else None) for number, row in enumerate(state.rows)]


def _meant(text: str) -> str | None:
    try:
        return str(UUID(text.strip()))
    except ValueError:
        return None


def _is_guid(text: str) -> bool:
    return _meant(text) == text


def heal(copy: WorkingCopy, guids: Iterable[str]) -> None:
    """Make splits whole again that are to stay one proposal, and are what was there before: nothing of it is sent."""
    with copy.writing() as book:
        for state in read_states(book, guids).values():
            base = state.base
            if base is None or base.geometry is None or len(state.rows) < 2:
                continue
            if joined_place(state) == base.geometry:
                values = {**base.values, **edited_values(state)}
                put_rows(book, state.rows, base.with_values(base.version, values, base.geometry))
        tidy(book)


def separate(copy: WorkingCopy, guid: str) -> list[str]:
    """Make the parts of a split proposals of their own; the guids of the new ones."""
    with copy.writing() as book:
        state = read_states(book, [guid])[guid]
        book.run("DELETE FROM placecard_joined WHERE guid = ?", guid)
        return [_rename(book, row) for row in state.rows[1:]]


def join(copy: WorkingCopy, guid: str) -> None:
    """Make the features of one guid one proposal, whatever they look like."""
    with copy.writing() as book:
        book.run("INSERT OR IGNORE INTO placecard_joined VALUES (?)", guid)


def _joined(book: Book) -> set[str]:
    return {row[0] for row in book.connection.execute("SELECT guid FROM placecard_joined")}
