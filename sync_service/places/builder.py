"""Making a gazetteer file out of layers of buildings and streets: SQLite, one table of houses and one of streets."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import shapely

from sync_service.places.address import Address, parse_address
from sync_service.places.gazetteer import SCHEMA_VERSION
from sync_service.places.houses import read_house
from sync_service.places.layers import pick_column, read_layer
from sync_service.places.localities import plain_district, plain_settlement
from sync_service.places.streets import Street, fold_text, read_street
from sync_service.places.unreadable import LayerUnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

_SCHEMA = """
CREATE TABLE IF NOT EXISTS houses (
    source TEXT NOT NULL, settlement TEXT, district TEXT, part TEXT, region TEXT,
    kind TEXT, name TEXT NOT NULL, loose TEXT NOT NULL, house TEXT NOT NULL, lon REAL NOT NULL, lat REAL NOT NULL);
CREATE TABLE IF NOT EXISTS streets (
    source TEXT NOT NULL, settlement TEXT, district TEXT, part TEXT, region TEXT,
    kind TEXT, name TEXT NOT NULL, loose TEXT NOT NULL, line BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS houses_by_street ON houses (loose, house);
CREATE INDEX IF NOT EXISTS streets_by_name ON streets (loose);
"""

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "street": ("addr:street", "addr_street", "street", "street_name", "улица", "addr:place", "addr_place", "place"),
    "house": (
        *("addr:housenumber", "addr_housenumber", "addr_house", "housenumber", "house_number", "housenum", "house"),
        *("дом", "номер дома", "номер_дома", "number"),
    ),
    "name": ("name:ru", "name", "название", "наименование"),
    "settlement": (
        *("addr:city", "addr_city", "city", "settlement", "town", "addr:village", "village", "locality"),
        *("город", "населенный пункт", "нас_пункт"),
    ),
    "district": ("addr:district", "addr_district", "district", "район", "addr:city_district", "city_district"),
    "part": ("addr:suburb", "addr_suburb", "suburb", "микрорайон"),
    "region": ("addr:region", "addr_region", "addr:state", "region", "state", "регион", "область"),
    "address": ("addr:full", "addr_full", "full_address", "address", "адрес"),
}
_TAG = re.compile(r'"((?:addr:)?[\w:]{1,40})"=>"([^"]{0,300})"')


@dataclass(frozen=True, slots=True)
class GazetteerCounts:
    """What an import took over: houses, street lines, and rows left out because they could not be read."""

    houses: int
    streets: int
    skipped: int


@dataclass(frozen=True, slots=True)
class _Row:
    locality: tuple[str | None, str | None, str | None, str | None]
    street: Street
    house: str | None


def build_gazetteer(
    layer_path: Path,
    out_path: Path,
    *,
    layer: str | None = None,
    columns: Mapping[str, str] | None = None,
    settlement: str | None = None,
    source: str | None = None,
) -> GazetteerCounts:
    """Add a layer of buildings or streets (any format and CRS, CSV with lon and lat too) to a gazetteer file.

    A row with street and house number becomes a house (a point inside the building), a line with a name a street.
    `columns` names the columns for street, house, name, settlement, district, part, region or address where they are
    not found by themselves; `settlement` stands where rows name none. A second import under the same `source` (by
    default the file's name and layer) replaces the first, others are added. All or nothing, in one transaction.
    Raises `LayerUnreadableError`.
    """
    frame = read_layer(layer_path, layer=layer)
    chosen = {role: pick_column(frame.columns, names) for role, names in _COLUMNS.items()} | dict(columns or {})
    missing = [name for name in (columns or {}).values() if name not in frame.columns]
    if missing:
        raise LayerUnreadableError(layer_path, "no_column", column=missing[0])
    key = source or f"{layer_path.name}:{layer or ''}"
    records = frame.drop(columns=frame.geometry.name).to_dict("records")
    rows = [_read_row(record, chosen, settlement) for record in records]
    with closing(_open(out_path)) as store:
        return _write(store, key, zip(rows, frame.geometry, strict=True))


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    store = sqlite3.connect(path, isolation_level=None)
    try:
        store.executescript(_SCHEMA)
    except sqlite3.DatabaseError as error:
        store.close()
        raise LayerUnreadableError(path, "no_gazetteer") from error
    store.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return store


def _write(store: sqlite3.Connection, source: str, rows: Iterator[tuple[_Row | None, BaseGeometry]]) -> GazetteerCounts:
    houses: set[tuple[Any, ...]] = set()
    streets: list[tuple[Any, ...]] = []
    skipped = 0
    for row, geometry in rows:
        if row is None or (row.house is None and geometry.geom_type not in {"LineString", "MultiLineString"}):
            skipped += 1
            continue
        head = (source, *row.locality, row.street.kind, row.street.name, row.street.loose)
        if row.house is None:
            streets.append((*head, shapely.to_wkb(shapely.force_2d(geometry))))
        else:
            point = shapely.point_on_surface(geometry)
            houses.add((*head, row.house, round(point.x, 8), round(point.y, 8)))
    store.execute("BEGIN IMMEDIATE")
    with store:
        for table in ("houses", "streets"):
            store.execute(f"DELETE FROM {table} WHERE source = ?", (source,))  # noqa: S608 - two names of our own
        store.executemany("INSERT INTO houses VALUES (?,?,?,?,?,?,?,?,?,?,?)", sorted(houses, key=str))
        store.executemany("INSERT INTO streets VALUES (?,?,?,?,?,?,?,?,?)", streets)
    return GazetteerCounts(len(houses), len(streets), skipped)


def _read_row(record: Mapping[Any, Any], columns: Mapping[str, str | None], home: str | None) -> _Row | None:
    """Read one row, or None if it names no street that can be compared."""
    tags = dict(_TAG.findall(str(record.get("other_tags") or "")))
    said = {role: _text(record.get(column)) if column else None for role, column in columns.items()}
    for role, names in _COLUMNS.items():
        said[role] = said.get(role) or next((tags[name] for name in names if name in tags), None)
    if said["address"] and not (said["street"] and said["house"]):
        return _from_address(said["address"], home)
    street = read_street(said["street"] or (said["name"] if not said["house"] else None) or "")
    if street is None or (said["house"] and not read_house(fold_text(said["house"]))):
        return None
    town, district = said["settlement"] or home, said["district"]
    locality = (
        plain_settlement(town) if town else None,
        plain_district(district) if district else None,
        _fold(said["part"]),
        _fold(said["region"]),
    )
    return _Row(locality, street, read_house(fold_text(said["house"])) if said["house"] else None)


def _from_address(text: str, home: str | None) -> _Row | None:
    address = parse_address(text)
    if not isinstance(address, Address) or address.house is None:
        return None
    town = address.settlement or (plain_settlement(home) if home else None)
    return _Row((town, address.district, address.part, address.region), address.street, address.house)


def _fold(text: str | None) -> str | None:
    plain = re.sub(r"\b(?:микрорайон|мкр|область|обл|край|республика)\b\.?", " ", fold_text(text)) if text else ""
    return " ".join(plain.split()) or None


def _text(value: object) -> str | None:
    """Text of a cell; empty, NaN and None are nothing, 5.0 is "5"."""
    if value is None or value != value:  # noqa: PLR0124 - NaN is the one value unlike itself
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or None
