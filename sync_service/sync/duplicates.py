"""A proposal whose card was closed as a duplicate: what it offers the one that stands for both. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_service.sync.editing import geometry_text, same_geometry
from sync_service.sync.state import Sides

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_service.sync.state import Feature


def offer_place(survivor: Feature, duplicate: Feature) -> Sides | None:
    """Both places for a person to choose from, geometries as base64 of WKB; None when there is nothing to choose."""
    mine, theirs = duplicate.geometry, survivor.geometry
    if mine is None or (theirs is not None and same_geometry(theirs, mine)):
        return None
    return Sides(base=None, theirs=geometry_text(theirs), mine=geometry_text(mine))


def last_survivor(guid: str, survivor_of: Callable[[str], str | None]) -> str | None:
    """Where a duplicate leads in the end, from one to the next; None where it leads nowhere, or in a circle."""
    seen, last = {guid}, None
    while (following := survivor_of(last or guid)) is not None:
        if following in seen:
            return None
        seen.add(following)
        last = following
    return last
