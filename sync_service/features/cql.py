"""CQL2 text as a condition on features. The text is a person's or a program's: bounded, typed, never SQL by itself."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

import shapely
from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedInput, VisitError
from sqlalchemy import ColumnElement, and_, literal, not_, or_

from sync_service.errors import BadRequest
from sync_service.features.crs import Crs, region_of
from sync_service.features.moments import day_of, stamp_of
from sync_service.store.filters import (
    Condition,
    calculated,
    day_part,
    folded,
    matches,
    quotient,
    remainder,
    within_region,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shapely.geometry.base import BaseGeometry

    from sync_service.sync.fields import Field

Column = Callable[["Field"], ColumnElement[Any]]

GEOMETRY = "geometry"
_LONGEST, _DEEPEST = 8000, 40


@dataclass(frozen=True, slots=True)
class Operand:
    """Something in a filter: SQL for it, its type (of a Field, or geometry, region, period), and its value if fixed."""

    type: str
    sql: Any = None
    value: Any = None
    end: Any = None  # of a period; `sql` is its begin


class FilterError(ValueError):
    """The filter makes no sense at this position (counted from 0); the argument is a key under `reasons`."""

    def __init__(self, reason: str, position: int | None = None, **data: object) -> None:
        super().__init__(reason)
        self.reason, self.position, self.data = reason, position, data


def read_filter(text: str, fields: Mapping[str, Field], column: Column, crs: Crs) -> Condition:
    """The condition a CQL2 text states about `fields`, each standing in its `column`.

    Geometry literals are in `crs`. BadRequest says where it went wrong.
    """
    try:
        return _read(text, _Reader(fields, column, crs))
    except FilterError as error:
        where = {} if error.position is None else {"position": error.position}
        raise BadRequest("filter", error.reason, **where, **error.data) from error


def _read(text: str, reader: _Reader) -> Condition:
    if len(text) > _LONGEST or _depth(text) > _DEEPEST:
        raise FilterError("filter_too_large", limit=_LONGEST, depth=_DEEPEST)
    try:
        tree = _parser().parse(text)
        found = reader.transform(tree)
    except UnexpectedInput as error:
        raise FilterError("filter_syntax", min(error.pos_in_stream or 0, len(text))) from error
    except VisitError as error:
        if isinstance(error.orig_exc, FilterError):
            raise error.orig_exc from error
        raise
    return _condition(found)


@cache
def _parser() -> Lark:
    grammar = files("sync_service.features").joinpath("cql2.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=True)


def _depth(text: str) -> int:
    deepest = depth = 0
    for sign in re.sub(r"'(?:[^'\\]|''|\\.)*'", "", text):
        depth += (sign == "(") - (sign == ")")
        deepest = max(deepest, depth)
    return deepest


def _condition(operand: Operand) -> Condition:
    if operand.type != "boolean":
        raise FilterError("filter_not_condition")
    return cast("Condition", operand.sql if operand.value is None else literal(operand.value))


def _holds(sql: Any) -> Operand:
    return Operand("boolean", sql)


def _fixed(kind: str, value: Any) -> Operand:
    return Operand(kind, literal(value), value)


_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: calculated(a, b, operator.add),
    "-": lambda a, b: calculated(a, b, operator.sub),
    "*": lambda a, b: calculated(a, b, operator.mul),
    "/": quotient,
    "%": remainder,
}
_TEMPORAL: Mapping[str, Callable[[Operand, Operand], Any]] = {
    "t_after": lambda a, b: a.sql > b.end,
    "t_before": lambda a, b: a.end < b.sql,
    "t_disjoint": lambda a, b: or_(a.sql > b.end, a.end < b.sql),
    "t_intersects": lambda a, b: and_(a.sql <= b.end, a.end >= b.sql),
    "t_during": lambda a, b: and_(a.sql > b.sql, a.end < b.end),
    "t_contains": lambda a, b: and_(a.sql < b.sql, a.end > b.end),
    "t_equals": lambda a, b: and_(a.sql == b.sql, a.end == b.end),
}
_NUMERIC, _TIMES = frozenset({"integer", "number"}), frozenset({"date", "datetime"})


@v_args(inline=True)
class _Reader(Transformer[Token, Operand]):
    """Turns the tree of a filter into SQL, leaves first."""

    def __init__(self, fields: Mapping[str, Field], column: Column, crs: Crs) -> None:
        super().__init__()
        self._fields, self._column, self._crs = fields, column, crs

    def start(self, condition: Operand) -> Operand:
        return condition

    def any(self, *parts: Any) -> Operand:
        return _holds(or_(*(_condition(part) for part in parts[::2])))

    def all(self, *parts: Any) -> Operand:
        return _holds(and_(*(_condition(part) for part in parts[::2])))

    def negation(self, _not: Token, condition: Operand) -> Operand:
        return _holds(not_(_condition(condition)))

    def compare(self, left: Operand, sign: Token, right: Operand) -> Operand:
        left, right = _matched(left, right, sign.start_pos)
        return _holds(_COMPARISONS[sign](left.sql, right.sql))

    def is_null(self, operand: Operand, _is: Token, negated: Token | None, _null: Token) -> Operand:
        if operand.sql is None:
            raise FilterError("filter_types", _is.start_pos)
        return _holds(operand.sql.is_not(None) if negated else operand.sql.is_(None))

    def like(self, operand: Operand, negated: Token | None, sign: Token, pattern: Operand) -> Operand:
        if operand.type != "string" or not isinstance(pattern.value, str):
            raise FilterError("filter_types", sign.start_pos)
        found = matches(operand.sql, pattern.value)
        return _holds(not_(found) if negated else found)

    def between(
        self, operand: Operand, negated: Token | None, sign: Token, low: Operand, _and: Token, high: Operand
    ) -> Operand:
        _, low = _matched(operand, low, sign.start_pos)
        operand, high = _matched(operand, high, sign.start_pos)
        found = operand.sql.between(low.sql, high.sql)
        return _holds(not_(found) if negated else found)

    def within(self, operand: Operand, negated: Token | None, sign: Token, *choices: Operand) -> Operand:
        found = or_(*(self.compare(operand, sign.update(value="="), choice).sql for choice in choices))
        return _holds(not_(found) if negated else found)

    def sum(self, *parts: Any) -> Operand:
        return _calculated(parts)

    def product(self, *parts: Any) -> Operand:
        return _calculated(parts)

    def negative(self, sign: Token, operand: Operand) -> Operand:
        return _calculated((_fixed("integer", 0), sign, operand))

    def number(self, token: Token) -> Operand:
        whole = token.isdigit()
        return _fixed("integer", int(token)) if whole and len(token) < 16 else _fixed("number", float(token))

    def text(self, token: Token) -> Operand:
        return _fixed("string", token[1:-1].replace("''", "'").replace("\\'", "'"))

    def truth(self, token: Token) -> Operand:
        return _fixed("boolean", token.upper() == "TRUE")

    def geometry(self, token: Token) -> Operand:
        try:
            shape = shapely.from_wkt(str(token))
        except shapely.errors.ShapelyError as error:
            raise FilterError("filter_geometry", token.start_pos) from error
        return self._region(token, shape)

    def property(self, token: Token) -> Operand:
        name = token[1:-1].replace('""', '"') if token.type == "QUOTED" else str(token)
        if name == GEOMETRY:
            return Operand(GEOMETRY)
        field = self._fields.get(name)
        if field is None:
            raise FilterError("filter_property", token.start_pos, property=name)
        return Operand(field.type, self._column(field))

    def call(self, name: Token, *operands: Operand) -> Operand:
        function = name.lower()
        try:
            if function in _TEMPORAL:
                return _holds(_TEMPORAL[function](*_periods(*operands)))
            return self._call(function, name, *operands)
        except (TypeError, ValueError) as error:
            if isinstance(error, FilterError):
                raise
            raise FilterError("filter_arguments", name.start_pos, function=str(name)) from error

    def _call(self, function: str, name: Token, *operands: Operand) -> Operand:
        if function == "bbox":
            return Operand("region", value=self._crs.region(*_corners(operands)))
        if function == "s_intersects":
            return _holds(within_region(_region_beside_geometry(*operands)))
        if function == "interval":
            return _interval(*operands)
        maker = {"casei": _folded, "date": _date, "timestamp": _timestamp}.get(function)
        if maker is None:
            raise FilterError("filter_function", name.start_pos, function=str(name))
        return maker(*operands)

    def _region(self, token: Token, shape: BaseGeometry) -> Operand:
        try:
            return Operand("region", value=region_of([self._crs.unproject(shape)]))
        except ValueError as error:
            raise FilterError("filter_geometry", token.start_pos) from error


def _matched(left: Operand, right: Operand, position: int | None) -> tuple[Operand, Operand]:
    """Both of one type, so that they can be compared: text becomes a date where it stands beside one."""
    if left.type == right.type and left.type not in {GEOMETRY, "region", "period"}:
        return left, right
    kinds = {left.type, right.type}
    if kinds <= _NUMERIC:
        return left, right
    if kinds & _TIMES and kinds <= {"string", *_TIMES}:
        return _as_times(left, right, position)
    raise FilterError("filter_types", position)


def _as_times(left: Operand, right: Operand, position: int | None) -> tuple[Operand, Operand]:
    wanted = left.type if right.type == "string" else right.type
    read = {"date": _date, "datetime": _timestamp}
    try:
        left, right = (read[wanted](each) if each.type == "string" else each for each in (left, right))
    except (TypeError, ValueError) as error:
        raise FilterError("filter_types", position) from error
    return (left, right) if left.type == right.type else (_day(left), _day(right))


def _day(operand: Operand) -> Operand:
    """The day of a moment, in UTC."""
    end = None if operand.end is None else day_part(operand.end)
    return Operand("date", day_part(operand.sql), end=end)


def _calculated(parts: tuple[Any, ...]) -> Operand:
    signs, operands = parts[1::2], parts[::2]
    if not all(operand.type in _NUMERIC for operand in operands):
        raise FilterError("filter_types", signs[0].start_pos)
    sql = operands[0].sql
    for sign, operand in zip(signs, operands[1:], strict=True):
        sql = _ARITHMETIC[sign](sql, operand.sql)
    return Operand("number", sql, _known(operands, signs))


def _known(operands: tuple[Operand, ...], signs: tuple[Token, ...]) -> float | None:
    # The sign of a fixed number, for BBOX(-1, …).
    if len(operands) == 2 and operands[0].value == 0 and operands[1].value is not None and signs[0] == "-":
        return -float(operands[1].value)
    return None


def _corners(operands: tuple[Operand, ...]) -> tuple[float, float, float, float]:
    first, second, third, fourth = _flat([float(operand.value) for operand in operands])
    return first, second, third, fourth


def _flat(numbers: list[float]) -> list[float]:
    return numbers if len(numbers) == 4 else [*numbers[:2], *numbers[3:5]]


def _region_beside_geometry(one: Operand, other: Operand) -> Any:
    left, right = (one, other) if one.type == GEOMETRY else (other, one)
    if left.type != GEOMETRY or right.type != "region":
        raise ValueError("geometry")
    return right.value


def _folded(operand: Operand) -> Operand:
    if operand.type != "string":
        raise ValueError("text")
    if operand.value is not None:
        return _fixed("string", operand.value.casefold())
    return Operand("string", folded(operand.sql))


def _date(operand: Operand) -> Operand:
    return _fixed("date", day_of(operand.value))


def _timestamp(operand: Operand) -> Operand:
    return _fixed("datetime", stamp_of(operand.value))


def _interval(first: Operand, last: Operand) -> Operand:
    begin, end = _bound(first, "0000-01-01"), _bound(last, "9999-12-31")
    return Operand("period", begin, end=end)


def _bound(operand: Operand, open_end: str) -> ColumnElement[Any]:
    if operand.value == "..":
        return literal(open_end)
    if operand.type == "string":
        value = operand.value
        return literal(stamp_of(value) if "T" in value else day_of(value))
    if operand.type not in _TIMES:
        raise ValueError("time")
    return cast("ColumnElement[Any]", operand.sql)


def _periods(one: Operand, other: Operand) -> tuple[Operand, Operand]:
    """Both as periods of days: an instant is its own begin and end."""
    return _period(one), _period(other)


def _period(operand: Operand) -> Operand:
    if operand.type == "string":
        operand = _date(operand)
    if operand.type not in _TIMES | {"period"}:
        raise ValueError("time")
    end = operand.sql if operand.end is None else operand.end
    return _day(Operand("period", operand.sql, end=end))
