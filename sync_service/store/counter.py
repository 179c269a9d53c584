"""The counter row: sequence numbers in commit order, tickets that order readings, and who this store is."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, Integer, bindparam, select, update

from sync_service.store.tables import clash, store


@dataclass(frozen=True, slots=True)
class Identity:
    """Which store this is: its guid, its epoch, the last change, and the board it belongs to (None before `init`)."""

    guid: str
    epoch: int
    seq: int
    board: str | None
    projects: str | None


def identity(connection: Connection) -> Identity:
    """Read the counter row."""
    return Identity(*connection.execute(_IDENTITY).one())


_IDENTITY = select(store.c.guid, store.c.epoch, store.c.seq, store.c.board, store.c.projects)


def next_seq(connection: Connection, count: int = 1) -> int:
    """The number of the next change, or the first of `count` numbers.

    The row stays locked until the transaction ends, so that the feed has no holes.
    """
    return int(connection.execute(_NEXT_SEQ, {"step": count}).scalar_one()) - count + 1


_NEXT_SEQ = update(store).values(seq=store.c.seq + bindparam("step", type_=Integer)).returning(store.c.seq)


def draw_ticket(connection: Connection) -> int:
    """Draw a ticket before reading the board: of two readings, the one with the later ticket is newer."""
    return int(connection.execute(_DRAW_TICKET).scalar_one())


_DRAW_TICKET = update(store).values(ticket=store.c.ticket + 1).returning(store.c.ticket)


def bind_board(connection: Connection, *, board: str, projects: str) -> None:
    """Pin the board's identity (a UUID) and the watched project ids (JSON)."""
    connection.execute(update(store).values(board=board, projects=projects))


PROJECTS_ASKED = "projects_asked"
"""Note of the projects as the settings named them when their ids were pinned."""


def pinned_projects(connection: Connection) -> dict[str, str]:
    """The watched projects by the ids pinned at `init`, with their names; empty before it."""
    pinned = connection.execute(select(store.c.projects)).scalar_one_or_none()
    return dict(orjson.loads(pinned)) if pinned else {}


def read_mark(connection: Connection) -> str | None:
    """What this store last left on the board, as kept (JSON)."""
    mark: str | None = connection.execute(_MARK).scalar_one()
    return mark


_MARK = select(store.c.mark)


def write_mark(connection: Connection, mark: str | None) -> None:
    """Keep what is about to be left, or was left, on the board."""
    connection.execute(_WRITE_MARK, {"mark": mark})


_WRITE_MARK = update(store)


def begin_epoch(connection: Connection, known: int = 0) -> int:
    """Begin a new epoch, after every one so far and after one `known` elsewhere; its number.

    One side went back in time and a person said to go on from here. No revision of an open clash that was seen in a
    life that ended is given to another content in this one.
    """
    present = connection.execute(select(store.c.epoch)).scalar_one()
    epoch = max(int(present), known) + 1
    connection.execute(update(store).values(epoch=epoch))
    beyond = clash.c.revision + _REVISIONS * epoch
    connection.execute(update(clash).where(clash.c.resolved.is_(None)).values(revision=beyond))
    return epoch


_REVISIONS = 10_000
"""More than a clash has in any life."""
