"""Resolving a clash: a person says what shall stand, and that is itself an edit.

What the map says already is merely settled. Against the board, the card's value counts as known from then on: so the
map's word is owed to it, or the card's word stands, and both sides come to rest.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from sync_service.editing.applying import EditRules, Incoming, apply_edits
from sync_service.editing.shapes import clean_geometry
from sync_service.editing.versions import version_text
from sync_service.errors import BadRequest, Conflict, NotFound, Unprocessable
from sync_service.store import clashes, outbox, pairs
from sync_service.store.clashes import same_value
from sync_service.store.clock import stamp
from sync_service.store.counter import identity
from sync_service.store.features import find_feature, write_feature
from sync_service.store.inbox import add_hints
from sync_service.store.pushes import KeptPush, keep_push
from sync_service.sync.decide import renew_card, retire_gone
from sync_service.sync.editing import GEOMETRY, Edit, EditOp, EditStatus, Refusal, geometry_text
from sync_service.sync.merge import acknowledge
from sync_service.sync.place import set_place
from sync_service.sync.values import Placement, Visibility

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from sync_service.store.clashes import OpenClash
    from sync_service.store.database import Database
    from sync_service.store.features import Author
    from sync_service.sync.state import Feature
    from sync_service.sync.values import Value

_PLACEMENT, _DISTRICT = "placement", "district"


@dataclass(frozen=True, slots=True)
class Resolution:
    """What shall stand, for the fields named; a geometry is base64 of WKB, or None for no place.

    `revision` is the one the person saw. For a card that is gone, `renew`: its proposal gets a new card, or is retired.
    """

    revision: int
    fields: Mapping[str, Value] = field(default_factory=dict)
    renew: bool | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """What came of it: the proposal's version as on the wire, and the clash if some of its fields still stand."""

    guid: str
    version: str
    left: OpenClash | None


def resolve_clash(
    database: Database, clash_id: str, resolution: Resolution, author: Author, *, rules: EditRules, now: datetime
) -> Resolved:
    """Resolve a clash, in one transaction.

    Raises `NotFound` when it is not open, `Conflict` when either side moved since, `BadRequest` for fields that do not
    clash, `Unprocessable` for values that cannot be.
    """
    author = replace(author, push=author.push or str(uuid4()))
    with database.writing() as connection:
        item, feature = _find(connection, clash_id, resolution)
        if item.reason == clashes.GONE:
            _resolve_gone(connection, feature, resolution, author, now)
        else:
            _resolve_fields(_Hand(connection, author, rules, now), item, feature, _readable(resolution.fields))
        _sign(connection, author, now)
        present = find_feature(connection, item.guid)
        assert present is not None, "features are never removed"
        if present.visibility is not Visibility.RETIRED:
            _hint_card(connection, present, now)
        left = clashes.find_clash(connection, item.id)
        return Resolved(item.guid, version_text(identity(connection), present.version), left)


@dataclass(frozen=True, slots=True)
class _Hand:
    connection: Connection
    author: Author
    rules: EditRules
    now: datetime


def _find(connection: Connection, clash_id: str, resolution: Resolution) -> tuple[OpenClash, Feature]:
    item = clashes.find_clash(connection, clash_id)
    feature = None if item is None else find_feature(connection, item.guid)
    if item is None or feature is None:
        raise NotFound("clash")
    if item.revision != resolution.revision:
        raise Conflict("clash_moved", revision=item.revision)
    gone = item.reason == clashes.GONE
    if gone != (resolution.renew is not None) or (not gone and not resolution.fields):
        raise BadRequest("renew" if gone else "fields", "clash_choice")
    if strange := sorted(set(resolution.fields) - set(item.fields)):
        raise BadRequest(strange[0], "not_clashing")
    return item, feature


def _readable(chosen: Mapping[str, Value]) -> Mapping[str, Value]:
    """What was chosen, its geometry as it is kept."""
    if chosen.get(GEOMETRY) is None:
        return chosen
    try:
        cleaned = clean_geometry(b64decode(str(chosen[GEOMETRY]), validate=True))
    except Error as error:
        raise BadRequest(GEOMETRY, "geometry_unreadable") from error
    if isinstance(cleaned, Refusal):
        raise Unprocessable(GEOMETRY, cleaned.code, **cleaned.data)
    return {**chosen, GEOMETRY: geometry_text(cleaned)}


def _resolve_fields(hand: _Hand, item: OpenClash, feature: Feature, chosen: Mapping[str, Value]) -> None:
    if item.reason == clashes.FIELDS:
        feature = _take_theirs(hand, item, feature, chosen)
        _acknowledge(hand, item, chosen)
    _set_values(hand, feature, _as_whole(item, {n: v for n, v in chosen.items() if not _stands(feature, n, v)}))
    present = clashes.find_clash(hand.connection, item.id)
    if present is not None:
        clashes.drop_sides(hand.connection, present, _settled(chosen), hand.now, hand.author.who)


