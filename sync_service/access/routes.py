"""Signing in and out: with the token, or by the identity provider, which may also end a sign-in by itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, make_response, redirect, request, session, url_for

from sync_service.access.forms import check_form
from sync_service.access.gate import EXTENSION, person_of
from sync_service.access.outcomes import NotSignedInError
from sync_service.access.person import SIGNED_IN, Proof
from sync_service.access.sessions import Kind
from sync_service.access.table import GIVEN, Role
from sync_service.access.visiting import OVER, visit_of, visits
from sync_service.errors import BadRequest, NotFound
from sync_service.hands import say_person
from sync_service.pages import request_language, show
from sync_service.words import say

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from sync_service.access.gate import Gate
    from sync_service.access.signon import Signon

SIGNON = "placecard.signon"
MOST_ATTEMPTS = 8
"""Of one browser at once: tabs that were opened and left."""

_Answer = TypeVar("_Answer", bound="AnyResponse")

access = Blueprint("access", __name__, template_folder="templates")


@access.get("/signin")
def signin_page() -> Response:
    """The ways in; or that somebody is in already."""
    person_of(request)  # what it finds out about a session that is over is said on this page
    return _page(over=session.pop(OVER, None))


@access.post("/signin")
def signin() -> AnyResponse:
    """Exchange the token for a session and go back to where the person came from."""
    check_form(request)
    if not _gate().knows_token(request.form.get("token", "").strip()):
        return _page(wrong=True, status=HTTPStatus.UNAUTHORIZED)
    response = redirect(_way_back(), 303)
    visits().give(response, visits().sessions.begin(Kind.TOKEN, SIGNED_IN))
    return response


@access.get("/signin/start")
def start() -> AnyResponse:
    """Send a person to the identity provider."""
    try:
        address, name, kept = _demand_signon().start(_way_back(), request_language())
    except NotSignedInError as error:
        return _failed(error)
    cookies = visits().cookies
    response = _unkept(redirect(address, 303))
    begun = [each for each in request.cookies if each.startswith(cookies.name("signin-"))]
    for each in begun if len(begun) >= MOST_ATTEMPTS else ():
        cookies.drop(response, each)
    cookies.keep(response, cookies.name(name), kept, _demand_signon().seconds)
    return response


@access.get("/signin/back")
def back() -> AnyResponse:
    """Where the identity provider sends a person back."""
    signon, cookies = _demand_signon(), visits().cookies
    name = cookies.name(signon.mark_of(request.args.get("state", "")))
    try:
        secret, way = signon.finish(request.cookies.get(name, ""), request.args)
    except NotSignedInError as error:
        response: AnyResponse = _failed(error)
    else:
        response = _unkept(redirect(way, 303))
        visits().give(response, secret)
    if name in request.cookies:
        cookies.drop(response, name)  # each attempt counts once
    return response


@access.post("/signin/ended")
def ended() -> Response:
    """What the identity provider tells of a sign-in that is over (OpenID Connect Back-Channel Logout 1.0)."""
    try:
        _demand_signon().hear(request.form.get("logout_token", ""))
    except BadRequest as error:
        response = make_response({"error": "invalid_request", "error_description": error.say("en")}, 400)
    else:
        response = make_response("", 200)
    response.headers["Cache-Control"] = "no-store"
    return response


@access.post("/signout")
def signout() -> AnyResponse:
    """Forget the person; the identity provider, where it knows them, too."""
    check_form(request)
    visit, signon = visit_of(request), _signon()
    farewell = signon.farewell(visit) if visit is not None and signon is not None else None
    response = redirect(farewell or url_for("access.signin_page"), 303)
    if visit is not None:
        visits().end(response, visit)
    return response


def visitor() -> str | None:
    """The name of whoever has signed in; "" for somebody who has not and could; None where there is nothing to sign."""
    person = person_of(request)
    if person.is_nobody:
        return "" if _gate().has_token or _signon() is not None else None
    if person.proof is not Proof.COOKIE:
        return None
    return person.name if person.identity else say_person(person.name, request_language())


def _gate() -> Gate:
    gate: Gate = current_app.extensions[EXTENSION]
    return gate


def _signon() -> Signon | None:
    signon: Signon | None = current_app.extensions[SIGNON]
    return signon


def _demand_signon() -> Signon:
    signon = _signon()
    if signon is None:
        raise NotFound("page")
    return signon


def _page(*, wrong: bool = False, over: str | None = None, status: int = HTTPStatus.OK) -> Response:
    person, language = person_of(request), request_language()
    ways = {"has_token": _gate().has_token, "has_issuer": _signon() is not None}
    roles = [say(f"access.role_{role}", language) for role in Role if role in person.roles & GIVEN]
    html = show("access/signin.html", person=person, roles=roles, wrong=wrong, over=over, next=_way_back(), **ways)
    return _unkept(Response(html, status=status))


def _failed(error: NotSignedInError) -> Response:
    html = show("access/failed.html", why=error.why.value, next=error.back or f"{request.script_root}/")
    return _unkept(Response(html, status=error.status))


def _unkept(response: _Answer) -> _Answer:
    response.headers["Cache-Control"] = "no-store"
    return response


def _way_back() -> str:
    """The address of ours that `next` names; the first page for any other."""
    wanted = request.values.get("next", "")
    parts = urlsplit(wanted.replace("\\", "/"))
    ours = wanted.startswith("/") and not parts.scheme and not parts.netloc and wanted.isprintable()
    return wanted if ours else f"{request.script_root}/"
