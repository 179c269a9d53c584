"""`placecard export`: every proposal that is not retired, with all its properties, in the format the suffix names.

Geometry in CRS84. A GeoPackage gets a layer for each kind of geometry and one for those without; GeoJSON and
FlatGeobuf one mixed layer; Excel and CSV longitude and latitude of a point on the place, and its WKT.
"""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError
from sqlalchemy import select

from sync_service.errors import BadRequest, Unavailable
from sync_service.export.sheets import CELL, fitting, harmless, printable
from sync_service.store import tables
from sync_service.store.filters import TODAY, overdue_days
from sync_service.sync.fields import field_table
from sync_service.sync.values import Kind, Visibility

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from sqlalchemy import Connection

CRS = "OGC:CRS84"
_LAYERS = {Kind.POINT: "points", Kind.LINE: "lines", Kind.AREA: "areas", None: "noplace"}


def export_features(connection: Connection, path: Path, today: date) -> int:
    """Write the file, whole or not at all; says how many proposals it holds. `BadRequest` for an unknown suffix."""
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise BadRequest("PATH", "not_one_of", choices=" ".join(_WRITERS))
    frame = _frame(connection, today)
    try:
        _write_whole(frame, path, writer)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise Unavailable("disk_full") from error
        raise BadRequest("PATH", error.strerror or str(error)) from error
    except (DataSourceError, DataLayerError, FeatureError) as error:
        raise BadRequest("PATH", str(error)) from error
    return len(frame)


def _write_whole(frame: gpd.GeoDataFrame, path: Path, writer: Callable[[gpd.GeoDataFrame, Path], None]) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".placecard-") as folder:
        fresh = Path(folder) / path.name
        writer(frame, fresh)
        os.replace(fresh, path)  # noqa: PTH105 - atomic, over what was there


def _frame(connection: Connection, today: date) -> gpd.GeoDataFrame:
    f = tables.feature.c
    columns = (tables.feature, overdue_days().label("overdue_days"))
    query = select(*columns).where(f.visibility != Visibility.RETIRED).order_by(f.fid)
    rows = [_row(row) for row in connection.execute(query, {TODAY.key: today.isoformat()}).mappings()]
    frame = pd.DataFrame(rows, columns=[*field_table(), "visibility", "kind", "wkb"])
    geometry = gpd.GeoSeries.from_wkb(frame.pop("wkb"), crs=CRS)
    return gpd.GeoDataFrame(frame.convert_dtypes(), geometry=geometry, crs=CRS)


def _row(row: Mapping[Any, Any]) -> dict[str, Any]:
    named = {**row, "row_version": row["version"]}
    shown = {name: printable(named[name]) for name in (*field_table(), "visibility", "kind")}
    return shown | {"wkb": row["geometry"]}


def _to_gpkg(frame: gpd.GeoDataFrame, path: Path) -> None:
    for kind, layer in _LAYERS.items():
        part = frame[frame["kind"].isna()] if kind is None else frame[frame["kind"] == kind]
        part = part.drop(columns="kind")
        if kind is None:
            pd.DataFrame(part.drop(columns="geometry")).pipe(gpd.GeoDataFrame).to_file(path, layer=layer, driver="GPKG")
        elif len(part):
            part.to_file(path, layer=layer, driver="GPKG", promote_to_multi=True)


def _to_geojson(frame: gpd.GeoDataFrame, path: Path) -> None:
    frame.drop(columns="kind").to_file(path, driver="GeoJSON", RFC7946="YES")


def _to_fgb(frame: gpd.GeoDataFrame, path: Path) -> None:
    frame.drop(columns="kind").to_file(path, driver="FlatGeobuf", SPATIAL_INDEX="NO")


def _flat(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """As a table: a point on the place, WKT, and no text a spreadsheet would take for a formula."""
    inside = frame.geometry.representative_point()
    flat = pd.DataFrame(frame.drop(columns=["geometry", "kind"]))
    return flat.map(harmless).assign(longitude=inside.x, latitude=inside.y, wkt=frame.geometry.to_wkt())


def _to_xlsx(frame: gpd.GeoDataFrame, path: Path) -> None:
    """A cell holds no more than so much: a longer text ends in an ellipsis, a longer WKT would be none."""
    flat = _flat(frame)
    flat["wkt"] = flat["wkt"].where(flat["wkt"].str.len() <= CELL)
    flat.map(fitting).to_excel(path, index=False, engine="openpyxl", sheet_name="proposals")


def _to_csv(frame: gpd.GeoDataFrame, path: Path) -> None:
    _flat(frame).to_csv(path, index=False, encoding="utf-8-sig")


_WRITERS: Mapping[str, Callable[[gpd.GeoDataFrame, Path], None]] = {
    ".gpkg": _to_gpkg,
    ".geojson": _to_geojson,
    ".fgb": _to_fgb,
    ".xlsx": _to_xlsx,
    ".csv": _to_csv,
}
