"""The history as people read it: what changed, newest first, picked by time, origin, person, stage and direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, FromClause, func, select

from sync_service.store.history import read_pasts
from sync_service.store.tables import feature, history

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_service.store.history import Past

NOBODY = "-"
"""Picks what nobody is named for."""


@dataclass(frozen=True, slots=True)
class Picked:
    """Which changes: from one stamp to before another; None picks everything.

    `stage` and `direction` are those the proposal has now; `who` is `NOBODY` for what names nobody.
    """

    since: str | None = None
    until: str | None = None
    source: str | None = None
    who: str | None = None
    stage: str | None = None
    direction: str | None = None
    guid: str | None = None
    push: str | None = None


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to pick from: origins and persons of a time, and the directions proposals have."""

    sources: Sequence[str]
    who: Sequence[str]
    directions: Sequence[str]


def read_entries(connection: Connection, picked: Picked, *, before: int | None, limit: int) -> Sequence[Past]:
    """The changes picked, newest first, from before the entry with this id."""
    conditions = _conditions(picked)
    if before is not None:
        conditions.append(history.c.id < before)
    query = select(history).select_from(_joined(picked)).where(*conditions)
    return read_pasts(connection.execute(query.order_by(history.c.id.desc()).limit(limit)))


def count_entries(connection: Connection, picked: Picked) -> tuple[int, int]:
    """How many changes are picked, and of how many proposals."""
    counted = select(func.count(), func.count(history.c.guid.distinct()))
    changes, proposals = connection.execute(counted.select_from(_joined(picked)).where(*_conditions(picked))).one()
    return changes, proposals


def _joined(picked: Picked) -> FromClause:
    if picked.stage is None and picked.direction is None:
        return history
    return history.join(feature, feature.c.guid == history.c.guid)


def _conditions(picked: Picked) -> list[ColumnElement[bool]]:
    h, f = history.c, feature.c
    exact = {
        h.source: picked.source,
        h.guid: picked.guid,
        h.push: picked.push,
        f.stage: picked.stage,
        f.direction: picked.direction,
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in exact.items() if value is not None]
    if picked.since is not None:
        found.append(h.at >= picked.since)
    if picked.until is not None:
        found.append(h.at < picked.until)
    if picked.who is not None:
        found.append(h.who.is_(None) if picked.who == NOBODY else h.who == picked.who)
    return found


def read_choices(connection: Connection, since: str | None) -> Choices:
    """What there is to pick from since then."""
    h, f = history.c, feature.c
    times = [] if since is None else [h.at >= since]
    origins = connection.execute(select(h.source, h.who).where(*times).distinct()).all()
    directions = connection.execute(select(f.direction).where(f.direction.is_not(None)).distinct()).scalars()
    return Choices(
        sources=sorted({row.source for row in origins}),
        who=sorted({row.who for row in origins if row.who}),
        directions=sorted(directions),
    )
