"""One worker per store: the leader holds a leased row and renews it; another stands by until it lapses."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from sync_service.engine.mark import MARKING
from sync_service.errors import Unavailable
from sync_service.store.clock import utc_now
from sync_service.store.database import Database
from sync_service.store.dialect import POSTGRESQL
from sync_service.store.leases import drop_lease, lease_holder, take_lease, void_lease
from sync_service.store.outbox import release_claims
from sync_service.store.triggers import workers_alive

if TYPE_CHECKING:
    from types import TracebackType

WORKER = "worker"
LENGTH = timedelta(seconds=3)
_RENEW_SECONDS = 1.0
_SEEN_SECONDS = 10.0


class Leadership:
    """Holding the worker's lease. `held` turns false when it could not be renewed in time.

    As a context it gives the lease back at the end, so that the next worker need not wait for it to lapse.
    """

    def __init__(self, store_url: str) -> None:
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._database = Database(store_url)
        self._stop = threading.Event()
        self._held = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def held(self) -> bool:
        """Whether this process leads."""
        return self._held.is_set()

    def take(self) -> bool:
        """Try to lead; keeps the lease renewed from then on."""
        if self.held:
            return True
        if not self._renew():
            return False
        if is_alone(self._database):
            with self._database.writing() as connection:
                release_claims(connection)  # of the one who led before: dead, or too slow to be believed
                void_lease(connection, MARKING)
        self._held.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
            self._thread.start()
        return True

    def _keep(self) -> None:
        lapses = utc_now() + LENGTH
        while not self._stop.wait(_RENEW_SECONDS):
            if not self.held:
                lapses = utc_now() + LENGTH  # only `take` leads again: it frees what was claimed before
                continue
            try:
                renewed = self._renew()
            except Unavailable:
                renewed = utc_now() < lapses  # a busy store is no lost lease while it still runs
                if renewed:
                    continue
            if renewed:
                lapses = utc_now() + LENGTH
            else:
                self._held.clear()

    def _renew(self) -> bool:
        with self._database.writing() as connection:
            return take_lease(connection, WORKER, self.holder, utc_now(), LENGTH)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self.held:
            # A store that cannot be written now keeps the lease, which lapses by itself.
            with suppress(Unavailable), self._database.writing(gate=False) as connection:
                drop_lease(connection, WORKER, self.holder)
        self._database.close()


def is_alone(database: Database) -> bool:
    """Whether who leads is the only worker. On a server the lease is only about sweeping: many work beside."""
    return database.engine.dialect.name != POSTGRESQL


def somebody_leads(database: Database) -> bool:
    """Whether a worker is there: on a file the one with the lease, on a server any that shows itself."""
    with database.reading() as connection:
        if lease_holder(connection, WORKER, utc_now()) is not None:
            return True
        return not is_alone(database) and workers_alive(connection, _SEEN_SECONDS)
