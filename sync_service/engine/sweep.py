"""The sweep: the truth by which both sides meet even when every webhook is lost.

A short one compares two full listings (open and closed cards) with what is known and reads only the cards that differ.
A full one reads every card. Nothing is taken away for an incomplete listing, or for one that lacks too much.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import orjson

from kanban_adapter.errors import BoardError, Unreachable
from sync_service.engine.guard import work_safely
from sync_service.engine.mark import check_mark, leave_mark
from sync_service.engine.parts import known_board, refresh_columns
from sync_service.engine.proposal import work_gone
from sync_service.engine.reading import read_cards, undelivered, work_read_card
from sync_service.engine.report import Report
from sync_service.errors import why_in_words
from sync_service.store import counter, inbox, outbox, pairs
from sync_service.store.features import find_feature
from sync_service.store.leases import read_note, write_note
from sync_service.store.traffic import note_missed
from sync_service.sync.decide import Rules, decide
from sync_service.sync.surge import believes_absence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from kanban_adapter.card import Listing
    from sync_service.engine.gathering import Context
    from sync_service.engine.parts import Parts
    from sync_service.store.pairs import KnownCard

_CHUNK = 100
DISBELIEVED = "disbelieved"
"""Note of the last listing that lacked too many cards to be believed; None when the last one was."""


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """How to sweep. `force` believes a listing that lacks much; `dry_run` writes nothing on either side."""

    full: bool = False
    force: bool = False
    dry_run: bool = False


def _nothing(_done: int, _total: int) -> None:
    return


def sweep(
    parts: Parts,
    options: SweepOptions,
    *,
    progress: Callable[[int, int], None] = _nothing,
    between: Callable[[], None] = lambda: None,
) -> Report:
    """Sweep the board once. `between` is called between chunks, so that hints need not wait for the end.

    Raises `PersonNeeded` when a side went back in time, and what the board's listing raises; errors of single cards
    are in the report.
    """
    started, report = time.monotonic(), Report()
    check_mark(parts, parts.board.read(()).mark)
    if options.full and not options.dry_run:
        _renew(parts)
    refresh_columns(parts)
    plan = _plan(parts, options, report)
    done = 0
    for chunk in _chunks(plan.look_at):
        _work_chunk(parts, options, chunk, plan, report)
        done += len(chunk)
        progress(done, len(plan.look_at))
        between()
    if not options.dry_run:
        _leave_mark(parts, plan.listing, report)
    report.seconds = round(time.monotonic() - started, 3)
    return report


def _leave_mark(parts: Parts, listing: Listing, report: Report) -> None:
    """Leave the mark. An account that may not write it is an error of the report: the old mark still holds."""
    try:
        report.board_writes += leave_mark(parts, listing.cards)
    except Unreachable:
        raise
    except BoardError as error:
        report.errors.append(f"mark: {why_in_words(error, parts.policy.language)}")


def _renew(parts: Parts) -> None:
    """What a full sweep does besides: learn the projects' names, give dead effects and lost cards another life."""
    names = {project.id: project.name for project in parts.board.projects()}
    with parts.database.writing() as connection:
        me = counter.identity(connection)
        assert me.board is not None
        counter.bind_board(connection, board=me.board, projects=orjson.dumps(names).decode())
        outbox.revive_dead(connection, parts.now())
        _owe_cards(connection, parts.now())


