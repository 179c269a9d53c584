"""Imported districts in the store: their names and outlines (WKB polygons, CRS84)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import shapely
from sqlalchemy import Connection, delete, insert, select

from sync_service.places.districts import District, DistrictIndex
from sync_service.store.tables import district

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


def district_rows(connection: Connection) -> Sequence[tuple[str, bytes]]:
    """Every district as (name, WKB)."""
    return [(row.name, row.geometry) for row in connection.execute(select(district).order_by(district.c.name))]


def district_finder(connection: Connection) -> Callable[[bytes], str | None] | None:
    """What names the district of a geometry (WKB, CRS84) by those imported; None while there are none."""
    rows = tuple(district_rows(connection))
    if not rows:
        return None
    index = _index_of(rows)
    return lambda wkb: index.district_of(shapely.from_wkb(wkb))


@lru_cache(maxsize=1)  # making it takes longer than working a card, and districts hardly ever change
def _index_of(rows: tuple[tuple[str, bytes], ...]) -> DistrictIndex:
    return DistrictIndex([District(name, wkb) for name, wkb in rows])


def replace_districts(connection: Connection, rows: Iterable[tuple[str, bytes]]) -> None:
    """Put these districts in the place of all there were."""
    connection.execute(delete(district))
    fresh = [{"name": name, "geometry": geometry} for name, geometry in rows]
    if fresh:
        connection.execute(insert(district), fresh)
