"""The board's webhook: stored as a hint and answered at once, whatever comes. Its body is never believed."""

from __future__ import annotations

import hmac
import logging
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from threading import Lock, Semaphore
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from sync_service.errors import NotAllowed, Unavailable
from sync_service.jobs.wake import wake_worker
from sync_service.log import note
from sync_service.store.clock import utc_now
from sync_service.store.database import BUSY_SECONDS
from sync_service.store.inbox import add_hints
from sync_service.store.traffic import note_heard

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_service.settings import Settings
    from sync_service.store.database import Database

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 0.25
"""How long the board may be made to wait for the store's write lock."""
_MOST_WAITING = 1000
"""Announcements that may wait in memory; beyond that the next sweep is as quick."""


def create_blueprint(
    database: Database, settings: Settings, hinted_cards: Callable[[bytes], frozenset[str]]
) -> Blueprint:
    """The address the board calls: `/board/events?token=`. `hinted_cards` reads ids out of this board's bodies."""
    blueprint = Blueprint("events", __name__)
    token = settings.webhook_token
    keeper = Keeper(database, partial(wake_worker, settings.store_url))

    @blueprint.post("/board/events")
    def receive() -> Response:
        given = request.args.get("token", "")
        if token is None or not hmac.compare_digest(given.encode(), token.get_secret_value().encode()):
            raise NotAllowed("announce")
        keeper.keep(hinted_cards(request.get_data()))
        return Response(status=204)

    return blueprint


@dataclass(slots=True)
class _Batch:
    """Hints that are written in one transaction, and how that ended."""

    cards: set[str] = field(default_factory=set)
    written: bool = False
    error: Unavailable | None = None


class Keeper:
    """Keeps hints without making the board wait: while the store is busy, a thread waits in its place.

    What comes while others are being written is written together after them: the disk is waited for once.
    """

    def __init__(self, database: Database, wake: Callable[[], None]) -> None:
        self._database = database
        self._wake = wake
        self._later = ThreadPoolExecutor(1, "hints")
        self._waiting = Semaphore(_MOST_WAITING)
        self._joining, self._writing = Lock(), Lock()
        self._next = _Batch()

    def keep(self, card_ids: frozenset[str]) -> None:
        """Keep the hints and wake the worker, now or as soon as the store can be written."""
        error = self._write_together(card_ids)
        if error is None:
            return
        if error.data["reason"] == "store_busy" and self._waiting.acquire(blocking=False):
            self._later.submit(copy_context().run, self._keep_later, card_ids)
        else:
            _lost(error, card_ids)

    def _write_together(self, card_ids: frozenset[str]) -> Unavailable | None:
        with self._joining:
            batch = self._next
            batch.cards |= card_ids
        with self._writing:
            if batch.written:
                return batch.error
            with self._joining:
                self._next = _Batch()
            try:
                self._write(frozenset(batch.cards), _PATIENCE_SECONDS)
            except Unavailable as error:
                batch.error = error
            batch.written = True
        return batch.error

    def _keep_later(self, card_ids: frozenset[str]) -> None:
        try:
            self._write(card_ids, BUSY_SECONDS)
        except Unavailable as error:
            _lost(error, card_ids)
        finally:
            self._waiting.release()

    def _write(self, card_ids: frozenset[str], patience: float) -> None:
        with self._database.writing(gate=False, patience=patience) as connection:
            note_heard(connection, utc_now())
            add_hints(connection, card_ids, utc_now())
        self._wake()


def _lost(error: Unavailable, card_ids: frozenset[str]) -> None:
    # The board will not call again: the next sweep finds what this told of.
    note(log, "hint.lost", level=logging.ERROR, why=str(error), cards=sorted(card_ids))