def _as_whole(item: OpenClash, values: Mapping[str, Value]) -> Mapping[str, Value]:
    """Who chooses that there is no place chooses the words that came with it."""
    word = item.fields[_PLACEMENT].mine if _PLACEMENT in item.fields else None
    if values.get(GEOMETRY, "") is not None or word in (None, Placement.PLACED):
        return values
    return {**{name: item.fields[name].mine for name in (_PLACEMENT, _DISTRICT) if name in item.fields}, **values}


def _settled(chosen: Mapping[str, Value]) -> set[str]:
    """A place is one thing: who decides on a part of it decides on its words too, and the district hangs on them."""
    place = {GEOMETRY, _PLACEMENT}
    return set(chosen) | (place | {_DISTRICT} if place & set(chosen) else set())


def _stands(feature: Feature, name: str, value: Value) -> bool:
    return same_value(name, value, clashes.map_value(feature, name))


def _take_theirs(hand: _Hand, item: OpenClash, feature: Feature, chosen: Mapping[str, Value]) -> Feature:
    """The card's own words need not be what an edit could say (a line may be longer): they are taken as they are."""
    theirs = {name: value for name, value in chosen.items() if value == item.fields[name].theirs}
    placement = theirs.pop(_PLACEMENT, None)
    fresh = replace(feature, properties={**feature.properties, **theirs})
    if placement not in (None, Placement.PLACED, feature.properties.get(_PLACEMENT)):
        fresh = set_place(fresh, None, Placement(str(placement)))
    return write_feature(hand.connection, fresh, hand.author, hand.now)


def _acknowledge(hand: _Hand, item: OpenClash, chosen: Mapping[str, Value]) -> None:
    """What the card says is known to both sides now: whatever the map says otherwise is owed to it."""
    board = identity(hand.connection).board
    stored = None if board is None else pairs.pair_of(hand.connection, board, item.guid)
    if stored is None:
        return
    theirs = {name: item.fields[name].theirs for name in chosen}
    pairs.write_pair(hand.connection, replace(stored, pair=acknowledge(stored.pair, theirs)))


def _set_values(hand: _Hand, feature: Feature, values: Mapping[str, Value]) -> None:
    """What the map does not say yet, as an edit made from what is there."""
    if not values:
        return
    said = dict(values)
    text = said.pop(GEOMETRY, None)
    op = EditOp.UNPLACE if GEOMETRY in values and text is None else EditOp.UPDATE
    edit = Edit(op, feature.guid, said, None if text is None else b64decode(str(text)))
    base = version_text(identity(hand.connection), feature.version)
    (outcome,) = apply_edits(hand.connection, [Incoming(edit, base)], hand.author, hand.rules, hand.now)
    if outcome.status is EditStatus.REJECTED:
        assert outcome.refusal is not None, "a rejection has its reason"
        data = {name: value for name, value in outcome.refusal.data.items() if name != "field"}
        raise Unprocessable(str(outcome.refusal.data.get("field", GEOMETRY)), outcome.refusal.code, **data)


def _resolve_gone(
    connection: Connection, feature: Feature, resolution: Resolution, author: Author, now: datetime
) -> None:
    """The card is gone and its proposal had an edit that never reached it: a new card, or an end."""
    board = identity(connection).board
    stored = None if board is None else pairs.pair_of(connection, board, feature.guid)
    if stored is None:
        raise Conflict("clash_moved")
    if resolution.renew:
        decision = renew_card(feature)
        assert decision.feature is not None, "the feature it was given"
        pairs.drop_pair(connection, feature.guid)
        outbox.cancel_all(connection, feature.guid)
        write_feature(connection, decision.feature, author, now)
        outbox.owe(connection, feature.guid, decision.effects, now)
        clashes.close_reason(connection, feature.guid, clashes.GONE, now)
        return
    decision = retire_gone(feature, stored.pair)
    assert decision.pair is not None, "the pair it was given"
    pairs.write_pair(connection, replace(stored, pair=decision.pair))
    outbox.cancel_all(connection, feature.guid)
    retired = replace(feature, visibility=Visibility.RETIRED)
    write_feature(connection, retired, replace(author, confirmed=True), now)
    for item in clashes.open_clashes(connection, feature.guid):
        clashes.close_clash(connection, item.id, now, author.who)


def _sign(connection: Connection, author: Author, now: datetime) -> None:
    """What was resolved is a push of its own, so that it can be put back."""
    assert author.push is not None, "signed by resolve_clash"
    by, source = author.who_id, author.source
    keep_push(connection, KeptPush(author.push, "", "", stamp(now), author.who, source, {}, who_id=by))


def _hint_card(connection: Connection, feature: Feature, now: datetime) -> None:
    card = feature.properties.get("card_id")
    add_hints(connection, [] if card is None else [str(card)], now)
