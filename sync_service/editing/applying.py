"""Applying edits inside a transaction: the one road by which the map's word comes into the store.

Each edit is merged with what became of its proposal since its base. What it changes is written with its history; what
clashes is kept for a person; the card is hinted, so that the engine looks at it again and owes it what differs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sync_service.editing.shapes import check_place, clean_geometry
from sync_service.editing.versions import bases_of
from sync_service.hands import same_hand
from sync_service.places.area import WORLD, Area
from sync_service.store import clashes, outbox
from sync_service.store.clashes import OpenClash, Origin
from sync_service.store.clock import stamp
from sync_service.store.counter import Identity, identity
from sync_service.store.districts import district_finder
from sync_service.store.features import find_features, write_features
from sync_service.store.history import last_write
from sync_service.store.inbox import add_hints
from sync_service.store.pushes import find_push
from sync_service.sync.decide import Rules, decide
from sync_service.sync.editing import (
    GEOMETRY,
    Edit,
    Edited,
    EditOp,
    EditStatus,
    Refusal,
    Submission,
    draw_feature,
    merge_edit,
)
from sync_service.sync.state import Feature, Sides
from sync_service.sync.values import Hand, Placement, Visibility

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from sync_service.store.features import Author
    from sync_service.store.history import Past

_LATELY = timedelta(days=1)
"""How long what another hand wrote is offered back after it was overwritten."""

_PLACE = frozenset({GEOMETRY, "placement"})
"""What is set as one: whoever set either last has set the place."""


@dataclass(frozen=True, slots=True)
class EditRules:
    """What the settings, the imported layers and the author's rights add to an edit.

    `area` is where places are believed; `may_approve`: what the author draws may be approved at once; `district_of`
    names the district of a geometry (WKB, CRS84), if not by those imported; `shared_name`: the author's name is of
    many, who are told apart by their clients. With a `submission` the author is a partner, and brings in new ones only.
    """

    area: Area = WORLD
    may_approve: bool = False
    district_of: Callable[[bytes], str | None] | None = None
    shared_name: bool = False
    submission: Submission | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """An edit with the version it was made from (as on the wire); with `overwrite` it takes what it clashes with."""

    edit: Edit
    base: str | None = None
    overwrite: bool = False
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an edit: the version its proposal has now (None: there is none), why not, the clash it opened."""

    guid: str
    status: EditStatus
    version: int | None
    refusal: Refusal | None = None
    clash: OpenClash | None = None


@dataclass(slots=True)
class _Work:
    """One edit under way. `stands` are values that stand against the map's now, by reason and whose they are."""

    incoming: Incoming
    current: Feature | None
    edited: Edited
    stands: list[tuple[str, Origin, dict[str, Sides]]] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        return self.edited.status is not EditStatus.REJECTED and self.edited.feature != self.current


@dataclass(frozen=True, slots=True)
class _Desk:
    """What is the same for all edits of a transaction."""

    connection: Connection
    me: Identity
    author: Author
    rules: EditRules
    now: datetime


def apply_edits(
    connection: Connection, incoming: Sequence[Incoming], author: Author, rules: EditRules, now: datetime
) -> list[Outcome]:
    """Apply edits in their order. Several of one proposal do not clash with each other, whatever base they name."""
    if rules.district_of is None and any(each.edit.geometry is not None for each in incoming):
        rules = replace(rules, district_of=district_finder(connection))
    desk = _Desk(connection, identity(connection), author, rules, now)
    spoken: dict[str, frozenset[str]] = {}
    return [outcome for run in _runs(incoming) for outcome in _apply_run(desk, run, spoken)]


def _runs(incoming: Sequence[Incoming]) -> Iterator[list[Incoming]]:
    """The edits in their order, in runs that name no proposal twice: each run is written together."""
    run: list[Incoming] = []
    seen: set[str] = set()
    for each in incoming:
        if each.edit.guid in seen:
            yield run
            run, seen = [], set()
        run.append(each)
        seen.add(each.edit.guid)
    if run:
        yield run


@dataclass(frozen=True, slots=True)
class _Eras:
    """Proposals as they are, as they were when the edits were made, and what this push has set of each, by guid."""

    current: Mapping[str, Feature]
    base: Mapping[str, Feature | None]
    spoken: Mapping[str, frozenset[str]]


