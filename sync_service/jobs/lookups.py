"""Asking the remote geocoder, in a thread of its own: it is slow by its rules, and hints must not wait for it."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from sync_service.engine.backoff import retry_at
from sync_service.errors import Unavailable
from sync_service.http import TOTAL_TIMEOUT
from sync_service.jobs.wake import wake_worker
from sync_service.log import note, run
from sync_service.places.providers import GeocoderDown
from sync_service.store.inbox import add_hints
from sync_service.store.leases import take_lease
from sync_service.store.lookups import Lookup, due_lookup, postpone_lookup, settle_lookup

if TYPE_CHECKING:
    from sync_service.engine.parts import Parts

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_ASKING = "lookups"
_LENGTH = timedelta(seconds=2 * TOTAL_TIMEOUT)
"""Of the lease on asking: longer than an answer may take."""


@dataclass(slots=True)
class Lookups:
    """Asks one address after the other, as the provider's rate allows, and hints at the cards that waited for it."""

    parts: Parts
    stop: threading.Event = field(default_factory=threading.Event)
    name: str = field(default_factory=lambda: uuid4().hex)

    def run(self) -> None:
        """Ask until stopped."""
        trouble = None
        while not self.stop.is_set():
            try:
                busy, trouble = self.ask_next(), None
            except Unavailable as error:
                if str(error) != trouble:
                    note(log, "lookups.rest", level=logging.WARNING, why=str(error))
                busy, trouble = False, str(error)
            if not busy:
                self.stop.wait(_LOOK_SECONDS)

    def ask_next(self) -> bool:
        """Ask the next address that is due; false when none is."""
        with self.parts.database.reading() as connection:
            item = due_lookup(connection, self.parts.now())
        if item is None or not self._mine():
            return False
        with run():
            self._ask(item)
        return True

    def _mine(self) -> bool:
        """Whether this process asks: of many workers one does, so that the provider's rate is kept."""
        with self.parts.database.writing(lasting=False) as connection:
            return take_lease(connection, _ASKING, self.name, self.parts.now(), _LENGTH)

    def _ask(self, item: Lookup) -> None:
        try:
            self.parts.placing.resolver.look_up(item.address)
        except GeocoderDown as error:
            note(log, "geocoder.down", level=logging.WARNING, why=str(error), attempts=item.attempts + 1)
            with self.parts.database.writing() as connection:
                postpone_lookup(connection, item, retry_at(self.parts, item.attempts + 2))
            return
        with self.parts.database.writing() as connection:
            add_hints(connection, settle_lookup(connection, item.address), self.parts.now())
        wake_worker(self.parts.database.url)
