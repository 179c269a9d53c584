"""What SQLite and PostgreSQL write differently, so that everything else in the store says it once.

On both, text compares by code point and whole numbers have 64 bits: PostgreSQL is told so here, for every table and
every migration alike.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Integer, LargeBinary, Text, func, literal_column, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateColumn
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import UserDefinedType

SRID: ColumnElement[int] = literal_column("4326")
"""CRS84 as PostGIS numbers it; a parameter would be one of 64 bits, and PostGIS wants 32."""
POSTGRESQL = "postgresql"


class Either(ColumnElement[Any]):
    """One meaning that each database writes in its own way."""

    __visit_name__ = "either"
    _traverse_internals: list[tuple[str, InternalTraversal]] = [  # noqa: RUF012 - as SQLAlchemy's elements have it
        ("sqlite", InternalTraversal.dp_clauseelement),
        ("postgresql", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, sqlite: ColumnElement[Any], postgresql: ColumnElement[Any]) -> None:
        self.sqlite, self.postgresql = sqlite, postgresql
        self.type = sqlite.type

    @property
    def _from_objects(self) -> list[Any]:
        found: list[Any] = self.sqlite._from_objects  # noqa: SLF001 - an element of SQLAlchemy's own tree
        return found


def either(*, sqlite: ColumnElement[Any], postgresql: ColumnElement[Any]) -> ColumnElement[Any]:
    """What SQLite is asked, and what PostgreSQL is asked instead; both must give the same."""
    return Either(sqlite, postgresql)


@compiles(Either)
def _either(element: Either, compiler: Any, **options: Any) -> str:
    side = element.postgresql if compiler.dialect.name == POSTGRESQL else element.sqlite
    return f"({compiler.process(side, **options)})"


class PostGis(UserDefinedType[bytes]):
    """A geometry of PostGIS, spoken as WKB in CRS84 on both ways."""

    cache_ok = True

    def __init__(self, *_reflected: object) -> None:
        super().__init__()

    def get_col_spec(self, **_options: Any) -> str:
        """As in CREATE TABLE."""
        return "geometry(Geometry,4326)"

    def bind_expression(self, bindvalue: Any) -> ColumnElement[Any]:
        """From WKB."""
        return func.ST_GeomFromWKB(bindvalue, SRID, type_=self)

    def column_expression(self, column: Any) -> ColumnElement[Any]:
        """To WKB as shapely writes it."""
        return func.ST_AsBinary(column, "NDR", type_=LargeBinary)


WHOLE = Integer().with_variant(BigInteger(), POSTGRESQL)
"""A whole number of 64 bits."""
GEOMETRY = LargeBinary().with_variant(PostGis(), POSTGRESQL)
"""WKB in CRS84: a BLOB on SQLite, a real geometry on PostgreSQL."""


def partly(condition: str) -> dict[str, Any]:
    """Options of an index over the rows that meet a condition."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


ischema_names["geometry"] = PostGis  # a table read back says what it is


@compiles(Text, POSTGRESQL)
def _text(kind: Text, compiler: Any, **options: Any) -> str:
    told = str(compiler.visit_TEXT(kind, **options))
    return f'{told} COLLATE "C"' if isinstance(options.get("type_expression"), Column) else told


@compiles(Integer, POSTGRESQL)
def _integer(kind: Integer, compiler: Any, **options: Any) -> str:
    column = isinstance(options.get("type_expression"), Column)
    return str(compiler.visit_BIGINT(kind, **options) if column else compiler.visit_INTEGER(kind, **options))


@compiles(CreateColumn, POSTGRESQL)
def _column(element: CreateColumn, compiler: Any, **options: Any) -> str | None:
    told: str | None = compiler.visit_create_column(element, **options)
    return told and told.replace(" SERIAL ", " BIGSERIAL ")


__all__ = ["GEOMETRY", "POSTGRESQL", "SRID", "WHOLE", "Either", "PostGis", "either", "insert", "partly"]
