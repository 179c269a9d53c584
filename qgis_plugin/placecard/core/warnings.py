"""What a person should look at before pushing: computed from the edits alone."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from placecard.core.geometry import read_wkb

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from placecard.core.copyfile.edits import LocalEdit
    from placecard.core.geometry import Shape

    Area = tuple[float, float, float, float]
    Offset = tuple[float, float]

_ALIKE = 3
"""So many places moved by one offset are no coincidence."""

_GRID = 1e-7
"""Degrees, a centimetre: offsets are the same within it."""

_METRES = 111_320.0
"""A degree of latitude."""


@dataclass(frozen=True)
class Warning_:  # noqa: N801 - Warning is Python's own
    """One of them: the key of its text, what fills it, and the proposals it is about."""

    key: str
    data: Mapping[str, Any] = field(default_factory=dict)
    guids: tuple[str, ...] = ()


def warn(edits: Sequence[LocalEdit], area: Area | None, districts: Sequence[tuple[str, bytes]]) -> list[Warning_]:
    """All warnings. `area`: west, south, east, north; `districts`: names and outlines (WKB)."""
    return [*shifted_alike(edits), *outside(edits, area, districts)]


def shifted_alike(edits: Iterable[LocalEdit]) -> list[Warning_]:
    """Three places or more that were moved by the same offset: a wrong coordinate system, or a slip of the hand."""
    found: dict[tuple[int, int], list[tuple[str, Offset, float]]] = defaultdict(list)
    for edit in edits:
        told = None if edit.geometry is None or edit.before is None else _offset(edit.before, edit.geometry)
        if told is not None:
            (east, north), latitude = told
            found[round(east / _GRID), round(north / _GRID)].append((edit.guid, (east, north), latitude))
    return [_shifted(same) for same in found.values() if len(same) >= _ALIKE]


def _shifted(same: Sequence[tuple[str, Offset, float]]) -> Warning_:
    _, (east, north), latitude = same[0]
    metres = math.hypot(east * math.cos(math.radians(latitude)), north) * _METRES
    data = {"n": len(same), "metres": f"{metres:.1f}"}
    return Warning_("warning.shifted_alike", data, tuple(guid for guid, _, _ in same))


def _offset(before: bytes, after: bytes) -> tuple[Offset, float] | None:
    """By how many degrees all vertices were moved, and at which latitude; None if not all by the same, or by none."""
    then, now = list(_vertices(read_wkb(before))), list(_vertices(read_wkb(after)))
    if len(then) != len(now) or not then:
        return None
    offsets = [(x - u, y - v) for (x, y), (u, v) in zip(now, then)]
    east, north = offsets[0]
    alike = all(abs(e - east) < _GRID and abs(n - north) < _GRID for e, n in offsets)
    return ((east, north), now[0][1]) if alike and math.hypot(east, north) > _GRID else None


def outside(edits: Iterable[LocalEdit], area: Area | None, districts: Sequence[tuple[str, bytes]]) -> list[Warning_]:
    """Places outside the area, or outside all districts where there are some."""
    places = [(edit.guid, read_wkb(edit.geometry)) for edit in edits if edit.geometry is not None]
    far = [guid for guid, shape in places if area is not None and not _within(shape, area)]
    outlines = [read_wkb(wkb) for _name, wkb in districts]
    strange = [
        guid
        for guid, shape in places
        if outlines and guid not in far and not any(_touches(shape, outline) for outline in outlines)
    ]
    told = {"warning.outside_area": far, "warning.outside_districts": strange}
    return [Warning_(key, {"n": len(guids)}, tuple(guids)) for key, guids in told.items() if guids]


def _vertices(shape: Shape) -> Iterable[tuple[float, float]]:
    return ((x, y) for ring in shape.rings() for x, y in zip(ring[0::2], ring[1::2]))


def _within(shape: Shape, area: Area) -> bool:
    west, south, east, north = area
    return all(south <= y <= north and _between(west, x, east) for x, y in _vertices(shape))


def _between(west: float, x: float, east: float) -> bool:
    return west <= x <= east if west <= east else x >= west or x <= east


def _touches(shape: Shape, outline: Shape) -> bool:
    """Whether any vertex lies inside, or the outline inside the shape: roughly, for a warning."""
    inside = any(_inside(outline, vertex) for vertex in _vertices(shape))
    return inside or any(_inside(shape, vertex) for vertex in _vertices(outline))


def _inside(shape: Shape, vertex: tuple[float, float]) -> bool:
    """Even-odd rule over all rings: holes fall out by themselves."""
    x, y = vertex
    odd = False
    for ring in shape.rings():
        xs, ys = ring[0::2], ring[1::2]
        for ax, ay, bx, by in zip(xs, ys, xs[1:], ys[1:]):
            if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
                odd = not odd
    return odd
