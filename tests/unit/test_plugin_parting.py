"""Whether shapes are the pieces of what was there before, beside GEOS's own splitting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely.ops import split

from placecard.core.copyfile.parting import makes_up, size
from placecard.core.geometry import read_wkb

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    Corner = tuple[float, float]

PARK = shapely.Polygon(shapely.box(49.3, 53.5, 49.4, 53.6).exterior, [shapely.box(49.33, 53.53, 49.36, 53.56).exterior])
STREET = shapely.LineString([(49.3, 53.5), (49.35, 53.55), (49.35, 53.58), (49.4, 53.6)])
STOPS = shapely.MultiPoint([(49.3, 53.5), (49.31, 53.5), (49.32, 53.5)])
corners = st.tuples(st.floats(49.2, 49.5), st.floats(53.4, 53.7))


def pieces_of(shape: BaseGeometry, one: Corner, other: Corner) -> list[BaseGeometry]:
    pieces: list[BaseGeometry] = list(split(shape, shapely.LineString([one, other])).geoms)
    # Slivers are not what people cut.
    assume(len(pieces) > 1 and all(max(piece.area, piece.length) > 1e-4 for piece in pieces))
    return pieces


@given(st.sampled_from([PARK, STREET]), corners, corners)
def test_pieces_make_up_the_whole(shape: BaseGeometry, one: Corner, other: Corner) -> None:
    assume(one != other)
    assert makes_up([piece.wkb for piece in pieces_of(shape, one, other)], shape.wkb)


@given(st.sampled_from([PARK, STREET]), corners, corners, st.data())
def test_with_a_piece_left_out_or_moved_they_do_not(
    shape: BaseGeometry, one: Corner, other: Corner, data: st.DataObject
) -> None:
    assume(one != other)
    pieces = pieces_of(shape, one, other)
    number = data.draw(st.integers(0, len(pieces) - 1))
    rest = [piece.wkb for place, piece in enumerate(pieces) if place != number]
    moved = shapely.transform(pieces[number], lambda points: points + 1e-4)
    assert not makes_up(rest, shape.wkb)
    assert not makes_up([*rest, moved.wkb], shape.wkb)
    assert not makes_up([*rest, pieces[number].wkb, pieces[number].wkb], shape.wkb)


@pytest.mark.parametrize(
    ("parts", "whole", "made_up"),
    [
        ([shapely.Point(49.3, 53.5), shapely.MultiPoint([(49.31, 53.5), (49.32, 53.5)])], STOPS, True),
        ([shapely.Point(49.3, 53.5), shapely.Point(49.31, 53.5)], STOPS, False),
        ([*STOPS.geoms, shapely.Point(49.5, 53.5)], STOPS, False),
        ([STREET, STOPS], STREET, False),
    ],
)
def test_points_are_counted(parts: list[BaseGeometry], whole: BaseGeometry, made_up: bool) -> None:
    assert makes_up([part.wkb for part in parts], whole.wkb) is made_up


def test_size_is_what_shapely_measures() -> None:
    assert size(read_wkb(PARK.wkb)) == pytest.approx(PARK.area)
    assert size(read_wkb(STREET.wkb)) == pytest.approx(STREET.length)
    assert size(read_wkb(STOPS.wkb)) == 3
