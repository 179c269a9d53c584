"""What a writer sends: GeoJSON features and merge patches. Whatever comes is understood, or refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from pyproj import CRS
from pyproj.exceptions import CRSError
from werkzeug.exceptions import UnsupportedMediaType

from sync_service.errors import BadRequest, Unprocessable
from sync_service.features.asking import GEOJSON, JSON
from sync_service.features.cql import GEOMETRY
from sync_service.features.crs import STORAGE
from sync_service.features.moments import day_of, stamp_of
from sync_service.features.shapes import read_shape

if TYPE_CHECKING:
    from flask import Request

    from sync_service.features.crs import Crs
    from sync_service.store.collections import Collection
    from sync_service.sync.fields import Field
    from sync_service.sync.values import Value

MERGE_PATCH = "application/merge-patch+json"
WHOLE_MEDIA = (GEOJSON, JSON)
"""What a POST or PUT may be written in."""
PATCH_MEDIA = (MERGE_PATCH,)
_QGIS_DECIMALS = 6  # of every coordinate it puts or posts, of whatever system
_BODY = "body"
_LONGEST = 65_536
_AROUND = frozenset({"type", "id", "bbox", "links", "crs"})
"""Members of a feature that say nothing about the proposal, besides its properties and geometry."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a body says of a proposal.

    values    the properties it names, each read by its type
    placed    whether it speaks of the geometry at all
    geometry  WKB, CRS84; None: there is none
    decimals  to how many decimals its degrees may have been rounded; None: they are as exact as can be
    guid      the identifier its author chose, if it is a UUID
    """

    values: Mapping[str, Value]
    placed: bool
    geometry: bytes | None
    decimals: int | None
    guid: str | None

    @property
    def row_version(self) -> int | None:
        """The version its author had before their eyes, if they say so."""
        version = self.values.get("row_version")
        return version if isinstance(version, int) and 0 < version < 2**31 else None


@dataclass(frozen=True, slots=True)
class Form:
    """What can be said in a collection: its `fields`, its kind of geometry, and the systems by URI."""

    collection: Collection
    fields: Mapping[str, Field]
    offered: Mapping[str, Crs]

    def whole(self, asked: Request) -> Said:
        """The feature a POST or PUT brings."""
        document = _document(asked, WHOLE_MEDIA)
        if document.get("type") != "Feature":
            raise BadRequest("type", "not_one_of", choices="Feature")
        if GEOMETRY not in document:
            raise Unprocessable(GEOMETRY, "member_missing")
        return self._said(document, asked, decimals=_QGIS_DECIMALS)

    def patch(self, asked: Request, shape_type: str | None) -> Said:
        """The changes a PATCH brings. A member nobody would look at is refused: it may be somebody's edit.

        `shape_type` is the geometry's type as the collection shows it; coordinates sent without one are of that type.
        """
        document = _merged(_document(asked, PATCH_MEDIA), shape_type)
        for name in document:
            if name not in _AROUND | {"properties", GEOMETRY}:
                raise Unprocessable(name, "filter_property", property=name)
        if document.get("type", "Feature") != "Feature":
            raise BadRequest("type", "not_one_of", choices="Feature")
        if document.get("properties", {}) is None:
            raise Unprocessable("properties", "member_missing")
        return self._said(document, asked)

    def _said(self, document: Mapping[str, Any], asked: Request, decimals: int | None = None) -> Said:
        given = {} if document.get("properties") is None else document["properties"]
        if not isinstance(given, Mapping):
            raise BadRequest("properties", "not_object")
        values = {name: _value(self._field(name), value) for name, value in given.items()}
        crs = self._crs(asked, document.get("crs"))
        shape = document.get(GEOMETRY)
        return Said(
            values=values,
            placed=GEOMETRY in document,
            geometry=None if shape is None else read_shape(shape, crs, self.collection.kind),
            decimals=decimals if crs.geographic else None,
            guid=_uuid(values.get("guid")) or _uuid(document.get("id")),
        )

    def _field(self, name: str) -> Field:
        if name not in self.fields:
            raise Unprocessable(name, "filter_property", property=name)
        return self.fields[name]

    def _crs(self, asked: Request, member: object) -> Crs:
        """The system of the coordinates: what `Content-Crs` says, with or without angle brackets, else CRS84."""
        uri = asked.headers.get("Content-Crs", STORAGE).strip()
        uri = uri[1:-1].strip() if uri.startswith("<") and uri.endswith(">") else uri
        if uri not in self.offered:
            raise BadRequest("Content-Crs", "parameter_crs", choices=", ".join(self.offered))
        if member is not None and not _is_named(member, self.offered[uri]):
            raise Unprocessable("crs", "crs_member")
        return self.offered[uri]


def _is_named(member: object, crs: Crs) -> bool:
    """Whether the `crs` member of old GeoJSON names this system: another one, ignored, would move the proposal."""
    named = member.get("properties") if isinstance(member, Mapping) else None
    name = named.get("name") if isinstance(named, Mapping) else None
    try:
        return isinstance(name, str) and CRS.from_user_input(name) == CRS.from_user_input(crs.name)
    except CRSError:
        return False


def _document(asked: Request, media: tuple[str, ...]) -> Mapping[str, Any]:
    if asked.mimetype not in media or asked.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType
    try:
        document = orjson.loads(asked.get_data())
    except orjson.JSONDecodeError as error:
        raise BadRequest(_BODY, "not_json", why=error.msg, line=error.lineno, column=error.colno) from error
    if not isinstance(document, Mapping):
        raise BadRequest(_BODY, "not_object")
    return document


def _merged(document: Mapping[str, Any], shape_type: str | None) -> Mapping[str, Any]:
    """A merge patch with its geometry merged into one of this type, as RFC 7396 merges what is nested."""
    shape = document.get(GEOMETRY)
    if shape_type is None or not isinstance(shape, Mapping):
        return document
    return {**document, GEOMETRY: {"type": shape_type, **shape}}


def _uuid(given: object) -> str | None:
    try:
        return str(UUID(given)) if isinstance(given, str) and len(given) == 36 else None
    except ValueError:
        return None


def _value(field: Field, given: object) -> Value:
    """A property's value. Text will do for any type: QGIS takes a column without values for one of text."""
    if given is None or given == "":
        return None
    try:
        value: Value = _READERS.get(field.type, _text)(given)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise Unprocessable(field.name, f"parameter_{field.type}") from error
    if field.values and value not in field.values:
        raise Unprocessable(field.name, "not_one_of", choices=", ".join(field.values))
    return value


def _text(given: object) -> str:
    if not isinstance(given, str) or "\0" in given or len(given) > _LONGEST:
        raise ValueError(type(given))
    return given


def _integer(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise TypeError(type(given))
    number = int(given)
    if (not isinstance(given, str) and number != given) or abs(number) >= 2**53:
        raise ValueError(given)
    return number


def _boolean(given: object) -> bool:
    return {True: True, False: False, "true": True, "false": False}[_hashable(given)]


def _hashable(given: object) -> bool | str:
    if not isinstance(given, bool | str):
        raise TypeError(type(given))
    return given


def _date(given: object) -> str:
    return day_of(_text(given)[:10])


def _moment(given: object) -> str:
    text = _text(given)
    try:
        return stamp_of(text)
    except ValueError:
        return text  # nobody but the service sets a moment: as it stands it is compared, and differs


_READERS: Mapping[str, Callable[[object], Value]] = {
    "integer": _integer,
    "boolean": _boolean,
    "date": _date,
    "datetime": _moment,
    "string": _text,
}
