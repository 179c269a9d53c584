"""Features in the store: reading one whole, and writing one with everything that must change in the same transaction.

A write keeps the kept texts, the box, the counts of its collections, the change feed and the history in step.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import Connection, bindparam, insert, select, text, update

from sync_service.store import tables
from sync_service.store.clashes import refresh_clashes
from sync_service.store.clock import stamp
from sync_service.store.collections import COLLECTIONS, Standing, collections_of
from sync_service.store.counter import next_seq
from sync_service.store.dialect import POSTGRESQL
from sync_service.store.rendering import RenderedGeometry, render_geometry, render_properties
from sync_service.sync.editing import GEOMETRY, geometry_text
from sync_service.sync.fields import field_table
from sync_service.sync.state import Feature
from sync_service.sync.values import Hand, Kind, Value, Visibility

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sync_service.store.database import AnyRow

STORED_NAMES = tuple(f.name for f in field_table().values() if f.stored)
_STORED = attrgetter(*STORED_NAMES)


@dataclass(frozen=True, slots=True)
class Author:
    """Where a change came from: board, qgis, ogc, import, job or page; who made it if known; the push it came in.

    `who` is the name that people read, `who_id` what tells this person from others of the same name.
    """

    source: str
    who: str | None = None
    push: str | None = None
    confirmed: bool = False  # a person confirmed it: no part of a surge
    who_id: str | None = None


BOARD = Author("board")


def find_feature(connection: Connection, guid: str) -> Feature | None:
    """A feature with all its stored properties, whatever its visibility."""
    row = connection.execute(_FIND, {"wanted": guid}).one_or_none()
    return None if row is None else _feature(row)


def find_features(connection: Connection, guids: Collection[str]) -> dict[str, Feature]:
    """Those of these features that there are, by guid."""
    return {row.guid: _feature(row) for row in _rows(connection, list(guids))}


# Made once: making such a statement takes longer than running it.
_FIND = select(tables.feature).where(tables.feature.c.guid == bindparam("wanted"))
_FIND_ALL = select(tables.feature).where(tables.feature.c.guid.in_(bindparam("wanted", expanding=True)))
_INSERT = insert(tables.feature).returning(tables.feature.c.fid, tables.feature.c.guid)
_UPDATE = update(tables.feature).where(tables.feature.c.fid == bindparam("this"))
_INSERT_CHANGE = insert(tables.change)
_INSERT_HISTORY = insert(tables.history)
_TOUCH = (
    update(tables.collection)
    .where(tables.collection.c.name == bindparam("this"))
    .values(count=tables.collection.c.count + bindparam("step"), seq=bindparam("at_seq"))
)
_DELETE_BOX = text(f"DELETE FROM {tables.BOX_TABLE} WHERE fid = :fid")  # noqa: S608 - a constant name
_INSERT_BOX = text(f"INSERT INTO {tables.BOX_TABLE} VALUES (:fid, :west, :east, :south, :north)")  # noqa: S608 - likewise


def write_feature(connection: Connection, feature: Feature, author: Author, now: datetime) -> Feature:
    """Write a feature if anything of it differs from what is stored; give it back with its new version.

    A feature not seen before is inserted. Nothing is written, counted or numbered when nothing differs.
    """
    return write_features(connection, [feature], author, now)[0]


@dataclass(slots=True)
class _Write:
    """A feature on its way: the row there was, the feature before and after, and what is made of it."""

    row: AnyRow | None
    before: Feature | None
    after: Feature
    geometry: RenderedGeometry
    seq: int
    at: str
    fid: int = 0


def write_features(
    connection: Connection, features: Sequence[Feature], author: Author, now: datetime
) -> Sequence[Feature]:
    """Write several features, none twice, each as `write_feature` does; together they take far fewer statements."""
    rows = {row.guid: row for row in _rows(connection, [feature.guid for feature in features])}
    told = [(feature, rows.get(feature.guid)) for feature in features]
    fresh = [(feature, row) for feature, row in told if row is None or not _same(_feature(row), feature)]
    if not fresh:
        return [_feature(rows[feature.guid]) for feature in features]
    first, at = next_seq(connection, len(fresh)), stamp(now)
    writes = [_prepare(feature, row, seq, at) for seq, (feature, row) in enumerate(fresh, first)]
    _write_rows(connection, writes)
    _write_boxes(connection, writes)
    _touch_collections(connection, writes)
    _record(connection, writes, author)
    written = {write.after.guid: write.after for write in writes}
    moved = [write.after.guid for write in writes if write.before and write.before.geometry != write.after.geometry]
    refresh_clashes(connection, list(written.values()), author, now, moved=moved)
    return [written.get(feature.guid) or _feature(rows[feature.guid]) for feature in features]


def _rows(connection: Connection, guids: Sequence[str]) -> Sequence[AnyRow]:
    if len(guids) == 1:
        return connection.execute(_FIND, {"wanted": guids[0]}).all()
    return connection.execute(_FIND_ALL, {"wanted": list(guids)}).all()


def _same(before: Feature, after: Feature) -> bool:
    return replace(after, version=before.version, published=before.published) == before


def _prepare(feature: Feature, row: AnyRow | None, seq: int, at: str) -> _Write:
    before = None if row is None else _feature(row)
    publishes = feature.visibility is Visibility.PUBLIC and (
        before is None or before.visibility is not Visibility.PUBLIC
    )
    after = replace(
        feature,
        version=max(feature.version, 0 if before is None else before.version) + 1,
        published=feature.published or publishes,
    )
    return _Write(row, before, after, _render(row, after.geometry), seq, at)


def _render(row: AnyRow | None, geometry: bytes | None) -> RenderedGeometry:
    if row is None or row.geometry != geometry:
        return render_geometry(geometry)
    return RenderedGeometry(None if row.kind is None else Kind(row.kind), _box(row), row.geometry_json, row.multi_json)


def _box(row: AnyRow) -> tuple[float, float, float, float] | None:
    return None if row.west is None else (row.west, row.south, row.east, row.north)


def _write_rows(connection: Connection, writes: Sequence[_Write]) -> None:
    fresh = [_values(write) for write in writes if write.row is None]
    fids = {row.guid: row.fid for row in connection.execute(_INSERT, fresh)} if fresh else {}
    for write in writes:
        write.fid = fids[write.after.guid] if write.row is None else write.row.fid
    known = [{**_values(write), "this": write.fid} for write in writes if write.row is not None]
    if known:
        connection.execute(_UPDATE, known)


def _values(write: _Write) -> dict[str, object]:
    row, feature, geometry, at = write.row, write.after, write.geometry, write.at
    times = {
        "created": at if row is None else row.created,
        "modified": at,
        "published": (None if row is None else row.published) or (at if feature.published else None),
    }
    properties = {name: feature.properties.get(name) for name in STORED_NAMES}
    properties["blocked"] = bool(properties["blocked"])
    west, south, east, north = geometry.box or (None, None, None, None)
    shown: dict[str, Value] = {**properties, **times, "guid": feature.guid, "row_version": feature.version}
    return {
        **properties,
        **times,
        "guid": feature.guid,
        "version": feature.version,
        "seq": write.seq,
        "visibility": feature.visibility.value,
        "geometry": feature.geometry,
        "kind": geometry.kind,
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "place_hand": feature.hand.value,
        "place_source": feature.source,
        "geometry_json": geometry.simple,
        "multi_json": geometry.multi,
        "properties_json": render_properties(shown),
    }


def _write_boxes(connection: Connection, writes: Sequence[_Write]) -> None:
    if connection.dialect.name == POSTGRESQL:
        return  # its index is over the geometries themselves
    moved = [write for write in writes if write.row is None or _box(write.row) != write.geometry.box]
    stale = [{"fid": write.fid} for write in moved if write.row is not None and write.row.west is not None]
    fresh = [(write.fid, write.geometry.box) for write in moved if write.geometry.box is not None]
    if stale:
        connection.execute(_DELETE_BOX, stale)
    if fresh:
        boxes = [{"fid": fid, "west": w, "south": s, "east": e, "north": n} for fid, (w, s, e, n) in fresh]
        connection.execute(_INSERT_BOX, boxes)


def _touch_collections(connection: Connection, writes: Sequence[_Write]) -> None:
    steps: dict[str, tuple[int, int]] = {}
    for write in writes:
        was = frozenset[str]() if write.row is None else collections_of(_standing_of(write.row))
        now = collections_of(_standing(write.after, write.geometry.kind))
        for name in was | now:
            steps[name] = (steps.get(name, (0, 0))[0] + (name in now) - (name in was), write.seq)
    if steps:
        # In one order everywhere: two writers never wait for each other in a circle.
        rows = [{"this": name, "step": step, "at_seq": seq} for name, (step, seq) in sorted(steps.items())]
        connection.execute(_TOUCH, rows)


def _standing(feature: Feature, kind: Kind | None) -> Standing:
    stage, placement = feature.properties.get("stage"), feature.properties.get("placement")
    return Standing(feature.visibility, _text(stage), _text(placement), kind)


def _standing_of(row: AnyRow) -> Standing:
    kind = None if row.kind is None else Kind(row.kind)
    return Standing(Visibility(row.visibility), row.stage, row.placement, kind)


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


def _record(connection: Connection, writes: Sequence[_Write], author: Author) -> None:
    connection.execute(_INSERT_CHANGE, [_change_row(write, author) for write in writes])
    connection.execute(_INSERT_HISTORY, [_history_row(write, author) for write in writes])


def _change_row(write: _Write, author: Author) -> dict[str, object]:
    after = write.after
    was = Visibility.HIDDEN if write.before is None else write.before.visibility
    return {
        "guid": after.guid,
        "seq": write.seq,
        "at": write.at,
        "op": "delete" if after.visibility is Visibility.RETIRED else "upsert",
        "visibility": after.visibility.value if after.visibility is not was else None,
        "by_person": author.confirmed,
    }


def _history_row(write: _Write, author: Author) -> dict[str, object]:
    old, new = _difference(write.before, write.after)
    return {
        "guid": write.after.guid,
        "seq": write.seq,
        "at": write.at,
        "source": author.source,
        "who": author.who,
        "who_id": author.who_id,
        "push": author.push,
        "version": write.after.version,
        "before": None if write.before is None else orjson.dumps(old).decode(),
        "after": orjson.dumps(new).decode(),
    }


def _difference(before: Feature | None, after: Feature) -> tuple[dict[str, Value], dict[str, Value]]:
    """What differs, before and after, so that the change can be shown and put back."""
    old, new = ({} if before is None else snapshot(before)), snapshot(after)
    names = [name for name in new if old.get(name) != new[name]]
    return {name: old.get(name) for name in names}, {name: new[name] for name in names}


def snapshot(feature: Feature) -> dict[str, Value]:
    """A feature as flat values: its properties, geometry as base64 of WKB, place hand and source, visibility."""
    return {
        **{name: feature.properties.get(name) for name in STORED_NAMES},
        GEOMETRY: geometry_text(feature.geometry),
        "hand": feature.hand.value,
        "source": feature.source,
        "visibility": feature.visibility.value,
    }


def with_values(feature: Feature, values: Mapping[str, Value]) -> Feature:
    """The feature with some of its flat values replaced."""
    flat = {**snapshot(feature), **values}
    geometry, source = flat[GEOMETRY], flat["source"]
    return replace(
        feature,
        properties={name: flat.get(name) for name in STORED_NAMES},
        geometry=None if geometry is None else b64decode(str(geometry)),
        hand=Hand(str(flat["hand"])),
        source=_text(source),
        visibility=Visibility(str(flat["visibility"])),
    )


def _feature(row: AnyRow) -> Feature:
    return Feature(
        guid=row.guid,
        properties=dict(zip(STORED_NAMES, _STORED(row), strict=True)),
        geometry=row.geometry,
        hand=Hand(row.place_hand),
        source=row.place_source,
        visibility=Visibility(row.visibility),
        version=row.version,
        published=row.published is not None,
    )


def recount_collections(connection: Connection) -> None:
    """Count every collection afresh: after an import, or when a count is in doubt."""
    counts = dict.fromkeys(COLLECTIONS, 0)
    f = tables.feature.c
    for row in connection.execute(select(f.visibility, f.stage, f.placement, f.kind)):
        for name in collections_of(_standing_of(row)):
            counts[name] += 1
    for name, count in counts.items():
        connection.execute(update(tables.collection).where(tables.collection.c.name == name).values(count=count))
