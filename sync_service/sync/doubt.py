"""What a pair still knows when one side went back in time. Pure.

Nothing that was written on either side meanwhile may be lost silently: what cannot be told from an edit is a clash, and
one that the next reading of the card resolves when both sides turn out to say the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sync_service.sync.shared import CHECK, METADATA_NAMES
from sync_service.sync.state import Sides
from sync_service.sync.values import Hand, Placement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sync_service.sync.state import Feature, Pair


def doubt_debts(feature: Feature, pair: Pair) -> Pair:
    """The store went back: what it owes may have reached the card long ago, and been edited there since.

    So it is not written once more: unless the card says it already, it is a clash. What the map had not edited follows
    the card, whose word is the newer.
    """
    mine = feature.properties
    spoken = names_spoken(feature)
    edited = [name for name in spoken if mine.get(name) != pair.agreed.get(name)]
    owed = {name: debt for name, debt in pair.owed.items() if name not in spoken and name != CHECK}
    return _doubt(feature, replace(pair, owed=owed), edited)


def names_spoken(feature: Feature) -> frozenset[str]:
    """The shared fields that are a matter of words: where a geometry is, it has the last word about the placement."""
    if feature.properties.get("placement") == Placement.DISTRICT:
        return frozenset(METADATA_NAMES) - {"placement"}
    return frozenset(METADATA_NAMES) - {"placement", "district"}


def doubt_agreed(feature: Feature, pair: Pair) -> Pair:
    """The board went back: what both had agreed on the card may no longer say, and its older word is no edit.

    What is owed stays owed. The card may have been told of its place, and asked for another look, or not. One that is
    not there now was not removed by anybody.
    """
    mine = feature.properties
    names = names_spoken(feature) | ({"placement"} if feature.hand is Hand.MAP else set())
    settled = [name for name in names if name in pair.agreed and mine.get(name) == pair.agreed[name]]
    agreed = {**pair.agreed, CHECK: None}  # a tag that is not there was not taken off
    return _doubt(feature, replace(pair, told=None, agreed=agreed, rewound=not pair.gone), settled)


def _doubt(feature: Feature, pair: Pair, names: Iterable[str]) -> Pair:
    fresh = sorted(name for name in names if name not in pair.clashing)
    sides = {name: Sides(pair.agreed.get(name), pair.agreed.get(name), feature.properties.get(name)) for name in fresh}
    return replace(pair, clashing={**pair.clashing, **sides}, doubted=(*pair.doubted, *fresh))
