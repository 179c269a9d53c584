"""Suggestions from a geocoder on the network, and from a gazetteer's file as it is now."""

from __future__ import annotations

from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any

import shapely

from sync_service.places.address import near_address
from sync_service.places.gazetteer import Gazetteer
from sync_service.places.personal import looks_personal
from sync_service.places.providers import GeocoderDown, Trouble
from sync_service.places.streets import fold_text
from sync_service.places.suggestion import MOST_SUGGESTIONS, Suggestion, dump_suggestions, load_suggestions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sync_service.places.area import Area
    from sync_service.places.geocoders import GeocodeCache
    from sync_service.places.providers import RemoteProvider
    from sync_service.places.suggestion import Suggester

_AT_ONCE = 2
"""Questions under way: whoever asks waits in a thread that others need too."""

_EDGE = 400
"""A longer text is not sent."""


class RemoteSuggester:
    """Asks a provider, as often as it allows, and keeps what it says. `home` is the settlement where none is named.

    What is sent is the address in the text; a text without one goes as it is. One that looks personal is not sent.
    """

    def __init__(self, remote: RemoteProvider, *, cache: GeocodeCache, home: str | None = None) -> None:
        self._remote = remote
        self._cache = cache
        self._home = home
        self._under_way = BoundedSemaphore(_AT_ONCE)

    def suggest(self, text: str) -> Sequence[Suggestion]:
        """What the provider has for the house, or else for its street. Raises `GeocoderDown`."""
        for query in self._queries(text):
            if found := self._found(query):
                return found
        return []

    def _queries(self, text: str) -> Iterator[str]:
        if looks_personal(text) is not None:
            return
        home = self._home
        address = near_address(text, settlements={fold_text(home)} if home else ())
        if address is None:
            plain = " ".join(text.split())
            if plain and len(plain) <= _EDGE:
                yield plain if home is None or fold_text(home) in fold_text(plain) else f"{home}, {plain}"
            return
        whole = address.query(home)
        if address.crossing is not None:
            yield f"{whole} / {address.crossing}"
        yield whole
        if address.house is not None:
            yield whole.removesuffix(f", {address.house}")

    def _found(self, query: str) -> list[Suggestion]:
        shelf = f"{self._remote.name}/suggestions"
        kept = self._cache.get(shelf, query)
        found = None if kept is None else load_suggestions(kept)
        if found is None:
            found = self._ask(query)
            self._cache.put(shelf, query, dump_suggestions(found))
        return found

    def _ask(self, query: str) -> list[Suggestion]:
        if not self._under_way.acquire(blocking=False):
            raise GeocoderDown(self._remote.name, Trouble.RATE_LIMITED, retry_after=1.0)
        try:
            found = self._remote.ask(query, self._read)
        finally:
            self._under_way.release()
        return list(dict.fromkeys(within(self._remote.area, found)))[:MOST_SUGGESTIONS]

    def _read(self, location: Any) -> Suggestion:
        return Suggestion(location.address, shapely.Point(location.longitude, location.latitude), self._remote.name)


class FreshGazetteer:
    """A gazetteer that is opened anew when its file was replaced; silent while there is none."""

    def __init__(self, path: Path, *, home: str | None, area: Area) -> None:
        self._path = path
        self._home = home
        self._area = area
        self._opening = Lock()
        self._opened: tuple[int, Suggester] | None = None

    def suggest(self, text: str) -> Sequence[Suggestion]:
        """What the gazetteer has. Raises `LayerUnreadableError` for a file that is none."""
        if not self._path.exists():
            return []
        return within(self._area, self._gazetteer().suggest(text))

    def _gazetteer(self) -> Suggester:
        age = self._path.stat().st_mtime_ns
        with self._opening:
            if self._opened is None or self._opened[0] != age:
                self._opened = age, Gazetteer(self._path, home=self._home)
            return self._opened[1]


def within(area: Area, found: Sequence[Suggestion]) -> list[Suggestion]:
    """Those whose every corner lies in the area."""
    return [
        each for each in found if all(area.contains(lon, lat) for lon, lat in shapely.get_coordinates(each.geometry))
    ]
