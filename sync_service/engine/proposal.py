"""Working one proposal: gather, decide, apply – the last two in one transaction, so that nothing comes between.

The transaction holds the store's write lock from its start: feature and pair cannot change between being read for the
decision and being written by it. A reading older than one already worked is not believed (tickets).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kanban_adapter.card import Relation
from sync_service.engine.duplicates import follow_lead, refresh_offers
from sync_service.engine.gathering import besides, check_ticket, gather, released_key
from sync_service.engine.interpret import texts_digest
from sync_service.store import clashes, outbox, pairs, waiting
from sync_service.store.clock import stamp
from sync_service.store.features import BOARD, Author, find_feature, write_feature
from sync_service.store.inbox import add_hints
from sync_service.store.leases import write_note
from sync_service.store.lookups import want_lookups
from sync_service.store.pairs import StoredPair
from sync_service.store.waiting import Topic
from sync_service.sync.decide import decide
from sync_service.sync.decision import LINK, Decision, Outcome
from sync_service.sync.disputes import DUPLICATE
from sync_service.sync.stages import visibility_for
from sync_service.sync.state import CardGone, Feature
from sync_service.sync.surge import within_surge
from sync_service.sync.values import Visibility

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from kanban_adapter.card import Card
    from sync_service.engine.gathering import Context
    from sync_service.engine.interpret import Board
    from sync_service.engine.parts import Parts
    from sync_service.engine.report import Report
    from sync_service.sync.decide import Besides


Past = tuple[StoredPair | None, Feature | None]
"""Pair and feature of a proposal as they were when last looked at."""


def work_card(parts: Parts, context: Context, card: Card, past: Past, report: Report) -> None:
    """Bring the proposal of a card that is there up to date. Raises `Overtaken`.

    `past` only spares looking its place up again; what is decided from is read in the transaction.
    """
    known, feature = past
    if known is None and card.project_id not in context.board.projects and not card.reference:
        return  # webhooks tell of every project of the board
    pair = known.pair if known else None
    said = parts.placing.read(card.description, parts.interpreter.address(card), feature, pair)

    def work(connection: Connection) -> None:
        changed, now = report.changed, parts.now()
        found = gather(connection, parts, context, card, said)
        view, old = found.view, found.feature
        decision = decide(view, old, found.pair, context.rules, bearer=found.bearer, besides=found.besides)
        if decision.feature is None:
            return  # outside the watched projects, with somebody's reference and nothing of ours
        report.may_publish += visibility_for(view.stage, watched=view.watched) is Visibility.PUBLIC
        reading = _Reading(context.ticket, card.fingerprint, card.detail, None)
        _apply(connection, parts, decision, reading, report, old=old)
        _hold_text(connection, decision, now)
        _follow(connection, decision, found.besides, now)
        want_lookups(connection, said.pending, card.id, now)
        add_hints(connection, _concerned(card, decision, changed=report.changed > changed), now)

    _in_transaction(parts, context, work)


def _follow(connection: Connection, decision: Decision, besides: Besides, now: datetime) -> None:
    """A duplicate leads to its survivor and offers it its place; a survivor may have got another one."""
    if decision.pair is None:
        return
    guid = decision.pair.guid
    if decision.survivor is not None or besides.leads_to is not None:
        follow_lead(connection, guid, decision.survivor, now)
    elif any(each.reason == DUPLICATE for each in besides.disputes):
        refresh_offers(connection, guid, now)


def _concerned(card: Card, decision: Decision, *, changed: bool) -> list[str]:
    """Other cards to look at again, of whose change no webhook tells."""
    relations = {Relation.BLOCKS} if changed else set()
    if decision.outcome in _BORN:
        relations.add(Relation.IS_DUPLICATED_BY)
    return [item.card_id for item in card.related if item.relation in relations]


_BORN = frozenset({Outcome.CREATE_FEATURE, Outcome.ADOPT, Outcome.NEW_FROM_COPY})


def work_gone(parts: Parts, context: Context, card_id: str, created: int, report: Report, *, settled: bool) -> None:
    """Bring the proposal of a card that is certainly not there up to date. Raises `Overtaken`.

    `settled`: it was found gone by an earlier full sweep already, so that it may be retired.
    """

    def work(connection: Connection) -> None:
        before = pairs.find_pair(connection, context.board.identity, card_id, created)
        if before is None:
            return
        check_ticket(before, context.ticket)
        feature = find_feature(connection, before.pair.guid)
        gone = CardGone(before.pair.card, confirmed=True, settled=settled and before.gone_since is not None)
        known = besides(connection, before.pair.guid, feature, before.pair)
        decision = decide(gone, feature, before.pair, context.rules, besides=known)
        since = before.gone_since or stamp(parts.now())
        reading = _Reading(context.ticket, before.fingerprint, before.detail, since)
        _apply(connection, parts, decision, reading, report, old=feature)

    _in_transaction(parts, context, work)


class _DryRun(Exception):
    pass


def _in_transaction(parts: Parts, context: Context, work: Callable[[Connection], None]) -> None:
    try:
        with parts.database.writing() as connection:
            work(connection)
            _keep_or_not(context)
    except _DryRun:
        pass


def _keep_or_not(context: Context) -> None:
    if context.dry_run:
        raise _DryRun


def recall(connection: Connection, board: Board, card: Card) -> Past:
    """What is known of a card's proposal."""
    known = pairs.find_pair(connection, board.identity, card.id, card.created)
    return known, find_feature(connection, known.pair.guid) if known else None


