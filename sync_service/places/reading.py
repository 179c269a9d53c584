"""Where a card's text says it is, in the contract's order. Pure: what must be looked up is named, not looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import shapely

from sync_service.places.address import parse_address
from sync_service.places.coordinates import find_coordinates
from sync_service.places.lines import Line, fold_label, labelled_lines
from sync_service.places.maplinks import blank_links, find_links
from sync_service.places.parcels import find_parcels
from sync_service.places.reason import Reason, ReasonCode
from sync_service.places.sighting import PlaceSource, Position, Sighting
from sync_service.sync.values import Placement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shapely.geometry.base import BaseGeometry

    from sync_service.places.area import Area

PLACE_LABELS = frozenset({"место", "место на карте", "координаты", "точка", "place", "location", "coordinates"})
ADDRESS_LABELS = frozenset({"адрес", "address"})
PARCEL_LABELS = frozenset(
    {"кадастровый номер", "кадастровые номера", "кадастр", "кад. номер", "участок", "cadastral number", "parcel"}
)
DISTRICT_LABELS = frozenset({"район", "district"})
"""Labels of the lines that say where, folded by `fold_label`."""

_WORDS = {
    Placement.CITYWIDE: (
        *("весь город", "по всему городу", "вся территория города", "общегородское", "город в целом"),
        *("whole city", "entire city", "citywide", "city-wide", "the whole city"),
    ),
    Placement.DISTRICT: ("район", "весь район", "district", "whole district", "the whole district"),
    Placement.NONE: ("без места", "нет места", "места нет", "нет", "no place", "none", "without a place"),
}
_SAID = {words: placement for placement, phrases in _WORDS.items() for words in phrases}
_NAMED_DISTRICT = re.compile(
    r"(?:(?:весь )?[а-я][а-я\- ]{2,40} (?:район|р-н)|(?:район|р-н) [а-я][а-я\-]{2,40}(?:ский|ый|ой|ий)"
    r"|[a-z][a-z\- ]{2,40} district)\.?\Z"
)
_SAME_DEGREES = 0.0003
_DISTRICT_NAME = re.compile(r"\b(?:район|р-н|district)\b\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Spot:
    """One place a card names: a position, or what to look up, parcels before the address."""

    position: Position | None = None
    parcels: tuple[str, ...] = ()
    address: str | None = None


@dataclass(frozen=True, slots=True)
class PlaceReading:
    """What a card's text says about its place.

    `geometry` (CRS84) is there when coordinates or markers gave it; `spots` are the places still to be looked up, if
    any, and make one geometry together. `reason` says why there is none, or what to say if looking up finds nothing.
    `digest` is of exactly the text that decides: as long as it stays, nothing need be looked up again.
    """

    placement: Placement
    geometry: BaseGeometry | None
    source: PlaceSource | None
    address: str | None
    cadastral_number: str | None
    reason: Reason | None
    digest: str
    spots: tuple[Spot, ...] = ()
    district: str | None = None


def read_place(description: str, *, address: str | None, area: Area) -> PlaceReading:
    """Read where the card says it is; never raises, never guesses.

    `address` is the proposal's address if it is known (an empty text: known to have none); None takes the card's line.
    Positions outside `area` (degrees, CRS84) are not believed.
    """
    card = _Card(description, address, area)
    return card.numbered() or card.said() or card.seen() or card.looked_up()


class _Card:
    """One description under reading. Every step answers, or leaves its evidence and a reason to the next."""

    def __init__(self, description: str, address: str | None, area: Area) -> None:
        lines = labelled_lines(description)
        self.area = area
        self.places = [line for line in lines if line.label in PLACE_LABELS and line.text]
        self.labelled_parcels = [line.text for line in lines if line.label in PARCEL_LABELS]
        self.district = next((line.text for line in lines if line.label in DISTRICT_LABELS and line.text), None)
        own = next((line.text for line in lines if line.label in ADDRESS_LABELS and line.text), None)
        self.address = (own if address is None else " ".join(address.split())) or None
        self.description = description
        self.parcels = self._parcels()
        self.evidence: list[str] = []
        self.reason: Reason | None = None

    def _parcels(self) -> tuple[str, ...]:
        return find_parcels("\n".join(self.labelled_parcels)) or find_parcels(self.description)

    def numbered(self) -> PlaceReading | None:
        """Several «Место:» lines: every one must be readable, and they make one geometry."""
        if len(self.places) < 2:
            return None
        self._show("place", *(line.text for line in self.places))
        if any(_said(line.text) for line in self.places):
            distinct = {_said(line.text) for line in self.places}
            return None if len(distinct) == 1 else self._unplaced(Reason.of(ReasonCode.MIXED_KINDS))
        spots = [self._spot(line) for line in self.places]
        refusal = next((spot for spot in spots if isinstance(spot, Reason)), None)
        if refusal is not None:
            return self._unplaced(refusal)
        return self._answer([spot for spot in spots if isinstance(spot, Spot)])

    def said(self) -> PlaceReading | None:
        """One «Место:» line: words for a placement, or a place."""
        if not self.places:
            return None
        line = self.places[0]
        words = _said(line.text)
        if words is not None:
            return self._worded(*words)
        self._show("place", line.text)
        spot = self._spot(line)
        if isinstance(spot, Spot) and (not self.address or not _is_vague(spot)):
            return self._answer([spot])
        if isinstance(spot, Reason) and spot.code not in _PASSABLE:
            return self._unplaced(spot)
        self.reason = spot if isinstance(spot, Reason) else None
        return None

    def seen(self) -> PlaceReading | None:
        """Coordinates and links anywhere in the text."""
        others = "\n".join(raw for raw in self.description.splitlines() if not _is_service(raw))
        sightings = [sighting for sighting in _sightings(others, self.area) if not self._is_said(sighting)]
        self._show("seen", *(sighting.text for sighting in sightings))
        chosen = _choose(sightings)
        if isinstance(chosen, Sighting):
            return self._answer([Spot(position=chosen.position)], source=chosen.source)
        if isinstance(chosen, Reason):
            return self._unplaced(chosen)
        self.reason = self.reason or next((sighting.reason for sighting in sightings), None)
        return None

    def looked_up(self) -> PlaceReading:
        """Parcel numbers and the address, for others to look up; unplaced if there are none."""
        self._show("parcel", *self.parcels)
        self._show("address", self.address or "")
        if len(self.parcels) > 1 and not self.labelled_parcels and not self.address:
            first, second = self.parcels[:2]
            return self._unplaced(Reason.of(ReasonCode.SEVERAL_PLACES, first=first, second=second))
        parcels = self.parcels if self.labelled_parcels or len(self.parcels) == 1 else ()
        if parcels or self.address:
            return self._answer([Spot(parcels=parcels, address=self.address)])
        return self._unplaced(self.reason or Reason.of(ReasonCode.NOTHING_SAID))

    def _spot(self, line: Line) -> Spot | Reason:
        """Read what stands behind one label."""
        sightings = _sightings(line.text, self.area, labelled=True)
        chosen = _choose(sightings)
        if isinstance(chosen, Sighting):
            return Spot(position=chosen.position)
        parcels = find_parcels(line.text)
        if chosen is None and parcels:
            return Spot(parcels=parcels)
        if chosen is None and sightings:
            return sightings[0].reason or Reason.of(ReasonCode.PLACE_UNREADABLE, text=line.text)
        if chosen is None and re.search(r"\d", line.text) and re.search(r"[^\W\d_]{3}", line.text):
            return Spot(address=line.text)
        return chosen if isinstance(chosen, Reason) else _unreadable(line.text)

    def _worded(self, placement: Placement, district: str | None) -> PlaceReading:
        self._show("words", placement.value)
        if placement is Placement.DISTRICT:
            named = district or (_district(self.district) if self.district else None)
            self._show("district", named or "")
            return self._reading(placement, source=PlaceSource.WORDS, district=named)
        return self._reading(placement, source=PlaceSource.WORDS)

    def _answer(self, spots: Sequence[Spot], source: PlaceSource | None = None) -> PlaceReading:
        """Placed if every spot has its position; otherwise unplaced until the rest is looked up."""
        positions = [spot.position for spot in spots if spot.position]
        if len(positions) < len(spots):
            return self._reading(Placement.UNPLACED, spots=tuple(spots), reason=self.reason)
        return self._reading(Placement.PLACED, geometry=_points(positions), source=source or PlaceSource.COORDINATES)

    def _unplaced(self, reason: Reason) -> PlaceReading:
        return self._reading(Placement.UNPLACED, reason=reason)

    def _reading(
        self,
        placement: Placement,
        *,
        geometry: BaseGeometry | None = None,
        source: PlaceSource | None = None,
        reason: Reason | None = None,
        spots: tuple[Spot, ...] = (),
        district: str | None = None,
    ) -> PlaceReading:
        return PlaceReading(
            placement=placement,
            geometry=geometry,
            source=source,
            address=self.address,
            cadastral_number="; ".join(self.parcels) or None,
            reason=reason,
            digest=blake2b("\x1f".join(self.evidence).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest(),
            spots=spots,
            district=district,
        )

    def _show(self, kind: str, *texts: str) -> None:
        """Add text that decides to what the digest is made of; spaces do not matter."""
        self.evidence += [f"{kind}={' '.join(text.split())}" for text in texts if text.strip()]

    def _is_said(self, sighting: Sighting) -> bool:
        """Whether the sighting only repeats what a label already said and was refused for."""
        return any(sighting.text.strip() in line.text for line in self.places)


_PASSABLE = frozenset(
    {ReasonCode.LINK_SHORT, ReasonCode.LINK_NO_MARKER, ReasonCode.LINK_BROKEN, ReasonCode.PLACE_UNREADABLE}
)
"""Reasons that say nothing against another place in the same text."""


def _is_vague(spot: Spot) -> bool:
    """Whether a spot is only words that may be an address, so that a line «Адрес:» says more."""
    if spot.address is None:
        return False
    parsed = parse_address(spot.address)
    return isinstance(parsed, Reason) or parsed.street.kind is None


def _unreadable(text: str) -> Reason:
    return Reason.of(ReasonCode.PLACE_UNREADABLE, text=text)


def _sightings(text: str, area: Area, *, labelled: bool = False) -> list[Sighting]:
    """Links and coordinates of a text in order; numbers inside links are not coordinates."""
    links = find_links(text, area)
    return sorted((*links, *find_coordinates(blank_links(text), area, labelled=labelled)), key=lambda one: one.start)


def _choose(sightings: Iterable[Sighting]) -> Sighting | Reason | None:
    """The place all sightings agree on, the reason there is none, or None if nothing was surely meant as a place."""
    known = list(sightings)
    refused = next((sighting.reason for sighting in known if sighting.firm and sighting.reason), None)
    if refused is not None:
        return refused
    placed = [sighting for sighting in known if sighting.position]
    if not placed:
        return None
    other = next((sighting for sighting in placed if not _same(placed[0], sighting)), None)
    if other is not None:
        return Reason.of(ReasonCode.SEVERAL_PLACES, first=placed[0].text.strip(), second=other.text.strip())
    return placed[0]


def _same(one: Sighting, other: Sighting) -> bool:
    assert one.position is not None
    assert other.position is not None
    return all(abs(a - b) <= _SAME_DEGREES for a, b in zip(one.position, other.position, strict=True))


def _points(positions: Sequence[Position]) -> BaseGeometry:
    distinct = list(dict.fromkeys(positions))
    return shapely.Point(distinct[0]) if len(distinct) == 1 else shapely.MultiPoint(distinct)


def _said(text: str) -> tuple[Placement, str | None] | None:
    """The placement that words like «весь город» or «Автозаводский район» set, with the district they name."""
    folded = fold_label(text).strip(' .!«»"')
    if folded in _SAID:
        return _SAID[folded], None
    return (Placement.DISTRICT, _district(text)) if _NAMED_DISTRICT.match(folded) else None


def _district(text: str) -> str:
    """A district's name as written, without the word «район»."""
    return " ".join(_DISTRICT_NAME.sub(" ", text).strip(" .").split())


_SERVICE_NUMBERS = frozenset(
    {
        "стоимость",
        "бюджет",
        "цена",
        "площадь",
        "размер",
        "размеры",
        "длина",
        "ширина",
        "высота",
        "cost",
        "budget",
        "size",
    }
)


def _is_service(raw: str) -> bool:
    """Whether a line's label says that its numbers are sizes or sums."""
    line = next(iter(labelled_lines(raw)), None)
    return line is not None and line.label in _SERVICE_NUMBERS
