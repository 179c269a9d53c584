"""What a board can hold, checked before anything is sent: the capabilities say the limits, this refuses beyond them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from kanban_adapter.errors import Reason, Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kanban_adapter.card import Capabilities, NewCard

FIRST_DAY: Final = date(1970, 1, 2)
"""Boards keep dates as unix seconds, where 0 is no date at all."""


def check_length(what: str, text: str, limit: int | None) -> None:
    """Raise `Unsupported` for text longer than `limit` characters."""
    if limit is not None and len(text) > limit:
        raise Unsupported(what, reason=Reason.TOO_LONG, length=len(text), limit=limit)


def check_notes(values: Mapping[str, str], capabilities: Capabilities) -> None:
    """Raise `Unsupported` for metadata that the board could not hold."""
    for name, value in values.items():
        if not name:
            raise Unsupported("name of note", reason=Reason.EMPTY)
        check_length("name of note", name, capabilities.max_metadata_name)
        check_length(name[:20], value, capabilities.max_metadata_value)


def check_new(new: NewCard, capabilities: Capabilities) -> None:
    """Raise `Unsupported` for a card that the board could not hold as it is."""
    check_length("reference", new.reference, capabilities.max_reference)
    check_length("title", new.title, capabilities.max_title)
    if not new.title.strip():
        raise Unsupported("title", reason=Reason.EMPTY)
    for day in (new.start, new.due):
        if day and day < FIRST_DAY:
            raise Unsupported("date", reason=Reason.TOO_EARLY, day=day, first=FIRST_DAY)
    if new.start and new.due and new.start > new.due:
        raise Unsupported("dates", reason=Reason.BACKWARDS, start=new.start, due=new.due)


def check_web_address(url: str) -> None:
    """Raise `Unsupported` for an address that is not of the web: boards link nothing else."""
    if not url.startswith(("http://", "https://")):
        raise Unsupported("link", reason=Reason.NOT_WEB)


def check_marker(text: str, marker: str) -> None:
    """Raise `Unsupported` for a comment that could not be found again."""
    if not marker or marker not in text:
        raise Unsupported("comment", reason=Reason.NO_MARKER)


def same_tags(tags: set[str] | frozenset[str], tag: str) -> set[str]:
    """Those of the tags that are this tag: boards hold tags that differ in letter case for the same."""
    return {other for other in tags if other.casefold() == tag.casefold()}
