"""Looks up what a reading leaves open, in parcels and geocoders, and makes one place of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import shapely

from sync_service.places.address import parse_address
from sync_service.places.finding import Finding, Found, NotFound, Precision
from sync_service.places.reason import Reason, ReasonCode
from sync_service.places.sighting import PlaceSource
from sync_service.places.unreadable import LayerUnreadableError, UnreadableLayer
from sync_service.sync.values import Placement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shapely.geometry.base import BaseGeometry

    from sync_service.places.area import Area
    from sync_service.places.cadastre import ParcelLayer
    from sync_service.places.geocoders import Geocoder
    from sync_service.places.reading import PlaceReading, Spot

_MULTI: dict[str, Callable[[list[Any]], BaseGeometry]] = {
    "Point": shapely.MultiPoint,
    "Polygon": shapely.MultiPolygon,
    "LineString": shapely.MultiLineString,
}


@dataclass(frozen=True, slots=True)
class ResolvedPlace:
    """Where a card is: `geometry` is ISO WKB in CRS84.

    Not `settled`: `pending` addresses wait for `look_up`, or a layer cannot be read, which `reason` says.
    """

    placement: Placement
    geometry: bytes | None
    source: PlaceSource | None
    reason: Reason | None
    settled: bool
    digest: str
    pending: tuple[str, ...] = ()
    district: str | None = None


class Resolver:
    """Turns readings into places. `geocoder` and `parcels` may be missing: then nothing of that kind is found."""

    def __init__(self, geocoder: Geocoder | None, parcels: ParcelLayer | UnreadableLayer | None, area: Area) -> None:
        self._geocoder = geocoder
        self._parcels = parcels
        self._area = area

    def resolve(self, reading: PlaceReading, *, may_wait: bool = False) -> ResolvedPlace:
        """Resolve a reading. Without `may_wait` no network is used: an address not in the cache leaves it unsettled.

        With `may_wait` raises `GeocoderDown` when the geocoder gives no answer.
        """
        if not reading.spots:
            return _resolved(reading, reading.geometry, reading.source, reading.reason)
        try:
            findings = [self._find(spot, may_wait=may_wait) for spot in reading.spots]
        except LayerUnreadableError as error:
            why = Reason.of(ReasonCode.LAYER_UNREADABLE, why=error.path.name)
            return _resolved(reading, None, None, why, settled=False)
        pending = tuple(
            spot.address
            for spot, finding in zip(reading.spots, findings, strict=True)
            if finding is None and spot.address
        )
        if pending:
            return _resolved(reading, None, None, None, settled=False, pending=pending)
        return self._join(reading, [finding for finding in findings if finding is not None])

    def troubles(self) -> Sequence[LayerUnreadableError]:
        """What is wrong with the layers of the settings that cannot be read."""
        return [each.error for each in (self._geocoder, self._parcels) if isinstance(each, UnreadableLayer)]

    def look_up(self, address: str) -> Finding:
        """Find one address, asking the geocoder; its cache then answers `resolve`. Raises `GeocoderDown`."""
        finding = self._address(address, may_wait=True)
        assert finding is not None
        return finding

    def _join(self, reading: PlaceReading, findings: Sequence[Finding]) -> ResolvedPlace:
        """Make one geometry of all findings; a place of which a part is missing is a wrong place."""
        geometries = []
        for finding in findings:
            if not isinstance(finding, Found):
                # What the text itself was refused for says more than that a geocoder is missing.
                plain = finding.reason.code is ReasonCode.NO_LOOKUP
                return _resolved(reading, None, None, (reading.reason if plain else None) or finding.reason)
            refusal = self._outside(finding.geometry)
            if refusal is not None:
                return _resolved(reading, None, None, refusal)
            geometries.append(finding.geometry)
        joined = _together(geometries)
        if joined is None:
            return _resolved(reading, None, None, Reason.of(ReasonCode.MIXED_KINDS))
        kinds = {finding.precision for finding in findings if isinstance(finding, Found)}
        source = PlaceSource.PARCEL if kinds == {Precision.PARCEL} else PlaceSource.ADDRESS
        return _resolved(reading, joined, source, None)

    def _find(self, spot: Spot, *, may_wait: bool) -> Finding | None:
        """Look one spot up: its position, else its parcels, else its address."""
        if spot.position is not None:
            return Found(shapely.Point(spot.position), Precision.HOUSE, "")
        parcels = self._parcel_area(spot.parcels)
        if spot.address is None:
            return parcels or NotFound(Reason.of(ReasonCode.NO_LOOKUP, text=", ".join(spot.parcels)))
        if isinstance(parcels, Found) or (parcels is not None and parcels.reason.code is ReasonCode.PARCEL_AMBIGUOUS):
            return parcels
        return self._address(spot.address, may_wait=may_wait)

    def _parcel_area(self, numbers: Sequence[str]) -> Finding | None:
        """All parcels as one area, or the first that is not found; None if there is no layer or no number."""
        if self._parcels is None or not numbers:
            return None
        shapes = []
        for number in numbers:
            finding = self._parcels.find(number)
            if not isinstance(finding, Found):
                return finding
            shapes.append(finding.geometry)
        joined = _together(shapes)
        if joined is None:
            return NotFound(Reason.of(ReasonCode.MIXED_KINDS))
        return Found(joined, Precision.PARCEL, ", ".join(numbers))

    def _address(self, text: str, *, may_wait: bool) -> Finding | None:
        known = self._geocoder.settlements if self._geocoder else ()
        address = parse_address(text, settlements=known)
        if isinstance(address, Reason):
            return NotFound(address)
        if self._geocoder is None:
            return NotFound(Reason.of(ReasonCode.NO_LOOKUP, text=text))
        return self._geocoder.find(address) if may_wait else self._geocoder.known(address)

    def _outside(self, geometry: BaseGeometry) -> Reason | None:
        corners = shapely.get_coordinates(geometry)
        return next((reason for lon, lat in corners if (reason := self._area.refuse(float(lon), float(lat)))), None)


def _together(geometries: Sequence[BaseGeometry]) -> BaseGeometry | None:
    """One geometry of several of one kind, Multi if there is more than one part; None for mixed kinds."""
    parts = [part for geometry in geometries for part in shapely.get_parts(geometry)]
    kinds = {part.geom_type for part in parts}
    if len(kinds) != 1 or not kinds <= _MULTI.keys():
        return None
    if kinds == {"Polygon"}:
        merged = shapely.union_all(parts)
        return merged if merged.geom_type in {"Polygon", "MultiPolygon"} else None
    distinct = list(dict.fromkeys(parts))
    return distinct[0] if len(distinct) == 1 else _MULTI[kinds.pop()](distinct)


def _resolved(
    reading: PlaceReading,
    geometry: BaseGeometry | None,
    source: PlaceSource | None,
    reason: Reason | None,
    *,
    settled: bool = True,
    pending: tuple[str, ...] = (),
) -> ResolvedPlace:
    placement = Placement.PLACED if geometry is not None else reading.placement
    wkb = shapely.to_wkb(geometry, flavor="iso", output_dimension=2) if geometry is not None else None
    return ResolvedPlace(
        placement,
        wkb,
        source,
        reason,
        settled=settled,
        digest=reading.digest,
        pending=pending,
        district=reading.district,
    )
