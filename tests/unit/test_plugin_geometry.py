"""Geometries as bytes, beside another implementation: shapely's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from placecard.core.errors import BadGeometry
from placecard.core.geometry import (
    blob_bounds,
    envelope,
    from_blob,
    join_parts,
    kind_of,
    parts,
    same_place,
    to_blob,
    to_multi,
    to_simple,
)

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

degrees = st.floats(-180, 180, allow_nan=False)
pairs = st.tuples(degrees, degrees)
SHARP = [(49.3, 53.5), (49.4, 53.5), (49.35, 53.6)]
HOLE = shapely.Polygon(shapely.box(49, 53, 50, 54).exterior, [shapely.box(49.4, 53.4, 49.6, 53.6).exterior])


def boxes() -> st.SearchStrategy[BaseGeometry]:
    return st.tuples(pairs, st.floats(0.001, 1), st.floats(0.001, 1)).map(
        lambda told: shapely.box(*told[0], told[0][0] + told[1], told[0][1] + told[2])
    )


singles: st.SearchStrategy[BaseGeometry] = st.one_of(
    pairs.map(shapely.Point), st.lists(pairs, min_size=2, max_size=9).map(shapely.LineString), boxes(), st.just(HOLE)
)
multis: st.SearchStrategy[BaseGeometry] = st.one_of(
    st.lists(pairs, min_size=1, max_size=4).map(shapely.MultiPoint),
    st.lists(st.lists(pairs, min_size=2, max_size=4), min_size=1, max_size=3).map(shapely.MultiLineString),
    st.lists(boxes(), min_size=1, max_size=3).map(shapely.multipolygons),
)
shapes = singles | multis


def multi(shape: BaseGeometry) -> BaseGeometry:
    kinds: dict[str, Any] = {
        "Point": shapely.MultiPoint,
        "LineString": shapely.MultiLineString,
        "Polygon": shapely.MultiPolygon,
    }
    return kinds[shape.geom_type]([shape]) if shape.geom_type in kinds else shape


@given(shapes, st.sampled_from([0, 1]), st.sampled_from(["iso", "extended"]), st.sampled_from([2, 3, 4]))
def test_whatever_way_it_is_written_the_same_geometry_is_read(
    shape: BaseGeometry, order: int, flavor: Any, size: int
) -> None:
    raised = shape if size == 2 else shapely.force_3d(shape, 7.0)
    written = shapely.to_wkb(raised, byte_order=order, flavor=flavor, output_dimension=3)
    assert shapely.from_wkb(to_multi(written)).equals_exact(multi(shape), 0)


@given(shapes)
def test_simple_is_single_where_it_has_one_part(shape: BaseGeometry) -> None:
    found = shapely.from_wkb(to_simple(multi(shape).wkb))
    wanted = shapely.get_parts(shape)
    assert found.equals_exact(wanted[0] if len(wanted) == 1 else shape, 0)


@given(shapes)
def test_blob_comes_back_with_its_bounds(shape: BaseGeometry) -> None:
    kind, blob, bounds = to_blob(shape.wkb)
    west, south, east, north = shape.bounds
    assert bounds == (west, east, south, north) == blob_bounds(blob) == envelope(shape.wkb)
    assert kind == kind_of(shape.wkb)
    wkb = from_blob(blob)
    assert wkb is not None
    assert shapely.from_wkb(wkb).equals_exact(multi(shape), 0)


@given(singles, st.sampled_from([0, 0b10, 0b100, 0b1000, 0b110, 0b1010]))
def test_blob_of_another_hand_is_read(shape: BaseGeometry, envelope_flag: int) -> None:
    """Other programs write other envelopes, or none."""
    sizes = {0: 0, 0b10: 32, 0b100: 48, 0b110: 48, 0b1000: 64, 0b1010: 0}
    west, south, east, north = shape.bounds
    bounds = b"".join(map(_double, (west, east, south, north, 0.0, 0.0, 0.0, 0.0)))[: sizes[envelope_flag]]
    blob = b"GP\0" + bytes([1 | envelope_flag]) + (4326).to_bytes(4, "little") + bounds + shape.wkb
    if envelope_flag == 0b1010:
        with pytest.raises(BadGeometry):
            from_blob(blob)
        return
    wkb = from_blob(blob)
    assert wkb is not None
    assert shapely.from_wkb(wkb).equals_exact(multi(shape), 0)
    assert blob_bounds(blob) == (west, east, south, north)


def _double(number: float) -> bytes:
    import struct

    return struct.pack("<d", number)


@pytest.mark.parametrize(
    "blob", [None, b"GP\0\x11\xe6\x10\0\0", to_blob(shapely.MultiPoint().wkb)[1], to_blob(shapely.Point().wkb)[1]]
)
def test_nothing_is_nothing(blob: bytes | None) -> None:
    assert (from_blob(blob), blob_bounds(blob)) == (None, None)


@pytest.mark.parametrize(
    "wkb",
    [
        b"",
        b"\1",
        b"no geometry at all",
        shapely.GeometryCollection([shapely.Point(1, 2)]).wkb,
        shapely.Point(1, 2).wkb[:-1],
        shapely.Point(1, 2).wkb + b"\0",
        shapely.LineString(SHARP).wkb[:30],
        b"\1\2\0\0\0\xff\xff\xff\x7f",
        b"\1\4\0\0\0\1\0\0\0" + shapely.LineString(SHARP).wkb,
        b"\1\x0a\0\0\0\0\0\0\0",
        b"\1\xb9\x0b\0\0",
    ],
)
def test_what_is_none_of_ours_is_refused(wkb: bytes) -> None:
    with pytest.raises(BadGeometry):
        to_multi(wkb)


@given(st.binary(max_size=80))
def test_no_bytes_do_worse_than_be_refused(junk: bytes) -> None:
    for read in (to_multi, from_blob, blob_bounds):
        try:
            read(junk)
        except BadGeometry:
            continue


@given(multis)
def test_parts_joined_are_the_whole(shape: BaseGeometry) -> None:
    assert shapely.from_wkb(join_parts(parts(shape.wkb))).equals_exact(shape, 0)


def test_parts_of_several_kinds_are_not_joined() -> None:
    with pytest.raises(BadGeometry):
        join_parts([shapely.Point(1, 2).wkb, shapely.LineString(SHARP).wkb])


@given(shapes, st.floats(0, 2 * math.pi), st.sampled_from([0.0, 0.5e-8, 2e-8]))
def test_what_moves_less_than_the_tolerance_is_not_moved(shape: BaseGeometry, angle: float, far: float) -> None:
    moved = shapely.transform(shape, lambda points: points + np.array((far * math.cos(angle), far * math.sin(angle))))
    assert same_place(shape.wkb, multi(moved).wkb) is (far < 1e-8)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (None, None, True),
        (None, shapely.Point(1, 2), False),
        (shapely.Point(1, 2), None, False),
        (shapely.Point(1, 2), shapely.LineString([(1, 2), (1, 2)]), False),
        (shapely.LineString(SHARP), shapely.LineString(SHARP[::-1]), False),
        (shapely.LineString(SHARP), shapely.LineString(SHARP[:2]), False),
        (HOLE, shapely.Polygon(HOLE.exterior), False),
        (shapely.MultiPoint(SHARP), shapely.MultiPoint(SHARP[:2]), False),
    ],
)
def test_same_place_is_the_same_vertices(one: BaseGeometry | None, other: BaseGeometry | None, same: bool) -> None:
    assert same_place(_wkb(one), _wkb(other)) is same


def _wkb(shape: BaseGeometry | None) -> bytes | None:
    return None if shape is None else shape.wkb
