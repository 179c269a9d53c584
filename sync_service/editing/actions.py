"""Actions of people that are not edits of the map: they ask something of the board, with a reason.

What is asked is owed to the card like everything else; the stage stays the board's, and changes when it is read back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID, uuid4, uuid5

from sync_service.editing.versions import base_of, version_text
from sync_service.errors import BadRequest, Conflict, Gone, NotFound
from sync_service.store import outbox, pairs
from sync_service.store.counter import identity
from sync_service.store.features import find_feature, write_feature
from sync_service.store.inbox import add_hints
from sync_service.sync.decision import Effect, close_at, move_to, say_words
from sync_service.sync.place import hand_back
from sync_service.sync.values import Stage, Visibility

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from sync_service.store.counter import Identity
    from sync_service.store.database import Database
    from sync_service.store.features import Author
    from sync_service.store.pairs import StoredPair
    from sync_service.sync.state import Feature


class Act(StrEnum):
    """What a person may ask of a proposal's card."""

    APPROVE = "approve"
    """Move it to the first column bound to `approved`."""
    RETURN = "return"
    """Move it back to the first column bound to `proposed`, and say why."""
    CLOSE = "close"
    """Close it, and say why."""
    COMMENT = "comment"
    """Say something."""
    SUGGEST = "suggest"
    """Say what should be changed, as somebody who may not change it."""
    HAND_BACK = "hand_back"
    """Let the card's text say again where the proposal is."""


MODERATORS = frozenset({Act.APPROVE, Act.RETURN, Act.CLOSE})
"""Actions for which one must be allowed to moderate; for the others, to edit."""
_REASONED = frozenset({Act.RETURN, Act.CLOSE, Act.COMMENT, Act.SUGGEST})
_MOST_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class Asked:
    """An action, why, and the version of the proposal it was asked at (as on the wire).

    The same asked again under the same `key` says nothing twice.
    """

    act: Act
    reason: str | None = None
    base_version: str | None = None
    key: str | None = None


def act_on(database: Database, guid: str, asked: Asked, author: Author, now: datetime) -> str:
    """Do what was asked, in one transaction; gives the proposal's version as on the wire.

    Raises `BadRequest` for a missing or endless reason, `NotFound` and `Gone` for the proposal, `Conflict` when its
    card is still to be made, or its stage is not the one that was seen.
    """
    reason = _read_reason(asked)
    with database.writing() as connection:
        me = identity(connection)
        feature, stored = _find(connection, me, guid)
        if asked.act in MODERATORS:
            _check_stage(connection, me, feature, asked)
        if asked.act is Act.HAND_BACK:
            feature = _hand_back(connection, feature, stored, author, now)
        outbox.owe(connection, guid, _effects(asked, feature, reason, author), now)
        add_hints(connection, [stored.pair.card.id], now)
        return version_text(me, feature.version)


def _read_reason(asked: Asked) -> str:
    reason = (asked.reason or "").strip()
    if not reason and asked.act in _REASONED:
        raise BadRequest("reason", "reason_missing")
    if len(reason) > _MOST_CHARACTERS:
        raise BadRequest("reason", "reason_long", limit=_MOST_CHARACTERS)
    return reason


def _find(connection: Connection, me: Identity, guid: str) -> tuple[Feature, StoredPair]:
    feature = find_feature(connection, guid)
    if feature is None:
        raise NotFound("proposal")
    if feature.visibility is Visibility.RETIRED:
        raise Gone("gone")
    stored = None if me.board is None else pairs.pair_of(connection, me.board, guid)
    if stored is None:
        raise Conflict("no_card")
    return feature, stored


def _check_stage(connection: Connection, me: Identity, feature: Feature, asked: Asked) -> None:
    """Somebody who decides must have seen the stage that is decided on; other changes since do not matter."""
    if asked.base_version is None:
        return
    base = base_of(connection, me, feature, asked.base_version)
    if base is None or base.properties.get("stage") != feature.properties.get("stage"):
        raise Conflict("stage_moved", stage=feature.properties.get("stage"))


def _effects(asked: Asked, feature: Feature, reason: str, author: Author) -> list[Effect]:
    stage = feature.properties.get("stage")
    expected = None if stage is None else Stage(str(stage))
    moves = {
        Act.APPROVE: move_to(Stage.APPROVED, expected),
        Act.RETURN: move_to(Stage.PROPOSED, expected),
        Act.CLOSE: close_at(expected),
    }
    by = author.who_id or author.who
    marker = uuid4() if asked.key is None else uuid5(UUID(int=0), f"{feature.guid} {by} {asked.key}")
    said = [say_words(str(marker), reason, author.who)] if reason else []
    return [*said, *([moves[asked.act]] if asked.act in moves else [])]


def _hand_back(connection: Connection, feature: Feature, stored: StoredPair, author: Author, now: datetime) -> Feature:
    handed, pair = hand_back(feature, stored.pair)
    written = write_feature(connection, handed, author, now)
    pairs.write_pair(connection, replace(stored, pair=pair))
    return written
