"""What the read side asks the store. Each function is one statement on a connection that reads one snapshot."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import JSON, ColumnElement, Integer, LargeBinary, Select, Text, bindparam, func, literal, select
from sqlalchemy import cast as as_type
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import aggregate_order_by, psycopg
from sqlalchemy.exc import DatabaseError

from sync_service.errors import Unavailable
from sync_service.store.collections import COLLECTIONS, Collection
from sync_service.store.dialect import POSTGRESQL, either
from sync_service.store.filters import Box, Condition, membership, not_retired, nothing, overdue_days, property_column
from sync_service.store.tables import collection, feature, store
from sync_service.sync.fields import field_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection, Dialect, RowMapping


class State(NamedTuple):
    """What answers about a collection depend on: the life of the store and the collection's last change."""

    store: str
    epoch: int
    seq: int
    size: int


class Texts(NamedTuple):
    """Features as GeoJSON joined by commas, how many they are, and the last one's fid (0: none)."""

    text: bytes
    size: int
    last: int


class Extent(NamedTuple):
    """The box around all features and their first start and last due; None where there is none."""

    box: Box | None
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which features: members of a collection that meet all conditions, without some.

    `empty` selects none, whatever is stored; `anyone` those that are not members too, unless they are retired.
    """

    collection: Collection
    conditions: tuple[Condition, ...] = ()
    empty: bool = False
    anyone: bool = False
    without: tuple[int, ...] = ()

    def but(self, fids: tuple[int, ...]) -> Selection:
        """The same without these."""
        return replace(self, without=fids)

    def only(self, fids: tuple[int, ...]) -> Selection:
        """The same narrowed to these."""
        return replace(self, conditions=(*self.conditions, feature.c.fid.in_(fids)))

    def where(self, statement: Select[Any]) -> Select[Any]:
        """The statement narrowed to this selection."""
        if self.empty:
            return statement.where(nothing())
        members = (not_retired(),) if self.anyone else membership(self.collection)
        statement = statement.where(*members, *self.conditions)
        return statement.where(_NOT_WITHOUT) if self.without else statement

    @property
    def plain(self) -> bool:
        """Whether it is simply the collection, so that its statements are always the same."""
        return not (self.conditions or self.empty or self.anyone)


_WITHOUT = bindparam("without", None, type_=Text)
_NOT_WITHOUT = either(
    sqlite=feature.c.fid.not_in(select(func.json_each(_WITHOUT).table_valued("value").c.value)),
    postgresql=feature.c.fid.not_in(
        select(as_type(func.json_array_elements_text(as_type(_WITHOUT, JSON)), Integer)).scalar_subquery()
    ),
)


class Prepared(NamedTuple):
    """A statement as the driver takes it, with the values that never change."""

    sql: str
    constants: Mapping[str, Any]


def _first(
    connection: Connection, make: Callable[[Selection], Select[Any]], selection: Selection, **given: object
) -> tuple[Any, ...] | None:
    """The first row of what `make` makes of a selection.

    Making, compiling and wrapping take longer than reading a page: a plain selection's statement is made once and
    handed to the driver.
    """
    values = {**given, "without": json.dumps(selection.without)}
    if not selection.plain:
        row = connection.execute(make(selection), values).first()
        return None if row is None else tuple(row)
    prepared = _prepare(make, selection.collection.name, bool(selection.without), connection.dialect.name)
    return _ask_driver(connection, prepared.sql, {**prepared.constants, **values})


def _ask_driver(connection: Connection, statement: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    driver: Any = connection.connection.driver_connection
    try:
        found: tuple[Any, ...] | None = driver.execute(statement, values).fetchone()
    except connection.dialect.loaded_dbapi.Error as error:
        raise DatabaseError(statement, values, error) from error
    return found


@cache
def _prepare(make: Callable[[Selection], Select[Any]], name: str, without: bool, database: str) -> Prepared:
    statement = make(Selection(COLLECTIONS[name], without=(0,) if without else ()))
    return _compiled(statement, database)


def _compiled(statement: Select[Any], database: str) -> Prepared:
    """The statement with its parameters by name, as both drivers take them."""
    dialect: Dialect = sqlite.dialect(paramstyle="named")
    if database == POSTGRESQL:
        dialect = psycopg.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy has no types for it
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    return Prepared(str(compiled), {name: value for name, value in compiled.params.items() if value is not None})


def read_state(connection: Connection, name: str) -> State:
    """The state of a collection's answers."""
    row = _ask_driver(connection, _state_statement(connection.dialect.name), {"name": name})
    if row is None:
        raise Unavailable(reason="store_empty")
    return State(*row)


@cache  # made once: even the cheapest answer asks it
def _state_statement(database: str) -> str:
    asked = select(store.c.guid, store.c.epoch, collection.c.seq, collection.c.count)
    return _compiled(asked.where(collection.c.name == bindparam("name")), database).sql


