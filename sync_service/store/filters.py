"""Conditions over the feature table: who is in a collection, what lies in a region, what happens in a period.

Everything here builds SQL and runs nothing. Coordinates are CRS84, longitude first; dates ISO text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Date,
    Integer,
    Numeric,
    Text,
    and_,
    bindparam,
    case,
    cast,
    column,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    table,
    union_all,
)

from sync_service.store.collections import NOPLACE_PLACEMENTS, QUEUE, Collection
from sync_service.store.dialect import SRID, either
from sync_service.store.folding import FUNCTION
from sync_service.store.tables import BOX_TABLE, feature, history
from sync_service.sync.values import PUBLIC_STAGES, Stage, Visibility

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sync_service.sync.fields import Field

Condition = ColumnElement[bool]
Box = tuple[float, float, float, float]
"""West, south, east, north in degrees, west not greater than east."""

TODAY = bindparam("today", None, type_=Text)
"""The local date on which `overdue_days` is counted; every statement that names it wants it as a parameter."""

_PARTNERS = bindparam("partners", expanding=True, type_=Text)

_boxes = table(BOX_TABLE, *(column(name) for name in ("fid", "west", "east", "south", "north")))
_UNFINISHED = (Stage.APPROVED, Stage.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class Region:
    """An area to look in: its boxes (two when it crosses the antimeridian) and its exact shape as WKB.

    `rectangular`: the boxes are the shape, so that whatever lies inside a box needs no closer look.
    """

    boxes: tuple[Box, ...]
    shape: bytes
    rectangular: bool


def overdue_days() -> ColumnElement[int]:
    """Days past `due` on the day `today` for a public proposal that is not done; else 0."""
    days = either(
        sqlite=cast(func.julianday(TODAY) - func.julianday(feature.c.due), Integer),
        postgresql=cast(TODAY, Date) - cast(feature.c.due, Date),
    )
    late = and_(feature.c.visibility == Visibility.PUBLIC, feature.c.stage.in_(_UNFINISHED), feature.c.due < TODAY)
    return case((late, days), else_=0)


_NAMED_OTHERWISE = {"row_version": "version"}


def property_column(field: Field) -> ColumnElement[Any]:
    """What the store has for a property: its column, or how it is computed."""
    if field.name == "overdue_days":
        return overdue_days()
    return feature.c[_NAMED_OTHERWISE.get(field.name, field.name)]


def public_column(field: Field) -> ColumnElement[Any]:
    """The property as the public sees it: what is held back must not be found by asking for it either."""
    stored = property_column(field)
    if field.type != "string" or not field.stored:
        return stored
    whole = feature.c.properties_json.op("||")("}")
    shown = either(
        sqlite=func.json_extract(whole, f"$.{field.name}", type_=Text),
        postgresql=func.json_extract_path_text(cast(whole, JSON), field.name, type_=Text).collate("C"),
    )
    return case((feature.c.held.is_(None), stored), else_=shown)


def membership(collection: Collection) -> tuple[Condition, ...]:
    """The rule of `collections_of` as conditions on the feature table."""
    return (_seen(collection), *_standing(collection))


def _seen(collection: Collection) -> Condition:
    if collection.public:
        # Literal, so that SQLite recognises its partial indexes.
        return feature.c.visibility == _literal(Visibility.PUBLIC)
    return not_retired()


def not_retired() -> Condition:
    """The feature is still one."""
    return feature.c.visibility != _literal(Visibility.RETIRED)


def _literal(value: str) -> ColumnElement[str]:
    return bindparam(None, str(value), type_=Text, literal_execute=True)


def _standing(collection: Collection) -> tuple[Condition, ...]:
    if collection.kind is not None:
        return (feature.c.kind == collection.kind,)
    if collection.placed:
        return (feature.c.kind.is_not(None),)
    if collection.name == QUEUE:
        return feature.c.kind.is_(None), feature.c.placement == "unplaced", feature.c.stage.in_(sorted(PUBLIC_STAGES))
    return feature.c.kind.is_(None), feature.c.placement.in_(sorted(NOPLACE_PLACEMENTS))


def of_partners() -> Condition:
    """The proposal is of one of `partners`, a parameter of names without letter case."""
    return func.coalesce(folded(feature.c.partner), "").in_(_PARTNERS)


def once_of_partners() -> Condition:
    """It was theirs before a change that the history tells of."""
    h = history.c
    partner = either(
        sqlite=func.json_extract(h.before, "$.partner", type_=Text),
        postgresql=func.json_extract_path_text(cast(h.before, JSON), "partner", type_=Text).collate("C"),
    )
    return exists().where(h.guid == feature.c.guid, folded(partner).in_(_PARTNERS))


def nothing() -> Condition:
    """The condition that nothing meets."""
    return false()


def within_region(region: Region) -> Condition:
    """Geometry meets the region. A feature without geometry does not."""
    return and_(_candidates(region.boxes), meets_region(region))


def _candidates(boxes: tuple[Box, ...]) -> Condition:
    # The R-tree, and PostGIS's index, round their boxes outward: they find too many, never too few.
    found = [select(_boxes.c.fid).where(_meets(_boxes.c, box)) for box in boxes]
    near = [feature.c.geometry.op("&&", is_comparison=True)(func.ST_MakeEnvelope(*box, SRID)) for box in boxes]
    return either(
        sqlite=feature.c.fid.in_(found[0] if len(found) == 1 else union_all(*found)),
        postgresql=or_(*near),
    )


def meets_region(region: Region) -> Condition:
    """The same of a feature found by other means: no index is asked."""
    crosses = either(
        sqlite=func.geometry_intersects(feature.c.geometry, region.shape) == 1,
        postgresql=func.ST_Intersects(feature.c.geometry, func.ST_GeomFromWKB(region.shape, SRID)),
    )
    if not region.rectangular:
        return and_(or_(*(_meets(feature.c, box) for box in region.boxes)), crosses)
    return or_(*(and_(_meets(feature.c, box), or_(_inside(box), crosses)) for box in region.boxes))


def _meets(c: Any, box: Box) -> Condition:
    west, south, east, north = box
    return and_(c.west <= east, c.east >= west, c.south <= north, c.north >= south)


def _inside(box: Box) -> Condition:
    west, south, east, north = box
    c = feature.c
    return and_(c.west >= west, c.east <= east, c.south >= south, c.north <= north)


def day_part(moment: ColumnElement[str]) -> ColumnElement[str]:
    """The date at the beginning of an ISO text."""
    return func.substr(
        moment, literal_column("1"), literal_column("10")
    )  # PostgreSQL wants them no longer than they are


def folded(text: ColumnElement[str]) -> ColumnElement[str]:
    """The text without letter case, in every alphabet, as Python's `casefold` has it."""
    return either(sqlite=func.casefold(text, type_=Text), postgresql=getattr(func, FUNCTION)(text, type_=Text))


