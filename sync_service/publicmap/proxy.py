"""Passes base-map tiles on from another server, so that it never sees the resident's address.

Strict on purpose: only addresses the operator's template gives, no redirects, pictures only, limited in size, area,
number at once and time. A server that does not answer is left alone for a while, so that a broken base map cannot
hold up the rest of the service.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
import urllib3

from sync_service.publicmap.source import Tile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sync_service.publicmap.source import Box, Template

MAX_TILE = 2 * 1024 * 1024
MAX_RANGE = 16 * 1024 * 1024
KEPT_BYTES = 64 * 1024 * 1024
KEPT_SECONDS = 24 * 3600
PAUSE_SECONDS = 15.0
AT_ONCE = 4
TURN_SECONDS = 10.0
TIMEOUT = (3.0, 5.0)
BODY_SECONDS = 15.0
PICTURES = frozenset({"image/png", "image/jpeg", "image/webp", "image/avif", "image/gif"})

_AROUND_ALL = Tile(0, 0, 0)
_CHUNK = 64 * 1024
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class TileServerError(Exception):
    """The tile server did not give what was asked. `reason` is for the log, never for the public."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Picture:
    """One tile; no `content` means that the server has none there."""

    content: bytes
    media_type: str
    etag: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a remote archive. `total` is the archive's length, if known; `etag` as the server gave it."""

    content: bytes
    first: int
    total: int | None
    etag: str


class Shelf:
    """The most recently used tiles, limited in bytes and age. Safe for threads."""

    def __init__(self, *, limit: int = KEPT_BYTES, seconds: float = KEPT_SECONDS) -> None:
        self._limit = limit
        self._seconds = seconds
        self._held: OrderedDict[Tile, tuple[float, Picture]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def find(self, tile: Tile) -> Picture | None:
        """The kept picture, if still fresh."""
        with self._lock:
            found = self._held.get(tile)
            if found is None:
                return None
            if found[0] < time.monotonic():
                self._drop(tile)
                return None
            self._held.move_to_end(tile)
            return found[1]

    def keep(self, tile: Tile, picture: Picture) -> None:
        """Keep one; the least recently used go first."""
        with self._lock:
            self._drop(tile)
            self._held[tile] = (time.monotonic() + self._seconds, picture)
            self._bytes += _weight(picture)
            while self._bytes > self._limit:
                self._drop(next(iter(self._held)))

    def _drop(self, tile: Tile) -> None:
        held = self._held.pop(tile, None)
        if held is not None:
            self._bytes -= _weight(held[1])


class Upstream:
    """One foreign server: few requests at once, and a pause after it failed to answer."""

    def __init__(self, session: Callable[[], requests.Session]) -> None:
        self._new_session = session
        self._own = threading.local()
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._quiet_until = 0.0

    def ask(self, url: str, headers: dict[str, str], *, limit: int) -> tuple[requests.Response, bytes]:
        """The answer and its whole body, at most `limit` bytes. Raises `TileServerError`."""
        if time.monotonic() < self._quiet_until:
            raise TileServerError("the tile server did not answer a moment ago")
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise TileServerError("too many tiles are being asked for at once")
        try:
            return self._fetch(url, headers, limit)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as broken:
            self._quiet_until = time.monotonic() + PAUSE_SECONDS
            raise TileServerError(f"the tile server did not answer: {type(broken).__name__}") from broken
        finally:
            self._turns.release()

    def _fetch(self, url: str, headers: dict[str, str], limit: int) -> tuple[requests.Response, bytes]:
        with self._session().get(url, headers=headers, stream=True, timeout=TIMEOUT, allow_redirects=False) as answer:
            return answer, b"".join(_limited(answer, limit))

    def _session(self) -> requests.Session:
        """One session per thread: a `requests.Session` is not safe to share."""
        if not hasattr(self._own, "session"):
            self._own.session = self._new_session()
        session: requests.Session = self._own.session
        return session


class TileProxy:
    """Tiles by the operator's template, near the area only."""

    def __init__(self, template: Template, session: Callable[[], requests.Session], *, area: Box) -> None:
        self._template = template
        self._upstream = Upstream(session)
        self._area = area
        self._shelf = Shelf()

    def tile(self, tile: Tile) -> Picture | None:
        """The picture, or None where there is none. Raises `TileServerError`."""
        if not tile.exists() or not tile.touches(self._area):
            return None
        picture = self._shelf.find(tile)
        if picture is None:
            picture = self._fetch(tile)
            self._shelf.keep(tile, picture)
        return picture if picture.content else None

    def try_server(self) -> None:
        """Ask for one tile, whatever is kept. Raises `TileServerError`."""
        self._fetch(_AROUND_ALL)

    def _fetch(self, tile: Tile) -> Picture:
        answer, content = self._upstream.ask(self._template.address(tile), {"Accept": "image/*"}, limit=MAX_TILE)
        if answer.status_code in (204, 404):
            return Picture(b"", "", "")
        if answer.status_code != 200:
            raise TileServerError(f"the tile server answered {answer.status_code}")
        media_type = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
        if media_type not in PICTURES:
            raise TileServerError(f"the tile server sent {media_type or 'an unnamed type'} instead of a picture")
        return Picture(content, media_type, hashlib.sha256(content).hexdigest()[:20])


class RangeProxy:
    """Pieces of a PMTiles archive on another server."""

    def __init__(self, url: str, session: Callable[[], requests.Session]) -> None:
        self._url = url
        self._upstream = Upstream(session)

    def piece(self, first: int, last: int) -> Piece:
        """Bytes `first` to `last`, both included. Raises `TileServerError`."""
        if not 0 <= first <= last or last - first >= MAX_RANGE:
            raise TileServerError("a piece of that size is not passed on")
        wanted = {"Range": f"bytes={first}-{last}", "Accept-Encoding": "identity"}
        answer, content = self._upstream.ask(self._url, wanted, limit=last - first + 1)
        given = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if answer.status_code != 206 or given is None or int(given.group(1)) != first:
            raise TileServerError(f"the archive's server does not serve ranges (it answered {answer.status_code})")
        total = None if given.group(3) == "*" else int(given.group(3))
        return Piece(content, first, total, answer.headers.get("ETag", ""))

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`, for reading the head."""
        return self.piece(offset, offset + length - 1).content


def _limited(answer: requests.Response, limit: int) -> Iterator[bytes]:
    received = 0
    until = time.monotonic() + BODY_SECONDS
    for chunk in answer.iter_content(_CHUNK):
        received += len(chunk)
        if time.monotonic() > until:
            raise requests.ReadTimeout(f"the body took more than {BODY_SECONDS} s")
        if received > limit:
            raise TileServerError(f"the tile server sent more than {limit} bytes")
        yield chunk


def _weight(picture: Picture) -> int:
    return len(picture.content) + 200
