"""When to try again: longer after every failure, never all at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sync_service.engine.parts import Parts

_FIRST = 1.0
_LONGEST = 300.0


def retry_at(parts: Parts, attempts: int, *, longest: float = _LONGEST) -> datetime:
    """The moment of the next try after `attempts` failed ones: doubling from a second to `longest`, with jitter."""
    pause = min(longest, _FIRST * 2.0 ** min(attempts, 20))
    return parts.now() + timedelta(seconds=pause * parts.jitter.uniform(0.5, 1.5))
