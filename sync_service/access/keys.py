"""The keys an identity provider signs with, kept here: to check a token nobody is asked.

They are asked for anew when they are old, and when a token names one that is not known, but never more often than every
half minute, whoever sends such tokens. A provider that does not answer leaves the ring as it is, also over a restart.
"""

from __future__ import annotations

import logging
import time
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import orjson
import requests
from jwcrypto import jwk
from jwcrypto.common import JWException

from sync_service.errors import Unavailable
from sync_service.log import note

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_service.access.issuer import Issuer

log = logging.getLogger(__name__)

ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"})
"""Signatures with a key that only the provider has; which of them, its key says."""

SECONDS_FRESH = 600.0
SECONDS_APART = 30.0
"""How long the keys are believed, and how long nobody is asked again after somebody was."""

_TIMEOUT = (1.0, 2.0)
"""For the connection and for the answer, in seconds: a request waits meanwhile."""
_MOST_BYTES = 1 << 20
_LEAST_BITS = 2048


_SHELVED = "issuer-keys {}"


class Shelf(Protocol):
    """Where the provider's last answer outlives this process: its public keys, as it gave them. It may forget."""

    def recall(self, name: str) -> bytes | None:
        """What was kept under this name."""

    def keep(self, name: str, content: bytes) -> None:
        """Keep it, in the place of what was kept there. Never fails."""


class KeyRing:
    """The signing keys of an issuer, by their ids."""

    def __init__(
        self,
        issuer: Issuer,
        session: requests.Session,
        *,
        shelf: Shelf | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._session = session
        self._shelf = shelf
        self._clock = clock
        self._asking = Lock()
        self._keys: dict[str, jwk.JWK] = {}
        self._fresh_until = self._alone_until = float("-inf")

    def key(self, key_id: str) -> jwk.JWK | None:
        """The key of this id; None if the provider has none such. `Unavailable` while no key is known at all."""
        now = self._clock()
        if now >= self._fresh_until or key_id not in self._keys:
            self._renew()
        if not self._keys:
            raise Unavailable(reason="issuer_away")
        return self._keys.get(key_id)

    def warm(self) -> bool:
        """Have the keys before anybody needs one; whether there are any."""
        if self._clock() >= self._fresh_until:
            self._renew()
        return bool(self._keys)

    def _renew(self) -> None:
        """Ask, unless somebody does or just did; who has no key at all waits for who is asking."""
        if not self._asking.acquire(blocking=not self._keys):
            return
        try:
            if self._clock() >= self._alone_until:
                self._alone_until = self._clock() + SECONDS_APART
                self._ask()
        finally:
            self._asking.release()

    def _ask(self) -> None:
        try:
            told = self._fetch()
            keys = read_keys(told)
        except (requests.RequestException, ValueError) as error:
            note(log, "issuer.keys_silent", level=logging.WARNING, kind=type(error).__name__)
            self._take_down()
            return
        self._keys, self._fresh_until = keys, self._clock() + SECONDS_FRESH
        if self._shelf is not None:
            self._shelf.keep(_SHELVED.format(self._issuer.address), told)

    def _take_down(self) -> None:
        """Where this process has never had a key, those that an earlier one was given."""
        kept = None if self._keys or self._shelf is None else self._shelf.recall(_SHELVED.format(self._issuer.address))
        if kept is not None:
            self._keys = read_keys(kept)

    def _fetch(self) -> bytes:
        found = self._issuer.endpoints()
        if found is None or not found.keys:
            raise ValueError("nowhere")
        answer = self._session.get(found.keys, timeout=_TIMEOUT)
        answer.raise_for_status()
        if len(answer.content) > _MOST_BYTES:
            raise ValueError("too much")
        return answer.content


def read_keys(told: bytes | str) -> dict[str, jwk.JWK]:
    """The keys of a JSON Web Key Set (RFC 7517) that may sign for us, by id. ValueError if there is none."""
    said = orjson.loads(told)
    listed = said.get("keys") if isinstance(said, dict) else None
    keys = listed if isinstance(listed, list) else ()
    found = {key["kid"]: made for key in keys if (made := _signing_key(key)) is not None}
    if not found:
        raise ValueError("no key")
    return found


def _signing_key(told: Any) -> jwk.JWK | None:
    """The key, if it is one that signs by an algorithm of ours, named for it; others are none of our business."""
    if not isinstance(told, dict) or not isinstance(told.get("kid"), str):
        return None
    if told.get("use") != "sig" or told.get("alg") not in ALGORITHMS or told.get("kty") not in {"RSA", "EC"}:
        return None
    try:
        made = jwk.JWK(**{name: value for name, value in told.items() if name in _PUBLIC})
        key: Any = made.get_op_key("verify")
    except (JWException, ValueError, TypeError):
        return None
    return None if told["kty"] == "RSA" and key.key_size < _LEAST_BITS else made


_PUBLIC = frozenset({"kty", "kid", "use", "alg", "n", "e", "crv", "x", "y"})
