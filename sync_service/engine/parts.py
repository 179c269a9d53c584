"""The parts an engine is made of, wired once in `app.py`, and the facts about the board they share."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from sync_service.engine.interpret import Board, Interpreter
from sync_service.errors import Unavailable
from sync_service.store import bindings, counter
from sync_service.store.clock import utc_now
from sync_service.sync.stages import stage_for_title

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from kanban_adapter.port import BoardAdapter
    from sync_service.engine.placing import Placing
    from sync_service.store.database import Database
    from sync_service.sync.values import Stage
    from sync_service.words import Language


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings the engine works by."""

    publishing: bool
    surge_limit: int
    stages: Mapping[str, Stage]
    language: Language
    home: str  # the service's address, as people reach it


@dataclass(slots=True)
class Parts:
    """Everything the engine works with. One per process and thread: the board adapter is not shared."""

    database: Database
    board: BoardAdapter
    interpreter: Interpreter
    placing: Placing
    policy: Policy
    now: Callable[[], datetime] = utc_now
    jitter: random.Random = field(default_factory=random.SystemRandom)
    nonce: str = ""  # of this process, in the marks it leaves


def known_board(parts: Parts) -> Board:
    """The board as the store knows it (`read_board`)."""
    with parts.database.reading() as connection:
        return read_board(connection)


def read_board(connection: Connection) -> Board:
    """The board as the store knows it: identity, watched projects, and columns with their confirmed stages.

    Raises `Unavailable` (reason `not_initialised`) before `placecard init`.
    """
    me = counter.identity(connection)
    columns = bindings.bindings(connection)
    if me.board is None or me.projects is None:
        raise Unavailable(reason="not_initialised")
    return Board(me.board, orjson.loads(me.projects), {c.column_id: c.stage for c in columns if not c.missing})


def refresh_columns(parts: Parts) -> Board:
    """Ask the board for its columns, bind the new ones, and give the board as then known."""
    columns = parts.board.columns()
    with parts.database.writing() as connection:
        bindings.see_columns(connection, columns, lambda title: stage_for_title(title, parts.policy.stages))
    return known_board(parts)


def has_unknown_column(board: Board, columns: Iterable[str]) -> bool:
    """Whether any of these columns has not been seen yet."""
    return any(column not in board.stages for column in columns)