def page_texts(connection: Connection, selection: Selection, today: str, after: int, limit: int) -> Texts:
    """The next `limit` features after the fid `after` in the order of fid, as kept texts."""
    row = _first(connection, _page_statement, selection, today=today, after=after, limit=limit)
    assert row is not None
    return Texts(row[0] or b"", row[1], row[2])


def _page_statement(selection: Selection) -> Select[Any]:
    text = _feature_text(multi=selection.collection.kind is not None).label("text")
    features = select(feature.c.fid, text).where(feature.c.fid > _AFTER).order_by(feature.c.fid)
    page = selection.where(features).limit(bindparam("limit", None, type_=Integer)).subquery()
    joined = either(
        sqlite=as_type(func.group_concat(page.c.text, ","), LargeBinary),
        postgresql=func.convert_to(func.string_agg(page.c.text, aggregate_order_by(literal(","), page.c.fid)), "UTF8"),
    )
    return select(joined, func.count(), func.coalesce(func.max(page.c.fid), 0))


_AFTER = bindparam("after", None, type_=Integer)


def _feature_text(*, multi: bool) -> ColumnElement[str]:
    c = feature.c
    shape = func.coalesce(c.multi_json if multi else c.geometry_json, "null")
    head = _joined('{"type":"Feature","id":"', c.guid, '","geometry":', shape, ',"properties":')
    # The long part in the middle is copied once by what stands before it and once by what follows.
    text: ColumnElement[str] = _joined(head, c.properties_json, _joined(',"overdue_days":', overdue_days(), "}}"))
    return text


def _joined(first: Any, *parts: Any) -> Any:
    text = literal(first) if isinstance(first, str) else first
    for part in parts:
        text = text.op("||")(part)
    return text.self_group()


def page_rows(connection: Connection, selection: Selection, today: str, after: int, limit: int) -> Sequence[RowMapping]:
    """The same page as rows: fid, geometry (WKB), each property by name, the public ones as kept text."""
    statement = selection.where(_row_statement()).where(feature.c.fid > _AFTER).order_by(feature.c.fid)
    values = {"today": today, "after": after, "without": json.dumps(selection.without)}
    return connection.execute(statement.limit(limit), values).mappings().all()


@cache
def _row_statement() -> Select[Any]:
    properties = (property_column(each).label(each.name) for each in field_table().values())
    return select(feature.c.fid, feature.c.geometry, feature.c.properties_json, *properties)


def any_after(connection: Connection, selection: Selection, today: str, after: int) -> bool:
    """Whether the selection goes on after this fid."""
    return _first(connection, _rest_statement, selection, today=today, after=after) is not None


def _rest_statement(selection: Selection) -> Select[Any]:
    return selection.where(select(feature.c.fid)).where(feature.c.fid > _AFTER).limit(1)


def count_features(connection: Connection, selection: Selection, today: str) -> int:
    """How many features are selected."""
    row = _first(connection, _count_statement, selection, today=today)
    assert row is not None
    return int(row[0])


def _count_statement(selection: Selection) -> Select[Any]:
    return selection.where(select(func.count()).select_from(feature))


def find_feature(connection: Connection, guid: str) -> RowMapping | None:
    """What decides whether a feature is shown: fid, guid, version, visibility, stage, placement, kind, kept text."""
    return _find(connection, feature.c.guid == guid)


def find_card(connection: Connection, card_id: str) -> RowMapping | None:
    """The same by the id of its card; the newest, since boards use ids again."""
    return _find(connection, feature.c.card_id == card_id)


def _find(connection: Connection, condition: Condition) -> RowMapping | None:
    c = feature.c
    statement = select(c.fid, c.guid, c.version, c.visibility, c.stage, c.placement, c.kind, c.properties_json)
    return connection.execute(statement.where(condition).order_by(c.fid.desc()).limit(1)).mappings().first()


def read_extent(connection: Connection, selection: Selection) -> Extent:
    """Where and when the selected features are."""
    c = feature.c
    statement = select(
        func.min(c.west), func.min(c.south), func.max(c.east), func.max(c.north), func.min(c.start), func.max(c.due)
    )
    row = connection.execute(selection.where(statement)).one()
    return Extent(None if row[0] is None else (row[0], row[1], row[2], row[3]), row[4], row[5])


def read_samples(connection: Connection, selection: Selection) -> tuple[int, ...]:
    """Fids that together show a value of every property that is not text, as far as there are any.

    QGIS before 3.44 guesses the types of a layer from the first features it is given.
    """
    columns = [property_column(f) for f in field_table().values() if f.stored and f.type in {"integer", "date"}]
    statements = [selection.where(select(func.min(feature.c.fid))).where(column.is_not(None)) for column in columns]
    found = {connection.execute(statement).scalar_one() for statement in statements}
    return tuple(sorted(fid for fid in found if fid is not None))
