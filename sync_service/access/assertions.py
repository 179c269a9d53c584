"""What the identity provider says of a person to us alone: who has just signed in, and who has signed out.

ID tokens (OpenID Connect Core 1.0, 3.1.3.7) and logout tokens (Back-Channel Logout 1.0, 2.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from sync_service.access.signed import LEEWAY, PLAIN, Opener, read_header
from sync_service.access.tokens import is_named
from sync_service.errors import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT = frozenset({"logout+jwt"})
"""What the header of a logout token says it is: so no other token can pass for one. Keycloak does since its 26."""
FRESH = 120
"""Seconds after which a logout token is too old, whatever it says."""


class IdTokens:
    """Checks ID tokens made for one client."""

    def __init__(self, opener: Opener, client: str) -> None:
        self._opener = opener
        self._client = client

    def check(self, token: str, *, nonce: str | None, access: str) -> Mapping[str, Any]:
        """What it says, if it belongs to this question and this access token; Unauthenticated for any other.

        A renewed one answers no question: its `nonce` is None.
        """
        said = self._opener.open(token, {"aud": self._client, "sub": None})
        if not is_named(said) or said.get("typ", "ID") != "ID":
            raise Unauthenticated(reason="wrong_token")
        asked = {"client_id": self._client, "access_token": access, "nonce": nonce}
        try:
            CodeIDToken(said, read_header(token, PLAIN), params=asked).validate(leeway=LEEWAY)
        except (JoseError, ValueError, TypeError):
            raise Unauthenticated(reason="wrong_token") from None
        return said


@dataclass(frozen=True, slots=True)
class Farewell:
    """What a logout token says: which sign-in is over, or, where that is "", all of whom; its own id, and its times."""

    id: str
    sign_in: str
    identity: str
    issued: int
    expires: int


class LogoutTokens:
    """Checks logout tokens made for any of these clients."""

    def __init__(self, opener: Opener, clients: Collection[str]) -> None:
        self._opener = opener
        self._clients = frozenset(clients)

    def check(self, token: str, now: float) -> Farewell:
        """What it says; Unauthenticated unless it is one, for us, and fresh."""
        said = self._opener.open(token, {"aud": None, "jti": None, "events": None}, LOGOUT)
        events, subject, sign_in = said["events"], _text(said, "sub"), _text(said, "sid")
        meant = isinstance(events, dict) and isinstance(events.get(EVENT), dict)
        # The type that other tokens of Keycloak's have: none of them may pass for this one.
        kind = said.get("typ", "Logout") in {"Logout", "logout+jwt"} and "nonce" not in said
        ours = bool(self._clients.intersection(_audiences(said["aud"])))
        fresh = said["iat"] >= now - FRESH
        if not (meant and kind and ours and fresh and _text(said, "jti") and (subject or sign_in)):
            raise Unauthenticated(reason="wrong_token")
        identity = f"{said['iss']} {subject}" if subject else ""
        return Farewell(_text(said, "jti"), sign_in, identity, int(said["iat"]), int(said["exp"]))


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value.strip() if isinstance(value, str) else ""


def _audiences(value: Any) -> list[str]:
    each = value if isinstance(value, list) else [value]
    return [name for name in each if isinstance(name, str)]
