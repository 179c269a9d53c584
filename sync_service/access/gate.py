"""Tells who is asking: by the token, by one of the identity provider, by the cookie `/signin` gave, or by sitting here.

A person at the machine counts only while neither a token nor an identity provider is set, and only if nothing suggests
that the request came through a proxy or from another site's page.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Request, current_app, g, request

from sync_service.access.doors import DOORS, Key
from sync_service.access.forms import check_form
from sync_service.access.person import ANONYMOUS, LOCAL, TOKEN_HOLDER, Person, Proof, person_from
from sync_service.access.visiting import visit_of
from sync_service.errors import NotAllowed, Unauthenticated
from sync_service.loopback import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from sync_service.access.table import Action
    from sync_service.access.tokens import Claims
    from sync_service.settings import Settings

EXTENSION = "placecard.gate"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate:
    """Knows the token and tells who asks. All it looks at is the request, and whose session it comes with.

    `verify` checks tokens of the identity provider, where there is one.
    """

    def __init__(self, settings: Settings, key: SecretStr, verify: Callable[[str], Claims] | None = None) -> None:
        self._verify = verify
        token = settings.api_token.get_secret_value() if settings.api_token else ""
        self._token = sha256(token.encode()).digest() if token else b""
        self._mark = hmac.new(key.get_secret_value().encode(), self._token, sha256).hexdigest()
        self._loopback_counts = not token and not settings.oidc_issuer

    @property
    def has_token(self) -> bool:
        """Whether a token is set, so that one can sign in with it."""
        return bool(self._token)

    @property
    def mark(self) -> str:
        """What a session holds that was begun with the token; another token or key makes every such session void."""
        return self._mark

    def knows_token(self, token: str) -> bool:
        """Whether this is the token, in a time that tells nothing about it."""
        given = sha256(token.encode("utf-8", "surrogateescape")).digest()
        return hmac.compare_digest(given, self._token)  # with none set that is empty, and no digest is

    def who_asks(self, asked: Request, signed_in: Callable[[Request], Person | None]) -> Person:
        """The person behind a request.

        Unauthenticated for a bearer token that is not good; Unavailable for one that cannot be checked now.
        """
        bearer = _bearer_token(asked)
        if bearer is not None and (self.has_token or self._verify is not None):
            return self._bearer(bearer)
        local = LOCAL if self._loopback_counts and sits_here(asked) else ANONYMOUS
        return signed_in(asked) or local

    def _bearer(self, token: str) -> Person:
        if self.knows_token(token):
            return TOKEN_HOLDER
        if self._verify is None:
            raise Unauthenticated(reason="wrong_token")
        return person_from(self._verify(token))


def _bearer_token(asked: Request) -> str | None:
    header = asked.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def sits_here(asked: Request) -> bool:
    """Whether a request comes from this very machine: socket peer and Host say so, and nothing says otherwise."""
    host = asked.environ.get("HTTP_HOST", "")
    if not is_loopback(asked.environ.get("REMOTE_ADDR", "")) or not is_loopback(_host_name(host)):
        return False
    return not _came_through_proxy(asked) and not _came_from_elsewhere(asked, host)


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _came_through_proxy(asked: Request) -> bool:
    names = (name.lower() for name in asked.headers.keys())  # noqa: SIM118 - werkzeug's headers iterate over pairs
    return any(name in {"forwarded", "via", "x-real-ip"} or name.startswith("x-forwarded-") for name in names)


def _came_from_elsewhere(asked: Request, host: str) -> bool:
    """A page of any other origin asked, be it another port of this machine."""
    origin = asked.headers.get("Origin")
    if origin is not None and origin.lower() != f"{asked.scheme}://{host}".lower():
        return True
    return asked.headers.get("Sec-Fetch-Site") == "cross-site"


def person_of(asked: Request) -> Person:
    """Who asks this request; found out once."""
    if "person" not in g:
        gate: Gate = current_app.extensions[EXTENSION]
        g.person = gate.who_asks(asked, _signed_in)
    person: Person = g.person
    return person


def _signed_in(asked: Request) -> Person | None:
    visit = visit_of(asked)
    return None if visit is None else visit.person


def demand_form() -> None:
    """Before a request that changes something: BadRequest if it comes with a session and not from a form of ours.

    So it is for every route that the table of doors does not give to a program of others.
    """
    rule = request.url_rule
    if request.method in SAFE_METHODS or rule is None:
        return
    theirs = DOORS.get(f"{request.method} {rule.rule}") in {Key.WEBHOOK, Key.ISSUER}
    if not theirs and person_of(request).proof is Proof.COOKIE:
        check_form(request)


def require_somebody() -> Person:
    """The person who asks, whatever they may do: Unauthenticated if it is nobody."""
    person = person_of(request)
    if person.is_nobody:
        raise Unauthenticated
    return person


def require(action: Action) -> Person:
    """The person who asks, if they may do it: otherwise Unauthenticated or NotAllowed."""
    person = person_of(request)
    if not person.may(action):
        raise Unauthenticated if person.is_nobody else NotAllowed(action)
    return person