def _owe_cards(connection: Connection, now: datetime) -> None:
    """Owe every feature that has no card its card: one made and removed before it was read back is made again."""
    for guid in pairs.unpaired_features(connection):
        decision = decide(None, find_feature(connection, guid), None, Rules(publishing=False))
        outbox.owe(connection, guid, decision.effects, now)


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which cards to look at: listed ones that differ, and known ones that are absent (ids with creation times).

    `telling` are those that differ because somebody changed them: a webhook should have told of them.
    """

    listing: Listing
    look_at: Sequence[str]
    absent: dict[str, list[int]]
    telling: frozenset[str]


def _plan(parts: Parts, options: SweepOptions, report: Report) -> _Plan:
    listing = parts.board.listing()
    with parts.database.reading() as connection:
        known = pairs.known_cards(connection)
    changed = list(_changed(listing, known, full=options.full))
    watched = known_board(parts).projects
    here = [item for item in known if not item.gone and item.project_id in watched]
    absent = _absent(listing, known if options.full else here)
    why = _disbelief(options, listing, here)
    _note_disbelief(parts, options, why, report)
    if why is not None:
        absent = []
    gone: dict[str, list[int]] = {}
    for item in absent:
        gone.setdefault(item.card_id, []).append(item.created)
    look_at = list(dict.fromkeys([*changed, *listing.doubled, *gone]))
    return _Plan(listing, look_at, gone, _telling(changed, known, options))


def _telling(changed: Sequence[str], known: Sequence[KnownCard], options: SweepOptions) -> frozenset[str]:
    if options.full or not known or not changed:
        return frozenset()
    unread = {item.card_id for item in known if not item.fingerprint}  # read anew for reasons of our own
    return frozenset(changed) - unread


def _changed(listing: Listing, known: Iterable[KnownCard], *, full: bool) -> Iterator[str]:
    same = {(item.card_id, item.created, item.fingerprint) for item in known if not item.gone}
    for card_id, listed in listing.cards.items():
        if full or (card_id, listed.created, listed.fingerprint) not in same:
            yield card_id


def _absent(listing: Listing, known: Sequence[KnownCard]) -> list[KnownCard]:
    """Known cards the listing lacks."""
    return [item for item in known if item.card_id not in listing.cards and item.card_id not in listing.doubled]


def _disbelief(options: SweepOptions, listing: Listing, here: Sequence[KnownCard]) -> str | None:
    """Why nothing may be taken away for this listing: it was cut short, or lacks too many of the cards known here."""
    if not listing.complete:
        return "the listing of the board was incomplete: nothing is taken away"
    lacking = len(_absent(listing, here))
    if options.force or believes_absence(len(here), lacking):
        return None
    return f"the board's listing lacks {lacking} of {len(here)} cards: nothing is taken away until `sync --force`"


def _note_disbelief(parts: Parts, options: SweepOptions, why: str | None, report: Report) -> None:
    if why is not None:
        report.errors.append(why)
    with parts.database.reading() as connection:
        noted = read_note(connection, DISBELIEVED)
    if noted != why and not options.dry_run:
        with parts.database.writing() as connection:
            write_note(connection, DISBELIEVED, why)


def _work_chunk(parts: Parts, options: SweepOptions, chunk: list[str], plan: _Plan, report: Report) -> None:
    context, reading = read_cards(parts, chunk, dry_run=options.dry_run)
    with parts.database.reading() as connection:
        hinted = inbox.hinted_among(connection, chunk)
    for card_id in chunk:
        card, before = reading.cards.get(card_id), report.changed
        if card is not None:
            work_read_card(parts, context, card, report)
            if report.changed > before and card_id in plan.telling - hinted:
                _note_missed(parts, options)
        elif undelivered(parts, card_id, reading, report) is None:
            # Listed and gone since: the next sweep sees it absent. Absent and not found: gone.
            moments = [(card_id, created) for created in plan.absent.get(card_id, [])]
            _work_absent(parts, context, moments, report, settled=options.full)


def _note_missed(parts: Parts, options: SweepOptions) -> None:
    if not options.dry_run:
        with parts.database.writing() as connection:
            note_missed(connection, parts.now())


def _work_absent(
    parts: Parts, context: Context, gone: Sequence[tuple[str, int]], report: Report, *, settled: bool
) -> None:
    for card_id, created in gone:
        work_safely(card_id, partial(work_gone, parts, context, card_id, created, report, settled=settled), report)


def _chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
