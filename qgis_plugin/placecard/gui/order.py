"""Which of a list comes next when one of it is dealt with. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def following(before: Sequence[str], now: Sequence[str], gone: str) -> str | None:
    """What to select when `gone` left `before`, and `now` is left: the next one, or the last; None if there is none."""
    left = set(now)
    if gone in before:
        place = before.index(gone)
        for guid in (*before[place + 1 :], *reversed(before[:place])):
            if guid in left:
                return guid
    return now[0] if now else None
