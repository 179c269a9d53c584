"""What Nominatim, Photon and Yandex answer, read into one form and compared with what was asked. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sync_service.places.houses import read_house
from sync_service.places.sighting import Position
from sync_service.places.streets import Street, fold_text, read_street

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_service.places.address import Address

_TOWNS = ("city", "town", "village", "hamlet", "municipality", "suburb", "city_district", "locality", "district")


@dataclass(frozen=True, slots=True)
class Answer:
    """A house a provider offers: its point (CRS84), street, number, and every locality it names (folded)."""

    position: Position
    label: str
    street: Street
    house: str
    localities: frozenset[str]
    exact: bool = True

    def names(self, address: Address, home: str | None) -> bool:
        """Whether this is the very house asked for: the same number, a fitting street, in the settlement meant."""
        wanted = [name for name in (address.settlement or (fold_text(home) if home else None), address.part) if name]
        return (
            self.exact
            and self.house == address.house
            and address.street.fits(self.street)
            and all(any(_same_town(name, town) for town in self.localities) for name in wanted)
        )


def nominatim_answer(raw: Mapping[str, Any]) -> Answer | None:
    """Read one result of Nominatim's search (format json, addressdetails=1), or None if it is no house."""
    address = raw.get("address") or {}
    street = address.get("road") or address.get("pedestrian") or address.get("residential") or address.get("quarter")
    return _answer(
        Position(float(raw["lon"]), float(raw["lat"])),
        label=str(raw.get("display_name", "")),
        street=street,
        house=address.get("house_number"),
        towns=[address.get(key) for key in _TOWNS],
    )


def photon_answer(raw: Mapping[str, Any]) -> Answer | None:
    """Read one GeoJSON feature of Photon, or None if it is no house."""
    said = raw["properties"]
    lon, lat = raw["geometry"]["coordinates"][:2]
    shown = [said.get(key) for key in ("city", "street", "housenumber")]
    return _answer(
        Position(float(lon), float(lat)),
        label=", ".join(str(part) for part in shown if part),
        street=said.get("street"),
        house=said.get("housenumber"),
        towns=[said.get(key) for key in _TOWNS],
    )


def yandex_answer(raw: Mapping[str, Any]) -> Answer | None:
    """Read one GeoObject of Yandex, or None if it is no house. Only precision "exact" is a house found."""
    said = raw["metaDataProperty"]["GeocoderMetaData"]
    parts = said["Address"]["Components"]
    lon, lat = (float(number) for number in raw["Point"]["pos"].split())
    streets = [part["name"] for part in parts if part["kind"] == "street"]
    quarters = [part["name"] for part in parts if part["kind"] == "district"]
    return _answer(
        Position(lon, lat),
        label=str(said.get("text", "")),
        street=(streets or quarters or [None])[-1],
        house=next((part["name"] for part in parts if part["kind"] == "house"), None),
        towns=[part["name"] for part in parts if part["kind"] in {"locality", "district", "area"}],
        exact=said.get("precision") == "exact" and said.get("kind") == "house",
    )


def _answer(
    position: Position,
    *,
    label: str,
    street: str | None,
    house: str | None,
    towns: list[str | None],
    exact: bool = True,
) -> Answer | None:
    known = read_street(street) if street else None
    number = read_house(fold_text(house)) if house else None
    if known is None or number is None:
        return None
    return Answer(position, label, known, number, frozenset(fold_text(town) for town in towns if town), exact)


def _same_town(wanted: str, town: str) -> bool:
    """Whether a locality's name is the one wanted, alone or after its kind («город Тольятти», "посёлок Поволжский")."""
    words = town.split()
    return town == wanted or " ".join(words[1:]) == wanted or " ".join(words[:-1]) == wanted
