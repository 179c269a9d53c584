"""What keeps people from signing in on the pages though the identity provider is there: asked in nobody's name."""

from __future__ import annotations

import secrets
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sync_service.access.provider import Attempt, AwayError, RefusedError
from sync_service.loopback import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sync_service.access.provider import OidcClient
    from sync_service.settings import Settings


class Flaw(StrEnum):
    """What is set up wrong."""

    NO_SECRET = "no_secret"  # noqa: S105 - a kind of flaw, not a secret
    PLAIN_HTTP = "plain_http"
    CLIENT = "client"
    """The provider does not know such a client, or not by this secret."""
    WAY_BACK = "way_back"
    """It would not send people back to us."""


def find_flaws(settings: Settings, client: OidcClient) -> Iterator[Flaw]:
    """What is wrong; nothing of a provider that does not answer."""
    address = urlsplit(settings.public_url)
    if address.scheme != "https" and not is_loopback(address.hostname or ""):
        yield Flaw.PLAIN_HTTP
    if settings.oidc_client_secret is None:
        yield Flaw.NO_SECRET
        return
    try:
        if not _knows(client):
            yield Flaw.CLIENT
        elif not _leads_back(client):
            yield Flaw.WAY_BACK
    except AwayError:
        return


def _knows(client: OidcClient) -> bool:
    """A code that nobody was given: who looks at it at all has taken us for whom we say."""
    try:
        client.exchange(secrets.token_urlsafe(16), secrets.token_urlsafe(32))
    except RefusedError as error:
        return error.error == "invalid_grant"
    return True


def _leads_back(client: OidcClient) -> bool:
    """Somebody who is not signed in and must see no page: sent back at once, or shown that we must not send them."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    attempt = Attempt(state, nonce, verifier, "")
    place = client.where_it_leads(client.question(attempt, "en", prompt="none"))
    return place is not None and place.startswith(f"{client.way_back}?")
