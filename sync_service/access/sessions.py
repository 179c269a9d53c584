"""Who is signed in with a browser: sessions that the store keeps, found by a secret that only the cookie holds."""

from __future__ import annotations

import hmac
import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

import orjson

from sync_service.access.person import SIGNED_IN, Person, Proof
from sync_service.access.table import Role
from sync_service.errors import Unauthenticated, Unavailable
from sync_service.log import note
from sync_service.store.clock import moment_of, stamp, utc_now
from sync_service.store.endings import is_ended
from sync_service.store.sessions import LIFE, Session, add_session, drop_session, find_session, touch_session

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sync_service.store.database import Database

log = logging.getLogger(__name__)

_TOUCHED = timedelta(minutes=1)
"""Use is kept to within this."""
_PATIENCE = 1.0
"""Seconds to wait for another writer where nothing is lost without."""


class Kind(StrEnum):
    """Who let somebody in."""

    TOKEN = "token"  # noqa: S105 - a kind of session, not a secret
    ISSUER = "issuer"


class Over(StrEnum):
    """Why somebody who was signed in is not any more."""

    ENDED = "ended"
    """They have signed out, or were; or it was long ago."""
    AWAY = "away"
    """Nobody could say for too long whether they still are what they were."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody signed in: the secret of the cookie, what the store knows, and who it is."""

    secret: str = field(repr=False)
    session: Session = field(repr=False)
    person: Person


class Renewal(Protocol):
    """What asks the identity provider whether somebody still is what they were."""

    def renew(self, session: Session) -> Session | Over:
        """The session as it is now; why it is over, if it is."""


class Sessions:
    """The sessions of a store. `marks` say under which token, or at which provider, each kind holds.

    `renewal` is asked about those that the identity provider let in.
    """

    def __init__(
        self,
        database: Database,
        marks: dict[Kind, str],
        renewal: Renewal | None = None,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._marks = marks
        self._renewal = renewal
        self._now = now

    def begin(self, kind: Kind, person: Person, *, sign_in: str = "", held: str = "") -> str:
        """A new session; the secret for the cookie. `held` is what its renewal needs, sealed.

        Unauthenticated if the provider has ended the sign-in while it was still under way.
        """
        secret, now = secrets.token_urlsafe(32), self._now()
        made = Session(
            digest=digest_of(secret),
            kind=kind.value,
            person=person_text(person),
            created=stamp(now),
            used=stamp(now),
            ends=stamp(now + LIFE),
            mark=self._marks.get(kind),
            identity=person.identity or None,
            sign_in=sign_in or None,
            held=held or None,
            heard=stamp(now) if kind is Kind.ISSUER else None,
        )
        with self._database.writing() as connection:
            if sign_in and is_ended(connection, sign_in):
                raise Unauthenticated(reason="signed_out")
            add_session(connection, made, now)
        note(log, "signin.begun", kind=kind)
        return secret

    def look(self, secret: str) -> Visit | Over:
        """Who holds this secret, or that nobody signed in does any more."""
        with self._database.reading() as connection:
            found = find_session(connection, digest_of(secret), self._now())
        if found is None:
            return Over.ENDED
        if not hmac.compare_digest(found.mark or "", self._marks.get(Kind(found.kind)) or "-"):
            return Over.ENDED
        if self._renewal is not None and found.kind == Kind.ISSUER:
            renewed = self._renewal.renew(found)
            if isinstance(renewed, Over):
                return renewed
            found = renewed
        self._touch(found)
        return Visit(secret, found, SIGNED_IN if found.kind == Kind.TOKEN else _person(found))

    def end(self, secret: str) -> None:
        """End the session of this secret."""
        with self._database.writing() as connection:
            drop_session(connection, digest_of(secret))

    def _touch(self, found: Session) -> None:
        now = self._now()
        if now - moment_of(found.used) >= _TOUCHED:
            with suppress(Unavailable), self._database.writing(patience=_PATIENCE, lasting=False) as connection:
                touch_session(connection, found.digest, now)


def digest_of(secret: str) -> str:
    """What the store knows of a secret. It is random and long: a plain digest cannot be turned back."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def person_text(person: Person) -> str:
    """A person as a session keeps them."""
    told = {"name": person.name, "roles": sorted(person.roles), "organisations": person.organisations}
    return orjson.dumps(told).decode()


def _person(session: Session) -> Person:
    told = orjson.loads(session.person)
    roles = frozenset(Role(each) for each in told["roles"] if each in set(Role))
    return Person(told["name"], roles, Proof.COOKIE, session.identity or "", tuple(told["organisations"]))
