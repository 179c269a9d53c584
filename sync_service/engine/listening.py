"""What is said on a card, read from the board while somebody waits: the store does not keep comments."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING

from kanban_adapter.errors import BoardError
from sync_service.engine.parts import read_board
from sync_service.errors import SettingsError
from sync_service.log import note
from sync_service.store.bindings import bindings

if TYPE_CHECKING:
    from collections.abc import Callable

    from kanban_adapter.card import Card, Comment
    from kanban_adapter.port import BoardAdapter
    from sync_service.store.database import Database
    from sync_service.sync.state import CardRef

log = logging.getLogger(__name__)

PATIENCE = 3.0
"""How many seconds one waits for another who reads a card."""


class Silence(StrEnum):
    """Why nothing was heard."""

    GONE = "gone"
    """The card is not there, or another one has its id."""
    ELSEWHERE = "elsewhere"
    """It stands in a project that is not watched: what is said there is not for our readers."""
    AWAY = "away"
    """The board gives no answer, or refuses."""
    BUSY = "busy"
    """Others are being answered."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard: the title of the column the card stands in, comments oldest first; or why nothing was."""

    column: str | None = None
    comments: tuple[Comment, ...] = ()
    silence: Silence | None = None


@dataclass(slots=True)
class Listener:
    """Reads one card at a time over a board of its own, which is opened when the first is asked for."""

    database: Database
    open_board: Callable[[], BoardAdapter]
    _board: BoardAdapter | None = None
    _turn: Lock = field(default_factory=Lock)

    def hear(self, ref: CardRef) -> Heard:
        """What is said on this card now. Never raises what is the board's."""
        if not self._turn.acquire(timeout=PATIENCE):
            return Heard(silence=Silence.BUSY)
        try:
            card = self._read(ref.id)
        except (BoardError, SettingsError) as error:
            note(log, "comments.silent", level=logging.WARNING, why=str(error))
            return Heard(silence=Silence.AWAY)
        finally:
            self._turn.release()
        if card is None or card.created != ref.created:
            return Heard(silence=Silence.GONE)
        return self._heard(card)

    def _read(self, card_id: str) -> Card | None:
        if self._board is None:
            self._board = self.open_board()
        reading = self._board.read([card_id])
        if card_id in reading.failed:
            raise reading.failed[card_id]
        return reading.cards.get(card_id)

    def _heard(self, card: Card) -> Heard:
        with self.database.reading() as connection:
            watched = card.project_id in read_board(connection).projects
            titles = {column.column_id: column.seen_title for column in bindings(connection)} if watched else {}
        if not watched:
            return Heard(silence=Silence.ELSEWHERE)
        said = sorted(card.comments, key=lambda comment: comment.created)
        return Heard(titles.get(card.column_id), tuple(said))