def _apply_run(desk: _Desk, run: Sequence[Incoming], spoken: dict[str, frozenset[str]]) -> list[Outcome]:
    features = find_features(desk.connection, [each.edit.guid for each in run])
    made_from = [(features[each.edit.guid], each.base) for each in run if each.edit.guid in features]
    eras = _Eras(features, bases_of(desk.connection, desk.me, made_from), spoken)
    work = [_merge(desk, each, eras) for each in run]
    changed = [each.edited.feature for each in work if each.changes]
    written = {feature.guid: feature for feature in write_features(desk.connection, changed, desk.author, desk.now)}
    for each in work:
        guid = each.incoming.edit.guid
        spoken[guid] = spoken.get(guid, frozenset()) | each.edited.touched
    _owe_cards(desk, [written[each.edited.feature.guid] for each in work if each.current is None and each.changes])
    opened = _keep_clashes(desk, work)
    _hint_cards(desk, [each.current for each in work if each.current and (each.changes or each.stands)])
    return [_outcome(each, written, opened) for each in work]


def _outcome(work: _Work, written: Mapping[str, Feature], opened: Mapping[str, OpenClash]) -> Outcome:
    guid = work.incoming.edit.guid
    feature = written.get(guid) or work.current
    version = None if feature is None else feature.version
    return Outcome(guid, work.edited.status, version, work.edited.refusal, opened.get(guid))


def _merge(desk: _Desk, incoming: Incoming, eras: _Eras) -> _Work:
    edit = incoming.edit
    current = eras.current.get(edit.guid)
    if edit.geometry is not None:
        cleaned = clean_geometry(edit.geometry)
        if isinstance(cleaned, Refusal):
            return _Work(incoming, current, _rejected(edit, current, cleaned))
        edit = replace(edit, geometry=cleaned)
    edited = _edit(desk, edit, eras, overwrite=incoming.overwrite)
    sets = edit.geometry is not None and (edited.feature.geometry is edit.geometry or GEOMETRY in edited.clashes)
    if sets and edit.geometry is not None:
        refusal = check_place(edit.geometry, desk.rules.area)
        if refusal is not None:
            return _Work(incoming, current, _rejected(edit, current, refusal))
    work = _Work(incoming, current, replace(edited, feature=_join_district(desk.rules, edited)))
    if edited.clashes and current is not None:
        work.stands = [*_standing(desk, current, work)]
    return work


def _edit(desk: _Desk, edit: Edit, eras: _Eras, *, overwrite: bool) -> Edited:
    current = eras.current.get(edit.guid)
    if edit.op is not EditOp.CREATE and desk.rules.submission is not None:
        return _rejected(edit, None, Refusal("only_new"))
    if edit.op is EditOp.CREATE:
        if current is None:
            return draw_feature(edit, may_approve=desk.rules.may_approve, submission=desk.rules.submission)
        gone = current.visibility is Visibility.RETIRED
        return _rejected(edit, current, Refusal("gone" if gone else "exists"))
    if current is None:
        return _rejected(edit, None, Refusal("unknown_guid"))
    spoken = eras.spoken.get(edit.guid, frozenset())
    return merge_edit(current, eras.base.get(edit.guid), edit, spoken=spoken, overwrite=overwrite)


def _rejected(edit: Edit, current: Feature | None, refusal: Refusal) -> Edited:
    nothing = current or Feature(edit.guid, {}, None, Hand.MAP, None, Visibility.HIDDEN)
    return Edited(EditStatus.REJECTED, nothing, refusal=refusal)


def _join_district(rules: EditRules, edited: Edited) -> Feature:
    """A place set on the map lies in a district at once, not only when its card is read."""
    feature = edited.feature
    drawn_or_moved = GEOMETRY in edited.touched or not edited.touched
    if rules.district_of is None or feature.geometry is None or not drawn_or_moved:
        return feature
    if edited.status in (EditStatus.REJECTED, EditStatus.UNCHANGED):
        return feature
    return replace(feature, properties={**feature.properties, "district": rules.district_of(feature.geometry)})


