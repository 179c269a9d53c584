"""The worker on PostgreSQL: as many processes on as many machines as wanted, handed their jobs by procrastinate.

What becomes due is a job from the transaction that made it so (`store.triggers`). A worker that dies in the middle
leaves its job `doing`; whoever watches finds it by its missing heartbeat and has it done again, which does no harm: a
hint is a question, an effect a desired state. One of the workers watches, by a lease; sweeps are jobs that it defers.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING
from uuid import uuid4

import procrastinate
from procrastinate import exceptions
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from sqlalchemy.engine import make_url

from kanban_adapter.errors import BoardError
from sync_service.engine import hints, sending
from sync_service.engine.adapting import adapt_to_settings
from sync_service.engine.report import Report
from sync_service.errors import PlacecardError, Unavailable, why_in_words
from sync_service.jobs.leader import Leadership
from sync_service.jobs.wake import Alarm
from sync_service.jobs.worker import TROUBLE, Worker
from sync_service.log import note, run
from sync_service.store import requests
from sync_service.store.clock import moment_of
from sync_service.store.leases import SWEPT, read_note, take_lease, write_note
from sync_service.store.outbox import release_claims
from sync_service.store.triggers import QUEUE, SEND_EFFECTS, WORK_CARD, defer_strays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from procrastinate.jobs import Job

    from sync_service.engine.parts import Parts
    from sync_service.engine.placing import Placing
    from sync_service.jobs.schedule import Schedule
    from sync_service.store.database import Database

log = logging.getLogger(__name__)

SWEEP = "sweep"
HANDS = 2
"""Jobs a process works at once, so that hints need not wait for a sweep."""

_WATCH = "watch"
_LOOK_SECONDS = 1.0
_BEAT_SECONDS = 2.0
_STALLED_SECONDS = 8.0
_LONGEST_REST = 20


class Patience(BaseRetryStrategy):
    """Again and again, a little later each time: whatever stopped a job, nobody has to start it anew by hand."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:  # noqa: ARG002 - its signature
        """When to try again."""
        return RetryDecision(retry_in={"seconds": min(_LONGEST_REST, 2 ** min(job.attempts, 5))})


class _Sweeper(Worker):
    """A worker that only sweeps: hints are other jobs."""

    def _between(self) -> None:
        return


