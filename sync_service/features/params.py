"""The parameters of `items`: text in, a frozen Query out, BadRequest naming the parameter otherwise."""

from __future__ import annotations

import math
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from sync_service.errors import BadRequest
from sync_service.features.cql import read_filter
from sync_service.features.crs import STORAGE, Crs
from sync_service.features.moments import day_of, read_period, stamp_of
from sync_service.store.filters import Condition, during, within_region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import tzinfo

    from sqlalchemy import ColumnElement

    from sync_service.store.collections import Collection
    from sync_service.sync.fields import Field
    from sync_service.sync.values import Value

T = TypeVar("T")

LIMIT, MOST = 100, 10_000
LAST = 10**18 - 1
"""Of the numbers that pages of a history end with."""
CURSOR = "cursor"
SINGLE = ("crs", "properties")
"""Parameters of a single feature."""
PAGED = ("limit", CURSOR, "bbox", "bbox-crs", "datetime", "filter", "filter-lang", "filter-crs", *SINGLE)
"""Parameters of `items` besides the properties themselves."""
HISTORIC = ("limit", "before")
"""Parameters of a feature's history."""
_ALWAYS: tuple[str | None, str | None] = (None, None)
FILTER_LANGUAGE = "cql2-text"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after this fid, and without those already shown out of order. Opaque on the wire."""

    after: int = 0
    shown: tuple[int, ...] = ()

    def text(self) -> str:
        """As it stands in a link."""
        numbers = ".".join(map(str, (self.after, *self.shown)))
        return urlsafe_b64encode(numbers.encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of a collection's items. `names`: only these properties (None: all)."""

    limit: int
    cursor: Cursor
    crs: Crs
    names: tuple[str, ...] | None
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads parameters.

    `fields` may be asked about, each standing in its `column`; `offered` are the systems by URI; `zone` is whose days
    `datetime` means.
    """

    fields: Mapping[str, Field]
    column: Callable[[Field], ColumnElement[Any]]
    offered: Mapping[str, Crs]
    zone: tzinfo

    def query(self, given: Mapping[str, str], collection: Collection) -> Query:
        """The query these parameters state."""
        return Query(
            limit=read_limit(given),
            cursor=_read(given, CURSOR, _cursor, Cursor()),
            crs=self.crs(given),
            names=self.names(given),
            conditions=tuple(self._conditions(given, collection)),
        )

    def crs(self, given: Mapping[str, str], name: str = "crs") -> Crs:
        """The coordinate system a parameter names."""
        uri = given.get(name, STORAGE)
        if uri not in self.offered:
            raise BadRequest(name, "parameter_crs", choices=", ".join(self.offered))
        return self.offered[uri]

    def names(self, given: Mapping[str, str]) -> tuple[str, ...] | None:
        """The properties wanted."""
        if "properties" not in given:
            return None
        names = tuple(name for name in given["properties"].split(",") if name)
        for name in names:
            if name not in self.fields:
                raise BadRequest("properties", "filter_property", property=name)
        return names

    def _conditions(self, given: Mapping[str, str], collection: Collection) -> Iterator[Condition]:
        box_crs, filter_crs = self.crs(given, "bbox-crs"), self.crs(given, "filter-crs")
        if given.get("filter-lang", FILTER_LANGUAGE) != FILTER_LANGUAGE:
            raise BadRequest("filter-lang", "not_one_of", choices=FILTER_LANGUAGE)
        if "bbox" in given:
            region = _read(given, "bbox", lambda text: box_crs.region(*_corners(text)), None)
            # A feature without geometry is in every box (Part 1, 7.15.3): those collections are not narrowed.
            if region is not None and collection.placed:
                yield within_region(region)
        if "datetime" in given:
            first, last = _read(given, "datetime", lambda text: read_period(text, self.zone), _ALWAYS)
            yield during(first, last)
        for name, field in self.fields.items():
            if name in given:
                yield self.column(field) == _value(field, given[name])
        if "filter" in given:
            yield read_filter(given["filter"], self.fields, self.column, filter_crs)


def read_limit(given: Mapping[str, str]) -> int:
    """How many at most."""
    return _read(given, "limit", _limit, LIMIT)


def read_before(given: Mapping[str, str]) -> int | None:
    """The number that the last page of a history ended with."""
    return _read(given, "before", _number, None)


def _read(given: Mapping[str, str], name: str, read: Callable[[str], T], default: T) -> T:
    if name not in given:
        return default
    try:
        return read(given[name])
    except (ValueError, OverflowError) as error:
        raise BadRequest(name, f"parameter_{name}") from error


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text[:9]) < 1:
        raise ValueError(text)
    return min(int(text[:9]), MOST)


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(LAST)):
        raise ValueError(text)
    return int(text)


def _cursor(text: str) -> Cursor:
    if len(text) > 400:
        raise ValueError(text)
    after, *shown = (
        int(part) for part in b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).split(b".")
    )
    if not all(0 <= number < 2**63 for number in (after, *shown)):
        raise ValueError(text)
    return Cursor(after, tuple(shown))


def _corners(text: str) -> tuple[float, float, float, float]:
    numbers = [float(part) for part in text.split(",")]
    if len(numbers) == 6:  # heights: ours have none, and match all
        numbers = [*numbers[:2], *numbers[3:5]]
    first, second, third, fourth = numbers
    if not all(map(math.isfinite, numbers)):
        raise ValueError(text)
    return first, second, third, fourth


_BOOLEANS = {"true": True, "false": False}


def _value(field: Field, text: str) -> Value:
    if field.values and text not in field.values:
        raise BadRequest(field.name, "not_one_of", choices=", ".join(field.values))
    try:
        return _typed(field.type, text)
    except (ValueError, KeyError) as error:
        raise BadRequest(field.name, f"parameter_{field.type}") from error


def _typed(kind: str, text: str) -> Value:
    match kind:
        case "integer":
            number = int(text)
            if abs(number) >= 2**63:
                raise ValueError(text)
            return number
        case "boolean":
            return _BOOLEANS[text]
        case "date":
            return day_of(text)
        case "datetime":
            return stamp_of(text)
        case _:
            return text
