"""What follows from a card closed as a duplicate: its proposal leads to the survivor, and offers it its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_service.store import merged
from sync_service.store.features import find_feature
from sync_service.store.inbox import add_hints
from sync_service.sync.duplicates import offer_place
from sync_service.sync.values import Visibility

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection


def follow_lead(connection: Connection, guid: str, survivor: str | None, now: datetime) -> None:
    """Have a proposal lead to `survivor` (None: to nobody), and settle every offer that this touches.

    Working the same again changes nothing. Cards that must show something else now are hinted at.
    """
    former = merged.survivor_of(connection, guid), merged.leads_to(connection, guid)
    if survivor != former[0]:
        merged.lead(connection, guid, survivor, now)
    touched = {guid, survivor, merged.leads_to(connection, guid), *former}
    _settle(connection, [each for each in touched if each is not None], now)


def refresh_offers(connection: Connection, guid: str, now: datetime) -> None:
    """The proposal's own place may have changed: bring what is offered to it up to date."""
    _settle(connection, [guid], now)


def _settle(connection: Connection, survivors: Iterable[str], now: datetime) -> None:
    for survivor in sorted(survivors):
        if _settle_offers(connection, survivor, now):
            feature = find_feature(connection, survivor)
            card = None if feature is None else feature.properties.get("card_id")
            add_hints(connection, [] if card is None else [str(card)], now)


def _settle_offers(connection: Connection, survivor: str, now: datetime) -> bool:
    """Every duplicate that leads here in the end offers its place, and nothing else does; true if any changed."""
    feature = find_feature(connection, survivor)
    assert feature is not None, "what leads somewhere, or is led to, is never deleted"
    stands = merged.survivor_of(connection, survivor) is None and feature.visibility is not Visibility.RETIRED
    wanted = merged.duplicates_of(connection, survivor) if stands else []
    changed = False
    for stray in merged.offers_of(connection, survivor):
        if stray not in wanted:
            merged.withdraw_offer(connection, survivor, stray)
            changed = True
    for duplicate in wanted:
        other = find_feature(connection, duplicate)
        assert other is not None, "likewise"
        changed |= merged.keep_offer(connection, survivor, duplicate, offer_place(feature, other), now)
    return changed
