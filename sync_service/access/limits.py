"""How often one address may do what costs or could be guessed: the table, and what holds the application to it.

Attempts are counted in each web process by itself: with several processes an address may do as many times as much. That
is still far from what guessing needs, and nothing is written for it. Only what is sent by people or could be guessed
is counted; reading is not.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from flask import g, request

from sync_service.access.attempts import Attempts
from sync_service.access.callers import Callers
from sync_service.errors import Unauthenticated
from sync_service.log import note

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response

    from sync_service.access.tokens import Claims
    from sync_service.settings import Settings

log = logging.getLogger(__name__)


class Kind(StrEnum):
    """What is counted, each by itself: whoever mistypes the token does not stop the board from announcing."""

    FORM = "form"
    """A form of ours is sent."""
    SIGNIN = "signin"
    """A step of signing in or out."""
    WRONG_SIGNIN = "wrong_signin"
    """The token typed into the form was wrong."""
    WRONG_WEBHOOK = "wrong_webhook"
    WRONG_TOKEN = "wrong_token"  # noqa: S105 - a kind of attempt, not a secret
    """A bearer token was wrong that is no signed one: it could be guessed."""
    WRONG_SIGNATURE = "wrong_signature"
    """A signed token was wrong. Nobody guesses a signature: a good one is always let in."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so many seconds."""

    most: int
    seconds: int


RATES = {
    Kind.FORM: Rate(120, 60),
    Kind.SIGNIN: Rate(300, 60),  # a hall full of people behind one address
    Kind.WRONG_SIGNIN: Rate(10, 60),
    Kind.WRONG_WEBHOOK: Rate(10, 60),
    Kind.WRONG_TOKEN: Rate(10, 60),
    Kind.WRONG_SIGNATURE: Rate(60, 60),
}

_SENDING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_SIGNED = "eyJ"
"""How a signed token begins: its header is a JSON object."""


class Limits:
    """Counts attempts by address and refuses those beyond the table: TooMany."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._attempts = {kind: Attempts(rate.most, rate.seconds) for kind, rate in RATES.items()}

    def slow_down(self) -> None:
        """Before a request: TooMany if its address has done too much of the kind, or guessed wrong too often."""
        rule = request.url_rule.rule if request.url_rule else ""
        repeated, guessed = repeated_kind(request.method, rule), guessed_kind(rule)
        if repeated is not None:
            self._check(repeated)
            self._count(repeated)
        if guessed is not None:
            self._check(guessed)

    def learn(self, response: Response) -> Response:
        """After it: count a wrong guess."""
        rule = request.url_rule.rule if request.url_rule else ""
        guessed = guessed_kind(rule)
        if guessed is not None and _was_wrong(guessed, response):
            note(log, "guess.wrong", level=logging.WARNING, kind=guessed)
            self._count(guessed)
        return response

    def watching(self, verify: Callable[[str], Claims]) -> Callable[[str], Claims]:
        """The same check of signed tokens, which counts those that are wrong; one that has only expired is not."""

        def watched(token: str) -> Claims:
            try:
                return verify(token)
            except Unauthenticated as error:
                if token.startswith(_SIGNED) and error.data.get("reason") == "wrong_token":
                    note(log, "guess.wrong", level=logging.WARNING, kind=Kind.WRONG_SIGNATURE)
                    self._check(Kind.WRONG_SIGNATURE)
                    self._count(Kind.WRONG_SIGNATURE)
                raise

        return watched

    def _check(self, kind: Kind) -> None:
        self._attempts[kind].check(self._callers.address_of(request))

    def _count(self, kind: Kind) -> None:
        if self._attempts[kind].count(self._callers.address_of(request)):
            note(log, "limit.reached", level=logging.WARNING, kind=kind)


def repeated_kind(method: str, rule: str) -> Kind | None:
    """What a request is counted as, whatever comes of it: None for one that is not."""
    if rule == "/signin/ended":  # one address tells of everybody's, as fast as they end; nobody guesses its signature
        return None
    if rule.startswith(("/signin", "/signout")) and (method in _SENDING or rule.count("/") > 1):
        return Kind.SIGNIN
    return Kind.FORM if method in _SENDING and rule.startswith("/desk/") else None


def guessed_kind(rule: str) -> Kind | None:
    """What could be guessed at with this request: None if nothing."""
    if request.method == "POST" and rule in {"/signin", "/board/events"}:
        return Kind.WRONG_SIGNIN if rule == "/signin" else Kind.WRONG_WEBHOOK
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return Kind.WRONG_TOKEN if scheme.lower() == "bearer" and not token.strip().startswith(_SIGNED) else None


def _was_wrong(guessed: Kind, response: Response) -> bool:
    if guessed is Kind.WRONG_TOKEN:
        refusal = g.get("refusal")
        return isinstance(refusal, Unauthenticated) and refusal.data.get("reason") == "wrong_token"
    return response.status_code in {401, 403}


def register_limits(app: Flask, settings: Settings) -> Limits:
    """Hold the app to the table; gives what counts."""
    limits = Limits(Callers(settings.trusted_proxies))
    app.before_request(limits.slow_down)
    app.after_request(limits.learn)
    return limits
