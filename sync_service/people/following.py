"""Makes the board's people follow: reads both sides, decides, carries it out; now, and every twenty seconds."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from kanban_adapter.errors import BoardError, Failed, Missing, Unsupported
from sync_service.errors import PlacecardError, why_in_words
from sync_service.log import note, run
from sync_service.people.carrying import Carrier
from sync_service.people.changes import Disable
from sync_service.people.deciding import KEYS, LOGINS, decide
from sync_service.people.state import Round, keep_round, last_round, made_at
from sync_service.store.clock import utc_now
from sync_service.store.endings import Ending, Kind, keep_ending
from sync_service.store.leases import drop_lease, take_lease
from sync_service.store.sessions import drop_identity
from sync_service.words import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from kanban_adapter.people import PeopleAdapter
    from sync_service.people.changes import Change
    from sync_service.people.deciding import Plan
    from sync_service.people.directory import Directory
    from sync_service.store.database import Database

log = logging.getLogger(__name__)

SECONDS = 20.0
"""From the start of one round to the next: whoever is dismissed is out within a minute also when one round fails."""
_LEASE = "people"
_LENGTH = timedelta(seconds=30)
"""Of the lease: longer than from one round to the next, and no longer than others may wait for one that died.

A round that takes longer, as the first one of a large city, may meet another's: both ask for the same state.
"""


class Provider(Protocol):
    """Where people come from."""

    def read(self) -> Directory:
        """All of them. Unavailable unless it is all of them."""


@dataclass(slots=True)
class Follower:
    """One round after the other, by one process of all. `name` is the job's in the log: its account at the provider.

    `issuer` is the provider's address, by which the people it tells of are known to the service too.
    """

    database: Database
    provider: Provider
    board: PeopleAdapter
    name: str
    issuer: str
    stop: threading.Event = field(default_factory=threading.Event)
    now: Callable[[], datetime] = utc_now
    _holder: str = field(default_factory=lambda: uuid4().hex)
    _trouble: str = ""

    def run(self) -> None:
        """Follow until stopped."""
        while not self.stop.is_set():
            try:
                if self._mine():
                    self.follow()
            except (PlacecardError, BoardError) as error:
                self._tell(error)
            except Exception as error:  # noqa: BLE001 - the end of a thread: nobody would follow any more
                note(log, "people.broke", level=logging.ERROR, error=True)
                self._trouble = str(error)
            self.stop.wait(SECONDS)
        self._leave()

    def _leave(self) -> None:
        """Whoever comes next need not wait for our lease to end."""
        try:
            with self.database.writing(lasting=False) as connection:
                drop_lease(connection, _LEASE, self._holder)
        except PlacecardError as error:
            self._tell(error)

    def _mine(self) -> bool:
        with self.database.writing(lasting=False) as connection:
            return take_lease(connection, _LEASE, self._holder, self.now(), _LENGTH)

    def _tell(self, error: Exception) -> None:
        """What goes wrong is said once, and kept by the round itself unless it is the store that is away."""
        if str(error) != self._trouble:
            self._trouble = str(error)
            note(log, "people.rest", level=logging.WARNING, why=self._trouble)

    def follow(self, *, confirmed: bool = False) -> Plan:
        """One round. Raises what kept it from being carried out; `confirmed` as in `decide`."""
        with run():
            try:
                directory, roster = self.provider.read(), self.board.roster(logins=LOGINS, keys=KEYS)
                plan = decide(directory, roster, confirmed=confirmed)
                self._end_sign_ins(plan)
                failed = self._carry_out(plan, Carrier(self.board, roster))
            except (PlacecardError, BoardError) as error:
                self._keep(error)
                raise
            self._keep_done(plan, failed)
            return plan

    def _end_sign_ins(self, plan: Plan) -> None:
        """Whoever is dismissed is out of our pages and of QGIS too, before the tokens they hold expire.

        First, whatever the board will say to it.
        """
        logins = [each.login for each in plan.changes if isinstance(each, Disable) and each.login.startswith(LOGINS)]
        if not logins:
            return
        now = self.now()
        with self.database.writing() as connection:
            for identity in (f"{self.issuer} {login.removeprefix(LOGINS)}" for login in logins):
                keep_ending(connection, Ending(Kind.IDENTITY, identity, int(now.timestamp())), now)
                drop_identity(connection, identity)

    def _carry_out(self, plan: Plan, carrier: Carrier) -> int:
        """How many changes the board would not make."""
        if plan.withheld:
            note(log, "people.withheld", level=logging.WARNING, withheld=plan.withheld, known=plan.known)
        return sum(not self._carried(change, carrier) for change in plan.changes)

    def _carried(self, change: Change, carrier: Carrier) -> bool:
        """Make one change. What the board will not do with one account must not keep another from being dismissed."""
        if not carrier.is_possible(change):
            return False
        try:
            if carrier.carry_out(change):
                note(log, "people.changed", by=self.name, change=carrier.about(change))
        except (Failed, Missing, Unsupported) as error:
            why = type(error).__name__
            note(log, "people.failed", level=logging.WARNING, by=self.name, why=why, change=carrier.about(change))
            return False
        return True

    def _keep(self, error: Exception) -> None:
        with self.database.writing(lasting=False) as connection:
            before = last_round(connection) or Round("")
            why: dict[str, str] = {language: why_in_words(error, language) for language in LANGUAGES}
            keep_round(connection, replace(before, at=made_at(self.now()), why=why))

    def _keep_done(self, plan: Plan, failed: int) -> None:
        moment = made_at(self.now())
        with self.database.writing(lasting=False) as connection:
            keep_round(connection, Round(moment, moment, plan.known, plan.withheld, failed))
        if self._trouble:
            note(log, "people.goes_on")
            self._trouble = ""
