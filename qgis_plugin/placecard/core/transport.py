"""How requests travel: the port that QGIS's network fills, with its proxies, certificates and sign-in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Request:
    """One question. The body is bytes of JSON, None for a GET."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class Reply:
    """One answer, whatever its status; header names in lower case, the body unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Sends requests, signed in as the user is."""

    def send(self, request: Request) -> Reply:
        """The answer to a request. Raises `Unreachable` if there is none, `Cancelled` if a person said stop."""
