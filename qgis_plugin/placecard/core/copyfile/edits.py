"""What was edited in a copy, as its triggers tracked it; discarding, and the plugin's own edits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from placecard.core.copyfile.database import AT_ONCE
from placecard.core.copyfile.difference import IS_PLACED, IS_UNPLACED, PLACEMENT, differ
from placecard.core.copyfile.held import release
from placecard.core.copyfile.mending import Mended, join, mend, separate
from placecard.core.copyfile.parting import DOUBT, part
from placecard.core.copyfile.rows import (
    Image,
    forget_edit,
    insert_row,
    keep_before,
    local_guids,
    read_states,
    remove_row,
    rewrite_row,
)
from placecard.core.copyfile.waiting import waiting
from placecard.core.errors import PlacecardError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from placecard.core.copyfile.copy import WorkingCopy
    from placecard.core.copyfile.difference import Difference
    from placecard.core.copyfile.rows import Book, State
    from placecard.core.wire import Value

__all__ = [
    "ADDED",
    "CHANGED",
    "UNPLACED",
    "Kept",
    "LocalEdit",
    "Mended",
    "NoProposal",
    "discard",
    "edits_in",
    "image",
    "join",
    "local_edits",
    "mend",
    "place",
    "placement",
    "restore",
    "separate",
    "set_values",
    "unplace",
]

ADDED, CHANGED, UNPLACED = "added", "changed", "unplaced"


@dataclass(frozen=True)
class LocalEdit:
    """What was edited of one proposal since the service last spoke of it.

    `set` holds the writable properties that differ, canonical; `geometry` the new WKB if it differs, `before` the old
    one; `parts` how many features it is made of now; `readonly` names what differs and is not sent; `problem` is the
    key of why it cannot be sent; `code` and `message` are of the service's last refusal; `clashing` names the fields
    that wait for a clash to be resolved.
    """

    guid: str
    kind: str
    set: Mapping[str, Value]
    geometry: bytes | None
    before: bytes | None
    base_version: str | None
    title: str
    parts: int = 1
    readonly: tuple[str, ...] = ()
    clashing: tuple[str, ...] = ()
    problem: str | None = None
    code: str | None = None
    message: str | None = None

    @property
    def sendable(self) -> bool:
        """Whether there is something to send, and nothing in its way."""
        something = self.kind != CHANGED or bool(self.set) or self.geometry is not None
        return something and self.problem is None


def local_edits(copy: WorkingCopy) -> list[LocalEdit]:
    """Everything that was edited here, by title."""
    with copy.reading() as book:
        return sorted(edits_in(book, local_guids(book)), key=lambda edit: (edit.title.casefold(), edit.guid))


def edits_in(book: Book, guids: Iterable[str]) -> Iterator[LocalEdit]:
    """What was edited of these proposals."""
    said = {row[0]: row[1:] for row in book.connection.execute("SELECT guid, code, message FROM placecard_result")}
    joined = {row[0] for row in book.connection.execute("SELECT guid FROM placecard_joined")}
    clashing = waiting(book)
    for guid, state in read_states(book, guids).items():
        fields = tuple(sorted(clashing.get(guid, ())))
        found = differ(state, book.layout, fields)
        if found.nothing and not fields:
            continue
        doubtful = part(state, joined=guid in joined).verdict == DOUBT
        edit = _edit(state, found)
        code, message = said.get(guid, (None, None))
        problem = "edit.doubtful" if doubtful else found.problem
        yield replace(edit, clashing=fields, problem=problem, code=code, message=message)


def _edit(state: State, found: Difference) -> LocalEdit:
    base = state.base
    shown = (*state.rows, *((base,) if base else ()))[0]
    return LocalEdit(
        guid=state.guid,
        kind=ADDED if base is None else UNPLACED if found.gone else CHANGED,
        set=found.set,
        geometry=found.moved,
        before=None if base is None else base.geometry,
        base_version=None if base is None else base.version,
        title=str(shown.values.get("title") or ""),
        parts=found.parts,
        readonly=found.readonly,
    )


def discard(copy: WorkingCopy, guid: str) -> None:
    """Take a proposal's edits back: to what the service said last."""
    with copy.writing(wait=AT_ONCE) as book:
        release(book, read_states(book, [guid])[guid])
        forget_edit(book, guid)
        book.run("UPDATE placecard_clash SET sent = NULL WHERE guid = ?", guid)


class NoProposal(PlacecardError):
    """The copy has no such proposal: `guid`."""

    word = "error.no_proposal"


def place(copy: WorkingCopy, guid: str, wkb: bytes) -> None:
    """Give a proposal this place (CRS84), tracked as the user's own edit. BadGeometry."""
    _rewrite(copy, guid, wkb, {PLACEMENT: IS_PLACED})


def placement(copy: WorkingCopy, guid: str, kind: str, district: str | None = None) -> None:
    """Say that it is `citywide`, of a `district`, of no place (`none`), or `unplaced`."""
    values: dict[str, Value] = {PLACEMENT: kind}
    if district is not None:
        values["district"] = district
    _rewrite(copy, guid, None, values)


def unplace(copy: WorkingCopy, guid: str) -> None:
    """Take its place away."""
    placement(copy, guid, IS_UNPLACED)


def set_values(copy: WorkingCopy, guid: str, values: Mapping[str, Value]) -> None:
    """Set properties, tracked as the user's own edit."""
    with copy.tracked(wait=AT_ONCE) as book:
        for row in _rows(book, guid):
            rewrite_row(book, row, row.with_values(row.version, values, row.geometry))


def _rewrite(copy: WorkingCopy, guid: str, wkb: bytes | None, values: Mapping[str, Value]) -> None:
    """One feature with this place and these values where there were one or several."""
    with copy.tracked(wait=AT_ONCE) as book:
        first, *others = _rows(book, guid)
        for row in others:
            remove_row(book, row)
        rewrite_row(book, first, first.with_values(first.version, values, wkb))


def _rows(book: Book, guid: str) -> tuple[Image, ...]:
    """The features of a proposal; of one whose features were deleted, one as it was, which stands again."""
    state = read_states(book, [guid])[guid]
    if not state.rows and state.base is not None:
        insert_row(book, state.base)
        state = read_states(book, [guid])[guid]
    if not state.rows:
        raise NoProposal(guid=guid)
    return state.rows


# --- taking back what the plugin itself did last


@dataclass(frozen=True)
class Kept:
    """All that a copy holds of one proposal, to be put back by `restore`."""

    guid: str
    state: State


def image(copy: WorkingCopy, guid: str) -> Kept:
    """What the copy holds of a proposal now."""
    with copy.reading() as book:
        return Kept(guid, read_states(book, [guid])[guid])


def restore(copy: WorkingCopy, kept: Kept) -> None:
    """Put a proposal back to exactly what it was: undoes the plugin's own last edit.

    What the service has said meanwhile stays the base of what is edited.
    """
    with copy.tracked(wait=AT_ONCE) as book:
        now = read_states(book, [kept.guid])[kept.guid]
        for row in now.rows:
            remove_row(book, row)
        for row in kept.state.rows:
            insert_row(book, row)
        after = read_states(book, [kept.guid])[kept.guid]
        if after.base is None and kept.state.base is not None:
            keep_before(book, kept.state.base)
    with copy.writing(wait=AT_ONCE) as book:
        _settle_down(book, kept.guid)


def _settle_down(book: Book, guid: str) -> None:
    state = read_states(book, [guid])[guid]
    if state.kept and differ(state, book.layout).nothing:
        release(book, state)
        forget_edit(book, guid)
