"""What goes over the wire, as values. The schemas in `config/wire/` are the agreement; unknown members are let be.

Geometries are ISO WKB in CRS84, longitude first; base64 on the wire, bytes here.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Union

from placecard.core.errors import BadAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Value = Union[str, int, bool, None]
"""The value of a property. Dates and moments are ISO text."""

GEOMETRY = "geometry"
"""The name the place has among the fields of a clash."""

UPSERT, DELETE, LEAVE = "upsert", "delete", "leave"
APPLIED, MERGED, UNCHANGED, CLASH, REJECTED = "applied", "merged", "unchanged", "clash", "rejected"


@dataclass(frozen=True)
class Property:
    """A property of every proposal: its type is string, integer, boolean, date or datetime."""

    name: str
    type: str
    writable: bool
    values: tuple[str, ...] | None
    titles: Mapping[str, str]


@dataclass(frozen=True)
class Limits:
    """Rows of a page, changes of a push, bytes of a body: at most."""

    rows: int
    changes: int
    body_bytes: int


@dataclass(frozen=True)
class Capabilities:
    """What a service offers. `area` is west, south, east, north; `addresses` by what is there; `oidc` as told."""

    service_name: str
    service_version: str
    protocol: int
    plugin_from: str
    plugin_below: str
    schema_rev: str
    languages: tuple[str, ...]
    sign_in: tuple[str, ...]
    limits: Limits
    properties: tuple[Property, ...]
    addresses: Mapping[str, str]
    area: tuple[float, float, float, float] | None = None
    oidc: Mapping[str, Any] | None = None
    ogc: str | None = None
    document: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """As it came: the working copy keeps it."""

    def accepts(self, plugin_version: str) -> bool:
        """Whether a plugin of this version speaks the service's protocol."""
        return _ordered(self.plugin_from) <= _ordered(plugin_version) < _ordered(self.plugin_below)

    def property(self, name: str) -> Property | None:
        """The property of this name."""
        return next((each for each in self.properties if each.name == name), None)


@dataclass(frozen=True)
class Row:
    """A proposal as the service has it."""

    guid: str
    version: str
    geometry: bytes | None
    properties: Mapping[str, Value]


@dataclass(frozen=True)
class Change:
    """What became of a proposal: `op` is upsert, delete or leave; only an upsert has properties."""

    op: str
    row: Row


@dataclass(frozen=True)
class Page:
    """A page of the snapshot. `next` is None on the last; `cursor` is where a copy stands that has them all."""

    rows: list[Row]
    next: str | None
    cursor: str
    schema_rev: str


@dataclass(frozen=True)
class ChangePage:
    """A page of changes. With them a copy stands at `cursor`; `more` follow."""

    changes: list[Change]
    cursor: str
    more: bool
    schema_rev: str


@dataclass(frozen=True)
class Sides:
    """What a field was, and what each hand made of it. Of a geometry: WKB."""

    base: Any
    theirs: Any
    mine: Any


@dataclass(frozen=True)
class Clash:
    """What two sides say differently of a proposal. `id` is None in a dry run, where nothing is kept."""

    id: str | None
    guid: str
    revision: int | None
    reason: str
    fields: Mapping[str, Sides]
    geometry: Sides | None
    opened: str
    who: str | None
    theirs_by: str | None
    theirs_at: str | None
    push: str | None
    client: str | None
    other: str | None
    document: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Result:
    """What became of one change of a push."""

    change_id: str
    guid: str
    status: str
    version: str | None
    code: str | None = None
    message: str | None = None
    field: str | None = None
    clash: Clash | None = None
    replayed: bool = False

    @property
    def failed(self) -> bool:
        """Whether not all of it was applied."""
        return self.status in {CLASH, REJECTED}


@dataclass(frozen=True)
class PushAnswer:
    """What became of a push: its key, by which it can be put back, and a result for each change in order."""

    key: str
    kept: bool
    results: list[Result]
    schema_rev: str


@dataclass(frozen=True)
class Resolved:
    """What came of resolving a clash; `left` is what still stands of it, `push` puts the resolving back."""

    guid: str
    version: str
    left: Clash | None
    push: str


@dataclass(frozen=True)
class PutBack:
    """What putting a push back does to one proposal: fields from what they are to what they were."""

    guid: str
    fields: Mapping[str, tuple[Value, Value]]
    geometry: tuple[bytes | None, bytes | None] | None
    spared: tuple[str, ...]
    gone: bool


@dataclass(frozen=True)
class Undone:
    """What was, or would be, put back; `push` is None where nothing was."""

    push: str | None
    proposals: list[PutBack]


@dataclass(frozen=True)
class Suggestions:
    """Where a proposal may be, the likeliest first: `label`, `geometry` (WKB), `source`; or why there are none."""

    found: Sequence[Mapping[str, Any]]
    message: str | None


def bytes_of(text: str | None) -> bytes | None:
    """The geometry of a wire text."""
    return None if text is None else b64decode(text)


def text_of(wkb: bytes | None) -> str | None:
    """A geometry as it goes over the wire."""
    return None if wkb is None else b64encode(wkb).decode("ascii")


