"""Clashes in the store: what two sides say differently of a proposal, kept until a person resolves it.

fields       the board against the map; `theirs` is the card's value
edit         a person's edit against the map; `theirs` is the map's value, `mine` the edit's
overwritten  a write replaced what another hand had just set; `mine` is what was replaced
duplicate    a duplicate's place against the survivor's; `mine` is the duplicate's
gone         the card went while an edit was owed to it; it has no fields
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
from sqlalchemy import Connection, bindparam, func, insert, select, update

from sync_service.hands import same_hand
from sync_service.store.clock import stamp
from sync_service.store.tables import clash
from sync_service.sync.editing import GEOMETRY, geometry_text, same_geometry
from sync_service.sync.state import Sides

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sync_service.store.database import AnyRow
    from sync_service.store.features import Author
    from sync_service.sync.state import Feature
    from sync_service.sync.values import Value

FIELDS = "fields"
GONE = "gone"
EDIT = "edit"
OVERWRITTEN = "overwritten"
DUPLICATE = "duplicate"
ON_MAP = frozenset({EDIT, OVERWRITTEN, DUPLICATE})
"""Reasons for which `theirs` is what the map says now."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a clash comes from: whose value stands against what is there, and who set that and when.

    `push` and `client` are those of the edit (of what was overwritten the client is told where many share a name);
    `other` is the guid of the duplicate; `who_id` tells the person from others of the same name, and is nobody else's
    business.
    """

    who: str | None = None
    theirs_by: str | None = None
    theirs_at: str | None = None
    push: str | None = None
    client: str | None = None
    other: str | None = None
    who_id: str | None = None

    def is_hand(self, origin: Origin) -> bool:
        """Whether both are the same hand: many may hold one token."""
        return self.client == origin.client and same_hand(self.who_id, self.who, origin.who_id, origin.who)


NOWHERE = Origin()


@dataclass(frozen=True, slots=True)
class OpenClash:
    """An open clash: of which proposal, why, its revision, the fields' sides, since when, and where it comes from."""

    id: str
    guid: str
    revision: int
    reason: str
    fields: Mapping[str, Sides]
    opened: str = ""
    origin: Origin = NOWHERE

    def is_of(self, origin: Origin, *reasons: str) -> bool:
        """Whether it stands for one of these reasons, and for the same hand."""
        return self.reason in reasons and self.origin.is_hand(origin)

    def document(self) -> dict[str, Any]:
        """As it goes over the wire: the geometry (base64 of WKB) stands beside the fields."""
        sides = {name: asdict(each) for name, each in self.fields.items()}
        geometry = sides.pop(GEOMETRY, None)
        origin = asdict(self.origin)
        del origin["who_id"]
        return {
            "id": self.id,
            "guid": self.guid,
            "revision": self.revision,
            "reason": self.reason,
            "fields": sides,
            "geometry": geometry,
            "opened": self.opened,
            **origin,
        }


def open_clashes(connection: Connection, guid: str | None = None) -> Sequence[OpenClash]:
    """The open clashes, of one proposal or of all, oldest first."""
    return _clashes(connection.execute(_OPEN) if guid is None else connection.execute(_OPEN_OF, {"of": guid}))


def clashes_of(connection: Connection, guids: Collection[str]) -> Sequence[OpenClash]:
    """The open clashes of these proposals, oldest first."""
    return _clashes(connection.execute(_OPEN_OF_ALL, {"of": list(guids)}))


def find_clash(connection: Connection, clash_id: str) -> OpenClash | None:
    """An open clash by its id."""
    return next(iter(_clashes(connection.execute(_OPEN_WITH, {"this": clash_id}))), None)


_OPEN = select(clash).where(clash.c.resolved.is_(None)).order_by(clash.c.opened, clash.c.id)
_OPEN_OF = _OPEN.where(clash.c.guid == bindparam("of"))
_OPEN_OF_ALL = _OPEN.where(clash.c.guid.in_(bindparam("of", expanding=True)))
_OPEN_WITH = _OPEN.where(clash.c.id == bindparam("this"))


def _clashes(rows: Iterable[AnyRow]) -> Sequence[OpenClash]:
    return [_clash(row) for row in rows]


def _clash(row: AnyRow) -> OpenClash:
    origin = Origin(row.who, row.theirs_by, row.theirs_at, row.push, row.client, row.other, row.who_id)
    sides = {name: Sides(**value) for name, value in orjson.loads(row.fields).items()}
    return OpenClash(row.id, row.guid, row.revision, row.reason, sides, row.opened, origin)


def count_open(connection: Connection) -> int:
    """How many clashes are open."""
    return connection.execute(select(func.count()).where(clash.c.resolved.is_(None))).scalar_one()


def keep_clash(connection: Connection, guid: str, reason: str, fields: Mapping[str, Sides], now: datetime) -> bool:
    """Open, bring up to date or close the clash of a proposal with its card; True when a new one was opened.

    No fields close a `fields` clash: both sides came to say the same.
    """
    present = next((item for item in open_clashes(connection, guid) if item.reason == reason), None)
    if reason == FIELDS and not fields:
        if present is not None:
            close_clash(connection, present.id, now)
        return False
    if present is None:
        _open(connection, OpenClash(str(uuid4()), guid, 1, reason, fields, stamp(now)))
        return True
    _renew(connection, present, replace(present, fields=fields))
    return False


