"""Finding a card's place: the text is read every time, and looked up only when what decides it has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync_service.engine.interpret import Said
from sync_service.places.reading import read_place
from sync_service.sync.place import same_text
from sync_service.sync.state import CardPlace
from sync_service.sync.values import Hand
from sync_service.words import say

if TYPE_CHECKING:
    from sync_service.places.area import Area
    from sync_service.places.resolver import ResolvedPlace, Resolver
    from sync_service.sync.state import Feature, Pair
    from sync_service.words import Language


@dataclass(slots=True)
class Placing:
    """Reads places by the settings. `rules` is a digest of the settings and layers a look-up depends on.

    Reasons are kept in words: they are read in QGIS tables and exports, where nothing could word them.
    """

    resolver: Resolver
    area: Area
    rules: str
    language: Language

    def read(self, description: str, address: str | None, feature: Feature | None, pair: Pair | None) -> Said:
        """What the card's text says of where; the place is None when that was looked up already.

        The digest kept is of the text and of the rules it was looked up by: new layers look the texts of cards up
        again, but a place set on the map is asked about only when the text itself changed.
        """
        reading = read_place(description, address=address, area=self.area)
        digest = f"{reading.digest}/{self.rules}"
        if _known(pair, feature, reading.digest, digest):
            return Said(None, reading.district, reading.cadastral_number)
        found = self.resolver.resolve(reading)
        place = CardPlace(digest, found.settled, found.placement, found.geometry, found.source, self._reason(found))
        return Said(place, reading.district, reading.cadastral_number, found.pending)

    def words(self, description: str, address: str | None) -> Said:
        """What a text says besides of where; the place is not looked up."""
        reading = read_place(description, address=address, area=self.area)
        return Said(None, reading.district, reading.cadastral_number)

    def _reason(self, found: ResolvedPlace) -> str | None:
        if found.reason is not None:
            return say(found.reason.code, self.language, **dict(found.reason.data))
        return None if found.settled else say("place.waits_for_geocoder", self.language)


def _known(pair: Pair | None, feature: Feature | None, text: str, digest: str) -> bool:
    if pair is None or feature is None or pair.place_text is None:
        return False
    return pair.place_text == digest or (same_text(pair.place_text, text) and feature.hand is Hand.MAP)
