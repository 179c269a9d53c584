"""Columns bound to stages, by id. A new column is bound when first seen; later changes wait for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update

from sync_service.store.dialect import insert
from sync_service.store.tables import column_binding
from sync_service.sync.values import Stage

if TYPE_CHECKING:
    from kanban_adapter.card import Column

StageOf = Callable[[str], Stage | None]


@dataclass(frozen=True, slots=True)
class Binding:
    """A column and its stage as confirmed, beside what the board and the settings say now."""

    column_id: str
    project_id: str
    title: str
    stage: Stage | None
    seen_title: str
    offered_stage: Stage | None
    waits: bool
    missing: bool


def bindings(connection: Connection) -> Sequence[Binding]:
    """All columns ever seen, by project and position."""
    return [
        Binding(
            row.column_id,
            row.project_id,
            row.title,
            _stage(row.stage),
            row.seen_title,
            _stage(row.offered_stage),
            row.waits,
            row.missing,
        )
        for row in connection.execute(_ORDERED)
    ]


_COLUMNS = column_binding.c
_ORDERED = select(column_binding).order_by(_COLUMNS.project_id, _COLUMNS.missing, _COLUMNS.position)


def _stage(text: str | None) -> Stage | None:
    return None if text is None else Stage(text)


def see_columns(connection: Connection, columns: Iterable[Column], stage_of: StageOf) -> None:
    """Take note of the board's columns: bind the new ones, let changed ones wait, mark the absent ones missing."""
    known = {row.column_id: dict(row._mapping) for row in connection.execute(_ALL)}  # noqa: SLF001 - its public name
    seen = {column.id: _see(column, known.get(column.id), stage_of(column.title)) for column in columns}
    changed = [row for column_id, row in seen.items() if row != known.get(column_id)]
    if changed:  # hardly ever: every sweep looks
        connection.execute(_KEEP, changed)
    absent = [column_id for column_id, row in known.items() if column_id not in seen and not row["missing"]]
    if absent:
        table = column_binding
        connection.execute(update(table).where(table.c.column_id.in_(absent)).values(missing=True))


_ALL = select(column_binding)
_INSERT = insert(column_binding)
_KEEP = _INSERT.on_conflict_do_update(
    index_elements=["column_id"], set_={c.name: c for c in _INSERT.excluded if c.name != "column_id"}
)


def _see(column: Column, known: Mapping[str, object] | None, offered: Stage | None) -> dict[str, object]:
    """The row of a column as it is to be now."""
    title = column.title if known is None else known["title"]
    stage = offered if known is None else known["stage"]
    return {
        "column_id": column.id,
        "project_id": column.project_id,
        "title": title,
        "stage": stage,
        "position": column.position,
        "seen_title": column.title,
        "offered_stage": offered,
        "waits": column.title != title or offered != stage,
        "missing": False,
    }


def confirm_columns(connection: Connection) -> int:
    """Take what the board and the settings say now as confirmed; says how many columns changed."""
    table = column_binding
    confirmed = {"title": table.c.seen_title, "stage": table.c.offered_stage, "waits": False}
    return connection.execute(update(table).where(table.c.waits, ~table.c.missing).values(confirmed)).rowcount
