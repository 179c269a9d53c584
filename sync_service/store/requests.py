"""Sweeps asked of the worker: `placecard sync` beside a worker lets that worker do it and waits for the report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from sync_service.store.clock import stamp
from sync_service.store.tables import sweep_request

_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """A sweep that somebody asked for."""

    id: str
    full: bool
    force: bool


@dataclass(frozen=True, slots=True)
class AskedSweep:
    """A sweep that was asked for, and the report or what went wrong, once it is there."""

    id: str
    full: bool
    asked: str
    who: str | None
    result: dict[str, object] | None


def ask_sweep(connection: Connection, now: datetime, *, full: bool, force: bool, who: str | None = None) -> str:
    """Ask the worker for a sweep; gives the request's id. Old requests are cleared away."""
    connection.execute(delete(sweep_request).where(sweep_request.c.asked < stamp(now - _KEPT)))
    request = str(uuid4())
    connection.execute(insert(sweep_request).values(id=request, full=full, force=force, asked=stamp(now), who=who))
    return request


def find_sweep(connection: Connection, request: str) -> AskedSweep | None:
    """A request by its id."""
    c = sweep_request.c
    row = connection.execute(select(c.id, c.full, c.asked, c.who, c.result).where(c.id == request)).one_or_none()
    return None if row is None else AskedSweep(*row[:4], None if row.result is None else orjson.loads(row.result))


def asked_sweeps(connection: Connection) -> list[SweepRequest]:
    """The requests nobody has answered yet."""
    c = sweep_request.c
    rows = connection.execute(select(c.id, c.full, c.force).where(c.result.is_(None)).order_by(c.asked))
    return [SweepRequest(*row) for row in rows]


def answer_sweep(connection: Connection, request: str, result: dict[str, object]) -> None:
    """Give the report of an asked sweep."""
    text = orjson.dumps(result).decode()
    connection.execute(update(sweep_request).where(sweep_request.c.id == request).values(result=text))


def sweep_answer(connection: Connection, request: str) -> dict[str, object] | None:
    """The report of an asked sweep, once it is there."""
    row = connection.execute(select(sweep_request.c.result).where(sweep_request.c.id == request)).scalar_one_or_none()
    return None if row is None else dict(orjson.loads(row))


def withdraw_sweep(connection: Connection, request: str) -> None:
    """Take a request back."""
    connection.execute(delete(sweep_request).where(sweep_request.c.id == request))
