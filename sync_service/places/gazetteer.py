"""The offline geocoder: houses and streets of a file that `build_gazetteer` made. Refuses rather than guesses."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

import shapely
from pyproj import Geod

from sync_service.places.address import near_address
from sync_service.places.finding import Ambiguous, Finding, Found, NotFound, Precision
from sync_service.places.localities import plain_district, plain_settlement
from sync_service.places.reason import Reason, ReasonCode
from sync_service.places.sighting import Position
from sync_service.places.streets import Street
from sync_service.places.suggestion import MOST_SUGGESTIONS, Suggestion
from sync_service.places.unreadable import LayerUnreadableError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from sync_service.places.address import Address

SCHEMA_VERSION = 1
"""Version of a gazetteer file's tables, which `build_gazetteer` makes."""

_SAME_METRES = 120.0
_GEOD = Geod(ellps="WGS84")

_STREETS = (
    "SELECT DISTINCT settlement, district, part, region, kind, name FROM houses {where}"
    " UNION SELECT DISTINCT settlement, district, part, region, kind, name FROM streets {where}"
)
_PLACE = "settlement IS ? AND district IS ? AND part IS ? AND region IS ? AND kind IS ? AND name = ?"
_HOUSE = f"SELECT lon, lat FROM houses WHERE house = ? AND loose = ? AND {_PLACE}"  # noqa: S608 - constant text
_HOUSES = f"SELECT house, lon, lat FROM houses WHERE loose = ? AND {_PLACE}"  # noqa: S608 - constant text
_LINES = f"SELECT line FROM streets WHERE loose = ? AND {_PLACE}"  # noqa: S608 - constant text


@dataclass(frozen=True, slots=True)
class _Road:
    """A street of the gazetteer with the locality its rows name."""

    settlement: str | None
    district: str | None
    part: str | None
    region: str | None
    street: Street

    @property
    def key(self) -> tuple[object, ...]:
        return self.settlement, self.district, self.part, self.region, self.street.kind, self.street.name

    @property
    def identity(self) -> tuple[str | None, Street]:
        return self.settlement, self.street


