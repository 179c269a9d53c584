"""Putting back what a push did, or one change of a proposal, sparing whatever came later.

Only what still says what that push made of it is put back; each write is an edit of its own, in a push of its own. A
proposal is never removed: one drawn by the push loses its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from sync_service.errors import NotFound
from sync_service.store import clashes
from sync_service.store.clashes import same_value
from sync_service.store.clock import stamp
from sync_service.store.features import find_features, snapshot, with_values, write_features
from sync_service.store.history import past_with, pasts_in
from sync_service.store.inbox import add_hints
from sync_service.store.pushes import KeptPush, edits_in, find_push, keep_push, mark_undone
from sync_service.sync.editing import GEOMETRY
from sync_service.sync.fields import names_owned
from sync_service.sync.values import Hand, Owner, Placement, Visibility

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from sync_service.store.database import Database
    from sync_service.store.features import Author
    from sync_service.store.history import Past
    from sync_service.sync.state import Feature
    from sync_service.sync.values import Value

_PLACE = (GEOMETRY, "placement")
_WITH_PLACE = (*_PLACE, "hand", "source", "place_reason", "district")
_WORDS = tuple(name for name in names_owned(Owner.SHARED) if name != "placement")
_NOWHERE = {GEOMETRY: None, "placement": Placement.UNPLACED.value, "hand": Hand.MAP.value, "source": None}


@dataclass(frozen=True, slots=True)
class PutBack:
    """What is put back of one proposal: each name with its present value and the one it gets; geometry as base64 WKB.

    `spared` are names that somebody has changed since; `gone`: the proposal was retired, and nothing is put back.
    """

    guid: str
    fields: Mapping[str, tuple[Value, Value]] = field(default_factory=dict)
    spared: Sequence[str] = ()
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Undoing:
    """What was, or with a dry run would be, put back; `key` is that of the push which does it, None if nothing was."""

    proposals: Sequence[PutBack]
    key: str | None = None


def undo_push(database: Database, key: str, author: Author, now: datetime, *, dry_run: bool) -> Undoing:
    """Put back what a push did. Its edits that clashed are withdrawn. Raises `NotFound` for a push nobody made."""
    if dry_run:
        with database.reading() as connection:
            return _foretell(connection, _of_push(connection, key))
    with database.writing() as connection:
        undoing = _put_back(connection, _of_push(connection, key), author, now)
        _withdraw(connection, key, author, now)
        mark_undone(connection, key, now)
        return undoing


def undo_change(
    database: Database, guid: str, past_id: int, author: Author, now: datetime, *, dry_run: bool
) -> Undoing:
    """Put back one change of a proposal, by its id in the history. Raises `NotFound` when there is none."""
    if dry_run:
        with database.reading() as connection:
            return _foretell(connection, _of_change(connection, guid, past_id))
    with database.writing() as connection:
        return _put_back(connection, _of_change(connection, guid, past_id), author, now)


def _of_push(connection: Connection, key: str) -> Sequence[Past]:
    pasts = pasts_in(connection, key)
    if not pasts and find_push(connection, key) is None:
        raise NotFound("push")
    return pasts


def _of_change(connection: Connection, guid: str, past_id: int) -> Sequence[Past]:
    past = past_with(connection, guid, past_id)
    if past is None:
        raise NotFound("change")
    return [past]


@dataclass(frozen=True, slots=True)
class _Plan:
    told: PutBack
    feature: Feature


def _plans(connection: Connection, pasts: Sequence[Past]) -> list[_Plan]:
    writes: dict[str, list[Past]] = {}
    for past in pasts:
        writes.setdefault(past.guid, []).append(past)
    features = find_features(connection, list(writes))
    return [_plan(features[guid], of_one) for guid, of_one in writes.items()]


def _foretell(connection: Connection, pasts: Sequence[Past]) -> Undoing:
    return Undoing(tuple(plan.told for plan in _plans(connection, pasts)))


def _put_back(connection: Connection, pasts: Sequence[Past], author: Author, now: datetime) -> Undoing:
    plans, key = _plans(connection, pasts), str(uuid4())
    told = tuple(plan.told for plan in plans)
    changed = [plan.feature for plan in plans if plan.told.fields]
    if not changed:
        return Undoing(told)
    by, source = author.who_id, author.source
    keep_push(connection, KeptPush(key, "", "", stamp(now), author.who, source, {}, who_id=by))
    write_features(connection, changed, replace(author, push=key), now)
    _hint_cards(connection, changed, now)
    return Undoing(told, key)


def _hint_cards(connection: Connection, features: Iterable[Feature], now: datetime) -> None:
    cards = [feature.properties.get("card_id") for feature in features]
    add_hints(connection, [str(card) for card in cards if card], now)


def _plan(feature: Feature, pasts: Sequence[Past]) -> _Plan:
    """What of these writes of one proposal, oldest first, still stands, and can be put back."""
    if feature.visibility is Visibility.RETIRED:
        return _Plan(PutBack(feature.guid, gone=True), feature)
    before, after = _sum_up(pasts)
    present = snapshot(feature)
    stands = {name for name in after if same_value(name, present.get(name), after[name])}
    back = {name: before.get(name) for name in _WORDS if name in stands}
    place = {name for name in _PLACE if name in after}
    if place and place <= stands:
        back |= {name: before[name] for name in _WITH_PLACE if name in stands}
        back |= _without_place(present, back)
    elif present["placement"] == Placement.DISTRICT and "district" in stands:
        back["district"] = before.get("district")
    spared = sorted(name for name in after if name in {*_PLACE, *_WORDS} and name not in back)
    fields = {name: (present.get(name), value) for name, value in back.items() if present.get(name) != value}
    told = {name: sides for name, sides in fields.items() if name in {*_PLACE, *_WORDS, "district"}}
    return _Plan(PutBack(feature.guid, told, spared), with_values(feature, back))


def _without_place(present: Mapping[str, Value], back: Mapping[str, Value]) -> Mapping[str, Value]:
    """What the push drew had no place before: it has none now, by the hand that puts it back."""
    geometry = back.get(GEOMETRY, present[GEOMETRY])
    placement = back.get("placement", present["placement"])
    return _NOWHERE if geometry is None and placement in (None, Placement.PLACED) else {}


def _sum_up(pasts: Sequence[Past]) -> tuple[dict[str, Value], dict[str, Value]]:
    """The values before the first and after the last of these writes, where they differ."""
    before: dict[str, Value] = {}
    after: dict[str, Value] = {}
    for past in pasts:
        for name, value in past.after.items():
            before.setdefault(name, (past.before or {}).get(name))
            after[name] = value
    changed = [name for name in after if not same_value(name, before[name], after[name])]
    return {name: before[name] for name in changed}, {name: after[name] for name in changed}


def _withdraw(connection: Connection, key: str, author: Author, now: datetime) -> None:
    """Values of the push that never were applied wait for nobody any more; a later edit in their place does."""
    for edit in edits_in(connection, key):
        told = edit.result["clash"]
        item = None if told is None else clashes.find_clash(connection, told["id"])
        if item is not None:
            sides = told["fields"] | ({GEOMETRY: told[GEOMETRY]} if told[GEOMETRY] else {})
            same = [n for n, each in item.fields.items() if n in sides and each.mine == sides[n]["mine"]]
            if same:
                clashes.drop_sides(connection, item, same, now, author.who)
                _hint_cards(connection, find_features(connection, [item.guid]).values(), now)