@dataclass(slots=True)
class Crew:
    """One process of the crew. `stop` is set by a signal; what is in hand is finished first.

    `hands` are as many sets of parts as jobs are worked at once. `renewed` as the worker's.
    """

    hands: Sequence[Parts]
    schedule: Schedule
    stop: threading.Event = field(default_factory=threading.Event)
    renewed: Callable[[Parts], Placing | None] = lambda _parts: None
    _free: SimpleQueue[Parts] = field(default_factory=SimpleQueue)
    _troubled: bool = False
    _name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}")

    @property
    def database(self) -> Database:
        """The store all hands work in."""
        return self.hands[0].database

    def run(self) -> None:
        """Work until stopped; a server that went away is waited for."""
        logging.getLogger("procrastinate").setLevel(logging.ERROR)  # what failed and is tried again, we say ourselves
        for parts in self.hands:
            self._free.put(parts)
        while not self.stop.is_set():
            try:
                asyncio.run(self._work())
            except Exception as error:  # noqa: BLE001 - the edge of the process: dying and starting anew mends nothing
                note(log, "worker.rests", level=logging.WARNING, why=f"{type(error).__name__}: {error}")
                self.stop.wait(_BEAT_SECONDS)

    async def _work(self) -> None:
        await asyncio.to_thread(adapt_to_settings, self.hands[0])
        app = self._app()
        async with app.open_async():
            working = asyncio.create_task(
                app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=len(self.hands),
                    install_signal_handlers=False,
                    fetch_job_polling_interval=_LOOK_SECONDS,
                    update_heartbeat_interval=_BEAT_SECONDS,
                    stalled_worker_timeout=_STALLED_SECONDS,
                    delete_jobs="successful",
                )
            )
            try:
                while not self.stop.is_set() and not working.done():
                    await self._watch(app)
                    await asyncio.wait([working], timeout=_LOOK_SECONDS)
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
            if not working.cancelled() and (error := working.exception()) is not None:
                raise error

    def _app(self) -> procrastinate.App:
        url = make_url(self.database.url).set(drivername="postgresql").render_as_string(hide_password=False)
        app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, min_size=1, max_size=4))
        for name, work in ((WORK_CARD, self._work_card), (SEND_EFFECTS, self._send), (SWEEP, self._sweep)):
            app.task(name=name, queue=QUEUE, retry=Patience())(partial(self._edge, work))
        return app

    def _edge(self, work: Callable[..., None], **about: str) -> None:
        """Do one job. What goes wrong is kept for `placecard check`, and raised so that the job is tried again."""
        try:
            with self._hand() as parts, run():
                work(parts, **about)
                self._recovered(parts)
        except (BoardError, PlacecardError) as error:
            self._tell(f"{type(error).__name__}: {why_in_words(error, self.hands[0].policy.language)}")
            raise
        except Exception:
            note(log, "worker.failed", level=logging.ERROR, error=True)
            raise

    @contextmanager
    def _hand(self) -> Iterator[Parts]:
        parts = self._free.get()
        try:
            parts.placing = self.renewed(parts) or parts.placing
            yield parts
        finally:
            self._free.put(parts)

    def _work_card(self, parts: Parts, card_id: str) -> None:
        report = Report()
        if hints.work_hints(parts, report, card_id):
            note(log, "hints.worked", hints=1, created=report.created, updated=report.updated)

    def _send(self, parts: Parts, guid: str) -> None:
        report = Report()
        if sent := sending.send_effects(parts, report, guid):
            note(log, "effects.sent", tried=sent, written=report.board_writes, errors=report.errors)

    def _sweep(self, parts: Parts) -> None:
        with Leadership(parts.database.url) as leadership:
            if not leadership.take():
                return  # a command sweeps; whatever it leaves due is deferred again
            adapt_to_settings(parts)
            alarm = Alarm(parts.database.url)
            try:
                _Sweeper(parts, self.schedule, leadership, alarm).sweep_due(_swept(parts))
            finally:
                alarm.close()

    async def _watch(self, app: procrastinate.App) -> None:
        """Have lost jobs done again, and sweep when it is time: one process does, by a lease."""
        if not await asyncio.to_thread(self._watches):
            return
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED_SECONDS):
            note(log, "job.taken_up", level=logging.WARNING, task=job.task_name, about=job.task_kwargs)
            await asyncio.to_thread(self._free_claims, job)
            await app.job_manager.retry_job(job)
        if await asyncio.to_thread(self._sweep_is_due):
            try:
                await app.configure_task(SWEEP, queue=QUEUE, lock=SWEEP, queueing_lock=SWEEP).defer_async()
            except exceptions.AlreadyEnqueued:
                return

    def _watches(self) -> bool:
        parts = self.hands[0]
        length = timedelta(seconds=3 * _LOOK_SECONDS)
        try:
            with parts.database.writing(lasting=False) as connection:
                return take_lease(connection, _WATCH, self._name, parts.now(), length)
        except Unavailable:
            return False

    def _free_claims(self, job: Job) -> None:
        if job.task_name == SEND_EFFECTS:
            with self.database.writing() as connection:
                release_claims(connection, str(job.task_kwargs["guid"]))

    def _sweep_is_due(self) -> bool:
        parts = self.hands[0]
        now, swept = parts.now(), _swept(parts)
        with parts.database.reading() as connection:
            asked = bool(requests.asked_sweeps(connection))
        with parts.database.writing(lasting=False) as connection:
            defer_strays(connection, now)
        return asked or self.schedule.short_due(now, swept)

    def _tell(self, trouble: str) -> None:
        self._troubled = True
        note(log, "worker.rests", level=logging.WARNING, why=trouble)
        try:
            with self.database.writing() as connection:
                write_note(connection, TROUBLE, trouble)
        except Unavailable as error:
            note(log, "worker.store_away", level=logging.WARNING, why=str(error))

    def _recovered(self, parts: Parts) -> None:
        if self._troubled:
            with parts.database.writing() as connection:
                write_note(connection, TROUBLE, None)
            self._troubled = False


def _swept(parts: Parts) -> datetime | None:
    with parts.database.reading() as connection:
        swept = read_note(connection, SWEPT)
    return None if swept is None else moment_of(swept)
