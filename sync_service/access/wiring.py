"""Puts access into an app: the gate, the sign-in pages, the session cookie, and who may keep an answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request
from flask.sessions import SecureCookieSessionInterface

from sync_service.access.forms import form_token
from sync_service.access.gate import EXTENSION, Gate
from sync_service.access.limits import register_limits
from sync_service.access.person import ANONYMOUS
from sync_service.access.routes import access
from sync_service.settings import signing_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_service.access.tokens import Claims
    from sync_service.settings import Settings

SESSION_HOURS = 12


class PrefixedCookies(SecureCookieSessionInterface):
    """Session cookies that go to this service only, also where it shares a host with others under a path."""

    def get_cookie_path(self, app: Flask) -> str:  # noqa: ARG002 - Flask's signature
        """The path under which the service was asked."""
        return request.script_root or "/"


def register_access(app: Flask, settings: Settings, verify: Callable[[str], Claims] | None = None) -> None:
    """Wire who is asking into the app; `verify` checks the identity provider's tokens. Needs `register_errors`."""
    key = signing_key(settings)
    app.secret_key = key.get_secret_value()
    app.session_interface = PrefixedCookies()
    app.config.update(
        SESSION_COOKIE_NAME="placecard",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https:"),
        PERMANENT_SESSION_LIFETIME=timedelta(hours=SESSION_HOURS),
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    limits = register_limits(app, settings)
    app.extensions[EXTENSION] = Gate(settings, key, verify and limits.watching(verify))
    app.jinja_env.globals["csrf_token"] = form_token
    app.register_blueprint(access)
    app.after_request(_keep_private)


def _keep_private(response: Response) -> Response:
    """What somebody with rights was answered is kept by their own browser at most, and by no cache between."""
    if g.get("person", ANONYMOUS) != ANONYMOUS and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "private, no-cache"
    return response
