"""Answers with their validators: the ETag is known before the body is made, so an unchanged answer costs nothing."""

from __future__ import annotations

from collections import OrderedDict
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from flask import Response, g, request

from sync_service.access import ANONYMOUS
from sync_service.pages import show
from sync_service.pages.packing import pack
from sync_service.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from sync_service.features.asking import Ask
    from sync_service.features.validators import Tag
    from sync_service.pages.packing import Body

T = TypeVar("T")

_SMALL = 1024  # bytes, more than any value but a page has


def respond(ask: Ask, tag: Tag, media: str, body: Callable[[], Body], **headers: str) -> Response:
    """The answer, or 304 without making it. What only some may see is kept by no cache."""
    etag = tag.text(media, ask.language, "gzip" if ask.gzip else "")
    if request.if_none_match.contains_weak(etag):
        answer = Response(status=304)
    else:
        answer = pack(body(), gzip=ask.gzip)
        answer.content_type = f"{media}; charset=utf-8" if media.startswith("text/") else media
        answer.content_language = [ask.language]
        answer.headers.extend({name.replace("_", "-"): value for name, value in headers.items()})
    answer.set_etag(etag)
    return guard(ask, answer)


def guard(ask: Ask, answer: Response) -> Response:
    """Who may keep this answer and what another asker would get."""
    headers = answer.headers
    headers["Vary"] = "Accept, Accept-Encoding, Accept-Language, Authorization, Cookie"
    if ask.working:
        headers["Cache-Control"] = "private, no-store"
    else:
        headers["Cache-Control"] = "public, no-cache"
        headers["Access-Control-Allow-Origin"] = "*"
        headers["Access-Control-Expose-Headers"] = "Content-Crs, ETag, Link"
    return answer


def tell_other_pages(answer: Response) -> Response:
    """Let pages of other sites read why they were refused what anybody may ask, as they may read the answer.

    Never of somebody with rights, and nobody gets any this way: a browser sends no cookie along.
    """
    refused = answer.status_code >= HTTPStatus.BAD_REQUEST and request.method in {"GET", "HEAD"}
    if refused and "Authorization" not in request.headers and g.get("person", ANONYMOUS).is_nobody:
        answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def write_json(document: Mapping[str, object]) -> Body:
    """A document as JSON."""
    return [orjson.dumps(document)]


def write_page(ask: Ask, template: str, **values: object) -> Body:
    """A document as a page for people. Its template has `t(key, **data)` for the texts under `features`."""

    def t(key: str, **data: object) -> str:
        return say(f"features.{key}", ask.language, **data)

    return [show(f"features/{template}.html", ask=ask, t=t, **values).encode()]


class Memo:
    """What was worked out lately, by everything it depends on. Wrong entries cannot be found; unused ones leave first.

    `budget` bounds what is kept, in bytes, where a value weighs what `weigh` says of it.
    """

    def __init__(self, budget: int = 16 * 1024 * 1024) -> None:
        self._left = budget
        self._known: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], T], weigh: Callable[[T], int] = lambda _: _SMALL) -> T:
        """The value for this key, made once."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                found: T = self._known[key][0]
                return found
        value = make()
        self._keep(key, value, weigh(value))
        return value

    def _keep(self, key: Hashable, value: object, weight: int) -> None:
        with self._lock:
            if key in self._known:
                return
            self._known[key] = value, weight
            self._left -= weight
            while self._left < 0:
                _, (_, freed) = self._known.popitem(last=False)
                self._left += freed
