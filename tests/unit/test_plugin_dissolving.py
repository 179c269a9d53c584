"""Areas beside each other made one, beside another implementation: GEOS's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely.ops import split

from placecard.core.dissolving import dissolve
from placecard.core.geometry import join_parts, read_wkb, write_wkb

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    Corner = tuple[float, float]

TOWN = shapely.box(49.2, 53.4, 49.6, 53.7)
RING = TOWN.difference(shapely.box(49.3, 53.5, 49.4, 53.6))
corners = st.tuples(st.integers(0, 40), st.integers(0, 30)).map(lambda n: (49.2 + n[0] / 100, 53.4 + n[1] / 100))


def dissolved(*areas: BaseGeometry) -> BaseGeometry:
    together = shapely.MultiPolygon([part for area in areas for part in shapely.get_parts(area)])
    return shapely.from_wkb(write_wkb(dissolve(read_wkb(together.wkb))))


@given(st.sampled_from([TOWN, RING]), st.lists(st.tuples(corners, corners), min_size=1, max_size=4))
def test_what_was_cut_is_whole_again(
    area: BaseGeometry, cuts: list[tuple[tuple[float, float], tuple[float, float]]]
) -> None:
    pieces = [area]
    for one, other in cuts:
        assume(one != other)
        line = shapely.LineString([one, other])
        pieces = [part for piece in pieces for part in split(piece, line).geoms]
    found = dissolved(*pieces)
    assert found.is_valid
    assert found.symmetric_difference(area).area < 1e-9


cells = st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1)


@given(cells)
def test_fields_of_a_board_are_one_area_with_its_holes(fields: set[tuple[int, int]]) -> None:
    boxes = [shapely.box(49 + x / 10, 53 + y / 10, 49 + (x + 1) / 10, 53 + (y + 1) / 10) for x, y in fields]
    found = dissolved(*boxes)
    assert found.is_valid
    assert found.symmetric_difference(shapely.union_all(boxes)).area < 1e-12


def test_a_large_area_is_no_burden() -> None:
    """Its vertices are not each compared with each of its edges."""
    circle = shapely.Point(49.4, 53.5).buffer(0.1, quad_segs=2_000)
    west, east = split(circle, shapely.LineString([(49.4, 53.3), (49.4, 53.7)])).geoms
    assert dissolved(west, east).symmetric_difference(circle).area < 1e-9


def test_edges_that_are_shared_in_part_fall_away_too() -> None:
    west, east = shapely.box(49.40, 53.50, 49.41, 53.52), shapely.box(49.41, 53.50, 49.42, 53.51)
    found = dissolved(west, east)
    assert found.geom_type == "MultiPolygon"
    assert len(shapely.get_parts(found)) == 1
    assert found.is_valid
    assert found.symmetric_difference(west.union(east)).area < 1e-15


@pytest.mark.parametrize("far", [shapely.box(50, 53, 51, 54), shapely.box(49.6, 53.7, 49.7, 53.8)])
def test_areas_apart_are_left_as_they_are(far: BaseGeometry) -> None:
    shape = read_wkb(join_parts([TOWN.wkb, far.wkb]))
    assert dissolve(shape) is shape
