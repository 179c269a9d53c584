"""Who comes with the cookie of a session; and the cookie given, and taken back when the session is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, current_app, g, request, session

from sync_service.access.sessions import Over, Visit
from sync_service.store.sessions import LIFE

if TYPE_CHECKING:
    from flask import Request
    from werkzeug.wrappers import Response as AnyResponse

    from sync_service.access.cookies import Cookies
    from sync_service.access.sessions import Sessions

EXTENSION = "placecard.visits"
OVER = "over"
"""Entry of the cookie for messages: why whoever comes next is signed in no more."""
_WHAT = "session"


class Visits:
    """Sessions by the cookies that name them."""

    def __init__(self, sessions: Sessions, cookies: Cookies) -> None:
        self.sessions = sessions
        self.cookies = cookies

    def look(self, asked: Request) -> Visit | Over | None:
        """Who comes; None without a cookie."""
        secret = asked.cookies.get(self.cookies.name(_WHAT))
        return self.sessions.look(secret) if secret else None

    def give(self, response: Response | AnyResponse, secret: str) -> None:
        """Have the browser come with this session from now on. The one it had until now ends."""
        before = visit_of(request)
        if before is not None:
            self.sessions.end(before.secret)
        session.clear()  # nothing planted before may live on beside somebody signed in
        g.visit, g.given = None, True
        self.cookies.keep(response, self.cookies.name(_WHAT), secret, int(LIFE.total_seconds()))

    def end(self, response: Response | AnyResponse, visit: Visit) -> None:
        """End a session; the browser forgets it."""
        self.sessions.end(visit.secret)
        session.clear()
        g.visit, g.given = None, True
        self.cookies.drop(response, self.cookies.name(_WHAT))

    def tidy(self, response: Response) -> Response:
        """Have the browser forget a session that turned out to be over, and say so on the page that comes next."""
        over = g.get("over")
        if over is not None and "given" not in g:
            self.cookies.drop(response, self.cookies.name(_WHAT))
            session[OVER] = over.value
        return response


def visits() -> Visits:
    """Those of this application."""
    kept: Visits = current_app.extensions[EXTENSION]
    return kept


def visit_of(asked: Request) -> Visit | None:
    """Who comes with a session; found out once."""
    if "visit" not in g:
        found = visits().look(asked)
        g.visit = found if isinstance(found, Visit) else None
        if isinstance(found, Over):
            g.over = found
    visit: Visit | None = g.visit
    return visit