def add_sides(
    connection: Connection, guid: str, reason: str, fields: Mapping[str, Sides], *, origin: Origin, now: datetime
) -> OpenClash:
    """Have values stand against the map's: one open clash per proposal, reason, person and working copy takes them all.

    A newer value of the same field replaces the older.
    """
    present = next((item for item in open_clashes(connection, guid) if item.is_of(origin, reason)), None)
    if present is None:
        return _open(connection, OpenClash(str(uuid4()), guid, 1, reason, dict(fields), stamp(now), origin))
    return _renew(connection, present, replace(present, fields={**present.fields, **fields}, origin=origin))


def drop_sides(connection: Connection, item: OpenClash, names: Collection[str], now: datetime, by: str | None) -> None:
    """Take settled fields out of a clash; it closes when none is left."""
    left = {name: sides for name, sides in item.fields.items() if name not in names}
    if left:
        _renew(connection, item, replace(item, fields=left))
    else:
        close_clash(connection, item.id, now, by)


def refresh_clashes(
    connection: Connection, features: Collection[Feature], author: Author, now: datetime, *, moved: Collection[str] = ()
) -> None:
    """Bring the open clashes of features just written up to date: the map's side of them has moved.

    A field on which an edit and the map agree now is settled; the board's fields are settled by reading the card. With
    its place `moved` (guids), a proposal's placement is another one, though it is called the same.
    """
    written = {feature.guid: feature for feature in features}
    for item in clashes_of(connection, written):
        feature = written[item.guid]
        if item.reason == FIELDS:
            fields = {name: replace(sides, mine=map_value(feature, name)) for name, sides in item.fields.items()}
            placed_anew = item.guid in moved and _PLACEMENT in fields
            _renew(connection, item, replace(item, fields=fields), anew=placed_anew)
        elif item.reason in ON_MAP:
            _follow_map(connection, item, feature, author, now)


def _follow_map(connection: Connection, item: OpenClash, feature: Feature, author: Author, now: datetime) -> None:
    fields = {name: replace(sides, theirs=map_value(feature, name)) for name, sides in item.fields.items()}
    moved = {name for name, sides in fields.items() if not same_value(name, sides.theirs, item.fields[name].theirs)}
    if not moved:
        return
    by = replace(item.origin, theirs_by=author.who or author.source, theirs_at=stamp(now))
    settled = [name for name, sides in fields.items() if same_value(name, sides.theirs, sides.mine)]
    drop_sides(connection, _renew(connection, item, replace(item, fields=fields, origin=by)), settled, now, author.who)


_PLACEMENT = "placement"


def map_value(feature: Feature, name: str) -> Value:
    """What the map says of a field, as it stands in a clash."""
    return geometry_text(feature.geometry) if name == GEOMETRY else feature.properties.get(name)


def same_value(name: str, one: Value, other: Value) -> bool:
    """Whether two sides of a field say the same."""
    if name != GEOMETRY or one is None or other is None:
        return one == other
    return same_geometry(b64decode(str(one)), b64decode(str(other)))


def _open(connection: Connection, item: OpenClash) -> OpenClash:
    row = {"id": item.id, "guid": item.guid, "revision": 1, "reason": item.reason, "opened": item.opened}
    connection.execute(insert(clash).values(**row, fields=_text(item.fields), **asdict(item.origin)))
    return item


def _renew(connection: Connection, before: OpenClash, after: OpenClash, *, anew: bool = False) -> OpenClash:
    if before == after and not anew:
        return before
    renewed = replace(after, revision=before.revision + 1)
    values = {"revision": renewed.revision, "fields": _text(renewed.fields), **asdict(renewed.origin)}
    connection.execute(_RENEW, {**values, "this": before.id})
    return renewed


_THIS = update(clash).where(clash.c.id == bindparam("this"))
_RENEW = _THIS.values({name: bindparam(name) for name in ("revision", "fields", *(f.name for f in fields(Origin)))})
_SETTLE = _THIS.values(resolved=bindparam("at"), resolved_by=bindparam("by"))


def _text(fields: Mapping[str, Sides]) -> str:
    return orjson.dumps({name: asdict(sides) for name, sides in sorted(fields.items())}).decode()


def close_reason(connection: Connection, guid: str, reason: str, now: datetime) -> None:
    """Close the clash of a proposal that has this reason, if one is open: what it was about has passed."""
    connection.execute(_CLOSE, {"of": guid, "why": reason, "now": stamp(now)})


_CLOSE = (
    update(clash)
    .where(clash.c.guid == bindparam("of"), clash.c.reason == bindparam("why"), clash.c.resolved.is_(None))
    .values(resolved=bindparam("now"))
)


def close_clash(connection: Connection, clash_id: str, now: datetime, by: str | None = None) -> None:
    """Close a clash that is resolved; `by` names the person who did."""
    connection.execute(_SETTLE, {"this": clash_id, "at": stamp(now), "by": by})
