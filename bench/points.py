"""The same points for everybody: in our store, and as a GeoPackage for whoever it is compared with."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import geopandas
import shapely
from sqlalchemy import insert, update
from sqlalchemy import text as sql

from sync_service.store import tables
from sync_service.store.database import Database
from sync_service.store.features import recount_collections
from sync_service.store.migrate import migrate
from sync_service.store.rendering import render_geometry, render_properties
from sync_service.sync.fields import field_table
from sync_service.sync.values import Hand, Placement, Visibility

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEST, SOUTH, EAST, NORTH = 49.2, 53.4, 49.8, 53.7
LAYER = "proposals"
_WHEN = "2026-01-01T00:00:00.000000Z"
_STAGES = ("approved", "in_progress", "done")
_DIRECTIONS = ("Городская среда", "Транспорт и дороги", "Экология", "Образование и молодёжь", "Здоровье и спорт")
_CHUNK = 5000

Row = dict[str, Any]


def make_points(count: int, seed: int) -> Iterator[Row]:
    """Public placed proposals with the properties a moderated card has."""
    chance = random.Random(seed)
    for number in range(1, count + 1):
        shape = shapely.Point(chance.uniform(WEST, EAST), chance.uniform(SOUTH, NORTH))
        yield {
            "guid": str(UUID(int=chance.getrandbits(128), version=4)),
            "title": f"Предложение {number}: благоустройство сквера",
            "description": "Обустроить сквер: дорожки, освещение, скамейки и деревья вдоль аллеи.\nСлужебно: да.",
            "summary": "Обустроить сквер: дорожки, освещение, скамейки и деревья вдоль аллеи.",
            "stage": chance.choice(_STAGES),
            "card_id": str(number),
            "direction": chance.choice(_DIRECTIONS),
            "partner": "Молодёжный парламент",
            "start": "2026-01-15",
            "due": f"2026-{chance.randint(1, 12):02}-01",
            "address": f"ул. Мира, {chance.randint(1, 160)}",
            "horizon": chance.randint(2023, 2055),
            "placement": Placement.PLACED.value,
            "district": "Центральный район",
            "blocked": False,
            "shape": shape,
        }


def fill_store(url: str, rows: list[Row]) -> None:
    """A new store with these features: what writing each would leave, written at once."""
    migrate(url)
    database = Database(url)
    with database.writing() as connection:
        for first in range(0, len(rows), _CHUNK):
            full = [_full(row, first + place) for place, row in enumerate(rows[first : first + _CHUNK], 1)]
            connection.execute(insert(tables.feature), full)
        boxes = f"SELECT fid, west, east, south, north FROM {tables.feature.name} WHERE kind IS NOT NULL"
        connection.execute(sql(f"INSERT INTO {tables.BOX_TABLE} {boxes}"))
        recount_collections(connection)
        connection.execute(update(tables.store).values(seq=len(rows)))
        connection.execute(update(tables.collection).values(seq=len(rows)))
    database.close()


def _full(row: Row, seq: int) -> Row:
    shape = None if row["shape"] is None else row["shape"].wkb
    made = render_geometry(shape)
    times = {"created": _WHEN, "modified": _WHEN, "published": _WHEN}
    stored = {field.name: row.get(field.name) for field in field_table().values() if field.stored}
    return {
        **stored,
        **times,
        **dict(zip(("west", "south", "east", "north"), made.box or (None,) * 4, strict=True)),
        "guid": row["guid"],
        "version": 1,
        "seq": seq,
        "visibility": Visibility.PUBLIC.value,
        "geometry": shape,
        "kind": made.kind,
        "place_hand": Hand.CARD.value,
        "geometry_json": made.simple,
        "multi_json": made.multi,
        "properties_json": render_properties({**stored, **times, "guid": row["guid"], "row_version": 1}),
    }


def write_geopackage(path: Path, rows: list[Row]) -> None:
    """The same points with the same public properties."""
    names = [field.name for field in field_table().values() if field.public]
    constant = {"row_version": 1, "overdue_days": 0, "created": _WHEN, "modified": _WHEN, "published": _WHEN}
    table = [{name: {**row, **constant}.get(name) for name in names} for row in rows]
    frame = geopandas.GeoDataFrame(table, geometry=[row["shape"] for row in rows], crs="EPSG:4326")
    frame.to_file(path, layer=LAYER, driver="GPKG")
