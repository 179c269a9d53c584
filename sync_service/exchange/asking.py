"""What a reader of the feed asks for: parameters in, values out, BadRequest naming the parameter otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sync_service.errors import BadRequest
from sync_service.exchange.cursor import Cursor, read_box, read_cursor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from flask import Request

    from sync_service.store.filters import Box

T = TypeVar("T")

LIMIT, MOST = 1_000, 10_000
"""Rows of a page, if nothing is said and at most."""


def read_parameters(request: Request, names: Collection[str]) -> dict[str, str]:
    """The parameters of a request, if there are no others than these and none twice."""
    found = {}
    for name, values in request.args.lists():
        if name not in names:
            raise BadRequest(name, "parameter_unknown")
        if len(values) > 1:
            raise BadRequest(name, "parameter_twice")
        found[name] = values[0]
    return found


def read_limit(given: dict[str, str]) -> int:
    """How many rows at most."""
    return _read(given, "limit", _limit) or LIMIT


def asked_box(given: dict[str, str]) -> Box | None:
    """The box."""
    return _read(given, "bbox", read_box)


def asked_cursor(given: dict[str, str], name: str, *, page: bool = False) -> Cursor | None:
    """The cursor; `page`: one of a first copy that is being made, which goes nowhere else."""
    cursor = _read(given, name, read_cursor)
    if cursor is not None and (cursor.after is not None) != page:
        raise BadRequest(name, "cursor_other")
    return cursor


def _read(given: dict[str, str], name: str, read: Callable[[str], T]) -> T | None:
    if name not in given:
        return None
    try:
        return read(given[name])
    except (ValueError, OverflowError) as error:
        reason = {"bbox": "parameter_box", "limit": "parameter_limit"}.get(name, "cursor_unknown")
        raise BadRequest(name, reason) from error


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text[:9]) < 1:
        raise ValueError(text)
    return min(int(text[:9]), MOST)
