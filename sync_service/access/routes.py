"""`/signin` and `/signout`: the token for a session cookie, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, redirect, request, session, url_for

from sync_service.access.forms import check_form
from sync_service.access.gate import EXTENSION, MARK, person_of
from sync_service.pages import show

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from sync_service.access.gate import Gate

access = Blueprint("access", __name__, template_folder="templates")


@access.get("/signin")
def signin_page() -> Response:
    """The form, or what stands in its stead."""
    return _page(wrong=False)


@access.post("/signin")
def signin() -> AnyResponse:
    """Exchange the token for a cookie and go back to where the person came from."""
    check_form(request)
    gate = _gate()
    if not gate.knows_token(request.form.get("token", "").strip()):
        return _page(wrong=True)
    session.clear()  # nothing planted before may live on in the session of somebody signed in
    session.permanent = True
    session[MARK] = gate.mark
    return redirect(_way_back(), 303)


@access.post("/signout")
def signout() -> AnyResponse:
    """Forget the person."""
    check_form(request)
    session.clear()
    return redirect(url_for("access.signin_page"), 303)


def _gate() -> Gate:
    gate: Gate = current_app.extensions[EXTENSION]
    return gate


def _page(*, wrong: bool) -> Response:
    person, has_token = person_of(request), _gate().has_token
    html = show("access/signin.html", person=person, has_token=has_token, wrong=wrong, next=_way_back())
    response = Response(html, status=401 if wrong else 200)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Frame-Options"] = "DENY"
    return response


def _way_back() -> str:
    """The address of ours that `next` names; the first page for any other."""
    wanted = request.values.get("next", "")
    parts = urlsplit(wanted.replace("\\", "/"))
    ours = wanted.startswith("/") and not parts.scheme and not parts.netloc and wanted.isprintable()
    return wanted if ours else f"{request.script_root}/"
