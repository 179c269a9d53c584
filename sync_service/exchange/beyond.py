"""What lies beyond the store and is asked while somebody waits. Wired in `app.py`; by itself there is nothing there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync_service.engine.listening import Heard, Silence

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_service.access.issuer import Endpoints
    from sync_service.places.suggestion import Suggester
    from sync_service.sync.state import CardRef


def _nowhere() -> None:
    return None


def _away(_card: CardRef) -> Heard:
    return Heard(silence=Silence.AWAY)


@dataclass(frozen=True, slots=True)
class Beyond:
    """The identity provider, the board and the geocoder."""

    issuer: Callable[[], Endpoints | None] = _nowhere
    """Where people sign in."""
    hear: Callable[[CardRef], Heard] = _away
    """What is said on a card."""
    suggester: Suggester | None = None
    """Who says where something may be, if anybody does."""