def _standing(desk: _Desk, current: Feature, work: _Work) -> Iterator[tuple[str, Origin, dict[str, Sides]]]:
    """Which values stand against the map's because of this edit, and whose they are."""
    sides = dict(work.edited.clashes)
    if not work.incoming.overwrite:
        past = last_write(desk.connection, current.guid, sides)
        by, at = (None, None) if past is None else (past.hand, past.at)
        client, push, me_id = work.incoming.client, desk.author.push, desk.author.who_id
        yield clashes.EDIT, Origin(desk.author.who, by, at, push, client, who_id=me_id), sides
        return
    client = work.incoming.client if desk.rules.shared_name else None
    me = _Hand(_name(desk.author), client, desk.author.who_id)
    lost: dict[_Hand, dict[str, Sides]] = {}
    for name, each in sides.items():
        past = last_write(desk.connection, current.guid, _PLACE if name in _PLACE else {name})
        if past is None or past.at < stamp(desk.now - _LATELY):
            continue
        hand = _Hand(past.hand, _client_of(desk, past), past.who_id)
        if not hand.is_same(me) and each.theirs not in (None, Placement.UNPLACED):
            lost.setdefault(hand, {})[name] = Sides(each.theirs, each.mine, each.theirs)
    for hand, fields in lost.items():
        origin = Origin(hand.name, me.name, stamp(desk.now), desk.author.push, hand.client, who_id=hand.who_id)
        yield clashes.OVERWRITTEN, origin, fields


@dataclass(frozen=True, slots=True)
class _Hand:
    """Who writes: a person or, where many share a name, one of their clients."""

    name: str
    client: str | None
    who_id: str | None

    def is_same(self, other: _Hand) -> bool:
        return self.client == other.client and same_hand(self.who_id, self.name, other.who_id, other.name)


def _client_of(desk: _Desk, past: Past) -> str | None:
    """The client that made a write under the name its author shares with many."""
    mine = same_hand(past.who_id, past.hand, desk.author.who_id, _name(desk.author))
    if not (desk.rules.shared_name and mine):
        return None
    kept = None if past.push is None else find_push(desk.connection, past.push)
    return past.source if kept is None else kept.client_id


def _name(author: Author) -> str:
    return author.who or author.source


def _keep_clashes(desk: _Desk, work: Sequence[_Work]) -> dict[str, OpenClash]:
    """Open or renew the clashes of these edits; each is told of its own fields."""
    standing: dict[str, list[OpenClash]] = {}
    for item in clashes.clashes_of(desk.connection, [each.incoming.edit.guid for each in work]):
        standing.setdefault(item.guid, []).append(item)
    opened: dict[str, OpenClash] = {}
    for each in work:
        guid = each.incoming.edit.guid
        for item in standing.get(guid, ()):
            _withdraw_older(desk, item, each)
        for reason, origin, sides in each.stands:
            kept = clashes.add_sides(desk.connection, guid, reason, sides, origin=origin, now=desk.now)
            opened[guid] = replace(kept, fields=sides)
    return opened


def _withdraw_older(desk: _Desk, item: OpenClash, work: _Work) -> None:
    """Who sets a field, knowing what it is, has done with what he once wanted of it."""
    me = desk.author
    wished = item.is_of(Origin(me.who, client=work.incoming.client, who_id=me.who_id), clashes.EDIT)
    lost = item.is_of(Origin(_name(me), client=item.origin.client, who_id=me.who_id), clashes.OVERWRITTEN)
    lost = lost and item.origin.client in (None, work.incoming.client)
    if (wished or lost) and work.edited.touched & set(item.fields):
        clashes.drop_sides(desk.connection, item, work.edited.touched, desk.now, desk.author.who)


def _owe_cards(desk: _Desk, drawn: Sequence[Feature]) -> None:
    for feature in drawn:
        decision = decide(None, feature, None, Rules(publishing=False))
        outbox.owe(desk.connection, feature.guid, decision.effects, desk.now)


def _hint_cards(desk: _Desk, features: Sequence[Feature]) -> None:
    cards = [str(feature.properties["card_id"]) for feature in features if feature.properties.get("card_id")]
    add_hints(desk.connection, cards, desk.now)
