"""Areas that lie beside each other made one: the edges they share fall away. Pure.

Parts of one area may touch in points, and not along a line: what was cut in two cannot be kept as two parts. The edges
run round each part with its inside to the left; where two parts meet, the same edge runs both ways, and goes. What is
left is chained to rings again. Parts that overlap are not helped: the service says so.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING

from placecard.core.geometry import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Vertex = tuple[float, float]
    Edge = tuple[Vertex, Vertex]
    Ring = list[Vertex]

_DIGITS, _HAIR = 9, 1e-9
"""Decimals of a degree, and degrees, within which two vertices are one: a tenth of a millimetre."""


def dissolve(shape: Shape) -> Shape:
    """The same area, without the edges that its parts share. A shape whose parts share none is given back as it is."""
    spelling: dict[Vertex, Vertex] = {}
    rings = [_ring(ring, spelling, outer=number == 0) for part in shape.parts for number, ring in enumerate(part)]
    edges = {edge for ring in rings for edge in zip(ring, ring[1:])}
    vertices = sorted(spelling)
    if not any((b, a) in edges for a, b in edges) and not any(_on(edge, vertices) for edge in edges):
        return shape
    cut = {edge for one in edges for edge in _cut(one, vertices)}
    left = {(a, b) for a, b in cut if (b, a) not in cut}
    return Shape(shape.kind, tuple(_parts(list(_chain(left)), spelling)))


def _ring(ring: Sequence[float], spelling: dict[Vertex, Vertex], *, outer: bool) -> Ring:
    """A ring's vertices, rounded, inside to the left; how they were written is kept in `spelling`."""
    found: Ring = []
    for x, y in zip(ring[0::2], ring[1::2]):
        vertex = (round(x, _DIGITS), round(y, _DIGITS))
        spelling.setdefault(vertex, (x, y))
        if not found or found[-1] != vertex:
            found.append(vertex)
    return found if (_turn(found) > 0) is outer else found[::-1]


def _turn(ring: Ring) -> float:
    """Twice the area: above zero if it runs against the clock."""
    x, y = ring[0]
    return sum((ax - x) * (by - y) - (bx - x) * (ay - y) for (ax, ay), (bx, by) in zip(ring, ring[1:]))


def _cut(edge: Edge, vertices: Sequence[Vertex]) -> Iterator[Edge]:
    """An edge in pieces, at the vertices that lie on it."""
    first, last = edge
    on = sorted(_on(edge, vertices), key=lambda vertex: math.dist(first, vertex))
    stops = [first, *on, last]
    return zip(stops, stops[1:])


def _on(edge: Edge, vertices: Sequence[Vertex]) -> list[Vertex]:
    """The vertices that lie on an edge. They are sorted, so that few need be looked at."""
    (ax, _), (bx, _) = edge
    first = bisect_left(vertices, (min(ax, bx) - _HAIR, -math.inf))
    last = bisect_left(vertices, (max(ax, bx) + _HAIR, math.inf))
    return [vertex for vertex in vertices[first:last] if _lies_on(vertex, edge)]


def _lies_on(vertex: Vertex, edge: Edge) -> bool:
    """Whether a vertex lies between an edge's ends, within a hair of the line."""
    (ax, ay), (bx, by), (x, y) = *edge, vertex
    if not min(ay, by) - _HAIR <= y <= max(ay, by) + _HAIR or vertex in edge:
        return False
    length = math.hypot(bx - ax, by - ay)
    return abs((bx - ax) * (y - ay) - (by - ay) * (x - ax)) <= 2 * _HAIR * length


def _chain(edges: set[Edge]) -> Iterator[Ring]:
    """Rings of edges, none of which comes twice through a vertex: where a walk does, it is a ring closed there."""
    onward: dict[Vertex, list[Vertex]] = defaultdict(list)
    for a, b in sorted(edges):
        onward[a].append(b)
    while onward:
        path = [next(iter(onward))]
        stands = {path[0]: 0}
        while path[-1] in onward:
            there = _go_on(onward, path)
            back = stands.setdefault(there, len(path))
            path.append(there)
            if back < len(path) - 1:
                ring, path = path[back:], path[: back + 1]
                stands = {vertex: number for vertex, number in stands.items() if number <= back}
                if len(ring) > 3:
                    yield ring


def _go_on(onward: dict[Vertex, list[Vertex]], path: Ring) -> Vertex:
    """The next vertex. Of several, the one most to the left: round the same part."""
    here = path[-1]
    ways = onward[here]
    chosen = ways[0] if len(path) < 2 else max(ways, key=lambda way: _left(path[-2], here, way))
    ways.remove(chosen)
    if not ways:
        del onward[here]
    return chosen


def _left(before: Vertex, here: Vertex, way: Vertex) -> float:
    """How far to the left a way turns, in radians: from -pi (back) to pi."""
    arrived = math.atan2(here[1] - before[1], here[0] - before[0])
    turn = math.atan2(way[1] - here[1], way[0] - here[0]) - arrived
    return math.remainder(turn, 2 * math.pi)


def _parts(rings: Sequence[Ring], spelling: dict[Vertex, Vertex]) -> Iterator[tuple[array[float], ...]]:
    """Areas of rings: each hole goes into the smallest outer ring around it."""
    outers = sorted((ring for ring in rings if _turn(ring) > 0), key=_turn)
    holes: dict[int, list[Ring]] = defaultdict(list)
    for hole in (ring for ring in rings if _turn(ring) < 0):
        around = next((number for number, outer in enumerate(outers) if _holds(outer, hole)), None)
        if around is not None:
            holes[around].append(hole)
    for number, outer in enumerate(outers):
        yield tuple(_written(ring, spelling) for ring in (outer, *holes[number]))


def _holds(outer: Ring, hole: Ring) -> bool:
    """Whether a hole lies in a ring: by the middle of its first edge, which touches no vertex."""
    (ax, ay), (bx, by) = hole[0], hole[1]
    x, y = (ax + bx) / 2, (ay + by) / 2
    odd = False
    for (cx, cy), (dx, dy) in zip(outer, outer[1:]):
        if (cy > y) != (dy > y) and x < (dx - cx) * (y - cy) / (dy - cy) + cx:
            odd = not odd
    return odd


def _written(ring: Ring, spelling: dict[Vertex, Vertex]) -> array[float]:
    return array("d", [number for vertex in ring for number in spelling[vertex]])
