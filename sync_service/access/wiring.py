"""Puts access into an app: the gate, the sign-in pages, the session cookie, and who may keep an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from flask import Flask, Response, g
from flask.sessions import SecureCookieSessionInterface

from sync_service.access.cookies import Cookies
from sync_service.access.forms import form_token
from sync_service.access.gate import EXTENSION as GATE
from sync_service.access.gate import Gate, demand_form
from sync_service.access.limits import register_limits
from sync_service.access.person import ANONYMOUS
from sync_service.access.routes import SIGNON, access
from sync_service.access.sessions import Kind, Sessions
from sync_service.access.visiting import EXTENSION as VISITS
from sync_service.access.visiting import Visits
from sync_service.settings import signing_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from sync_service.access.signon import Signon
    from sync_service.access.tokens import Claims
    from sync_service.settings import Settings
    from sync_service.store.database import Database


Enlist: TypeAlias = "Callable[[str], tuple[Sessions, Signon]]"
"""Makes the sessions, given the mark of those begun with the token, and what signs people in by the provider."""


class PrefixedCookies(SecureCookieSessionInterface):
    """The cookie for messages from one page to the next. It goes to this service only, and does not say who one is."""

    def __init__(self, cookies: Cookies) -> None:
        self._cookies = cookies

    def get_cookie_path(self, app: Flask) -> str:  # noqa: ARG002 - Flask's signature
        """Where it is sent."""
        return self._cookies.path


def register_access(
    app: Flask,
    settings: Settings,
    database: Database,
    verify: Callable[[str], Claims] | None = None,
    enlist: Enlist | None = None,
) -> None:
    """Wire who is asking into the app. Needs `register_errors`.

    `verify` checks the identity provider's tokens; `enlist` makes what signs people in by it.
    """
    key, cookies = signing_key(settings), Cookies(settings.public_url)
    app.secret_key = key.get_secret_value()
    app.session_interface = PrefixedCookies(cookies)
    app.config.update(
        SESSION_COOKIE_NAME=cookies.name(),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=cookies.secure,
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    limits = register_limits(app, settings)
    gate = Gate(settings, key, verify and limits.watching(verify))
    sessions, signon = begin_sessions(database, gate.mark if gate.has_token else "", enlist)
    app.extensions.update({GATE: gate, VISITS: Visits(sessions, cookies), SIGNON: signon})
    app.jinja_env.globals["csrf_token"] = form_token
    app.register_blueprint(access)
    app.before_request(demand_form)
    app.after_request(_keep_private)
    app.after_request(app.extensions[VISITS].tidy)


def begin_sessions(database: Database, mark: str, enlist: Enlist | None) -> tuple[Sessions, Signon | None]:
    """The sessions of this store, and what begins some of them by the identity provider, where there is one."""
    if enlist is None:
        return Sessions(database, {Kind.TOKEN: mark}), None
    return enlist(mark)


def _keep_private(response: Response) -> Response:
    """What somebody with rights was answered is kept by their own browser at most, and by no cache between."""
    if "person" in g:
        response.vary.add("Cookie")
    if g.get("person", ANONYMOUS) != ANONYMOUS and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "private, no-cache"
    return response
