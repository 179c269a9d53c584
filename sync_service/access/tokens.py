"""Access tokens of the identity provider (RFC 9068, as Keycloak makes them), checked without asking anybody.

What is checked is said here and left to no library's default: signature and algorithm by the key the token names,
issuer, audience, type, expiry, and that it says whose it is. A person is the pair of issuer and subject; names and
addresses of mailboxes change hands.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
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
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_GROUP = re.compile(r"/partners/([^/]+)")
_MOST_NAME = 200
_SERVICE_ACCOUNT = "service-account-"
"""How Keycloak names the user that a client is by itself."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says that we go by.

    `roles` are those the provider gives at our audience, `organisations` the partners that somebody belongs to,
    `client` the program that asks, `sign_in` the provider's session, "" for a program of its own.
    """

    issuer: str
    subject: str
    name: str
    roles: frozenset[str]
    organisations: tuple[str, ...]
    client: str
    sign_in: str
    expires: float


class TokenVerifier:
    """Checks tokens that `issuer` makes for `audience`, by the keys of the ring."""

    def __init__(self, issuer: str, audience: str, keys: KeyRing, *, clock: Callable[[], float] = time.time) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._clock = clock
        # Asks nobody as long as it is given the key.
        self._reader = KeycloakOpenID(issuer, realm_name="", client_id=audience)

    def verify(self, token: str) -> Claims:
        """What a token says. Unauthenticated for any that is not good; Unavailable while no key is known."""
        if len(token) > MOST_CHARACTERS or not _SHAPE.fullmatch(token):
            raise Unauthenticated(reason="wrong_token")
        header = _read_header(token)
        key = self._keys.key(header["kid"])
        if key is None or key.get("alg") != header["alg"]:
            raise Unauthenticated(reason="wrong_token")
        wanted = {"iss": self._issuer, "aud": self._audience, "sub": None, "exp": None, "iat": None, "typ": "Bearer"}
        try:
            said = self._reader.decode_token(token, key=key, algs=[header["alg"]], check_claims=wanted, leeway=LEEWAY)
        except (JWException, ValueError, TypeError, KeyError) as error:
            raise Unauthenticated(reason=_reason(error)) from None
        return self._read(said)

    def _read(self, said: Mapping[str, Any]) -> Claims:
        if not _is_sound(said, self._clock() + LEEWAY):
            raise Unauthenticated(reason="wrong_token")
        client = _at(_at(said.get("resource_access")).get(self._audience))
        return Claims(
            issuer=said["iss"],
            subject=said["sub"],
            name=_name(said),
            roles=frozenset(_texts(client.get("roles"))),
            organisations=tuple(sorted(_organisations(said.get("groups")))),
            client=str(said.get("azp") or ""),
            sign_in=str(said.get("sid") or ""),
            expires=float(said["exp"]),
        )


def _read_header(token: str) -> dict[str, str]:
    """Which key and which algorithm a token names; whatever else it would have us do or fetch is not done."""
    try:
        said = orjson.loads(base64url_decode(token.partition(".")[0]))
        key_id, algorithm = said["kid"], said["alg"]
    except (ValueError, TypeError, KeyError):
        raise Unauthenticated(reason="wrong_token") from None
    known = isinstance(key_id, str) and isinstance(algorithm, str) and algorithm in ALGORITHMS
    if not known or {"crit", "enc", "b64"} & said.keys() or said.get("typ", "JWT") not in {"JWT", "at+jwt"}:
        raise Unauthenticated(reason="wrong_token")
    return {"kid": key_id, "alg": algorithm}


def _reason(error: Exception) -> str:
    """Only that it was good once is told: whoever holds it renews it then."""
    return "token_expired" if type(error).__name__ == "JWTExpired" else "wrong_token"


def _is_sound(said: Mapping[str, Any], now: float) -> bool:
    """What the library does not look at: that the values are what they should be, and nothing lies in the future."""
    subject, times = said["sub"], (said["exp"], said["iat"], said.get("nbf", 0))
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in times)
    named = isinstance(subject, str) and subject.strip() != ""
    begun = numbers and max(times[1:]) <= now and said["exp"] > said["iat"]
    return named and begun and said["typ"] == "Bearer"


def _name(said: Mapping[str, Any]) -> str:
    """What people call somebody; at least something that is not empty. A job is called what its client is."""
    job = str(said.get("preferred_username")).startswith(_SERVICE_ACCOUNT)
    for name in ("azp",) if job else ("name", "preferred_username", "azp", "sub"):
        text = said.get(name)
        if isinstance(text, str) and (plain := " ".join(filter(str.isprintable, text.split()))):
            return plain[:_MOST_NAME]
    return ""


def _organisations(groups: Any) -> set[str]:
    return {found[1] for group in _texts(groups) if (found := _GROUP.fullmatch(group))}


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _at(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