def read_capabilities(document: Mapping[str, Any]) -> Capabilities:
    """The capabilities of a document. BadAnswer if it is none."""
    try:
        return _capabilities(document)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise BadAnswer(address="", detail=repr(error)) from error


def _capabilities(document: Mapping[str, Any]) -> Capabilities:
    limits = document["limits"]
    area = document.get("area")
    return Capabilities(
        service_name=document["service"]["name"],
        service_version=document["service"]["version"],
        protocol=int(document["protocol"]),
        plugin_from=document["plugin"]["from"],
        plugin_below=document["plugin"]["below"],
        schema_rev=document["schema_rev"],
        languages=tuple(document.get("languages", ("ru", "en"))),
        sign_in=tuple(document["sign_in"]),
        limits=Limits(int(limits["rows"]), int(limits["changes"]), int(limits["body_bytes"])),
        properties=tuple(_property(each) for each in document["properties"]),
        addresses=_addresses(document),
        area=None if area is None else (float(area[0]), float(area[1]), float(area[2]), float(area[3])),
        oidc=document.get("oidc"),
        ogc=document.get("ogc"),
        document=document,
    )


def _property(told: Mapping[str, Any]) -> Property:
    values = None if told["values"] is None else tuple(told["values"])
    return Property(told["name"], told["type"], bool(told["writable"]), values, dict(told["title"]))


def _addresses(document: Mapping[str, Any]) -> dict[str, str]:
    found = {name: value for name, value in document.items() if isinstance(value, str) and "://" in value}
    return {**found, **document["collections"]["proposals"]}


def _ordered(version: str) -> tuple[tuple[int, ...], bool, str]:
    """Versions in their order: numbers as numbers, a release after its previews (0.2.0-beta.1 before 0.2.0)."""
    release, _, preview = version.partition("-")
    numbers = tuple(int(part) if part.isdigit() else 0 for part in release.split("."))
    return numbers + (0,) * (4 - len(numbers)), not preview, preview


def read_page(document: Mapping[str, Any]) -> Page:
    """A page of the snapshot."""
    rows = [
        Row(each["guid"], each["version"], bytes_of(each["geometry"]), each["properties"]) for each in document["rows"]
    ]
    return Page(rows, document["next"], document["cursor"], document["schema_rev"])


def read_change_page(document: Mapping[str, Any]) -> ChangePage:
    """A page of changes."""
    changes = [
        Change(each["op"], Row(each["guid"], each["version"], bytes_of(each["geometry"]), each["properties"] or {}))
        for each in document["changes"]
    ]
    return ChangePage(changes, document["next"], bool(document["has_more"]), document["schema_rev"])


def read_clash(document: Mapping[str, Any]) -> Clash:
    """A clash."""
    place = document["geometry"]
    return Clash(
        id=document["id"],
        guid=document["guid"],
        revision=document["revision"],
        reason=document["reason"],
        fields={name: Sides(s["base"], s["theirs"], s["mine"]) for name, s in document["fields"].items()},
        geometry=place and Sides(bytes_of(place["base"]), bytes_of(place["theirs"]), bytes_of(place["mine"])),
        opened=document["opened"],
        who=document["who"],
        theirs_by=document["theirs_by"],
        theirs_at=document["theirs_at"],
        push=document["push"],
        client=document["client"],
        other=document["other"],
        document=document,
    )


def read_answer(document: Mapping[str, Any]) -> PushAnswer:
    """What became of a push."""
    results = [_result(each) for each in document["results"]]
    return PushAnswer(document["push"], bool(document["kept"]), results, document["schema_rev"])


def _result(told: Mapping[str, Any]) -> Result:
    clash = told.get("clash")
    return Result(
        change_id=told["change_id"],
        guid=told["guid"],
        status=told["status"],
        version=told["version"],
        code=told.get("code"),
        message=told.get("message"),
        field=told.get("field"),
        clash=None if clash is None else read_clash(clash),
        replayed=bool(told["replayed"]),
    )


def read_resolved(document: Mapping[str, Any]) -> Resolved:
    """What came of resolving a clash."""
    left = document["clash"]
    return Resolved(document["guid"], document["version"], None if left is None else read_clash(left), document["push"])


def read_undone(document: Mapping[str, Any]) -> Undone:
    """What was, or would be, put back."""
    return Undone(document["push"], [_put_back(each) for each in document["proposals"]])


def _put_back(told: Mapping[str, Any]) -> PutBack:
    place = told["geometry"]
    return PutBack(
        guid=told["guid"],
        fields={name: (turn["from"], turn["to"]) for name, turn in told["fields"].items()},
        geometry=None if place is None else (bytes_of(place["from"]), bytes_of(place["to"])),
        spared=tuple(told["spared"]),
        gone=bool(told["gone"]),
    )


def read_suggestions(document: Mapping[str, Any]) -> Suggestions:
    """Where a proposal may be."""
    found = [{**each, "geometry": bytes_of(each["geometry"])} for each in document["suggestions"]]
    return Suggestions(found, document["message"])
