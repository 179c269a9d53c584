"""Tokens that the identity provider has signed, opened without asking anybody.

What is checked of each is said here and left to no library's default: signature and algorithm by the key the token
names, issuer, expiry, that nothing lies in the future. What a kind of token must say besides, its reader asks for.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import orjson
from jwcrypto.common import JWException, base64url_decode
from keycloak import KeycloakOpenID

from sync_service.access.issuer import MOST_SKEW
from sync_service.access.keys import ALGORITHMS
from sync_service.errors import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sync_service.access.keys import KeyRing

LEEWAY = int(MOST_SKEW)
"""Seconds by which the provider's clock may differ from ours."""
MOST_CHARACTERS = 16 * 1024
PLAIN = frozenset({"JWT"})
"""Types that the header of a token may name; one that names none is plain."""

_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_UNKNOWN = frozenset({"crit", "enc", "b64"})


class Opener:
    """Opens tokens that `issuer` makes, by the keys of the ring."""

    def __init__(self, issuer: str, keys: KeyRing, *, clock: Callable[[], float] = time.time) -> None:
        self.issuer = issuer
        self._keys = keys
        self._clock = clock
        # Asks nobody as long as it is given the key.
        self._reader = KeycloakOpenID(issuer, realm_name="", client_id="")

    def open(self, token: str, wanted: Mapping[str, object], types: frozenset[str] = PLAIN) -> dict[str, Any]:
        """What a token says that has these claims (None: any value).

        Unauthenticated for one that is not good; Unavailable while no key is known.
        """
        if len(token) > MOST_CHARACTERS or not _SHAPE.fullmatch(token):
            raise Unauthenticated(reason="wrong_token")
        header = read_header(token, types)
        key = self._keys.key(header["kid"])
        if key is None or key.get("alg") != header["alg"]:
            raise Unauthenticated(reason="wrong_token")
        claims = {"iss": self.issuer, "exp": None, "iat": None, **wanted}
        try:
            said = self._reader.decode_token(token, key=key, algs=[header["alg"]], check_claims=claims, leeway=LEEWAY)
        except (JWException, ValueError, TypeError, KeyError) as error:
            raise Unauthenticated(reason=_reason(error)) from None
        if not _is_timely(said, self._clock() + LEEWAY):
            raise Unauthenticated(reason="wrong_token")
        return dict(said)


def read_header(token: str, types: frozenset[str]) -> dict[str, str]:
    """Which key and which algorithm a token names; whatever else it would have us do or fetch is not done."""
    try:
        said = orjson.loads(base64url_decode(token.partition(".")[0]))
        key_id, algorithm = said["kid"], said["alg"]
    except (ValueError, TypeError, KeyError):
        raise Unauthenticated(reason="wrong_token") from None
    known = isinstance(key_id, str) and isinstance(algorithm, str) and algorithm in ALGORITHMS
    if not known or _UNKNOWN & said.keys() or said.get("typ", "JWT") not in types:
        raise Unauthenticated(reason="wrong_token")
    return {"kid": key_id, "alg": algorithm}


def _reason(error: Exception) -> str:
    """Only that it was good once is told: whoever holds it renews it then."""
    return "token_expired" if type(error).__name__ == "JWTExpired" else "wrong_token"


def _is_timely(said: Mapping[str, Any], now: float) -> bool:
    """What the library does not look at: that times are numbers, and none lies in the future that must not."""
    times = (said["exp"], said["iat"], said.get("nbf", 0))
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in times)
    return numbers and max(times[1:]) <= now and said["exp"] > said["iat"]
