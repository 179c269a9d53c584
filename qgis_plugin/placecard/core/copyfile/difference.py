"""What was edited of one proposal: its rows beside what it was. Pure.

The place is one thing with `placement`: a geometry that moved says `placed` by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from placecard.core.copyfile.parting import makes_up
from placecard.core.dissolving import dissolve
from placecard.core.errors import BadGeometry
from placecard.core.geometry import AREAS, join_parts, kind_of, read_wkb, same_place, to_simple, write_wkb
from placecard.core.wire import GEOMETRY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from placecard.core.copyfile.layout import Layout
    from placecard.core.copyfile.rows import State
    from placecard.core.wire import Value

PLACEMENT, DISTRICT = "placement", "district"
IS_PLACED, IS_UNPLACED, IN_DISTRICT = "placed", "unplaced", "district"
ON_CREATE = ("title", "description", "stage")
"""What the board owns and the map may say of a proposal that is new: the card is made of it."""

_PLACE = {GEOMETRY, PLACEMENT}
_ELSEWHERE = {"district", "citywide", "none"}

OWN_SAY = {"stage": ("approved", "proposed")}
"""Values a new proposal may come with."""


@dataclass(frozen=True)
class Difference:
    """What differs, and how many features it stands in now. `gone`: its place was taken away.

    `set` is what may be sent, canonical; `moved` the new geometry as the service keeps it; `readonly` what may not be;
    `problem` is the key of why the place cannot be sent.
    """

    set: Mapping[str, Value]
    moved: bytes | None
    gone: bool
    readonly: tuple[str, ...]
    parts: int
    problem: str | None = None

    @property
    def sendable(self) -> bool:
        """Whether there is anything to send."""
        return bool(self.set) or self.moved is not None or self.gone

    @property
    def nothing(self) -> bool:
        """Whether the proposal is as it was."""
        return not (self.sendable or self.readonly or self.problem)


_NOTHING = Difference({}, None, gone=False, readonly=(), parts=0)


def differ(state: State, layout: Layout, clashing: Collection[str] = ()) -> Difference:
    """What was edited. `clashing` names what waits for a clash to be resolved, and is left out."""
    before = None if state.base is None else state.base.geometry
    if not state.rows:
        gone = before is not None and not _PLACE & set(clashing)
        return replace(_NOTHING, gone=gone)
    try:
        place = joined_place(state)
    except BadGeometry:
        return replace(_NOTHING, parts=len(state.rows), problem="edit.geometry")
    values = edited_values(state)
    moved = place is not None and not same_place(before, place)
    gone = before is not None and place is None and values.get(PLACEMENT) not in _ELSEWHERE
    said = _said_placement(values.pop(PLACEMENT, None), moved=moved, gone=gone, new=state.base is None)
    if said is not None:
        values[PLACEMENT] = said
    if _PLACE & set(clashing):
        values.pop(PLACEMENT, None)
        moved = gone = False
    values = {name: value for name, value in values.items() if name not in clashing}
    allowed = {name: value for name, value in values.items() if _may(state, layout, name, value, said)}
    readonly = tuple(name for name in values if name not in allowed)
    return Difference(allowed, to_simple(place) if moved and place else None, gone, readonly, len(state.rows))


def _said_placement(value: Value, *, moved: bool, gone: bool, new: bool) -> Value:
    """The placement that has to be said: a place that is given or taken away says its own."""
    if (moved and value == IS_PLACED) or (gone and value == IS_PLACED) or (new and value == IS_UNPLACED):
        return None
    return None if gone and value == IS_UNPLACED else value


def _may(state: State, layout: Layout, name: str, value: Value, placement: Value) -> bool:
    """Whether a property may be sent: of the shared ones, the district goes with its placement only."""
    if name == DISTRICT:
        was = None if state.base is None else state.base.values.get(PLACEMENT)
        return (placement or was) == IN_DISTRICT
    if state.base is None and name in ON_CREATE:
        return value in OWN_SAY.get(name, (value,))
    return name in layout.writable


def joined_place(state: State) -> bytes | None:
    """The place of all features together: WKB, Multi. BadGeometry if they are of several kinds, or one is broken.

    Pieces of what was there before are that: nothing was moved.
    """
    places = [place for place in (row.geometry for row in state.rows) if place is not None]
    if len(places) < 2:
        return places[0] if places else None
    before = None if state.base is None else state.base.geometry
    if before is not None and makes_up(places, before):
        return before
    joined = join_parts(places)
    return write_wkb(dissolve(read_wkb(joined))) if kind_of(joined) == AREAS else joined


def edited_values(state: State) -> dict[str, Value]:
    """What differs from what it was; where several features say different things, the first that was edited."""
    before: Mapping[str, Value] = {} if state.base is None else state.base.values
    found: dict[str, Value] = {}
    for row in reversed(state.rows):
        found.update({name: value for name, value in row.values.items() if value != before.get(name)})
    return found


def is_clean(state: State, layout: Layout) -> bool:
    """Whether a proposal that tools have touched is as it was after all."""
    if state.base is None or len(state.rows) > 1:
        return False
    if not state.rows:
        return state.base.blob is None
    return differ(state, layout).nothing
