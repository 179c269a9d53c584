"""What a result makes of one proposal: what it was becomes what the service has now, its edit is gone or what is left.

sent, and as it was frozen     the row is what the service has; edited no more
sent, and edited meanwhile     what was frozen is the base; what was edited since is the edit
clash                          the rest was applied; what clashes stays in the row, and waits
rejected                       all stays an edit, with the reason
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from placecard.core.copyfile.clashes import fields_of, keep_clash
from placecard.core.copyfile.difference import IS_PLACED, IS_UNPLACED, PLACEMENT, edited_values, joined_place
from placecard.core.copyfile.following import be_unsure, is_untouched
from placecard.core.copyfile.held import came_after_sending, drop_held, held_of
from placecard.core.copyfile.rows import (
    Image,
    State,
    forget_edit,
    image_from,
    keep_before,
    put_rows,
    rewrite_row,
)
from placecard.core.copyfile.waiting import waiting, with_waiting
from placecard.core.errors import BadGeometry
from placecard.core.geometry import same_place
from placecard.core.wire import APPLIED, CLASH, GEOMETRY, REJECTED, UPSERT, bytes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placecard.core.copyfile.rows import Book
    from placecard.core.wire import Change, Clash, Result, Value

_PLACE = {GEOMETRY, PLACEMENT}
_NO = object()


@dataclass(frozen=True)
class Frozen:
    """What was sent of one proposal: its features then, and the change as it went over the wire."""

    rows: tuple[Image, ...]
    change: Mapping[str, Any]

    @property
    def values(self) -> dict[str, Value]:
        """The properties that were sent."""
        return dict(self.change.get("set", {}))

    @property
    def speaks_of_place(self) -> bool:
        """Whether the place was given, or taken away."""
        return self.change["op"] != "update" or GEOMETRY in self.change or PLACEMENT in self.values

    @property
    def place(self) -> bytes | None:
        """The place that was given."""
        return bytes_of(self.change.get(GEOMETRY))

    @property
    def placement(self) -> Value:
        """The placement that was said, or goes without saying."""
        said = self.values.get(PLACEMENT)
        return said or (IS_PLACED if GEOMETRY in self.change else IS_UNPLACED)


def settle_one(book: Book, state: State, frozen: Frozen, result: Result) -> None:
    """Write down what a result makes of a proposal."""
    if result.status == REJECTED or (result.status == CLASH and result.clash is None):
        values = (state.guid, result.status, result.code, result.message, result.field)
        book.run("INSERT OR REPLACE INTO placecard_result VALUES (?, ?, ?, ?, ?)", *values)
        return
    if state.base is None and not frozen.rows:
        return  # nobody knows of it any more
    held = held_of(book, state.guid)
    apart = held is not None and held.op == UPSERT and _is_apart(book, state, frozen, held)
    base = _settled(book, state, frozen, result, None if apart else held)
    if result.clash is not None:
        keep_clash(book, result.clash, _waits(frozen, result.clash))
    waits = waiting(book).get(state.guid, {})
    gone = held is not None and held.op != UPSERT
    if not _as_frozen(state, frozen):
        _rebase(book, state, frozen, base, waits)
    elif waits:
        keep_before(book, base)
        put_rows(book, state.rows, with_waiting(base, state, waits))
    else:
        put_rows(book, state.rows, None if gone else base)
        forget_edit(book, state.guid)
        gone = False
    if not gone and not apart:
        drop_held(book, state.guid)
    if result.status != APPLIED or (held is not None and result.replayed):
        be_unsure(book, state.guid)


def _waits(frozen: Frozen, clash: Clash) -> dict[str, Value]:
    """What clashes, as it was sent: it stays in the row."""
    names = fields_of(clash)
    waits = {name: value for name, value in frozen.values.items() if name in names and name not in _PLACE}
    if names & _PLACE:
        waits[GEOMETRY] = frozen.change.get(GEOMETRY)
        waits[PLACEMENT] = frozen.placement
    return waits


def _settled(book: Book, state: State, frozen: Frozen, result: Result, held: Change | None) -> Image:
    """The proposal as the service has it now, as far as it is known here.

    Its version is the result's only if all of it is known: what the edit was merged with is not, before the next pull,
    nor is what changed beside that which clashes.
    """
    start = _before(state, frozen)
    if held is not None and held.op == UPSERT:
        start = image_from(book.layout, held.row)
        if result.replayed and came_after_sending(book, state.guid):
            # The edit was done before, most likely before this came, which then has it. Otherwise the next pull does.
            return start
    clashing = set() if result.clash is None else fields_of(result.clash)
    values = {name: value for name, value in frozen.values.items() if name not in clashing}
    place = start.geometry
    if frozen.speaks_of_place and not clashing & _PLACE:
        place, values[PLACEMENT] = frozen.place, _placement(start, frozen)
    if result.clash is not None:
        theirs = result.clash.fields
        values.update({name: sides.theirs for name, sides in theirs.items()})
        place = place if result.clash.geometry is None else result.clash.geometry.theirs
    return start.with_values(result.version if result.status == APPLIED else start.version, values, place)


def _before(state: State, frozen: Frozen) -> Image:
    """What it was when it was edited. What was drawn here was nothing before: it is what was sent."""
    return frozen.rows[0] if state.base is None or frozen.change["op"] == "create" else state.base


def _is_apart(book: Book, state: State, frozen: Frozen, held: Change) -> bool:
    """Whether what is held says something else of what was edited since it was frozen.

    Then nobody here has seen that: it stays held, and the edit is one of what was seen. So it is, too, where a feature
    has come that nobody can tell from the one that was sent: all it says was said before.
    """
    if any(_as_sent(row, state, frozen) is None for row in state.rows):
        return True
    seen = _before(state, frozen)
    if came_after_sending(book, state.guid):
        place = frozen.place if frozen.speaks_of_place else seen.geometry
        placement = {PLACEMENT: frozen.placement} if frozen.speaks_of_place else {}
        seen = seen.with_values(seen.version, {**frozen.values, **placement}, place)
    return not is_untouched(seen, image_from(book.layout, held.row), _edited_since(state, frozen))


def _edited_since(state: State, frozen: Frozen) -> set[str]:
    """What was edited since it was frozen. A place and its placement are one thing."""
    if _as_frozen(state, frozen):
        return set()
    now, then = edited_values(state), edited_values(State(state.guid, state.base, frozen.rows))
    names = {name for name in now.keys() | then.keys() if now.get(name, _NO) != then.get(name, _NO)}
    return names if _same_place(state, frozen) and PLACEMENT not in names else {*names, *_PLACE}


def _placement(start: Image, frozen: Frozen) -> Value:
    """What is said of the place. Where there is none any more, taking it away changes no word."""
    if frozen.change["op"] == "unplace" and start.blob is None and PLACEMENT not in frozen.values:
        return start.values[PLACEMENT]
    return frozen.placement


def _as_frozen(state: State, frozen: Frozen) -> bool:
    """Whether nobody has edited it since it was frozen."""
    now, then = state.rows, frozen.rows
    return len(now) == len(then) and all(
        (a.layer, a.fid, a.raw) == (b.layer, b.fid, b.raw) and a.blob == b.blob for a, b in zip(now, then)
    )


def _rebase(book: Book, state: State, frozen: Frozen, base: Image, waits: Mapping[str, Value]) -> None:
    """What was edited since stays; everything else is what the service has."""
    keep_before(book, base)
    stands = len(state.rows) == 1 and GEOMETRY not in waits and _same_place(state, frozen)
    for row in state.rows:
        before = _as_sent(row, state, frozen)
        if before is None:
            continue
        same = {name for name, value in row.values.items() if before.values.get(name) == value and name not in waits}
        values = {name: base.values[name] for name in same}
        image = row.with_values(base.version, values, base.geometry if stands else row.geometry)
        layer, fid = rewrite_row(book, row, image)
        book.run("DELETE FROM placecard_added WHERE layer = ? AND fid = ?", layer, fid)


def _as_sent(row: Image, state: State, frozen: Frozen) -> Image | None:
    """What a feature was when it was sent; None for one that has come since."""
    for sent in frozen.rows:
        if (sent.layer, sent.fid) == (row.layer, row.fid):
            return sent
    return frozen.rows[0] if len(state.rows) == 1 and frozen.rows else None  # it stands in another layer now


def _same_place(state: State, frozen: Frozen) -> bool:
    try:
        return same_place(joined_place(state), joined_place(State(state.guid, None, frozen.rows)))
    except BadGeometry:
        return False  # what a tool has left since cannot be read
