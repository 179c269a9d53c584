"""Geometries as bytes: WKB from the wire, GeoPackage blobs in the file. Points, lines and areas, two dimensions.

Nothing here knows a coordinate system: everything is CRS84 degrees, longitude first, EPSG:4326 in the file's books.
A geometry is read into its parts – a point is one line of one vertex, an area several rings – and written from them.
"""

from __future__ import annotations

import math
import struct
import sys
from array import array
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING

from placecard.core.errors import BadGeometry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

POINTS, LINES, AREAS = "points", "lines", "areas"

Envelope = tuple[float, float, float, float]
"""West, east, south, north: the order of GeoPackage headers and R-trees."""

SRS = 4326
_KINDS = {1: POINTS, 2: LINES, 3: AREAS}
_NUMBERS = {kind: number for number, kind in _KINDS.items()}
_HEAD, _COUNT = Struct("<BI"), Struct("<I")
_BLOB = Struct("<2sBBi")
_BOUNDS = Struct("<4d")
_POINT = Struct("<BIIBIdd")
_ENVELOPE_SIZES = (0, 32, 48, 48, 64)
_EMPTY_FLAG, _PLAIN_FLAGS = 0b0001_0001, 0b0000_0011
_LITTLE = sys.byteorder == "little"


@dataclass(frozen=True)
class Shape:
    """A geometry taken apart. A part is its rings (one, but for areas); a ring is x, y, x, y… in degrees."""

    kind: str
    parts: tuple[tuple[array[float], ...], ...]

    def rings(self) -> Iterable[array[float]]:
        """All vertices, ring by ring."""
        return (ring for part in self.parts for ring in part)


def read_wkb(wkb: bytes) -> Shape:
    """The geometry in ISO or extended WKB, without its heights and measures. BadGeometry if we keep none such."""
    try:
        shape, end = _read_any(wkb, 0)
    except (struct.error, ValueError, IndexError) as error:
        raise BadGeometry from error
    if end != len(wkb):
        raise BadGeometry
    return shape


def _read_head(wkb: bytes, at: int) -> tuple[str, int, int, int]:
    """Byte order, base type, dimensions, and where the head ends."""
    order = "<" if wkb[at] == 1 else ">"
    (code,) = Struct(order + "I").unpack_from(wkb, at + 1)
    at += 5
    extra = bool(code & 0x8000_0000) + bool(code & 0x4000_0000)
    if code & 0x2000_0000:
        at += 4
    iso, base = divmod(code & 0x0FFF_FFFF, 1000)
    if iso > 3:
        raise BadGeometry
    return order, base, 2 + (extra or (0, 1, 1, 2)[iso]), at


def _read_any(wkb: bytes, at: int) -> tuple[Shape, int]:
    order, base, size, at = _read_head(wkb, at)
    if base in _KINDS:
        part, at = _read_part(wkb, at, order, base, size)
        return Shape(_KINDS[base], (part,) if part else ()), at
    if base - 3 not in _KINDS:
        raise BadGeometry
    (count,) = Struct(order + "I").unpack_from(wkb, at)
    at += 4
    found = []
    for _ in range(count):
        order, inner, size, at = _read_head(wkb, at)
        if inner != base - 3:
            raise BadGeometry
        part, at = _read_part(wkb, at, order, inner, size)
        if part:
            found.append(part)
    return Shape(_KINDS[base - 3], tuple(found)), at


def _read_part(wkb: bytes, at: int, order: str, base: int, size: int) -> tuple[tuple[array[float], ...], int]:
    """One part, and where it ends; no rings if it is empty."""
    if base == 1:
        ring, at = _read_vertices(wkb, at, order, 1, size)
        return (() if math.isnan(ring[0]) else (ring,)), at
    counter = Struct(order + "I")
    rings = 1
    if base == 3:
        (rings,) = counter.unpack_from(wkb, at)
        at += 4
    found = []
    for _ in range(rings):
        (count,) = counter.unpack_from(wkb, at)
        ring, at = _read_vertices(wkb, at + 4, order, count, size)
        if ring:
            found.append(ring)
    return tuple(found), at


def _read_vertices(wkb: bytes, at: int, order: str, count: int, size: int) -> tuple[array[float], int]:
    end = at + 8 * size * count
    if end > len(wkb):
        raise BadGeometry
    values = array("d", bytes(wkb[at:end]))
    if (order == "<") is not _LITTLE:
        values.byteswap()
    if size > 2:
        flat = array("d", bytes(16 * count))
        flat[0::2], flat[1::2] = values[0::size], values[1::size]
        values = flat
    return values, end


def write_wkb(shape: Shape, *, multi: bool = True) -> bytes:
    """ISO WKB, little-endian; with `multi` always Multi, otherwise single where there is one part."""
    number = _NUMBERS[shape.kind]
    pieces = [_HEAD.pack(1, number) + _part_bytes(shape.kind, part) for part in shape.parts]
    if not multi and len(pieces) == 1:
        return pieces[0]
    return b"".join([_HEAD.pack(1, number + 3), _COUNT.pack(len(pieces)), *pieces])