@dataclass(frozen=True, slots=True)
class _Reading:
    ticket: int
    fingerprint: str
    detail: str
    gone_since: str | None


def _apply(
    connection: Connection, parts: Parts, decision: Decision, reading: _Reading, report: Report, *, old: Feature | None
) -> None:
    if decision.feature is None or decision.pair is None:
        return
    now, guid = parts.now(), decision.feature.guid
    visibility = _admit(connection, decision, parts.policy.surge_limit, now)
    fresh = replace(decision.feature, visibility=visibility)
    written = write_feature(connection, fresh, BOARD, now)
    stored = StoredPair(decision.pair, reading.ticket, reading.fingerprint, reading.detail, reading.gone_since)
    pairs.write_pair(connection, stored)
    outbox.cancel(connection, guid, decision.cancelled)
    outbox.owe(connection, guid, decision.effects, now)
    if written.published and not decision.feature.published:
        outbox.owe(connection, guid, [LINK], now)
    if opened := _keep_clashes(connection, decision, now):
        report.clashes += opened
        add_hints(connection, [decision.pair.card.id], now)  # so that it is told of what has its name only now
    _count(report, decision, old, written)


def _admit(connection: Connection, decision: Decision, limit: int, now: datetime) -> Visibility:
    """The visibility that comes about now: the wanted one, or the present one while the wanted one waits."""
    assert decision.feature is not None
    guid, present, wanted = decision.feature.guid, decision.feature.visibility, decision.wants
    if wanted is present:
        waiting.stop_waiting(connection, guid, Topic.VISIBILITY)
        return present
    held = waiting.waiting_item(connection, guid, Topic.VISIBILITY)
    refused = held is not None and held.refused and held.change == wanted
    if not refused and within_surge(waiting.recent_changes(connection, now), limit):
        waiting.stop_waiting(connection, guid, Topic.VISIBILITY)
        return wanted
    waiting.let_wait(connection, guid, Topic.VISIBILITY, wanted, now)
    return present


def _keep_clashes(connection: Connection, decision: Decision, now: datetime) -> int:
    assert decision.feature is not None
    guid = decision.feature.guid
    opened = int(clashes.keep_clash(connection, guid, clashes.FIELDS, decision.clashes, now))
    if decision.lost:
        clashes.add_sides(connection, guid, clashes.EDIT, decision.lost, origin=clashes.NOWHERE, now=now)
        opened += 1
    if decision.gone_clash:
        return opened + clashes.keep_clash(connection, guid, clashes.GONE, {}, now)
    clashes.close_reason(connection, guid, clashes.GONE, now)
    return opened


def _count(report: Report, decision: Decision, old: Feature | None, written: Feature) -> None:
    if old is None:
        report.created += 1
    elif written.version != old.version:
        report.updated += 1
    was = Visibility.HIDDEN if old is None else old.visibility
    if written.visibility is was or decision.outcome is Outcome.NOTHING:
        return
    report.published += written.visibility is Visibility.PUBLIC
    report.hidden += written.visibility is Visibility.HIDDEN
    report.retired += written.visibility is Visibility.RETIRED


def _hold_text(connection: Connection, decision: Decision, now: datetime) -> None:
    """Have texts that look personal wait for a moderator's look."""
    assert decision.feature is not None
    properties = decision.feature.properties
    if properties.get("held"):
        waiting.let_wait(connection, decision.feature.guid, Topic.TEXT, texts_digest(properties), now)
    else:
        waiting.stop_waiting(connection, decision.feature.guid, Topic.TEXT)


def confirm_item(connection: Connection, item: waiting.Waiting, author: Author, now: datetime) -> None:
    """A person confirmed what waits: the change comes about, the text is released."""
    if item.topic is Topic.TEXT:
        write_note(connection, released_key(item.guid), item.change)
    feature = find_feature(connection, item.guid)
    if feature is not None:
        properties = {**feature.properties, "held": None} if item.topic is Topic.TEXT else feature.properties
        visibility = Visibility(item.change) if item.topic is Topic.VISIBILITY else feature.visibility
        fresh = replace(feature, properties=properties, visibility=visibility)
        written = write_feature(connection, fresh, author, now)
        if written.published and not feature.published:
            outbox.owe(connection, item.guid, [LINK], now)
    waiting.stop_waiting(connection, item.guid, item.topic)
