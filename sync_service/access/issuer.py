"""Where an identity provider signs people in, as it says itself (OpenID Connect Discovery 1.0), remembered."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from threading import Lock
from typing import TYPE_CHECKING, Any

import requests

from sync_service.log import note

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

QGIS_CLIENT = "placecard-qgis"
"""What the plugin for QGIS is called at the issuer."""
SECONDS_KEPT = 600.0
SECONDS_LEFT_ALONE = 30.0
"""How long its word is believed, and how long it is not asked again after it gave none."""

_PATH = "/.well-known/openid-configuration"
_NEEDED = ("authorization_endpoint", "token_endpoint")
_GOOD_TO_HAVE = ("jwks_uri", "end_session_endpoint")
_TIMEOUT = (1.0, 2.0)
"""For the connection and for the answer, in seconds: somebody waits who may only want to know the limits."""


MOST_SKEW = 5.0
"""Seconds by which its clock may differ from ours: beyond that its tokens are of another time."""


class Ailment(StrEnum):
    """Why nobody can sign in with an identity provider."""

    AWAY = "away"
    OTHER = "other"
    """It is there, and speaks of another issuer or of none."""
    NO_KEYS = "no_keys"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses of an issuer: where a person signs in, where a program gets its tokens, and where its keys are.

    `keys` is empty where it names none: then no token of its can be checked; `farewell`, where a person signs out, too.
    """

    issuer: str
    authorization: str
    token: str
    keys: str = ""
    farewell: str = ""


class Issuer:
    """An identity provider by its `address`. Its answer is kept; while one thread asks, the others are not held up."""

    def __init__(self, address: str, session: requests.Session, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.address = address
        self._session = session
        self._clock = clock
        self._asking = Lock()
        self._kept: Endpoints | None = None
        self._until = float("-inf")

    def endpoints(self) -> Endpoints | None:
        """Its addresses; those it gave last while it does not answer, None if it never did."""
        if self._clock() >= self._until and self._asking.acquire(blocking=False):
            try:
                self._ask()
            finally:
                self._asking.release()
        return self._kept

    def ailment(self) -> Ailment | None:
        """What keeps people from signing in there, asked this moment; None if nothing does."""
        try:
            answer = self._fetch()
            self._read(answer.json())
        except requests.JSONDecodeError:
            return Ailment.OTHER
        except requests.RequestException:
            return Ailment.AWAY
        except ValueError:
            return Ailment.OTHER
        return Ailment.CLOCK if _skew(answer.headers.get("Date")) > MOST_SKEW else None

    def _fetch(self) -> requests.Response:
        answer = self._session.get(f"{self.address.rstrip('/')}{_PATH}", timeout=_TIMEOUT)
        answer.raise_for_status()
        return answer

    def _ask(self) -> None:
        try:
            self._kept = self._read(self._fetch().json())
        except (requests.RequestException, ValueError) as error:
            note(log, "issuer.silent", level=logging.WARNING, kind=type(error).__name__)
            self._until = self._clock() + SECONDS_LEFT_ALONE
        else:
            self._until = self._clock() + SECONDS_KEPT

    def _read(self, told: Any) -> Endpoints:
        """ValueError unless it speaks of itself, and names addresses no less guarded than its own."""
        issuer = told.get("issuer") if isinstance(told, dict) else None
        if not isinstance(issuer, str) or issuer.rstrip("/") != self.address.rstrip("/"):
            raise ValueError("another issuer")
        scheme = self.address.partition("://")[0]
        named = [told.get(name, "") for name in _NEEDED + _GOOD_TO_HAVE]
        for number, address in enumerate(named):
            if address == "" and number >= len(_NEEDED):
                continue
            if not isinstance(address, str) or address.partition("://")[0] not in {scheme, "https"}:
                raise ValueError("no address")
        return Endpoints(issuer, *named)


def _skew(date: str | None) -> float:
    """Seconds between an answer's Date and now, as far as it tells; it is given in whole ones."""
    try:
        told = parsedate_to_datetime(date or "")
    except ValueError:
        return 0.0
    return max(0.0, abs((datetime.now(UTC) - told.astimezone(UTC)).total_seconds()) - 1)