def _part_bytes(kind: str, part: Sequence[array[float]]) -> bytes:
    if kind == POINTS:
        return _ring_bytes(part[0])
    told = [_COUNT.pack(len(ring) // 2) + _ring_bytes(ring) for ring in part]
    return b"".join([_COUNT.pack(len(told)), *told]) if kind == AREAS else told[0]


def _ring_bytes(ring: array[float]) -> bytes:
    if _LITTLE:
        return ring.tobytes()
    swapped = array("d", ring)
    swapped.byteswap()
    return swapped.tobytes()


def kind_of(wkb: bytes) -> str:
    """points, lines or areas. BadGeometry for anything else."""
    return read_wkb(wkb).kind


def to_multi(wkb: bytes) -> bytes:
    """The same geometry as Multi, two dimensions, little-endian ISO WKB. BadGeometry if it cannot be."""
    return write_wkb(read_wkb(wkb))


def to_simple(wkb: bytes) -> bytes:
    """The same geometry, single where it has one part: as the service keeps it."""
    return write_wkb(read_wkb(wkb), multi=False)


def to_blob(wkb: bytes) -> tuple[str, bytes, Envelope | None]:
    """Kind, GeoPackage blob (Multi, SRS 4326, with envelope) and envelope of a geometry; no envelope if it is empty."""
    if len(wkb) == 21 and wkb[:5] == b"\1\1\0\0\0":  # most places are points, and a first pull has thousands
        _, _, _, _, _, x, y = _POINT.unpack(b"\1\4\0\0\0\1\0\0\0" + wkb)
        bounds = None if math.isnan(x) else (x, x, y, y)
        return POINTS, _blob_head(bounds) + b"\1\4\0\0\0\1\0\0\0" + wkb, bounds
    shape = read_wkb(wkb)
    found = bounds_of(shape)
    return shape.kind, _blob_head(found) + write_wkb(shape), found


def _blob_head(bounds: Envelope | None) -> bytes:
    if bounds is None:
        return _BLOB.pack(b"GP", 0, _EMPTY_FLAG, SRS)
    return _BLOB.pack(b"GP", 0, _PLAIN_FLAGS, SRS) + _BOUNDS.pack(*bounds)


def wkb_in(blob: bytes) -> bytes | None:
    """The WKB that stands in a GeoPackage blob, as it stands; None if it is empty. BadGeometry if it is none."""
    if len(blob) < 8 or blob[:2] != b"GP":
        raise BadGeometry
    flags = blob[3]
    kind = (flags >> 1) & 0b111
    if kind >= len(_ENVELOPE_SIZES):
        raise BadGeometry
    return None if flags & 0b1_0000 else blob[8 + _ENVELOPE_SIZES[kind] :]


def from_blob(blob: bytes | None) -> bytes | None:
    """The WKB (Multi, 2D) in a GeoPackage blob; None for none or empty. BadGeometry if it is broken."""
    wkb = None if blob is None else wkb_in(blob)
    if wkb is None:
        return None
    shape = read_wkb(wkb)
    return write_wkb(shape) if shape.parts else None


def blob_bounds(blob: bytes | None) -> Envelope | None:
    """The bounds of a GeoPackage blob, from its head where they stand there; None for none, empty or broken."""
    if blob is None or len(blob) < 8 or blob[:2] != b"GP" or blob[3] & 0b1_0000:
        return None
    if (blob[3] >> 1) & 0b111 and len(blob) >= 40:
        found = Struct("<4d" if blob[3] & 1 else ">4d").unpack_from(blob, 8)
        return (found[0], found[1], found[2], found[3])
    try:
        return bounds_of(read_wkb(wkb_in(blob) or b""))
    except BadGeometry:
        return None


def bounds_of(shape: Shape) -> Envelope | None:
    """The bounds; None if it is empty."""
    rings = [ring for ring in shape.rings() if ring]
    if not rings:
        return None
    return (
        min(min(ring[0::2]) for ring in rings),
        max(max(ring[0::2]) for ring in rings),
        min(min(ring[1::2]) for ring in rings),
        max(max(ring[1::2]) for ring in rings),
    )


def envelope(wkb: bytes) -> Envelope | None:
    """The bounds; None if empty."""
    return bounds_of(read_wkb(wkb))


def parts(wkb: bytes) -> list[bytes]:
    """The single geometries it is made of."""
    shape = read_wkb(wkb)
    return [write_wkb(Shape(shape.kind, (part,)), multi=False) for part in shape.parts]


def join_parts(wkbs: Sequence[bytes]) -> bytes:
    """One Multi geometry of several of the same kind. BadGeometry if they are not, or there is none."""
    shapes = [_read_kept(wkb) for wkb in wkbs]
    kinds = {shape.kind for shape in shapes}
    if len(kinds) != 1:
        raise BadGeometry
    return write_wkb(Shape(kinds.pop(), tuple(part for shape in shapes for part in shape.parts)))


def same_place(one: bytes | None, other: bytes | None, tolerance: float = 1e-8) -> bool:
    """Whether two geometries are the same place: part by part and vertex by vertex, within degrees."""
    if one is None or other is None or one == other:
        return one == other
    mine, theirs = _read_kept(one), _read_kept(other)
    if mine.kind != theirs.kind or [len(p) for p in mine.parts] != [len(p) for p in theirs.parts]:
        return False
    pairs = zip(mine.rings(), theirs.rings())
    return all(len(a) == len(b) and _near(a, b, tolerance) for a, b in pairs)


def _near(one: array[float], other: array[float], tolerance: float) -> bool:
    # In the plane, as the service measures: a vertex moved by less than the tolerance was not moved.
    return all(
        math.hypot(x - u, y - v) <= tolerance for x, y, u, v in zip(one[0::2], one[1::2], other[0::2], other[1::2])
    )


@lru_cache(maxsize=64)  # one edit is compared with what it was several times
def _read_kept(wkb: bytes) -> Shape:
    return read_wkb(wkb)
