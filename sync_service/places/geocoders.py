"""Geocoders behind one small interface: the gazetteer, and through geopy Nominatim, Photon and Yandex.

A remote answer is believed only if it names the house that was asked for, inside the area, and is the only such place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import shapely

from sync_service.places.answers import Answer, nominatim_answer, photon_answer, yandex_answer
from sync_service.places.finding import Ambiguous, Finding, Found, NotFound, Precision, dump_finding, load_finding
from sync_service.places.gazetteer import same_spot
from sync_service.places.providers import Provider
from sync_service.places.reason import Reason, ReasonCode
from sync_service.places.streets import fold_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sync_service.places.address import Address
    from sync_service.places.providers import RemoteProvider

_READERS = {
    Provider.NOMINATIM: nominatim_answer,
    Provider.PHOTON: photon_answer,
    Provider.YANDEX: yandex_answer,
}


class GeocodeCache(Protocol):
    """Answers kept between runs, as text. `query` is the folded address; the store decides how long to keep it."""

    def get(self, provider: str, query: str) -> str | None:
        """Give the answer put last, or None."""

    def put(self, provider: str, query: str, answer: str) -> None:
        """Keep an answer."""


class Geocoder(Protocol):
    """Whatever turns an address into a place."""

    @property
    def provider(self) -> str:
        """Name of the provider, part of the cache's key."""

    @property
    def settlements(self) -> Collection[str]:
        """Folded names known to be settlements, so that addresses without «г.» and comma can be read."""

    def known(self, address: Address) -> Finding | None:
        """Answer without asking the network, or None if that needs to be done."""

    def find(self, address: Address) -> Finding:
        """Answer, asking the network if need be. Raises `GeocoderDown`."""


class RemoteGeocoder:
    """A geocoder on the network, with its cache.

    `home` is the settlement meant when an address names none. Every refusal is an answer and is kept; trouble is not.
    Only one settlement, street and house may be meant.
    """

    def __init__(self, remote: RemoteProvider, *, cache: GeocodeCache, home: str | None = None) -> None:
        self._remote = remote
        self._cache = cache
        self._home = home

    @property
    def provider(self) -> str:
        """Name of the provider."""
        return self._remote.name

    @property
    def settlements(self) -> Collection[str]:
        """The home settlement: the only one known beforehand."""
        return {fold_text(self._home)} if self._home else frozenset()

    def known(self, address: Address) -> Finding | None:
        """Give the answer kept in the cache, or None. What needs no asking is refused at once."""
        if address.crossing is not None:
            return NotFound(Reason.of(ReasonCode.CROSSING_UNKNOWN, text=f"{address.street} / {address.crossing}"))
        kept = self._cache.get(self.provider, address.query(self._home))
        return load_finding(kept) if kept is not None else None

    def find(self, address: Address) -> Finding:
        """Give the kept answer or ask the provider. Raises `GeocoderDown`."""
        kept = self.known(address)
        if kept is not None:
            return kept
        query = address.query(self._home)
        finding = self._judge(address, query, self._answers(query))
        self._cache.put(self.provider, query, dump_finding(finding))
        return finding

    def _answers(self, query: str) -> list[Answer]:
        read = _READERS[self._remote.kind]
        return [answer for answer in self._remote.ask(query, lambda found: read(found.raw)) if answer is not None]

    def _judge(self, address: Address, query: str, answers: Sequence[Answer]) -> Finding:
        """Believe what names the very house, inside the area; two such places are ambiguous."""
        exact = [answer for answer in answers if answer.names(address, self._home)]
        if not exact:
            code = ReasonCode.ADDRESS_IMPRECISE if answers else ReasonCode.ADDRESS_UNKNOWN
            return NotFound(Reason.of(code, text=query))
        refusals = [self._remote.area.refuse(*answer.position) for answer in exact]
        inside = [answer for answer, refusal in zip(exact, refusals, strict=True) if refusal is None]
        if not inside:
            first = exact[0].position
            return NotFound(Reason.of(ReasonCode.OUTSIDE_AREA, lat=f"{first.lat:.7g}", lon=f"{first.lon:.7g}"))
        if not same_spot([answer.position for answer in inside]):
            return Ambiguous(
                Reason.of(ReasonCode.ADDRESS_AMBIGUOUS, text=query, found="; ".join(item.label for item in inside[:5]))
            )
        return Found(shapely.Point(inside[0].position), Precision.HOUSE, inside[0].label)


class Chain:
    """Several geocoders, asked in turn until one finds the address or finds it ambiguous."""

    def __init__(self, geocoders: Sequence[Geocoder]) -> None:
        if not geocoders:
            raise ValueError("a chain needs a geocoder")
        self._geocoders = tuple(geocoders)

    @property
    def provider(self) -> str:
        """Names of all the providers."""
        return "+".join(geocoder.provider for geocoder in self._geocoders)

    @property
    def settlements(self) -> Collection[str]:
        """Settlements any of them knows."""
        return frozenset[str]().union(*(geocoder.settlements for geocoder in self._geocoders))

    def known(self, address: Address) -> Finding | None:
        """Give the first answer that needs no network, None as soon as one must be asked."""
        return self._first(geocoder.known(address) for geocoder in self._geocoders)

    def find(self, address: Address) -> Finding:
        """Give the first answer that is not "not found", else the last one. Raises `GeocoderDown`."""
        finding = self._first(geocoder.find(address) for geocoder in self._geocoders)
        assert finding is not None
        return finding

    @staticmethod
    def _first(findings: Iterator[Finding | None]) -> Finding | None:
        finding: Finding | None = None
        for finding in findings:
            if not isinstance(finding, NotFound):
                return finding
        return finding
