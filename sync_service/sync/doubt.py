"""What a pair still knows when one side went back in time. Pure.

Nothing that was written on either side meanwhile may be lost silently: what cannot be told from an edit is a clash,
which the next reading of the card opens, or resolves when both sides turn out to say the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sync_service.sync.shared import CHECK, METADATA_NAMES
from sync_service.sync.state import Sides
from sync_service.sync.values import Placement

if TYPE_CHECKING:
    from sync_service.sync.state import Feature, Pair


def doubt_debts(feature: Feature, pair: Pair) -> Pair:
    """The store went back: what it owes may have reached the card long ago, and been edited there since.

    So it is not written once more: unless the card says it already, it is a clash. What the map had not edited follows
    the card, whose word is the newer.
    """
    mine = feature.properties
    spoken = names_spoken(feature)
    owed = {name: debt for name, debt in pair.owed.items() if name not in spoken and name != CHECK}
    edited = sorted(name for name in spoken - pair.clashing.keys() if mine.get(name) != pair.agreed.get(name))
    sides = {name: Sides(pair.agreed.get(name), pair.agreed.get(name), mine.get(name)) for name in edited}
    return replace(pair, owed=owed, clashing={**pair.clashing, **sides}, doubted=(*pair.doubted, *edited))


def names_spoken(feature: Feature) -> frozenset[str]:
    """The shared fields that are a matter of words: where a geometry is, it has the last word about the placement."""
    if feature.properties.get("placement") == Placement.DISTRICT:
        return frozenset(METADATA_NAMES) - {"placement"}
    return frozenset(METADATA_NAMES) - {"placement", "district"}


def doubt_agreed(_feature: Feature, pair: Pair) -> Pair:
    """The board went back: what both had agreed on the card may no longer say, and its older word is no edit.

    What is owed stays owed. The card may have been told of its place, and asked for another look, or not. One that is
    not there now was not removed by anybody.
    """
    agreed = {**pair.agreed, CHECK: None}  # a tag that is not there was not taken off
    return replace(pair, told=None, agreed=agreed, rewound=not pair.gone)
