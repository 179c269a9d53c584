"""Signing in by the identity provider (OpenID Connect Core 1.0, authorization code with PKCE), and out when it says so.

An attempt is kept by the browser that makes it, sealed, under a name of its own: tabs do not disturb each other, and
nobody can finish an attempt that another browser began.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from sync_service.access.outcomes import NotSignedInError, Why, why_of
from sync_service.access.person import person_from
from sync_service.access.provider import Attempt, AwayError, RefusedError, Tokens
from sync_service.access.renewing import close_held, open_held
from sync_service.access.sessions import Kind
from sync_service.errors import BadRequest, Unauthenticated
from sync_service.log import note
from sync_service.store import endings, sessions
from sync_service.store.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sync_service.access.assertions import Farewell, IdTokens, LogoutTokens
    from sync_service.access.provider import OidcClient
    from sync_service.access.sealing import Seal
    from sync_service.access.sessions import Sessions, Visit
    from sync_service.access.tokens import Claims
    from sync_service.store.database import Database

log = logging.getLogger(__name__)

ATTEMPT_SECONDS = 600
"""How long somebody may take at the provider."""


@dataclass(frozen=True, slots=True)
class Checks:
    """What looks at each kind of token."""

    verify: Callable[[str], Claims]
    ids: IdTokens
    logouts: LogoutTokens


class Signon:
    """Signs people in and out by `provider`; every session it begins is one of `sessions`."""

    def __init__(
        self, database: Database, provider: OidcClient, checks: Checks, *, sessions: Sessions, seals: tuple[Seal, Seal]
    ) -> None:
        self._database = database
        self._provider = provider
        self._checks = checks
        self._sessions = sessions
        self._attempts, self._held = seals

    seconds = ATTEMPT_SECONDS

    @staticmethod
    def mark_of(state: str) -> str:
        """By what the attempt of this state is found among those of a browser."""
        return f"signin-{state[:16]}" if state[:16].replace("-", "").replace("_", "").isalnum() else "signin-"

    def start(self, back: str, language: str) -> tuple[str, str, str]:
        """A new attempt: where its person signs in, and the name and value of what their browser keeps of it."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        attempt = Attempt(state, nonce, verifier, back)
        try:
            address = self._provider.question(attempt, language)
        except AwayError:
            raise NotSignedInError(Why.AWAY, back) from None
        return address, self.mark_of(state), self._attempts.close(orjson.dumps(asdict(attempt)).decode())

    def finish(self, kept: str, told: Mapping[str, str]) -> tuple[str, str]:
        """What the provider sent a browser back with, by what that browser had kept.

        The secret of a new session, and where its person wanted to go; NotSignedInError says why there is none.
        """
        attempt = self._open(kept, told.get("state", ""))
        if told.get("iss", self._provider.issuer.address).rstrip("/") != self._provider.issuer.address.rstrip("/"):
            raise NotSignedInError(Why.WRONG, attempt.back)
        if word := told.get("error", ""):
            raise NotSignedInError(why_of(word), attempt.back)
        try:
            return self._sign_in(attempt, told.get("code", "")), attempt.back
        except RefusedError as error:
            note(log, "signin.refused", level=logging.WARNING, word=_word(error.error))
            raise NotSignedInError(Why.OLD if error.error == "invalid_grant" else Why.SETUP, attempt.back) from None
        except AwayError:
            raise NotSignedInError(Why.AWAY, attempt.back) from None
        except Unauthenticated:
            note(log, "signin.refused", level=logging.WARNING, word="token")
            raise NotSignedInError(Why.WRONG, attempt.back) from None

    def farewell(self, visit: Visit) -> str | None:
        """Where the provider's own session of this person ends; None where it has none, or none is known."""
        if visit.session.kind != Kind.ISSUER:
            return None
        return self._provider.farewell(open_held(self._held, visit.session.held).identity)

    def hear(self, token: str) -> None:
        """What the provider says has ended, ends here. BadRequest for a token that is not good, or was taken before."""
        try:
            said = self._checks.logouts.check(token, time.time())
        except Unauthenticated:
            raise BadRequest("logout_token", "wrong_token") from None
        now = utc_now()
        with self._database.writing() as connection:
            if not endings.take_token(connection, said.id, datetime.fromtimestamp(said.expires + 60, UTC)):
                raise BadRequest("logout_token", "replayed")
            endings.keep_ending(connection, _ending(said), now)
            if said.sign_in:
                ended = sessions.drop_sign_in(connection, said.sign_in)
            else:
                ended = sessions.drop_identity(connection, said.identity)
        note(log, "signin.ended", sessions=ended)

    def _open(self, kept: str, state: str) -> Attempt:
        text = self._attempts.open(kept, within=ATTEMPT_SECONDS)
        attempt = Attempt(**orjson.loads(text)) if text else None
        if attempt is None or not hmac.compare_digest(attempt.state.encode(), state.encode("utf-8", "replace")):
            raise NotSignedInError(Why.OLD)
        return attempt

    def _sign_in(self, attempt: Attempt, code: str) -> str:
        given = self._provider.exchange(code, attempt.verifier)
        said = self._checks.ids.check(given.identity, nonce=attempt.nonce, access=given.access)
        claims = self._checks.verify(given.access)
        ours = claims.subject == said["sub"] and claims.client == self._provider.client
        if not ours or claims.sign_in != said.get("sid", claims.sign_in):
            raise Unauthenticated(reason="wrong_token")
        held = close_held(self._held, Tokens("", given.refresh, given.identity))
        return self._sessions.begin(Kind.ISSUER, person_from(claims), sign_in=claims.sign_in, held=held)


def _ending(said: Farewell) -> endings.Ending:
    if said.sign_in:
        return endings.Ending(endings.Kind.SIGN_IN, said.sign_in, said.issued)
    return endings.Ending(endings.Kind.IDENTITY, said.identity, said.issued)


def _word(error: str) -> str:
    """A word that somebody else chose, as far as it is one."""
    return error if error.isascii() and error.replace("_", "").isalnum() and len(error) < 40 else "?"
