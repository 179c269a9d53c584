"""Whether somebody signed in still is what they were: the identity provider is asked anew while they are at work.

One process asks at a time, and holds no transaction meanwhile; the others go by what was last heard. A provider that
says no ends the session at once. One that does not answer leaves it as it was, for two hours at most.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson

from sync_service.access.person import person_from
from sync_service.access.provider import AwayError, RefusedError, Tokens
from sync_service.access.sessions import Over, person_text
from sync_service.errors import Unauthenticated, Unavailable
from sync_service.log import note
from sync_service.store.clock import moment_of, stamp, utc_now
from sync_service.store.sessions import claim_session, drop_session, renew_session

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sync_service.access.assertions import IdTokens
    from sync_service.access.provider import OidcClient
    from sync_service.access.sealing import Seal
    from sync_service.access.tokens import Claims
    from sync_service.store.database import Database
    from sync_service.store.sessions import Session

log = logging.getLogger(__name__)

ANEW = timedelta(seconds=45)
"""What was heard is older than that: it is asked again. With the time that asking may take, a minute."""
ALONE = timedelta(hours=2)
"""How long what was last heard counts while the provider does not answer."""
_OVER = frozenset({"invalid_grant"})
"""Words of the provider for a sign-in that is over. Others say that it or we are set up wrong."""
_PATIENCE = 1.0


class Renewing:
    """Asks the provider about sessions it let in."""

    def __init__(
        self,
        database: Database,
        provider: OidcClient,
        *,
        verify: Callable[[str], Claims],
        ids: IdTokens,
        seal: Seal,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._provider = provider
        self._verify = verify
        self._ids = ids
        self._seal = seal
        self._now = now

    def renew(self, session: Session) -> Session | Over:
        """The session as it is now; why it is over, if it is."""
        age = self._now() - moment_of(session.heard or session.created)
        if age < ANEW:
            return session
        try:
            return self._ask(session) if self._claim(session) else self._as_it_was(session, age)
        except (AwayError, Unavailable):
            note(log, "signin.unheard", level=logging.WARNING, minutes=round(age.total_seconds() / 60))
            return self._as_it_was(session, age)

    def _claim(self, session: Session) -> bool:
        with self._database.writing(patience=_PATIENCE, lasting=False) as connection:
            return claim_session(connection, session, self._now())

    def _as_it_was(self, session: Session, age: timedelta) -> Session | Over:
        return session if age < ALONE else self._end(session, Over.AWAY)

    def _ask(self, session: Session) -> Session | Over:
        held = open_held(self._seal, session.held)
        if not held.refresh:
            return self._end(session, Over.ENDED)
        try:
            given = self._provider.refresh(held.refresh)
            claims = self._verify(given.access)
        except RefusedError as error:
            if error.error not in _OVER:
                raise AwayError from None
            return self._end(session, Over.ENDED)
        except Unauthenticated:
            return self._end(session, Over.ENDED)
        if claims.identity != session.identity:
            return self._end(session, Over.ENDED)
        kept = Tokens("", given.refresh or held.refresh, self._identity(given, claims) or held.identity)
        return self._keep(session, claims, kept)

    def _identity(self, given: Tokens, claims: Claims) -> str:
        """The renewed ID token, if it is about the same person."""
        with suppress(Unauthenticated, Unavailable):
            if self._ids.check(given.identity, nonce=None, access=given.access)["sub"] == claims.subject:
                return given.identity
        return ""

    def _keep(self, session: Session, claims: Claims, held: Tokens) -> Session:
        person = person_text(person_from(claims))
        fresh = replace(session, person=person, held=close_held(self._seal, held), heard=stamp(self._now()))
        with self._database.writing() as connection:
            renew_session(connection, fresh)
        return fresh

    def _end(self, session: Session, why: Over) -> Over:
        with suppress(Unavailable), self._database.writing(patience=_PATIENCE) as connection:
            drop_session(connection, session.digest)
        note(log, "signin.over", why=why)
        return why


def close_held(seal: Seal, tokens: Tokens) -> str:
    """What a session keeps of tokens: nothing that opens our API."""
    return seal.close(orjson.dumps([tokens.refresh, tokens.identity]).decode())


def open_held(seal: Seal, held: str | None) -> Tokens:
    """Those tokens again; empty ones where they cannot be read any more."""
    text = seal.open(held or "")
    refresh, identity = orjson.loads(text) if text else ("", "")
    return Tokens("", refresh, identity)
