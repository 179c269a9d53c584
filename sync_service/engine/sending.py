"""Sending what is owed to the board: each effect is looked for before it is made, and kept until the board has it."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from kanban_adapter import errors
from sync_service.engine.backoff import retry_at
from sync_service.engine.mark import catch_up_mark, check_mark, leave_mark, spend_mark
from sync_service.engine.performing import Outdated, Waits, perform
from sync_service.errors import PlacecardError, why_in_words
from sync_service.http import TOTAL_TIMEOUT
from sync_service.log import note
from sync_service.store import counter, inbox, outbox, pairs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kanban_adapter.card import Reading
    from sync_service.engine.parts import Parts
    from sync_service.engine.report import Report
    from sync_service.store.outbox import OwedEffect

log = logging.getLogger(__name__)

_BATCH = 20
_MOST_CALLS = 6  # HTTP calls one effect may need at the very most
LEASE = timedelta(seconds=_BATCH * _MOST_CALLS * TOTAL_TIMEOUT)
"""How long a claimed effect is nobody else's: longer than all its HTTP calls could take together."""

_MOST_ATTEMPTS = 8
_REFUSED = 6  # as many failures as make the next try a minute away


def send_effects(parts: Parts, report: Report, guid: str | None = None) -> int:
    """Send the effects that are due, one batch, or those of one proposal; says how many were claimed.

    Raises what the board's reading raises, and `Unreachable` when it went away meanwhile: all stay owed.
    """
    with parts.database.reading() as connection:
        if not outbox.any_due(connection, parts.now()):
            return 0
    with parts.database.writing() as connection:
        claimed = outbox.claim_effects(connection, parts.now(), LEASE, _BATCH, guid)
    if not claimed:
        return 0
    try:
        reading = parts.board.read([owed.card_id for owed in claimed if owed.card_id is not None])
        check_mark(parts, reading.mark)
        with suppress(errors.BoardError):  # it holds nothing up
            catch_up_mark(parts)
    except (errors.BoardError, PlacecardError) as error:
        _release(parts, claimed, error)
        raise
    for position, owed in enumerate(claimed):
        try:
            _send(parts, owed, reading, report)
        except errors.BoardError as error:
            _release(parts, claimed[position + 1 :], error)
            raise
    with suppress(errors.BoardError):  # then the next sweep leaves it
        leave_mark(parts)
    return len(claimed)


def _release(parts: Parts, claimed: Sequence[OwedEffect], error: Exception) -> None:
    with parts.database.writing() as connection:
        for owed in claimed:
            why = why_in_words(error, parts.policy.language)
            outbox.postpone_effect(connection, owed, why, retry_at(parts, 1), counts=False)


def _send(parts: Parts, owed: OwedEffect, reading: Reading, report: Report) -> None:
    """Send one effect and keep the result. Raises `Unreachable`, so that no other is tried."""
    try:
        wrote, hinted = perform(parts, owed, reading)
    except errors.Unreachable as error:
        _postpone(parts, owed, error, retry_at(parts, 1), counts=False)
        raise
    except errors.BadCredentials as error:
        # The account that writes is refused, and reading may go on: nothing is wrong with the effect.
        _postpone(parts, owed, error, retry_at(parts, _REFUSED), counts=False)
    except Waits as error:
        _postpone(parts, owed, error, retry_at(parts, _REFUSED), counts=False)
    except (Outdated, errors.Missing):
        _drop(parts, owed)
    except errors.Unsupported as error:
        _bury(parts, owed, error, report)
    except errors.BoardError as error:
        _fail(parts, owed, error, report)
    except PlacecardError:
        raise
    except Exception as error:  # noqa: BLE001 - the edge around one effect: it must not stop the others
        note(log, "effect.crashed", level=logging.ERROR, error=True, card=owed.card_id, effect=owed.key)
        _fail(parts, owed, error, report)
    else:
        report.board_writes += wrote
        _settle(parts, owed, hinted, wrote=wrote)


def _drop(parts: Parts, owed: OwedEffect) -> None:
    """The card is neither as expected nor as wanted: nothing is sent, and its proposal is decided anew."""
    note(log, "effect.dropped", card=owed.card_id, effect=owed.key)
    _settle(parts, owed, owed.card_id)


def _fail(parts: Parts, owed: OwedEffect, error: Exception, report: Report) -> None:
    if owed.attempts + 1 >= _MOST_ATTEMPTS:
        _bury(parts, owed, error, report)
    else:
        _postpone(parts, owed, error, retry_at(parts, owed.attempts), counts=True)


def _postpone(parts: Parts, owed: OwedEffect, error: Exception, until: datetime, *, counts: bool) -> None:
    with parts.database.writing() as connection:
        outbox.postpone_effect(connection, owed, why_in_words(error, parts.policy.language), until, counts=counts)


def _bury(parts: Parts, owed: OwedEffect, error: Exception, report: Report) -> None:
    note(log, "effect.dead", level=logging.ERROR, card=owed.card_id, effect=owed.key, why=str(error))
    why = why_in_words(error, parts.policy.language)
    report.errors.append(f"card {owed.card_id}: {owed.key}: {why}")
    with parts.database.writing() as connection:
        outbox.bury_effect(connection, owed, why)


def _settle(parts: Parts, owed: OwedEffect, hinted: str | None, *, wrote: bool = False) -> None:
    with parts.database.writing() as connection:
        if wrote:
            spend_mark(connection)
        outbox.settle_effect(connection, owed)
        if hinted is not None:
            pairs.overtake(connection, owed.guid, counter.draw_ticket(connection))
            inbox.add_hints(connection, [hinted], parts.now())