class Gazetteer:
    """Looks addresses up in a gazetteer file, which is opened afresh for every look-up, read-only.

    `home` is the settlement meant when an address names none; `districts` are the districts known to belong to it.
    Raises `LayerUnreadableError`, on construction and later, if the file is not a gazetteer.
    """

    provider = "gazetteer"

    def __init__(self, path: Path, *, home: str | None = None, districts: Collection[str] = ()) -> None:
        self._path = path
        self._home = plain_settlement(home) if home else None
        self._known = frozenset(plain_district(name) for name in districts)
        if not path.exists():
            raise LayerUnreadableError(path, "absent")
        try:
            with closing(self._open()) as store:
                self._known |= self._names(store, "district")
                names = self._names(store, "settlement")
        except sqlite3.DatabaseError as error:
            raise LayerUnreadableError(path, "no_gazetteer") from error
        self.settlements: Collection[str] = names | ({self._home} if self._home else frozenset())

    def known(self, address: Address) -> Finding | None:
        """Answer without the network: what `find` says."""
        return self.lookup(address)

    def find(self, address: Address) -> Finding:
        """Look the address up."""
        return self.lookup(address)

    def lookup(self, address: Address) -> Finding:
        """Find the point (CRS84) of the house, or where two streets cross; ambiguous or not found otherwise."""
        try:
            return self._look_up(address, address.query(self._home))
        except sqlite3.DatabaseError as error:
            raise LayerUnreadableError(self._path, "no_gazetteer") from error

    def _look_up(self, address: Address, said: str) -> Finding:
        with closing(self._open()) as store:
            if address.crossing is not None:
                return self._cross(store, address, address.crossing, said)
            roads = self._roads(store, address, address.street)
            if isinstance(roads, Ambiguous):
                return roads
            points = [
                Position(*row)
                for road in roads
                for row in store.execute(_HOUSE, (address.house, road.street.loose, *road.key))
            ]
        if not points:
            return NotFound(Reason.of(ReasonCode.ADDRESS_UNKNOWN, text=said))
        if not same_spot(points):
            return _ambiguous(said, [f"{point.lat:.5f}, {point.lon:.5f}" for point in points])
        label = ", ".join(part for part in (roads[0].settlement, str(roads[0].street), address.house) if part)
        return Found(shapely.Point(points[0]), Precision.HOUSE, label)

    def suggest(self, text: str) -> list[Suggestion]:
        """Where the text may mean: each house or crossing that fits, else houses of that number's block; each street.

        A street is a line. At most `MOST_SUGGESTIONS`.
        """
        address = near_address(text, settlements=self.settlements)
        if address is None:
            return []
        with closing(self._open()) as store:
            found = [*self._crossings(store, address), *self._near(store, address)]
        return found[:MOST_SUGGESTIONS]

    def _crossings(self, store: sqlite3.Connection, address: Address) -> Iterator[Suggestion]:
        if address.crossing is None:
            return
        one, other = (self._lines(store, self._fitting(store, address, s)) for s in (address.street, address.crossing))
        streets = f"{_shown(address.street)} / {_shown(address.crossing)}"
        label = ", ".join(filter(None, (_named_so(address.settlement or self._home), streets)))
        for corner in shapely.get_parts(shapely.intersection(one, other)):
            yield Suggestion(label, shapely.centroid(corner), self.provider)

    def _near(self, store: sqlite3.Connection, address: Address) -> Iterator[Suggestion]:
        by_street: dict[tuple[str | None, Street], list[_Road]] = {}
        for road in self._fitting(store, address, address.street):
            by_street.setdefault(road.identity, []).append(road)
        lines = []
        for identity, roads in by_street.items():
            title = ", ".join(filter(None, (_named_so(identity[0]), _shown(identity[1]))))
            for house, point in self._numbered(store, roads, address.house):
                yield Suggestion(f"{title}, {house}", shapely.Point(point), self.provider)
            lines.append(Suggestion(title, self._lines(store, roads), self.provider))
        yield from (line for line in lines if not line.geometry.is_empty)

    def _fitting(self, store: sqlite3.Connection, address: Address, street: Street) -> list[_Road]:
        """Every street that may be meant, those written just so first."""
        roads = [road for road in _named(store, street) if self._is_here(road, address)]
        return sorted(roads, key=lambda road: (road.street != street, str(road.identity)))

    @staticmethod
    def _numbered(store: sqlite3.Connection, roads: Sequence[_Road], house: str | None) -> list[tuple[str, Position]]:
        """Houses of this number and their points, one a spot; without one, those that begin with its digits."""
        if house is None:
            return []
        rows = [row for road in roads for row in store.execute(_HOUSES, (road.street.loose, *road.key))]
        digits = _block(house)
        close = [row for row in rows if row[0] == house] or [row for row in rows if _block(row[0]) == digits]
        found: list[tuple[str, Position]] = []
        for number, lon, lat in sorted(close):
            point = Position(lon, lat)
            if not any(number == known and same_spot([point, spot]) for known, spot in found):
                found.append((number, point))
        return found

    @staticmethod
    def _lines(store: sqlite3.Connection, roads: Sequence[_Road]) -> BaseGeometry:
        rows = [row for road in roads for row in store.execute(_LINES, (road.street.loose, *road.key))]
        return shapely.union_all([shapely.from_wkb(row[0]) for row in rows])

    def _cross(self, store: sqlite3.Connection, address: Address, other: Street, said: str) -> Finding:
        said = f"{said} / {other}"
        sides = [self._roads(store, address, street) for street in (address.street, other)]
        lines = []
        for side in sides:
            if isinstance(side, Ambiguous):
                return side
            lines.append(self._lines(store, side))
        meeting = shapely.intersection(lines[0], lines[1])
        if meeting.is_empty:
            return NotFound(Reason.of(ReasonCode.CROSSING_UNKNOWN, text=said))
        corners = [Position(*corner[:2]) for corner in shapely.get_coordinates(meeting)]
        if not same_spot(corners):
            return _ambiguous(said, [f"{corner.lat:.5f}, {corner.lon:.5f}" for corner in corners[:5]])
        return Found(shapely.centroid(shapely.MultiPoint(corners)), Precision.CROSSING, said)

    def _roads(self, store: sqlite3.Connection, address: Address, street: Street) -> list[_Road] | Ambiguous:
        """Rows of the one street that is meant, or ambiguous if several streets of that name fit."""
        roads = [road for road in _named(store, street) if self._is_here(road, address)]
        for tier in (
            [road for road in roads if road.street == street],
            [road for road in roads if road.street.name == street.name and street.fits_kind(road.street)],
            roads,
        ):
            if tier:
                names = {road.identity for road in tier}
                said = address.query(self._home)
                return tier if len(names) == 1 else _ambiguous(said, sorted(_title(name) for name in names))
        return []

    def _is_here(self, road: _Road, address: Address) -> bool:
        return (
            self._in_settlement(road, address)
            and self._in_district(road, address)
            and (address.part is None or address.part in {road.part, road.district, road.settlement})
            and self._in_region(road, address)
        )

    @staticmethod
    def _in_region(road: _Road, address: Address) -> bool:
        """Whether the region said fits. Without a settlement it must be the road's, or any place of it is meant."""
        if address.region is None or road.region == address.region:
            return True
        return road.region is None and address.settlement is not None

    def _in_settlement(self, road: _Road, address: Address) -> bool:
        """Whether the road lies in the settlement said. One not in the file is never taken for another."""
        if address.settlement is None:
            return self._home is None or road.settlement in {self._home, None}
        said = plain_settlement(address.settlement)
        if road.settlement == said or (road.settlement is None and said == self._home):
            return True
        return said not in self.settlements and said in {road.part, road.district} and self._at_home(road)

    def _at_home(self, road: _Road) -> bool:
        return self._home is None or road.settlement in {self._home, None}

    def _in_district(self, road: _Road, address: Address) -> bool:
        """Whether the district said fits. Without a settlement it must be known, or it could be a rural one."""
        if address.district is None or road.district == address.district:
            return True
        return road.district is None and (address.settlement is not None or address.district in self._known)

    def _open(self) -> sqlite3.Connection:
        store = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            version = store.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.DatabaseError:
            store.close()
            raise
        if version != SCHEMA_VERSION:
            store.close()
            raise LayerUnreadableError(self._path, "old_gazetteer")
        return store

    @staticmethod
    def _names(store: sqlite3.Connection, column: str) -> frozenset[str]:
        query = f"SELECT {column} FROM houses UNION SELECT {column} FROM streets"  # noqa: S608 - names of our own
        return frozenset(row[0] for row in store.execute(query) if row[0])