def matches(text: ColumnElement[str], pattern: str) -> Condition:
    """The text is like the pattern: `%` stands for anything, `_` for one sign, a backslash takes the next literally."""
    return either(
        # SQLite's LIKE does not mind letter case, and its GLOB does in every alphabet.
        sqlite=text.op("GLOB", is_comparison=True)(_rewritten(pattern, {"%": "*", "_": "?"}, _GLOB)),
        postgresql=text.op("LIKE", is_comparison=True)(_rewritten(pattern, {"%": "%", "_": "_"}, _LIKE)),
    )


_GLOB = {"*": "[*]", "?": "[?]", "[": "[[]"}
_LIKE = {"%": "\\%", "_": "\\_", "\\": "\\\\"}


def _rewritten(pattern: str, signs: Mapping[str, str], quoted: Mapping[str, str]) -> str:
    return "".join(
        quoted.get(part[-1], part[-1]) if len(part) > 1 else signs.get(part) or quoted.get(part, part)
        for part in re.findall(r"\\.|.", pattern, re.DOTALL)
    )


def quotient(dividend: ColumnElement[Any], divisor: ColumnElement[Any]) -> ColumnElement[Any]:
    """The one divided by the other; nothing when that is zero."""
    return either(sqlite=dividend / divisor, postgresql=_number(dividend) / func.nullif(_number(divisor), 0))


def remainder(dividend: ColumnElement[Any], divisor: ColumnElement[Any]) -> ColumnElement[Any]:
    """What is left when the one is divided by the other, both without their fractions; nothing when that is zero."""
    whole = func.trunc(_number(dividend)), func.nullif(func.trunc(_number(divisor)), 0)
    return either(sqlite=dividend % divisor, postgresql=func.mod(*whole))


def calculated(
    left: ColumnElement[Any], right: ColumnElement[Any], act: Callable[[Any, Any], ColumnElement[Any]]
) -> ColumnElement[Any]:
    """A sum, a difference or a product, however big."""
    return either(sqlite=act(left, right), postgresql=act(_number(left), _number(right)))


def _number(value: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(value, Numeric)


def during(first: str | None, last: str | None) -> Condition:
    """start..due meets the days first..last (None: open). A missing start or due is open too; with neither it meets."""
    conditions = []
    if last is not None:
        conditions.append(or_(feature.c.start.is_(None), feature.c.start <= last))
    if first is not None:
        conditions.append(or_(feature.c.due.is_(None), feature.c.due >= first))
    return and_(*conditions) if conditions else or_(feature.c.fid.is_not(None))
