"""Read-only views on PostgreSQL for people with a GIS of their own: three with what is public, three with all stages.

They stand in a schema of their own and are all that the role `gis_reader` may read. What is public is so by the rules
of the public collections: held-back texts are missing here as there. The working views leave out the description, which
is a moderator's own text and may name people. Retired proposals are in none.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from sqlalchemy import Date, DateTime, case, cast, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.exc import ProgrammingError

from sync_service.store.collections import COLLECTIONS
from sync_service.store.dialect import PostGis
from sync_service.store.filters import membership, property_column, public_column
from sync_service.store.tables import feature
from sync_service.sync.fields import Field, field_table
from sync_service.sync.values import PUBLIC_STAGES, Kind, Stage, Visibility

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Dialect
    from sqlalchemy.types import TypeEngine

    from sync_service.store.collections import Collection

SCHEMA = "gis"
ROLE = "gis_reader"
VIEWS = {
    "public_points": "proposals_points",
    "public_lines": "proposals_lines",
    "public_areas": "proposals_areas",
    "working_points": "working_points",
    "working_lines": "working_lines",
    "working_areas": "working_areas",
}
"""Each view and the collection whose members it shows."""

_SHAPES = {Kind.POINT: "MultiPoint", Kind.LINE: "MultiLineString", Kind.AREA: "MultiPolygon"}
_TYPES: dict[str, TypeEngine[Any]] = {"date": Date(), "datetime": DateTime(timezone=True)}
_HIDDEN_WORK = frozenset({"description"})


def make_views(connection: Connection) -> bool:
    """Make the views as they should be now, and let the role read them; False when there is no such role to let."""
    definitions = {name: _definition(COLLECTIONS[collection]) for name, collection in VIEWS.items()}
    digest = blake2b(repr(definitions).encode(), digest_size=12).hexdigest()
    if connection.execute(_MADE).scalar_one() != digest:
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        drop_views(connection)
        for name, definition in definitions.items():
            connection.exec_driver_sql(f"CREATE VIEW {SCHEMA}.{name} AS {definition}".replace("%", "%%"))
        connection.exec_driver_sql(f"COMMENT ON SCHEMA {SCHEMA} IS '{digest}'")
    return _let_read(connection)


_MADE = text(f"SELECT obj_description(to_regnamespace('{SCHEMA}'), 'pg_namespace')")


def drop_views(connection: Connection) -> None:
    """Take the views away, so that the tables can change under them; what others put beside them stays."""
    for name in VIEWS:
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {SCHEMA}.{name}")


def _let_read(connection: Connection) -> bool:
    if connection.execute(_KNOWN).first() is None:
        try:
            with connection.begin_nested():
                connection.exec_driver_sql(f"CREATE ROLE {ROLE} NOLOGIN")
        except ProgrammingError:  # only who may make roles may make this one
            return False
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {ROLE}")
    for name in VIEWS:
        connection.exec_driver_sql(f"GRANT SELECT ON {SCHEMA}.{name} TO {ROLE}")
    return True


_KNOWN = text("SELECT 1 FROM pg_roles WHERE rolname = :role").bindparams(role=ROLE)


def _definition(collection: Collection) -> str:
    assert collection.kind is not None
    shape = literal_column(f"ST_Multi(feature.geometry)::geometry({_SHAPES[collection.kind]},4326)", PostGisColumn())
    fields = [f for f in field_table().values() if f.public or (not collection.public and f.name not in _HIDDEN_WORK)]
    columns = (_column(each, public=collection.public).label(each.name) for each in fields)
    statement = select(feature.c.fid, shape.label("geom"), *columns).where(*membership(collection))
    dialect: Dialect = psycopg.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy has no types for it
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


class PostGisColumn(PostGis):
    """A geometry that stays one: a view is read by those who know what it is."""

    cache_ok = True

    def column_expression(self, column: Any) -> Any:
        """As it is."""
        return column


def _column(field: Field, *, public: bool) -> ColumnElement[Any]:
    if field.name == "overdue_days":
        return _overdue()
    stored = public_column(field) if public else property_column(field)
    return cast(stored, _TYPES[field.type]) if field.type in _TYPES else stored


def _overdue() -> ColumnElement[Any]:
    """As `filters.overdue_days`, on the server's own day: a view has nobody to tell it which day it is."""
    open_stages = sorted(PUBLIC_STAGES - {Stage.DONE})
    late = (
        (feature.c.visibility == Visibility.PUBLIC)
        & feature.c.stage.in_([stage.value for stage in open_stages])
        & (cast(feature.c.due, Date) < func.current_date())
    )
    return case((late, func.current_date() - cast(feature.c.due, Date)), else_=0)