def same_spot(points: Sequence[Position]) -> bool:
    """Whether all points lie so close together (120 m) that they are one place, as parts of one building are."""
    lons, lats = [point.lon for point in points], [point.lat for point in points]
    _, _, metres = _GEOD.inv(min(lons), min(lats), max(lons), max(lats))
    return bool(metres <= _SAME_METRES)


def _named(store: sqlite3.Connection, street: Street) -> Iterator[_Road]:
    """Streets of the file that may be the one written."""
    if "." in street.name:
        rows = store.execute(_STREETS.format(where=""))
    else:
        rows = store.execute(_STREETS.format(where="WHERE loose = ?"), (street.loose, street.loose))
    for settlement, district, part, region, kind, name in rows:
        road = _Road(settlement, district, part, region, Street(kind, name))
        if street.fits(road.street):
            yield road


def _title(name: tuple[str | None, Street]) -> str:
    return ", ".join(part for part in (name[0], str(name[1])) if part)


def _shown(street: Street) -> str:
    """A street as people write it."""
    return " ".join(filter(None, (street.kind, _named_so(street.name))))


def _named_so(name: str | None) -> str:
    """A folded name with its capitals: «карла маркса» is «Карла Маркса», «40 лет победы» is «40 лет Победы»."""
    return re.sub(r"[^\W\d_]{3,}", lambda word: word[0] if word[0] == "лет" else word[0].capitalize(), name or "")


def _block(house: str) -> str:
    """The digits a house number begins with."""
    return "".join(takewhile(str.isdigit, house))


def _ambiguous(said: str, found: Sequence[str]) -> Ambiguous:
    return Ambiguous(Reason.of(ReasonCode.ADDRESS_AMBIGUOUS, text=said, found="; ".join(found[:5])))
