"""Reading any vector file or table as features in CRS84: the one place that knows formats, encodings and CRS."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj.exceptions import ProjError

from sync_service.places.unreadable import LayerUnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CRS84 = "OGC:CRS84"
_LONGITUDES = ("lon", "lng", "long", "longitude", "x", "долгота")
_LATITUDES = ("lat", "latitude", "y", "широта")


def read_layer(path: Path, *, layer: str | None = None) -> gpd.GeoDataFrame:
    """Read a vector file of any format and CRS, or a CSV with longitude and latitude columns, into CRS84.

    Rows without a geometry, or whose geometry cannot be brought into CRS84, are left out. Russian names read in a wrong
    encoding (shapefiles without .cpg) are mended. A file without CRS is taken as CRS84 if its numbers are degrees.
    Raises `LayerUnreadableError`.
    """
    if not path.exists():
        raise LayerUnreadableError(path, "absent")
    frame = _read_table(path) if path.suffix.casefold() in {".csv", ".tsv"} else _read_vector(path, layer)
    frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    if frame.empty:
        raise LayerUnreadableError(path, "empty")
    return _mend_names(_to_crs84(frame, path))


def pick_column(columns: Iterable[object], names: Iterable[str]) -> str | None:
    """Find the first of `names` among the columns, whatever their letter case, or None."""
    known = {_fold(column): str(column) for column in columns}
    return next((known[_fold(name)] for name in names if _fold(name) in known), None)


def layer_names(path: Path) -> tuple[str, ...]:
    """Names of the layers in a file, in file order. Raises `LayerUnreadableError`."""
    try:
        return tuple(str(name) for name, _ in pyogrio.list_layers(path))
    except (DataSourceError, DataLayerError) as error:
        raise LayerUnreadableError(path, "unreadable", why=error) from error


def _fold(name: object) -> str:
    return str(name).casefold().replace("ё", "е").strip()


def _read_vector(path: Path, layer: str | None) -> gpd.GeoDataFrame:
    try:
        frame = gpd.read_file(path, layer=layer) if layer else gpd.read_file(path)
    except (DataSourceError, DataLayerError, UnicodeDecodeError) as error:
        raise LayerUnreadableError(path, "unreadable", why=error) from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise LayerUnreadableError(path, "no_geometry")
    return frame


def _read_table(path: Path) -> gpd.GeoDataFrame:
    """Read a CSV: separator found out, UTF-8 or else Windows-1251, decimal comma tolerated."""
    table = _parse_table(path)
    lon, lat = pick_column(table.columns, _LONGITUDES), pick_column(table.columns, _LATITUDES)
    if lon is None or lat is None:
        raise LayerUnreadableError(path, "no_coordinates")
    points = gpd.points_from_xy(_numbers(table[lon]), _numbers(table[lat]), crs=CRS84)
    frame = gpd.GeoDataFrame(table.drop(columns=[lon, lat]), geometry=points)
    usable = pd.Series(np.isfinite(frame.geometry.x) & np.isfinite(frame.geometry.y), index=frame.index, dtype=bool)
    return frame.loc[usable]


def _parse_table(path: Path) -> pd.DataFrame:
    separator = "\t" if path.suffix.casefold() == ".tsv" else None
    for encoding in ("utf-8-sig", "cp1251"):
        try:
            return pd.read_csv(
                path, sep=separator, engine="python", encoding=encoding, dtype=str, keep_default_na=False
            )
        except UnicodeDecodeError:
            continue
        except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
            raise LayerUnreadableError(path, "unreadable", why=error) from error
    raise LayerUnreadableError(path, "encoding")


def _numbers(column: pd.Series[str]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    plain = column.str.replace(",", ".", regex=False).str.strip()
    return np.asarray(pd.to_numeric(plain, errors="coerce"), dtype=np.float64)


def _to_crs84(frame: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
    if frame.crs is None:
        west, south, east, north = frame.total_bounds
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            raise LayerUnreadableError(path, "no_crs")
        return frame.set_crs(CRS84)
    try:
        moved = frame.to_crs(CRS84)
    except ProjError as error:
        raise LayerUnreadableError(path, "wrong_crs", why=error) from error
    usable = np.flatnonzero(np.isfinite(moved.geometry.bounds.to_numpy()).all(axis=1))
    if not usable.size:
        raise LayerUnreadableError(path, "other_crs")
    return moved.iloc[usable]


def _mend_names(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Undo the reading of UTF-8 or Windows-1251 names as Latin-1, which a shapefile without .cpg suffers."""
    mended = frame.copy()
    for column in frame.columns:
        if column != frame.geometry.name and pd.api.types.is_string_dtype(frame[column]):
            mended[column] = frame[column].map(_mend, na_action="ignore")
    return mended


def _mend(value: object) -> object:
    if not isinstance(value, str) or not any("\x80" <= char <= "\xff" for char in value):
        return value
    try:
        raw = value.encode("latin-1")
    except UnicodeEncodeError:
        return value
    for encoding in ("utf-8", "cp1251"):
        try:
            mended = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if any("а" <= char.casefold() <= "я" for char in mended):
            return mended
    return value
