"""How an attempt to sign in with the identity provider may fail, and what it is answered."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Why(StrEnum):
    """Why somebody did not get in; the words are those of `access.failed_…`."""

    DENIED = "denied"
    """They, or the provider, did not want it."""
    INTERRUPTED = "interrupted"
    """The provider wanted something of them that was not done."""
    OLD = "old"
    """It was begun too long ago, in another browser, or is over already."""
    WRONG = "wrong"
    """What came back is not what the provider would send."""
    REFUSED = "refused"
    """The provider refused, in words of its own."""
    AWAY = "away"
    SETUP = "setup"
    """The provider does not know us, or not as we are set up."""


STATUS: Mapping[Why, HTTPStatus] = {
    Why.DENIED: HTTPStatus.FORBIDDEN,
    Why.AWAY: HTTPStatus.SERVICE_UNAVAILABLE,
    Why.SETUP: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What is answered; a bad request where nothing is said here."""

_SAID = {
    # The provider's words (RFC 6749, OpenID Connect).
    "access_denied": Why.DENIED,
    "login_required": Why.INTERRUPTED,
    "interaction_required": Why.INTERRUPTED,
    "consent_required": Why.INTERRUPTED,
    "account_selection_required": Why.INTERRUPTED,
    "temporarily_unavailable": Why.AWAY,
    "server_error": Why.AWAY,
}


def why_of(word: str) -> Why:
    """What a word means that a browser was sent back with."""
    return _SAID.get(word, Why.REFUSED)


class NotSignedInError(Exception):
    """Somebody did not get in; `back` is where they wanted to go, "" if that is not known."""

    def __init__(self, why: Why, back: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.back = back

    @property
    def status(self) -> HTTPStatus:
        """What it is answered."""
        return STATUS.get(self.why, HTTPStatus.BAD_REQUEST)
