"""How much a request may bring along, by the kind of its address: more is refused before it is read."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from flask import request
from werkzeug.wsgi import LimitedStream

from sync_service.errors import TooLarge

if TYPE_CHECKING:
    from flask import Flask

KIB, MIB = 1024, 1024 * 1024

LARGEST = 16 * MIB
"""Of a push: 500 edits with large areas."""
SMALLEST = 64 * KIB
"""Of any address that the table does not name: of a question nobody expects a body."""

BODIES = {
    "/sync/v1/collections/proposals/push": LARGEST,
    "/sync/": 4 * MIB,  # a clash resolved: one geometry
    "/ogc/": 4 * MIB,  # one feature
    "/board/events": 4 * MIB,  # a card with all that changed on it
    "/desk/": MIB,  # a form with what was ticked of a long list
    "/signin": SMALLEST,
    "/signout": SMALLEST,
}
"""Bytes, by how a route begins; the first that fits counts."""


def largest_body(rule: str) -> int:
    """Bytes that a request to this route may bring."""
    return next((most for beginning, most in BODIES.items() if rule.startswith(beginning)), SMALLEST)


def register_bodies(app: Flask) -> None:
    """Hold the app to the table. Needs `register_errors`."""
    app.config["MAX_CONTENT_LENGTH"] = LARGEST

    @app.before_request
    def weigh() -> None:
        most = largest_body(request.url_rule.rule if request.url_rule else "")
        length = _measured(most) if request.content_length is None else request.content_length
        if length > most:
            raise TooLarge(most)
        request.max_content_length = most


def _measured(most: int) -> int:
    """The length of a body that comes in pieces and does not tell it.

    Read here, since whoever reads it later is given the beginning of one that is too large, and is not told.
    """
    environ = request.environ
    if not environ.get("wsgi.input_terminated") or "HTTP_TRANSFER_ENCODING" not in environ:
        return 0
    body = LimitedStream(environ["wsgi.input"], most + 1, is_max=True).readall()
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
    return len(body)
