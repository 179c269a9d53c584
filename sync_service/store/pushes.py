"""Pushes and their edits in the store: what came in, and what became of it, so that nothing is done twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import bindparam, insert, select, update

from sync_service.store.clock import stamp
from sync_service.store.tables import edit, push

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class KeptPush:
    """A push that came in: its key, the digest of its content, whose it is, and when it was put back.

    `counts` says how many edits had each status. `who_id` tells the person from others of the same name.
    """

    key: str
    body_hash: str
    client_id: str
    at: str
    who: str | None
    source: str
    counts: Mapping[str, int]
    undone: str | None = None
    who_id: str | None = None


@dataclass(frozen=True, slots=True)
class KeptEdit:
    """An edit by the name its client gave it: the digest of its content, and what became of it (ready for JSON)."""

    change_id: str
    hash: str
    result: Mapping[str, Any]
    guid: str


def find_push(connection: Connection, key: str) -> KeptPush | None:
    """A push by its key."""
    row = connection.execute(_PUSH, {"this": key}).one_or_none()
    if row is None:
        return None
    counts = orjson.loads(row.answer or "{}")
    return KeptPush(row.key, row.body_hash, row.client_id, row.at, row.who, row.source, counts, row.undone, row.who_id)


def keep_push(connection: Connection, kept: KeptPush) -> None:
    """Keep that a push came in."""
    row = {
        "key": kept.key,
        "body_hash": kept.body_hash,
        "client_id": kept.client_id,
        "at": kept.at,
        "who": kept.who,
        "who_id": kept.who_id,
        "source": kept.source,
        "answer": orjson.dumps(dict(kept.counts)).decode(),
    }
    connection.execute(_KEEP_PUSH, row)


def mark_undone(connection: Connection, key: str, now: datetime) -> None:
    """Keep that a push was put back."""
    connection.execute(update(push).where(push.c.key == key).values(undone=stamp(now)))


_PUSH = select(push).where(push.c.key == bindparam("this"))
_KEEP_PUSH = insert(push)


def find_edits(connection: Connection, client_id: str, change_ids: Collection[str]) -> dict[str, KeptEdit]:
    """Those of a client's edits that were answered before, by their names."""
    if not change_ids:
        return {}
    rows = connection.execute(_EDITS, {"client": client_id, "names": list(change_ids)})
    return {row.change_id: KeptEdit(row.change_id, row.hash, orjson.loads(row.result), row.guid) for row in rows}


_EDITS = select(edit).where(
    edit.c.client_id == bindparam("client"), edit.c.change_id.in_(bindparam("names", expanding=True))
)


def edits_in(connection: Connection, key: str) -> list[KeptEdit]:
    """The edits of a push that have a name, and what became of them."""
    rows = connection.execute(select(edit).where(edit.c.push == key))
    return [KeptEdit(row.change_id, row.hash, orjson.loads(row.result), row.guid) for row in rows]


def keep_edits(connection: Connection, kept: KeptPush, edits: Sequence[KeptEdit]) -> None:
    """Keep what became of edits of a push."""
    shared = {"client_id": kept.client_id, "push": kept.key, "at": kept.at}
    rows = [
        {**shared, "change_id": e.change_id, "hash": e.hash, "result": orjson.dumps(dict(e.result)).decode()}
        | {"guid": e.guid}
        for e in edits
    ]
    if rows:
        connection.execute(_KEEP_EDITS, rows)


_KEEP_EDITS = insert(edit)
