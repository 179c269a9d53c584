"""Gathering what one proposal is decided from, inside the transaction that will write what is decided."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from sync_service.engine.interpret import METADATA_PREFIX
from sync_service.engine.lostlife import in_lost_life
from sync_service.store import clashes, merged, outbox, pairs
from sync_service.store.features import find_feature
from sync_service.store.history import emptied
from sync_service.store.leases import read_note
from sync_service.store.setters import last_setter
from sync_service.sync.decide import Bearer, Besides
from sync_service.sync.disputes import DUPLICATE, EDIT, FIELDS
from sync_service.sync.place import is_told
from sync_service.sync.shared import LINE_NAMES
from sync_service.sync.state import CardRef, Dispute
from sync_service.sync.values import Hand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from kanban_adapter.card import Card
    from sync_service.engine.interpret import Board, Said
    from sync_service.engine.parts import Parts
    from sync_service.store.pairs import StoredPair
    from sync_service.sync.decide import Rules
    from sync_service.sync.state import CardView, Feature, Pair
    from sync_service.sync.values import Value

_SHOWN = (FIELDS, EDIT, DUPLICATE)


class Overtaken(Exception):
    """A later reading of this card has been worked already."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is the same for a batch of cards: the board, the ticket of the reading, the rules, and whether to write."""

    board: Board
    ticket: int
    rules: Rules
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the store knows of a card's proposal, and the card in its words."""

    view: CardView
    feature: Feature | None
    pair: Pair | None
    bearer: Bearer
    besides: Besides


def gather(connection: Connection, parts: Parts, context: Context, card: Card, said: Said) -> Gathered:
    """Read what is known. Raises `Overtaken` when a later reading has been worked."""
    board = context.board
    before = pairs.find_pair(connection, board.identity, card.id, card.created)
    check_ticket(before, context.ticket)
    if before is not None:
        bearer, feature = _strays(connection, card, before.pair), find_feature(connection, before.pair.guid)
    else:
        bearer, feature = _bearer(connection, board, card, parts.interpreter.link_base)
    ref = CardRef(board.identity, card.id, card.created)
    guid = before.pair.guid if before else feature.guid if feature else _guid_of(ref, card, bearer)
    view = parts.interpreter.view(card, board, said, read_note(connection, released_key(guid)))
    pair = before.pair if before else None
    survivor = _survivor(connection, board.identity, guid, view)
    known = besides(connection, guid, feature, pair, survivor)
    flying = outbox.flying_keys(connection, guid, parts.now())
    if bearer is Bearer.UNPAIRED and feature is not None:
        empty = [name for name in LINE_NAMES if feature.properties.get(name) is None]
        known = replace(known, drawn=_drawn_lines(parts, card, feature), emptied=emptied(connection, guid, empty))
    return Gathered(view, feature, pair, bearer, replace(known, flying=flying))


def _drawn_lines(parts: Parts, card: Card, feature: Feature) -> Mapping[str, Value]:
    """The labelled lines of the text that a feature had when its card was made: somebody may have been at it since."""
    text = str(feature.properties.get("description") or "")
    made = replace(card, description=text)
    return parts.interpreter.lines(made, parts.placing.words(text, parts.interpreter.address(made)))


def _guid_of(ref: CardRef, card: Card, bearer: Bearer) -> str:
    return card.reference if bearer is Bearer.LOST else ref.guid


def check_ticket(before: StoredPair | None, ticket: int) -> None:
    """Raise `Overtaken` for a reading older than the one this pair was last decided from."""
    if before is not None and before.ticket > ticket:
        raise Overtaken


def besides(
    connection: Connection, guid: str, feature: Feature | None, pair: Pair | None, survivor: str | None = None
) -> Besides:
    """What else the store knows of a proposal."""
    disputes = tuple(
        Dispute(each.id, each.reason) for each in clashes.open_clashes(connection, guid) if each.reason in _SHOWN
    )
    by_map = feature is not None and feature.hand is Hand.MAP and (pair is None or not is_told(feature, pair))
    setter = last_setter(connection, guid) if by_map else None
    leads_to = merged.survivor_of(connection, guid)
    return Besides(disputes=disputes, setter=setter, leads_to=leads_to, survivor=survivor)


def released_key(guid: str) -> str:
    """Note under which a moderator's release of a proposal's texts is kept."""
    return f"released:{guid}"


def _bearer(connection: Connection, board: Board, card: Card, ours: str) -> tuple[Bearer, Feature | None]:
    """Whose guid a new card bears, by its reference or by its birth, and the feature that waits for this card."""
    born = CardRef(board.identity, card.id, card.created).guid
    if _is_guid(card.reference) and card.reference != born:
        feature = find_feature(connection, card.reference)
        if feature is not None and pairs.pair_of(connection, board.identity, feature.guid) is None:
            return Bearer.UNPAIRED, feature
        if feature is not None:
            return Bearer.PAIRED, None
        if _was_at(card, ours) or in_lost_life(connection, card.created):
            return Bearer.LOST, None  # our hand was on this card: its reference is a guid that we gave
    returned = find_feature(connection, born)
    if returned is None:
        return Bearer.NOBODY, None
    if pairs.pair_of(connection, board.identity, born) is None:
        return Bearer.UNPAIRED, returned
    return Bearer.RETURNED, None


def _was_at(card: Card, ours: str) -> bool:
    """Whether a card bears anything that we write, links of `ours` among it; people take off one thing or another."""
    metadata = any(key.startswith(METADATA_PREFIX) for key in card.metadata)
    return metadata or any(link.url.startswith(ours) for link in card.links)


def _strays(connection: Connection, card: Card, pair: Pair) -> Bearer:
    """Whether a known card bears another proposal's guid: a copy read before its original, or one known too early.

    The other has its own card, or gets one: two cards for one proposal are worse than one of them made anew.
    """
    foreign = card.reference != pair.guid and _is_guid(card.reference)
    known = foreign and find_feature(connection, card.reference) is not None
    return Bearer.PAIRED if known else Bearer.NOBODY


def _is_guid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _survivor(connection: Connection, board: str, guid: str, view: CardView) -> str | None:
    """The proposal that the card, closed as a duplicate, says it duplicates: the first one known here."""
    for card_id in view.duplicates:
        known = pairs.find_pair(connection, board, card_id)
        if known is not None and known.pair.guid != guid:
            return known.pair.guid
    return None
