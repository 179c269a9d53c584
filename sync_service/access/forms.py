"""Forms that only our own pages can send: a token in the session cookie that the form (or a header) must repeat."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from flask import session

from sync_service.errors import BadRequest

if TYPE_CHECKING:
    from flask import Request

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"


def form_token() -> str:
    """The token to put into a form as `csrf_token`; in templates `csrf_token()`."""
    if FIELD not in session:
        session[FIELD] = secrets.token_urlsafe(24)
    return str(session[FIELD])


def check_form(asked: Request) -> None:
    """BadRequest unless the request repeats the token of its session, as a field or in `X-CSRF-Token`."""
    shown = asked.headers.get(HEADER) or asked.form.get(FIELD, "")
    kept = str(session.get(FIELD, ""))
    if not kept or not hmac.compare_digest(shown.encode("utf-8", "replace"), kept.encode()):
        raise BadRequest(FIELD, "csrf")
