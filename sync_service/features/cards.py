"""`/board/cards/{id}`: where a card is on the map. The address stands on the card, so it answers for every one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from sync_service.store.collections import COLLECTIONS, Standing, collections_of
from sync_service.sync.values import Kind, Visibility

if TYPE_CHECKING:
    from sqlalchemy import RowMapping


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a proposal can be seen: on the public map, in this collection (None: in none), or nowhere yet."""

    guid: str
    title: str | None
    placement: str | None
    collection: str | None
    public: bool


def standing_of(row: RowMapping) -> Standing:
    """What decides membership, of a row of `find_feature`."""
    kind = None if row["kind"] is None else Kind(row["kind"])
    return Standing(Visibility(row["visibility"]), row["stage"], row["placement"], kind)


def find_whereabouts(row: RowMapping | None, *, publish: bool, working: bool) -> Whereabouts | None:
    """Where it is for whoever asks; None if there is nothing they may know of."""
    if row is None or row["visibility"] == Visibility.RETIRED:
        return None
    public = publish and row["visibility"] == Visibility.PUBLIC
    if not (public or working):
        return None
    readable = [c.name for c in COLLECTIONS.values() if (public if c.public else working)]
    member = collections_of(standing_of(row))
    collection = next((name for name in readable if name in member), None)
    shown = orjson.loads(row["properties_json"] + "}")  # never more than the public sees: the title may be held back
    return Whereabouts(row["guid"], shown["title"], row["placement"], collection, public)
