"""When too much would change for the public at once, it waits for a person. Pure."""

from __future__ import annotations

from datetime import timedelta

WINDOW = timedelta(minutes=10)
_MISSING_SHARE = 0.10
_MISSING_LEAST = 10


def within_surge(recent: int, limit: int) -> bool:
    """Whether one more publication, hiding or retirement may happen now, after `recent` of them in the window."""
    return recent < limit


def believes_absence(known: int, absent: int) -> bool:
    """Whether a listing without `absent` of `known` cards may take anything away at all."""
    return not (absent >= _MISSING_LEAST and absent > known * _MISSING_SHARE)
