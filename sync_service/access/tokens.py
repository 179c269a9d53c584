"""Access tokens of the identity provider (RFC 9068, as Keycloak makes them), checked without asking anybody.

What is checked beyond what holds for every token (`access.signed`): audience, type, and that it says whose it is. A
person is the pair of issuer and subject; names and addresses of mailboxes change hands.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sync_service.access.signed import Opener
from sync_service.errors import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sync_service.access.keys import KeyRing

_TYPES = frozenset({"JWT", "at+jwt"})
_GROUP = re.compile(r"/partners/([^/]+)")
_MOST_NAME = 200
_SERVICE_ACCOUNT = "service-account-"
"""How Keycloak names the user that a client is by itself."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says that we go by.

    `roles` are those the provider gives at our audience, `organisations` the partners that somebody belongs to,
    `client` the program that asks, `sign_in` the provider's session, "" for a program of its own. Times are in Unix
    seconds.
    """

    issuer: str
    subject: str
    name: str
    roles: frozenset[str]
    organisations: tuple[str, ...]
    client: str
    sign_in: str
    expires: float
    issued: float

    @property
    def identity(self) -> str:
        """Whose it is, as nobody else's is."""
        return f"{self.issuer} {self.subject}"


class TokenVerifier:
    """Checks tokens that `issuer` makes for `audience`, by the keys of the ring."""

    def __init__(self, issuer: str, audience: str, keys: KeyRing, *, clock: Callable[[], float] = time.time) -> None:
        self._audience = audience
        self.opener = Opener(issuer, keys, clock=clock)

    def verify(self, token: str) -> Claims:
        """What a token says. Unauthenticated for any that is not good; Unavailable while no key is known."""
        said = self.opener.open(token, {"aud": self._audience, "sub": None, "typ": "Bearer"}, _TYPES)
        if not is_named(said) or said["typ"] != "Bearer":  # the library compares without regard to case
            raise Unauthenticated(reason="wrong_token")
        return self._read(said)

    def _read(self, said: Mapping[str, Any]) -> Claims:
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
            issued=float(said["iat"]),
        )


def is_named(said: Mapping[str, Any]) -> bool:
    """Whether it says whose it is."""
    subject = said.get("sub")
    return isinstance(subject, str) and subject.strip() != ""


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
