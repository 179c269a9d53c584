"""Reading cards from the board and working them: what hints and sweeps have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_service.engine.gathering import Context
from sync_service.engine.guard import work_safely
from sync_service.engine.mark import stop_unless_fine, weigh_mark
from sync_service.engine.parts import has_unknown_column, read_board, refresh_columns
from sync_service.engine.proposal import recall, work_card, work_gone
from sync_service.errors import why_in_words
from sync_service.store import counter
from sync_service.store.districts import district_finder
from sync_service.store.pairs import ids_reused
from sync_service.sync.decide import Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from kanban_adapter.card import Card, Reading
    from sync_service.engine.parts import Parts, Policy
    from sync_service.engine.report import Report


def read_cards(parts: Parts, card_ids: Sequence[str], *, dry_run: bool = False) -> tuple[Context, Reading]:
    """Draw a ticket, read the cards, and check the mark before any of it is believed.

    Raises `PersonNeeded` when a side went back in time, and what the board's reading raises.
    """
    # It need not wait for the disk: whatever is decided by it is written after it.
    with parts.database.writing(lasting=False) as connection:
        ticket = counter.draw_ticket(connection)
    reading = parts.board.read(card_ids)
    with parts.database.reading() as connection:
        verdict = weigh_mark(connection, reading.mark)
        board, rules = read_board(connection), decision_rules(connection, parts.policy)
    stop_unless_fine(parts, verdict)
    here = [card.column_id for card in reading.cards.values() if card and card.project_id in board.projects]
    if has_unknown_column(board, here):
        board = refresh_columns(parts)
    return Context(board, ticket, rules, dry_run), reading


def undelivered(parts: Parts, card_id: str, reading: Reading, report: Report) -> str | None:
    """One line about a card the board could not deliver: it neither is there nor is gone."""
    error = reading.failed.get(card_id)
    if error is None:
        return None
    line = f"card {card_id}: {why_in_words(error, parts.policy.language)}"
    report.errors.append(line)
    return line


def decision_rules(connection: Connection, policy: Policy) -> Rules:
    """The rules as of now: publishing by the settings, districts as imported."""
    return Rules(policy.publishing, district_finder(connection))


def work_read_card(parts: Parts, context: Context, card: Card, report: Report) -> str | None:
    """Work one card that was read; give its error's one line if it failed."""

    def work() -> None:
        with parts.database.reading() as connection:
            earlier = ids_reused(connection, card.id, card.created)
            past = recall(connection, context.board, card)
        for created in earlier:  # the id came back as another card: the one known by it is gone
            work_gone(parts, context, card.id, created, report, settled=True)
        work_card(parts, context, card, past, report)

    report.read += 1
    return work_safely(card.id, work, report)
