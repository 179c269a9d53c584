"""Sign-ins that the identity provider has ended: a token of one of them is void, though it has not expired.

All of them are kept in this process and read anew when they are older than two seconds and somebody asks.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

from sync_service.errors import Unauthenticated, Unavailable
from sync_service.store.endings import Kind, read_endings

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_service.access.tokens import Claims
    from sync_service.store.database import Database

SECONDS_FRESH = 2.0


class Endings:
    """What has ended, as the store last had it. While the store cannot be read, that is what counts."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._reading = Lock()
        self._until = float("-inf")
        self._ended: dict[tuple[Kind, str], int] = {}

    def demand_open(self, claims: Claims) -> None:
        """Unauthenticated for a token whose sign-in has ended."""
        if self._clock() >= self._until:
            with self._reading:
                if self._clock() >= self._until:
                    self._read()
        of_person = self._ended.get((Kind.IDENTITY, claims.identity))
        over = (Kind.SIGN_IN, claims.sign_in) in self._ended if claims.sign_in else False
        if over or (of_person is not None and claims.issued <= of_person):
            raise Unauthenticated(reason="signed_out")

    def watching(self, verify: Callable[[str], Claims]) -> Callable[[str], Claims]:
        """The same check of tokens, which also refuses those."""

        def watched(token: str) -> Claims:
            claims = verify(token)
            self.demand_open(claims)
            return claims

        return watched

    def _read(self) -> None:
        try:
            with self._database.reading() as connection:
                self._ended = {(each.kind, each.name): each.at for each in read_endings(connection)}
        except Unavailable:
            pass  # whoever works in the store says so clearly
        self._until = self._clock() + SECONDS_FRESH
