"""Where a working copy stands: opaque on the wire, and void once what it stands for is no more. Pure."""

from __future__ import annotations

import math
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from sync_service.errors import Gone

if TYPE_CHECKING:
    from sync_service.store.filters import Box

_LONGEST = 400
_LARGEST = 2**63


@dataclass(frozen=True, slots=True)
class Scope:
    """What a working copy is of: a life of a store, what its keeper may see, and a box (None: everywhere).

    The box is west, south, east, north in CRS84; west beyond east crosses the antimeridian.
    """

    store: str
    epoch: int
    view: str
    box: Box | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """A scope, and the number of the last change its copy has. While the first copy is made: the last fid it has."""

    scope: Scope
    seq: int
    after: int | None = None

    def text(self) -> str:
        """As it goes over the wire."""
        scope = self.scope
        parts = [scope.store, scope.epoch, scope.view, scope.box, self.seq, self.after]
        return urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")

    def moved(self, seq: int) -> Cursor:
        """The same copy, having all changes up to this number."""
        return replace(self, seq=seq)

    def page(self, after: int | None) -> Cursor:
        """The same copy while it is being made: what follows this fid is wanting. None: it is whole."""
        return replace(self, after=after)

    def check(self, scope: Scope, seq: int) -> None:
        """Gone unless it is of this scope, whose last change has this number."""
        if self.scope.store != scope.store:
            raise Gone("cursor_store")
        if self.scope.epoch != scope.epoch or self.seq > seq:
            raise Gone("cursor_epoch")
        if self.scope.view != scope.view:
            raise Gone("cursor_view")
        if self.scope.box != scope.box:
            raise Gone("cursor_box")


def read_cursor(text: str) -> Cursor:
    """The cursor a text stands for. ValueError if none of ours."""
    if len(text) > _LONGEST:
        raise ValueError(text)
    parts = orjson.loads(b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    if not isinstance(parts, list) or len(parts) != 6:
        raise ValueError(text)
    store, epoch, view, box, seq, after = parts
    if not (isinstance(store, str) and isinstance(view, str) and _is_number(epoch) and _is_number(seq)):
        raise ValueError(text)
    if not (after is None or _is_number(after)):
        raise ValueError(text)
    return Cursor(Scope(store, epoch, view, None if box is None else _box(box)), seq, after)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST


def _box(value: object) -> Box:
    if not isinstance(value, list) or not all(isinstance(each, int | float) for each in value):
        raise ValueError("box")
    return box_of([float(each) for each in value])


def read_box(text: str) -> Box:
    """The box of a `bbox` parameter: west, south, east, north in CRS84. ValueError if it is none."""
    return box_of([float(part) for part in text.split(",")])


def box_of(numbers: list[float]) -> Box:
    """The box of four numbers. ValueError if they are none."""
    west, south, east, north = numbers
    if not all(map(math.isfinite, numbers)) or south > north or not (south >= -90 and north <= 90):
        raise ValueError("corners")
    if not (-180 <= west <= 180 and -180 <= east <= 180):
        raise ValueError("corners")
    return west, south, east, north
