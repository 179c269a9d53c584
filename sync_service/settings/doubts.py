"""Settings that work and are still unwise together: what `placecard check` tells an operator. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sync_service.errors import Problem
from sync_service.loopback import is_loopback
from sync_service.settings.fields import Settings, variable

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST_TOKEN = 16


def doubts_about(settings: Settings) -> Iterator[Problem]:
    """A token short enough to be guessed; a service for others on which nobody but this machine may do anything."""
    token = settings.api_token
    if token is not None and len(token) < SHORTEST_TOKEN:
        yield Problem("settings.weak_token", {"name": variable("api_token"), "limit": SHORTEST_TOKEN})
    if token is None and not settings.oidc_issuer and not is_loopback(urlsplit(settings.public_url).hostname or ""):
        yield Problem("settings.open_house", {"name": variable("public_url")})
