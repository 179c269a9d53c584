"""What a person is warned of before a push: computed from the edits alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import shapely

from placecard.core.copyfile.edits import LocalEdit
from placecard.core.warnings import outside, shifted_alike, warn

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

AREA = (49.0, 53.0, 50.0, 54.0)
CENTRE = ("Центральный", shapely.box(49.3, 53.4, 49.5, 53.6).difference(shapely.box(49.38, 53.48, 49.42, 53.52)).wkb)


def edit(guid: str, after: BaseGeometry | None, before: BaseGeometry | None = None) -> LocalEdit:
    return LocalEdit(
        guid=guid,
        kind="changed",
        set={},
        geometry=None if after is None else after.wkb,
        before=None if before is None else before.wkb,
        base_version="1",
        title=guid,
    )


def moved(guid: str, shape: BaseGeometry, east: float, north: float) -> LocalEdit:
    return edit(guid, shapely.transform(shape, lambda points: points + [east, north]), shape)  # noqa: RUF005 - an array


def points(offsets: list[tuple[float, float]]) -> list[LocalEdit]:
    return [moved(str(n), shapely.Point(49.3 + n / 100, 53.5), *offset) for n, offset in enumerate(offsets)]


def test_three_places_moved_alike_are_told_with_how_far() -> None:
    line = moved("line", shapely.LineString([(49.3, 53.5), (49.4, 53.6)]), 0, 0.001)
    (warning,) = shifted_alike([*points([(0, 0.001)] * 2), line])
    assert (warning.key, warning.guids) == ("warning.shifted_alike", ("0", "1", "line"))
    assert dict(warning.data) == {"n": 3, "metres": "111.3"}


@pytest.mark.parametrize(
    "edits",
    [
        points([(0, 0.001)] * 2),
        points([(0, 0.001), (0, 0.0011), (0.001, 0)]),
        [edit(str(n), shapely.Point(49.3, 53.5), shapely.Point(49.3, 53.5)) for n in range(3)],
        [edit(str(n), shapely.Point(49.3 + n, 53.5)) for n in range(3)],
        [edit(str(n), None, shapely.Point(49.3, 53.5)) for n in range(3)],
        [edit(str(n), shapely.box(0, 0, 1, 1), shapely.box(0, 0, 1, 1 + n)) for n in range(3)],
        [edit(str(n), shapely.Point(49, 53), shapely.LineString([(49, 53), (49, 54)])) for n in range(3)],
    ],
    ids=["two", "each its own way", "not at all", "new", "taken away", "reshaped", "of another kind"],
)
def test_other_moves_are_nobodys_business(edits: list[LocalEdit]) -> None:
    assert shifted_alike(edits) == []


@pytest.mark.parametrize(
    ("shape", "key"),
    [
        (shapely.Point(49.35, 53.45), None),
        (shapely.Point(49.35, 52.9), "warning.outside_area"),
        (shapely.LineString([(49.35, 53.45), (50.1, 53.5)]), "warning.outside_area"),
        (shapely.Point(49.9, 53.9), "warning.outside_districts"),
        (shapely.Point(49.4, 53.5), "warning.outside_districts"),
        (shapely.box(49.2, 53.3, 49.6, 53.7), None),
    ],
    ids=["inside", "outside", "partly outside", "in no district", "in a hole", "around a district"],
)
def test_places_are_looked_for_in_area_and_districts(shape: BaseGeometry, key: str | None) -> None:
    found = outside([edit("a", shape), edit("b", None)], AREA, [CENTRE])
    assert [(each.key, each.guids, dict(each.data)) for each in found] == (
        [] if key is None else [(key, ("a",), {"n": 1})]
    )


def test_without_area_and_districts_nothing_is_outside() -> None:
    assert warn([edit("a", shapely.Point(10, 10))], None, []) == []


def test_area_may_cross_the_antimeridian() -> None:
    far = (170.0, 50.0, -170.0, 70.0)
    told = outside([edit("a", shapely.Point(179, 60)), edit("b", shapely.Point(0, 60))], far, [])
    assert [each.guids for each in told] == [("b",)]
