"""Parcels of a local layer, by cadastral number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import shapely

from sync_service.places.finding import Ambiguous, Finding, Found, NotFound, Precision
from sync_service.places.layers import pick_column, read_layer
from sync_service.places.parcels import find_parcels, parcel_key
from sync_service.places.reason import Reason, ReasonCode
from sync_service.places.unreadable import LayerUnreadableError

if TYPE_CHECKING:
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from sync_service.places.parcels import ParcelKey

_COLUMNS = (
    "cad_num",
    "cadnum",
    "cad_number",
    "cadastral_number",
    "cadastralnumber",
    "cn",
    "kadnum",
    "kad_num",
    "кадастровый номер",
    "кадастровый_номер",
    "кад_номер",
    "кадномер",
    "кн",
)


class ParcelLayer:
    """Parcels of a local file (any format and CRS), by cadastral number. The file is read on construction.

    Leading zeros do not matter. Raises `LayerUnreadableError` if no column holds cadastral numbers.
    """

    def __init__(self, path: Path, *, column: str | None = None) -> None:
        frame = read_layer(path)
        name = column or pick_column(frame.columns, _COLUMNS)
        if name is None or name not in frame.columns:
            raise LayerUnreadableError(path, "no_numbers")
        self._parcels: dict[ParcelKey, list[BaseGeometry]] = {}
        for value, geometry in zip(frame[name], frame.geometry, strict=True):
            for number in find_parcels(str(value)):
                self._parcels.setdefault(parcel_key(number), []).append(shapely.make_valid(shapely.force_2d(geometry)))

    def __len__(self) -> int:
        return len(self._parcels)

    def find(self, number: str) -> Finding:
        """Look a parcel up. The geometry is in CRS84; two different shapes under one number are ambiguous."""
        shapes = self._parcels.get(parcel_key(number), [])
        if not shapes:
            return NotFound(Reason.of(ReasonCode.PARCEL_UNKNOWN, number=number))
        if any(not shapely.equals(shapes[0], other) for other in shapes[1:]):
            return Ambiguous(Reason.of(ReasonCode.PARCEL_AMBIGUOUS, number=number))
        return Found(shapes[0], Precision.PARCEL, number)
