"""A drawing of two versions of a place, in SVG: what is seen where no map can be. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely

from sync_service.desk.moves import say_distance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shapely.geometry.base import BaseGeometry

    from sync_service.desk.wording import Wording

WIDTH, HEIGHT, EDGE = 360, 240, 36
"""Size of the drawing and of its empty edge, in its own units."""
_DEGREE = 111_320.0
"""Metres of one degree of latitude."""
_LEAST_METRES = 60.0
_BAR = 100


@dataclass(frozen=True, slots=True)
class Figure:
    """One version as it is drawn: `side` names it, `lines` and `areas` are SVG paths, `points` their places."""

    side: str
    lines: Sequence[str]
    areas: Sequence[str]
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Sketch:
    """A drawing: its figures from the lowest to the uppermost, and a bar of so many units that says how far it is."""

    figures: Sequence[Figure]
    bar: float
    distance: str
    width: int = WIDTH
    height: int = HEIGHT


def draw_sketch(sides: Mapping[str, BaseGeometry | None], wording: Wording) -> Sketch | None:
    """Draw versions of a place (CRS84) on one sheet; None where there is none."""
    shapes = {side: shape for side, shape in sides.items() if shape is not None and not shape.is_empty}
    if not shapes:
        return None
    west, south, east, north = shapely.total_bounds(list(shapes.values()))
    squeeze = math.cos(math.radians((south + north) / 2))
    middle = ((west + east) / 2, (south + north) / 2)
    least = _LEAST_METRES / _DEGREE
    wide, high = max((east - west) * squeeze, least), max(north - south, least)
    scale = min((WIDTH - 2 * EDGE) / wide, (HEIGHT - 2 * EDGE) / high)

    def spot(x: float, y: float) -> tuple[float, float]:
        across = WIDTH / 2 + (x - middle[0]) * squeeze * scale
        return round(across, 1), round(HEIGHT / 2 - (y - middle[1]) * scale, 1)

    metres = _round_distance(_BAR / scale * _DEGREE)
    figures = [_figure(side, shape, spot) for side, shape in shapes.items()]
    return Sketch(figures, round(metres / _DEGREE * scale, 1), say_distance(metres, wording))


def _figure(side: str, shape: BaseGeometry, spot: Callable[[float, float], tuple[float, float]]) -> Figure:
    lines, areas, points = [], [], []
    for part in shapely.get_parts(shape):
        if isinstance(part, shapely.Point):
            points.append(spot(part.x, part.y))
        elif isinstance(part, shapely.Polygon):
            rings = [part.exterior, *part.interiors]
            areas.append(" ".join(_path(ring, spot) + "Z" for ring in rings))
        else:
            lines.append(_path(part, spot))
    return Figure(side, lines, areas, points)


def _path(line: BaseGeometry, spot: Callable[[float, float], tuple[float, float]]) -> str:
    corners = [spot(x, y) for x, y in shapely.get_coordinates(line)]
    return "M" + "L".join(f"{x} {y}" for x, y in corners)


def _round_distance(metres: float) -> float:
    """The longest round distance that fits."""
    power = 10.0 ** math.floor(math.log10(metres))
    return next(each * power for each in (5, 2, 1) if each * power <= metres)
