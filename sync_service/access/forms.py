"""Forms that only our own pages can send: a token that the form (or a header) must repeat.

Whoever has a session has one that is made from its secret: a cookie that another site smuggled in cannot match it. For
anybody else it stands in the cookie for messages.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING

from flask import request, session

from sync_service.access.visiting import visit_of
from sync_service.errors import BadRequest

if TYPE_CHECKING:
    from flask import Request

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"


def form_token() -> str:
    """The token to put into a form as `csrf_token`; in templates `csrf_token()`."""
    visit = visit_of(request)
    if visit is not None:
        return token_of(visit.secret)
    if FIELD not in session:
        session[FIELD] = secrets.token_urlsafe(24)
    return str(session[FIELD])


def check_form(asked: Request) -> None:
    """BadRequest unless the request repeats the token of its session, as a field or in `X-CSRF-Token`."""
    visit = visit_of(asked)
    shown = asked.headers.get(HEADER) or asked.form.get(FIELD, "")
    kept = token_of(visit.secret) if visit is not None else str(session.get(FIELD, ""))
    if not kept or not hmac.compare_digest(shown.encode("utf-8", "replace"), kept.encode()):
        raise BadRequest(FIELD, "csrf")


def token_of(secret: str) -> str:
    """The forms' token of the session that has this secret."""
    return hmac.new(secret.encode("utf-8", "replace"), b"form", sha256).hexdigest()
