"""`placecard init`: make the store ready, bind the board, and say what would become public. Publishes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import orjson

from kanban_adapter.card import BOARD_NOTE
from sync_service.engine.parts import refresh_columns
from sync_service.engine.sweep import SweepOptions, sweep
from sync_service.store import bindings, counter
from sync_service.store.leases import write_note
from sync_service.store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_service.engine.parts import Parts
    from sync_service.engine.report import Report
    from sync_service.store.bindings import Binding
    from sync_service.store.migrate import Migration


@dataclass(frozen=True, slots=True)
class FirstContact:
    """What `init` did and found.

    The migration, the watched projects, the columns, what a sweep
    would do now, and how many proposals pass the gate (publishing on or off).
    """

    migration: Migration
    projects: Sequence[str]
    columns: Sequence[Binding]
    would: Report
    public: int


def set_up(parts: Parts, store_url: str, asked: Sequence[str] = ()) -> FirstContact:
    """Make the store ready, pin board and projects, bind the columns, and try a sweep without keeping anything.

    `asked` are the projects as the settings name them: while those stay, the ids pinned now hold.
    """
    migration = migrate(store_url)
    names = _bind(parts, asked)
    refresh_columns(parts)
    with parts.database.reading() as connection:
        columns = bindings.bindings(connection)
    would = sweep(parts, SweepOptions(full=True, dry_run=True))
    return FirstContact(migration, names, columns, would, would.may_publish)


def _bind(parts: Parts, asked: Sequence[str]) -> list[str]:
    projects = parts.board.projects()
    notes = parts.board.read_project_notes()
    with parts.database.reading() as connection:
        bound = counter.identity(connection).board
    # The board's identity is the board's: a second store, or a new one after a loss, finds the one left there.
    board = notes.get(BOARD_NOTE) or bound or str(uuid4())
    parts.board.write_project_notes({BOARD_NOTE: board})
    pinned = orjson.dumps({project.id: project.name for project in projects}).decode()
    with parts.database.writing() as connection:
        counter.bind_board(connection, board=board, projects=pinned)
        write_note(connection, counter.PROJECTS_ASKED, " ".join(asked))
    return [project.name for project in projects]
