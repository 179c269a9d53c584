"""The service, asked over a transport: questions as methods, answers as values, statuses as errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Callable, TypeVar
from urllib.parse import quote, urlencode, urlsplit, urlunsplit
from uuid import uuid4

from placecard.core.errors import (
    BadAnswer,
    CursorVoid,
    NotAllowed,
    Outdated,
    PlacecardError,
    Refused,
    SignInNeeded,
    Unreachable,
)
from placecard.core.transport import Request
from placecard.core.wire import (
    GEOMETRY,
    bytes_of,
    read_answer,
    read_capabilities,
    read_change_page,
    read_clash,
    read_page,
    read_resolved,
    read_suggestions,
    read_undone,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from placecard.core.transport import Reply, Transport
    from placecard.core.wire import (
        Capabilities,
        ChangePage,
        Clash,
        Page,
        PushAnswer,
        Resolved,
        Suggestions,
        Undone,
        Value,
    )

T = TypeVar("T")

ROOT = "/sync/v1"
PAGE = 2_000
"""Rows of a page: few round trips, and a person who says stop is heard soon."""

PROTOCOL = 1
LEFT_OUT: Any = object()
_AWAY = {408, 425, 429, 500, 502, 503, 504}
_LOCAL = {"localhost", "127.0.0.1", "::1"}


def read_address(text: str) -> str:
    """The address of a service as a person types it, without what may be left out or is too much.

    `map.city.example/dev/` is `https://map.city.example/dev`; on this machine http is meant.
    """
    text = text.strip().rstrip("/")
    if "://" not in text:
        host = urlsplit(f"//{text}").hostname
        text = f"{'http' if host in _LOCAL else 'https'}://{text}"
    parts = urlsplit(text)
    path = parts.path.split(ROOT)[0].rstrip("/")
    return urlunsplit((parts.scheme.lower(), parts.netloc, path, "", ""))


class Service:
    """One service, at the address a person typed. `language` is that of its messages."""

    def __init__(self, transport: Transport, address: str, language: str = "ru") -> None:
        self.address = read_address(address)
        self._transport = transport
        self._language = language
        self._capabilities: Capabilities | None = None

    # --- what it is, and who asks

    def capabilities(self, *, anew: bool = False) -> Capabilities:
        """What it offers; asked once for each Service, or `anew`. BadAnswer if it is no Placecard."""
        if self._capabilities is None or anew:
            found = self._get(f"{self.address}{ROOT}/capabilities", read_capabilities)
            if found.protocol != PROTOCOL:
                raise Outdated(reason="service", protocol=found.protocol)
            self._capabilities = found
        return self._capabilities

    def me(self) -> Mapping[str, Any]:
        """Who is signed in: `name`, `may`. SignInNeeded if nobody is."""
        return self._get(self._at("me"), dict)

    # --- the feed

    def snapshot(self, bbox: str | None = None) -> Iterator[Page]:
        """Every proposal, page by page. `bbox`: west,south,east,north."""
        query = {"limit": self._limit(), **({"bbox": bbox} if bbox else {})}
        while True:
            page = self._get(self._at("snapshot", query), read_page)
            yield page
            if page.next is None:
                return
            query = {"limit": self._limit(), "next": page.next}

    def changes(self, cursor: str) -> Iterator[ChangePage]:
        """What changed since. CursorVoid if the copy must be made anew."""
        more = True
        while more:
            page = self._get(self._at("changes", {"since": cursor, "limit": self._limit()}), read_change_page)
            cursor, more = page.cursor, page.more
            yield page

    def _limit(self) -> str:
        return str(min(PAGE, self.capabilities().limits.rows))

    # --- writing

    def push(self, key: str, body: bytes) -> PushAnswer:
        """Send a push: the same bytes under the same key do nothing twice."""
        return self._ask("POST", self._at("push"), read_answer, body, {"Idempotency-Key": key})

    def clashes(self) -> list[Clash]:
        """The open clashes."""
        return self._get(self._at("clashes"), lambda told: [read_clash(each) for each in told["clashes"]])

    def resolve(
        self,
        clash_id: str,
        revision: int,
        fields: Mapping[str, Value] | None = None,
        geometry: bytes | None = LEFT_OUT,
        *,
        renew: bool | None = None,
    ) -> Resolved:
        """Say what shall stand. `geometry`: WKB, None for no place, left out where it is not resolved.

        Refused with 409 if either side moved since the revision.
        """
        told: dict[str, Any] = {"revision": revision}
        if fields:
            told["fields"] = dict(fields)
        if geometry is not LEFT_OUT:
            told[GEOMETRY] = text_of(geometry)
        if renew is not None:
            told["renew"] = renew
        return self._post(f"{self._at('clashes')}/{quote(clash_id, safe='')}", told, read_resolved)

    def undo(self, key: str, *, dry_run: bool = False) -> Undone:
        """Put a push back, or tell what would be."""
        return self._post(self._at("undo", key=key), {"dry_run": dry_run}, read_undone)

    def act(
        self, guid: str, action: str, reason: str | None = None, base_version: str | None = None, key: str = ""
    ) -> str | None:
        """Ask something of a proposal's card: approve, return, close, comment, suggest, hand_back. Its version then.

        Under one key it is done once, however often it is asked.
        """
        told = {"action": action, "reason": reason, "base_version": base_version}
        told = {name: value for name, value in told.items() if value is not None}
        headers = {"Idempotency-Key": key or str(uuid4())}
        return self._post(self._at("actions", guid=guid), told, _version, headers)

    # --- what helps a person

    def card(self, guid: str) -> Mapping[str, Any]:
        """A proposal with its card's comments and its history, as the wire has it."""
        return self._get(self._at("proposal", guid=guid), dict)

    def suggest(self, guid: str | None = None, text: str | None = None) -> Suggestions:
        """Where it may be, by the service's geocoder."""
        query = {name: value for name, value in (("guid", guid), ("text", text)) if value is not None}
        return self._get(self._at("suggestions", query), read_suggestions)

    def districts(self) -> dict[str, bytes]:
        """Names and outlines (WKB, CRS84) of the districts."""
        return self._get(self._at("districts"), _districts)

    # --- asking

    def _at(self, name: str, query: Mapping[str, str] | None = None, **named: str) -> str:
        """An address as the service names it, under the one it was reached at."""
        addresses = self.capabilities().addresses
        if name not in addresses:
            raise Outdated(reason="service", protocol=self.capabilities().service_version)
        root = addresses["clashes"].rsplit("/clashes", 1)[0]
        path = addresses[name].removeprefix(root)
        for each, value in named.items():
            path = path.replace(f"{{{each}}}", quote(value, safe=""))
        found = path if "://" in path else f"{self.address}{ROOT}{path}"
        return f"{found}?{urlencode(query)}" if query else found

    def _get(self, url: str, read: Callable[[Any], T]) -> T:
        return self._ask("GET", url, read)

    def _post(
        self, url: str, document: Mapping[str, Any], read: Callable[[Any], T], headers: Mapping[str, str] | None = None
    ) -> T:
        return self._ask("POST", url, read, json.dumps(document).encode(), headers)

    def _ask(
        self,
        method: str,
        url: str,
        read: Callable[[Any], T],
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        said = {"Accept": "application/json", "Accept-Language": self._language, **(headers or {})}
        if body is not None:
            said["Content-Type"] = "application/json"
        reply = self._transport.send(Request(method, url, said, body))
        if reply.status >= 300:
            raise _failure(url, reply)
        try:
            return read(json.loads(reply.body))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise BadAnswer(address=url, detail=repr(error)) from error


def _version(told: Any) -> str | None:
    found = told["version"]
    return None if found is None else str(found)


def _districts(told: Any) -> dict[str, bytes]:
    return {each["name"]: bytes_of(each["geometry"]) or b"" for each in told["districts"]}


def _failure(url: str, reply: Reply) -> PlacecardError:
    """What an answer's status means."""
    problem = _problem(reply)
    detail = str(problem.get("detail") or problem.get("title") or f"HTTP {reply.status}")
    if reply.status == 401:
        return SignInNeeded(detail=detail)
    if reply.status == 403:
        return NotAllowed(detail=detail)
    if reply.status in _AWAY:
        return Unreachable(detail=detail, retry_after=problem.get("retry_after"))
    if not problem:
        return BadAnswer(address=url, detail=detail)
    if problem.get("reason") == "schema_rev_stale":
        return Outdated(reason="schema", schema_rev=problem.get("schema_rev"))
    told = {"status": reply.status, "code": problem.get("code"), "why": problem.get("reason"), "detail": detail}
    return (CursorVoid if reply.status == 410 else Refused)(field=problem.get("field"), **told)


def _problem(reply: Reply) -> Mapping[str, Any]:
    try:
        found = json.loads(reply.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and "detail" in found else {}
