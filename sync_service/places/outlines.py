"""Outlines of districts: read from any polygon file, and joined with many features at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import shapely

from sync_service.places.districts import District
from sync_service.places.layers import CRS84, pick_column, read_layer
from sync_service.places.unreadable import LayerUnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from sync_service.places.districts import DistrictIndex

_NAMES = (
    "name:ru",
    "name",
    "район",
    "district",
    "title",
    "название",
    "наименование",
    "nazvanie",
    "label",
    "raion",
    "rayon",
)


def read_districts(path: Path, *, column: str | None = None) -> list[District]:
    """Read districts from a polygon file of any format and CRS, sorted by name.

    The column of names is found by itself (name, район, district, title …) unless given. Invalid polygons are mended,
    several rows of one name made one. Raises `LayerUnreadableError` if there are no polygons or no names.
    """
    frame = read_layer(path)
    name = column or pick_column(frame.columns, _NAMES)
    if name is None or name not in frame.columns:
        raise LayerUnreadableError(path, "no_names")
    areas: dict[str, list[BaseGeometry]] = {}
    for written, geometry in zip(frame[name], frame.geometry, strict=True):
        mended = _polygons(geometry)
        title = written.strip() if isinstance(written, str) else ""
        if title and mended is not None:
            areas.setdefault(title, []).append(mended)
    if not areas:
        raise LayerUnreadableError(path, "no_polygons")
    return [
        District(title, shapely.to_wkb(shapely.union_all(shapes), flavor="iso", output_dimension=2))
        for title, shapes in sorted(areas.items())
    ]


def join_districts(features: Mapping[str, BaseGeometry], index: DistrictIndex) -> dict[str, str | None]:
    """Find the district of every feature (geometries in CRS84 by guid) in one spatial join.

    What touches one district only is settled by the join; the rest is weighed by `DistrictIndex.district_of`.
    """
    joined: dict[str, str | None] = dict.fromkeys(features)
    areas = index.areas
    if not features or not areas:
        return joined
    left = gpd.GeoDataFrame({"guid": list(features)}, geometry=list(features.values()), crs=CRS84)
    right = gpd.GeoDataFrame({"name": list(areas)}, geometry=list(areas.values()), crs=CRS84)
    pairs = gpd.sjoin(left, right, predicate="intersects")
    counts = pairs.groupby("guid").size()
    for guid, name in zip(pairs["guid"], pairs["name"], strict=True):
        joined[guid] = name if counts[guid] == 1 else index.district_of(features[guid])
    return joined


def _polygons(geometry: BaseGeometry) -> BaseGeometry | None:
    """The polygon parts of a geometry, made valid; None if there are none."""
    parts = shapely.get_parts(shapely.make_valid(shapely.force_2d(geometry)))
    flat = [piece for part in parts for piece in shapely.get_parts(part) if piece.geom_type == "Polygon"]
    return shapely.union_all(flat) if flat else None
