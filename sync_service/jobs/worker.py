"""The worker: works hints at once, sends what is owed, sweeps when it is due or asked for. One per store leads."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from kanban_adapter.errors import BoardError, Failed
from sync_service.engine import hints, sending
from sync_service.engine.adapting import adapt_to_settings
from sync_service.engine.backoff import retry_at
from sync_service.engine.mark import REGRESSION
from sync_service.engine.report import Report
from sync_service.engine.sweep import SweepOptions, sweep
from sync_service.errors import PersonNeeded, PlacecardError, Unavailable, exit_code, why_in_words, worded
from sync_service.jobs.courtesy import Courtesy
from sync_service.log import note, run
from sync_service.store import requests
from sync_service.store.clock import stamp
from sync_service.store.endings import forget_endings
from sync_service.store.inbox import next_hint_due
from sync_service.store.leases import SWEPT, read_note, write_note
from sync_service.store.outbox import next_effect_due, release_claims
from sync_service.store.sessions import forget_sessions

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_service.engine.parts import Parts
    from sync_service.engine.placing import Placing
    from sync_service.jobs.leader import Leadership
    from sync_service.jobs.schedule import Schedule
    from sync_service.jobs.wake import Alarm

log = logging.getLogger(__name__)

NIGHT_DONE = "nightly"
"""Note of the local date whose nightly sweep is done."""
TROUBLE = "trouble"
"""Note of what stops the worker now, in one line; forgotten when it works again."""

_LOOK_SECONDS = 1.0
_LONGEST_REST = 20.0
"""Seconds, before jitter: whatever stopped the worker, it looks again at least twice a minute."""


@dataclass(slots=True)
class Worker:
    """Runs the engine until told to stop. `stop` is set by a signal; work in hand is finished first.

    `renewed` gives what reads places anew when the layers it looks up in have changed, else None; asked at every sweep.
    """

    parts: Parts
    schedule: Schedule
    leadership: Leadership
    alarm: Alarm
    stop: threading.Event = field(default_factory=threading.Event)
    renewed: Callable[[], Placing | None] = lambda: None
    _swept: datetime | None = None
    _failures: int = 0
    _rest_until: datetime | None = None
    _trouble: str | None = None
    _by_person: bool = False
    _refused: bool = False  # the board is there: what can be done without the sweep is done
    _adapted: bool = False
    _told: bool = False  # whether the store has the present trouble, or that there is none
    _courtesy: Courtesy = field(default_factory=Courtesy)

    def run(self) -> None:
        """Lead when nobody else does, and work until stopped."""
        while not self.stop.is_set():
            try:
                self._turn()
            except (BoardError, PlacecardError) as error:
                self._rest(error)
            except Exception as error:  # noqa: BLE001 - the edge of the process: dying and starting anew mends nothing
                note(log, "worker.failed", level=logging.ERROR, error=True)
                self._rest(error)

    def _turn(self) -> None:
        rest = self._rest_seconds()
        if rest > 0:
            self._rest_a_while(rest)
            return
        if not self.leadership.take():
            self.stop.wait(_LOOK_SECONDS)
            return
        if not self._adapted:
            adapt_to_settings(self.parts)
            self._adapted = True
        busy = self._work_once()
        self._recovered()
        if not busy:
            self.alarm.wait(self._idle_seconds())

    def _rest_seconds(self) -> float:
        if self._rest_until is None:
            return 0.0
        seconds = (self._rest_until - self.parts.now()).total_seconds()
        return seconds if seconds < 2 * _LONGEST_REST else 0.0  # longer than any rest: the clock was set back

    def _rest_a_while(self, seconds: float) -> None:
        """Wait for the next try, which comes early when somebody asks for a sweep or settled what a person had to.

        Waiting comes first: the store itself may be what is away.
        """
        self.alarm.wait(min(_LOOK_SECONDS, seconds))
        if not self.leadership.held:
            return
        if self._refused and not self._hints():
            self._send()
        asked = self._asked()
        went_well = asked is not None and self._answer(asked) is None
        if went_well or (self._by_person and self._person_came()):
            self._rest_until = None

    def _person_came(self) -> bool:
        with self.parts.database.reading() as connection:
            return read_note(connection, REGRESSION) is None

    def _rest(self, error: Exception) -> None:
        """A side is away, or a person is needed: say so once, keep everything, try again a little later."""
        self._failures += 1
        line = f"{type(error).__name__}: {why_in_words(error, self.parts.policy.language)}"
        if line != self._trouble:
            note(log, "worker.rests", level=logging.WARNING, why=f"{type(error).__name__}: {error}")
            self._trouble, self._told = line, False
        self._tell()
        self._by_person, self._refused = isinstance(error, PersonNeeded), isinstance(error, Failed)
        self._rest_until = retry_at(self.parts, self._failures, longest=_LONGEST_REST)

    def _recovered(self) -> None:
        if self._failures:
            note(log, "worker.goes_on", after_failures=self._failures)
            self._told = False
            with self.parts.database.writing() as connection:
                release_claims(connection)  # of a sending that was broken off
        self._failures, self._trouble = 0, None
        self._tell()

    def _tell(self) -> None:
        """Keep the trouble, or that there is none (any more), where `placecard check` finds it."""
        if self._told:
            return
        try:
            with self.parts.database.writing() as connection:
                write_note(connection, TROUBLE, self._trouble)
            self._told = True
        except Unavailable as error:
            note(log, "worker.store_away", level=logging.WARNING, why=str(error))

    def _work_once(self) -> bool:
        """Do the most urgent thing; true when there may be more."""
        worked = self._hints()
        if worked:
            return True
        try:
            if self._sweep_due():
                return True
        except Failed:
            self._send()  # one card can spoil the board's listing: nobody else need wait until it is mended
            raise
        return self._send()

    def _send(self) -> bool:
        if self._courtesy.left(self.parts.now()):
            return False
        self._courtesy.over()
        with run():
            report = Report()
            sent = sending.send_effects(self.parts, report)
            if sent:
                self._courtesy.wrote(self.parts.now())
                note(log, "effects.sent", tried=sent, written=report.board_writes, errors=report.errors)
        return bool(sent)

    def _hints(self) -> int:
        with run():
            report = Report()
            worked = hints.work_hints(self.parts, report)
            if worked:
                note(log, "hints.worked", hints=worked, created=report.created, updated=report.updated)
            if report.changed:  # an echo of what we wrote ourselves changes nothing
                self._courtesy.heard(self.parts.now())
            return worked

    def sweep_due(self, swept: datetime | None) -> bool:
        """Sweep if it is asked for, night, or time since the sweep that ended at `swept`; whether it was."""
        self._swept = swept
        return self._sweep_due()

    def _sweep_due(self) -> bool:
        """Sweep if it is asked for, night, or time; whether it was."""
        now = self.parts.now()
        asked = self._asked()
        if asked is not None:
            if (error := self._answer(asked)) is not None:
                raise error
            return True
        if self._swept is not None and self.schedule.night_due(now, self._night_done()):
            self._sweep(SweepOptions(full=True))
            self._keep_night(self.schedule.night(now))
            return True
        if self.schedule.short_due(now, self._swept) or self._courtesy.should_look(now):
            self._sweep(SweepOptions())
            return True
        return False

    def _sweep(self, options: SweepOptions) -> Report:
        before, self._swept = self._swept, self.parts.now()
        self._renew()
        try:
            with run():
                report = sweep(self.parts, options, between=self._between)
                note(log, "sweep.done", full=options.full, report=report.as_json())
        except BaseException:
            self._swept = before  # it is still due: a sweep that failed is what the next try begins with
            raise
        self._courtesy.looked(self._swept)
        swept_now(self.parts)
        return report

    def _renew(self) -> None:
        placing = self.renewed()
        if placing is not None:
            self.parts.placing = placing
            adapt_to_settings(self.parts)

    def _between(self) -> None:
        """Between two chunks of a sweep: hints first, and no longer than asked to."""
        while not self.stop.is_set() and self._hints():
            continue

    def _asked(self) -> requests.SweepRequest | None:
        with self.parts.database.reading() as connection:
            return next(iter(requests.asked_sweeps(connection)), None)

    def _answer(self, asked: requests.SweepRequest) -> Exception | None:
        """Sweep for whoever asked, and give the report or what went wrong, which is returned too."""
        failed: Exception | None = None
        try:
            report = self._sweep(SweepOptions(full=asked.full, force=asked.force))
            drain(self.parts, report)
            answer = report.as_json()
        except Exception as error:  # noqa: BLE001 - the edge: who asked waits in another process, whatever happened
            failed = error
            why = worded(error, self.parts.policy.language)
            answer = {"failed": type(error).__name__, "why": why, "code": int(exit_code(error))}
        with self.parts.database.writing() as connection:
            requests.answer_sweep(connection, asked.id, answer)
        return failed

    def _night_done(self) -> date | None:
        with self.parts.database.reading() as connection:
            done = read_note(connection, NIGHT_DONE)
        return None if done is None else date.fromisoformat(done)

    def _keep_night(self, done: date) -> None:
        with self.parts.database.writing() as connection:
            forget_sessions(connection, self.parts.now())
            forget_endings(connection, self.parts.now())
            write_note(connection, NIGHT_DONE, done.isoformat())

    def _idle_seconds(self) -> float:
        with self.parts.database.reading() as connection:
            hint, effect = next_hint_due(connection), next_effect_due(connection)
        now = self.parts.now()
        waits = [_LOOK_SECONDS, self.schedule.wait(now, self._swept).total_seconds()]
        if hint is not None:
            waits.append((hint - now).total_seconds())
        if effect is not None:
            waits.append(max((effect - now).total_seconds(), self._courtesy.left(now)))
        return max(0.0, min(waits))


def drain(parts: Parts, report: Report, *, go_on: Callable[[], bool] = lambda: True) -> None:
    """Work hints and send effects until nothing is due: what a sweep found is brought to rest on both sides."""
    while go_on():
        if not hints.work_hints(parts, report) and not sending.send_effects(parts, report):
            return


def swept_now(parts: Parts) -> None:
    """Note that a sweep ended well."""
    with parts.database.writing() as connection:
        write_note(connection, SWEPT, stamp(parts.now()))
