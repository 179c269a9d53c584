"""The place of a proposal between its card's text and the map. Pure.

Until a person sets it on the map, the card's text decides. From then on changed text moves nothing: it asks for another
look (`place_check`). A place cleared on the map stays cleared, until the map hands it back to the card.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

import shapely

from sync_service.sync.decision import LINK, Effect, EffectKind
from sync_service.sync.state import Setter
from sync_service.sync.values import Hand, Placement

if TYPE_CHECKING:
    from sync_service.sync.state import CardPlace, CardView, Feature, Pair
    from sync_service.sync.values import Value

TEXT_CHANGED = "card_text_changed"
"""`place_check` when the card's words about the place changed after the map had set it."""

PLACEMENT_CHANGED = "placement_changed"
"""`place_check` when the card's metadata took away a place that the map had set."""

PLACE_LOST = "place_lost"
"""`place_check` when the card was told of a place that this store, put back from a backup, does not know."""

WAITS_FOR_GEOCODER = "waits_for_geocoder"
"""`place_reason` while an address waits for its geocoder, unless the reading words it."""

COMMENT_KEY = "place"
_WORDED = frozenset({Placement.DISTRICT, Placement.CITYWIDE, Placement.NONE})


def set_place(feature: Feature, geometry: bytes | None, placement: Placement = Placement.UNPLACED) -> Feature:
    """A person sets the place on the map; without a geometry `placement` says what there is instead."""
    said = Placement.PLACED if geometry is not None else placement
    properties = {**feature.properties, "placement": said.value, "place_reason": None}
    return replace(feature, geometry=geometry, hand=Hand.MAP, source=None, properties=properties)


def hand_back(feature: Feature, pair: Pair) -> tuple[Feature, Pair]:
    """A person on the map hands the place back to the card: its text is looked up again at the next reading."""
    unchecked = {**feature.properties, "place_check": None}
    return replace(feature, hand=Hand.CARD, properties=unchecked), replace(pair, place_text=None)


def same_text(one: str | None, other: str | None) -> bool:
    """Whether two digests are of the same text, by whatever rules it was looked up."""
    return one is not None and other is not None and one.partition("/")[0] == other.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Placed:
    """A feature with the place its card says; `check` is why a person should look at the place again."""

    feature: Feature
    pair: Pair
    check: str | None = None


def place_feature(card: CardView, feature: Feature, pair: Pair) -> Placed:
    """Apply what the card's text says about the place."""
    place = card.place
    if place is None or pair.place_text == place.digest:
        return Placed(feature, pair)
    same = same_text(pair.place_text, place.digest)
    if pair.rewound and not same:
        feature = replace(feature, hand=Hand.MAP, source=None)  # what the card said last only the map knows now
    if feature.hand is Hand.MAP:
        check = None if same or pair.place_text is None else TEXT_CHANGED
        return Placed(feature, replace(pair, place_text=place.digest), check)
    if not place.settled:
        # Never the digest of what was looked up: the text is asked about again at the next reading.
        waiting = replace(pair, place_text=place.digest.partition("/")[0] + "/?")
        return Placed(_wait(feature, place, same=same), waiting)
    if same and _is_worded(card, feature):
        return Placed(feature, replace(pair, place_text=place.digest))
    return Placed(_place(feature, place), replace(pair, place_text=place.digest))


def _wait(feature: Feature, place: CardPlace, *, same: bool) -> Feature:
    """Until the geocoder answers, what the same text gave stays; the place of an older text would be a wrong one."""
    if same:
        return feature
    reason = place.reason or WAITS_FOR_GEOCODER
    return _place(feature, replace(place, placement=Placement.UNPLACED, geometry=None, source=None, reason=reason))


def _is_worded(card: CardView, feature: Feature) -> bool:
    """Whether the card's metadata says that there is no one place: new layers then find none in the same text."""
    said = card.metadata.get("placement")
    return said in _WORDED and said == feature.properties.get("placement")


def _place(feature: Feature, place: CardPlace) -> Feature:
    said = {"placement": place.placement.value, "place_reason": place.reason}
    properties = {**feature.properties, **said}
    return replace(feature, properties=properties, geometry=place.geometry, source=place.source)


def place_digest(feature: Feature) -> str:
    """Digest of where a feature is, for telling the card once per place."""
    placement = str(feature.properties.get("placement"))
    return blake2b(placement.encode() + b"\0" + (feature.geometry or b""), digest_size=8).hexdigest()


def is_told(feature: Feature, pair: Pair) -> bool:
    """Whether the card knows of the place as far as it must: only one set on the map is told."""
    return feature.hand is not Hand.MAP or pair.told == place_digest(feature)


def tell_card(
    card: CardView, feature: Feature, before: Feature, pair: Pair, setter: Setter | None
) -> tuple[Pair, tuple[Effect, ...]]:
    """Owe the card one short comment when a place set on the map is one it was not told about, and its link.

    Told is what was read back: the comment's marker stands on the card. A place set a second time is told again. What
    the card itself has just said (`before` is the feature as the map has it) it need not be told.
    """
    if feature.hand is not Hand.MAP:
        return replace(pair, told=None, telling=None), ()
    digest = place_digest(feature)
    if pair.told == digest or (is_told(before, pair) and place_digest(before) != digest):
        return replace(pair, told=digest, telling=None), ()
    present = pair.telling if pair.telling and pair.telling.startswith(digest) else None
    marker = present or f"{digest}-{feature.version}"
    recalled = pair.told is None and present is None and any(heard.startswith(f"{digest}-") for heard in card.heard)
    if marker in card.heard or recalled:
        return replace(pair, told=digest, telling=None), ()
    comment = Effect(EffectKind.COMMENT, COMMENT_KEY, {"marker": marker, **_told(feature, setter)})
    return replace(pair, telling=marker), (comment, LINK) if feature.published else (comment,)


def lost_version(card: CardView, feature: Feature, known: int) -> int | None:
    """The version of which the card was told another place, if it is later than the one `known` to this store."""
    digest = place_digest(feature)
    told = [_PLACE_MARKER.fullmatch(heard) for heard in card.heard if not heard.startswith(f"{digest}-")]
    return max((int(each[1]) for each in told if each and int(each[1]) > known), default=None)


_PLACE_MARKER = re.compile(r"[0-9a-f]{16}-(\d+)")


def _told(feature: Feature, setter: Setter | None) -> dict[str, Value]:
    placement = feature.properties.get("placement")
    where = [] if feature.geometry is None else [_about(feature.geometry)]
    district = feature.properties.get("district")
    if district and placement in (Placement.PLACED, Placement.DISTRICT):
        where.append(str(district))
    by = Setter(None, "") if setter is None else setter
    return {"text": f"place_{placement}", "where": ", ".join(where), "who": by.who, "source": by.source}


def _about(wkb: bytes) -> str:
    """A point of a geometry as people write it: latitude first, about a metre fine."""
    point = shapely.point_on_surface(shapely.from_wkb(wkb))
    return f"{point.y:.5f}, {point.x:.5f}"
