"""Working the hints: each card is read again from the board, and a hint that cannot be worked is kept for later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_service.engine.backoff import retry_at
from sync_service.engine.reading import read_cards, undelivered, work_read_card
from sync_service.store import inbox

if TYPE_CHECKING:
    from kanban_adapter.card import Reading
    from sync_service.engine.gathering import Context
    from sync_service.engine.parts import Parts
    from sync_service.engine.report import Report
    from sync_service.store.inbox import Hint

_BATCH = 50


def work_hints(parts: Parts, report: Report, card_id: str | None = None) -> int:
    """Work the hints that are due, or the one about this card; says how many there were.

    What the board's reading raises leaves them waiting.
    """
    with parts.database.reading() as connection:
        if card_id is None:
            hints = inbox.due_hints(connection, parts.now(), _BATCH)
        else:
            hints = inbox.hint_of(connection, card_id)
    if not hints:
        return 0
    context, reading = read_cards(parts, [hint.card_id for hint in hints])
    errors = [_work_hint(parts, context, reading, hint, report) for hint in hints]
    # Whoever dies before this works them again, and finds nothing left to do.
    with parts.database.writing(lasting=False) as connection:
        for hint, error in zip(hints, errors, strict=True):
            if error is None:
                inbox.settle_hint(connection, hint)
            else:
                inbox.postpone_hint(connection, hint, error, retry_at(parts, hint.attempts))
    return len(hints)


def _work_hint(parts: Parts, context: Context, reading: Reading, hint: Hint, report: Report) -> str | None:
    card = reading.cards.get(hint.card_id)
    if card is None:
        # A card that is not there proves nothing yet: the next sweep looks in the listing too.
        return undelivered(parts, hint.card_id, reading, report)
    return work_read_card(parts, context, card, report)
