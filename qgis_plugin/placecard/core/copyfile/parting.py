"""Several features under one guid: the parts of a split, copies, or a doubt that a person settles. Pure.

QGIS's tools leave the guid on both halves of a split and on every copy. What is told by the shapes alone:

- a feature at the very place of another or where the proposal was, and one beside an original that was not touched, is
  a copy;
- parts that together are what was there before are a split, and stay one proposal;
- a feature that was copied from the list of the unplaced and given a place is that proposal, placed;
- of something new, parts that share an edge are a split; what lies apart are copies;
- anything else is a doubt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from placecard.core.errors import BadGeometry
from placecard.core.geometry import AREAS, LINES, POINTS, Shape, bounds_of, read_wkb, same_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from placecard.core.copyfile.rows import Image, State

ONE, SPLIT, DOUBT = "one", "split", "doubt"
_CLOSE = 1e-9
"""Degrees, a tenth of a millimetre: a vertex that a tool put on an edge lies on it within this."""


@dataclass(frozen=True)
class Parting:
    """What several features of one guid are.

    Once `copies` are proposals of their own and `moved` are gone, the rest is one feature, a split, or a doubt.
    """

    verdict: str = ONE
    copies: list[Image] = field(default_factory=list)
    moved: list[Image] = field(default_factory=list)


def part(state: State, *, joined: bool = False) -> Parting:
    """Tell what the features of a guid are. `joined`: a person has said that they are one proposal."""
    rows = list(state.rows)
    if len(rows) < 2:
        return Parting()
    if joined:
        return Parting(SPLIT)
    try:
        return _part(state, rows)
    except BadGeometry:
        return Parting(DOUBT)


def _part(state: State, rows: list[Image]) -> Parting:
    moved = _moved(state, rows)
    rows = [row for row in rows if row not in moved]
    copies = _copies(state, rows)
    rows = [row for row in rows if row not in copies]
    if len(rows) < 2:
        return Parting(ONE, copies, moved)
    places = [row.geometry for row in rows if row.geometry is not None]
    if len(places) < len(rows):
        return Parting(DOUBT, copies, moved)
    if state.base is not None and state.base.geometry is not None:
        return Parting(SPLIT if makes_up(places, state.base.geometry) else DOUBT, copies, moved)
    if _hang_together([read_wkb(place) for place in places]):
        return Parting(SPLIT, copies, moved)
    return Parting(ONE, copies + rows[1:], moved)


def _moved(state: State, rows: Sequence[Image]) -> list[Image]:
    """The row without a place that was copied onto the map, and stays behind in the list."""
    if state.base is None or state.base.geometry is not None:
        return []
    behind = [row for row in rows if row.geometry is None]
    return behind if len(rows) - len(behind) == 1 else []


def _copies(state: State, rows: Sequence[Image]) -> list[Image]:
    """Features at the place of an earlier one, or where the proposal was; all others if the first was not touched."""
    if state.base is not None:
        before = state.base.geometry
        if not rows[0].added and same_place(rows[0].geometry, before):
            return list(rows[1:])
        left = [row for row in rows[1:] if before is not None and same_place(row.geometry, before)]
    else:
        left = []
    again = [
        row
        for number, row in enumerate(rows)
        if row not in left and any(same_place(row.geometry, earlier.geometry) for earlier in rows[:number])
    ]
    return [*left, *again]


def makes_up(parts: Sequence[bytes], whole: bytes) -> bool:
    """Whether these are the pieces of what was there: as much in all, within the same bounds, on the same vertices."""
    shapes, before = [read_wkb(each) for each in parts], read_wkb(whole)
    if any(shape.kind != before.kind for shape in shapes):
        return False
    vertices = {vertex for shape in shapes for vertex in _vertices(shape)}
    if not all(vertex in vertices for vertex in _vertices(before)):
        return False
    if before.kind == POINTS:
        return sum(len(shape.parts) for shape in shapes) == len(before.parts)
    together = Shape(before.kind, tuple(each for shape in shapes for each in shape.parts))
    near = zip(bounds_of(together) or (), bounds_of(before) or ())
    extent = size(before)
    alike = math.isclose(sum(map(size, shapes)), extent, rel_tol=1e-6, abs_tol=_CLOSE * _CLOSE)
    return alike and all(abs(one - other) <= _CLOSE for one, other in near)


def _vertices(shape: Shape) -> Iterable[tuple[float, float]]:
    return ((round(x, 9), round(y, 9)) for ring in shape.rings() for x, y in zip(ring[0::2], ring[1::2]))


def size(shape: Shape) -> float:
    """How long lines are in all (degrees), or how large areas (square degrees)."""
    if shape.kind == LINES:
        return sum(_length(ring) for ring in shape.rings())
    if shape.kind == AREAS:
        return sum(_area(each[0]) - sum(map(_area, each[1:])) for each in shape.parts)
    return float(len(shape.parts))


def _length(ring: Sequence[float]) -> float:
    xs, ys = ring[0::2], ring[1::2]
    return sum(math.hypot(x - u, y - v) for x, y, u, v in zip(xs, ys, xs[1:], ys[1:]))


def _area(ring: Sequence[float]) -> float:
    # From the first vertex on: so far from zero, products of whole coordinates would lose the digits that matter.
    xs, ys = [x - ring[0] for x in ring[0::2]], [y - ring[1] for y in ring[1::2]]
    return abs(sum(x * v - u * y for x, y, u, v in zip(xs, ys, xs[1:], ys[1:]))) / 2


def _hang_together(shapes: Sequence[Shape]) -> bool:
    """Whether each shares an edge with another (areas), or an end (lines)."""
    if shapes[0].kind == POINTS or len({shape.kind for shape in shapes}) > 1:
        return False
    least = 2 if shapes[0].kind == AREAS else 1
    sets = [set(_vertices(shape)) for shape in shapes]
    reached, waiting = sets[0], sets[1:]
    while waiting:
        near = next((each for each in waiting if len(each & reached) >= least), None)
        if near is None:
            return False
        waiting.remove(near)
        reached = reached | near
    return True
