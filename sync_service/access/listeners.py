"""Which addresses are served where, when the inner network has a listener of its own.

The two are told apart by the socket a request came in by, which no header can say otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, request

from sync_service.access.doors import BOTH, INNER

if TYPE_CHECKING:
    from flask import Flask

    from sync_service.settings import Settings


def register_listeners(app: Flask, settings: Settings) -> None:
    """Answer 404 to what is asked by the wrong side. Without an inner listener everything is served everywhere."""
    inner_port = settings.internal_bind.rpartition(":")[2]
    if not inner_port:
        return

    @app.before_request
    def keep_apart() -> None:
        rule = request.url_rule.rule if request.url_rule else request.path
        is_inner = request.environ.get("SERVER_PORT") == inner_port
        if rule not in BOTH and (rule in INNER) is not is_inner:
            abort(404)
