"""Duplicates in the store: which proposal leads to which, and the places offered, as clashes of the survivor."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import orjson
from sqlalchemy import bindparam, delete, insert, select, update

from sync_service.store.clock import stamp
from sync_service.store.tables import clash, feature, merged
from sync_service.sync.disputes import DUPLICATE
from sync_service.sync.duplicates import last_survivor
from sync_service.sync.editing import GEOMETRY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from sync_service.store.database import AnyRow
    from sync_service.sync.state import Sides


def survivor_of(connection: Connection, guid: str) -> str | None:
    """The proposal that this one leads to directly."""
    found: str | None = connection.execute(_SURVIVOR, {"of": guid}).scalar_one_or_none()
    return found


_SURVIVOR = select(merged.c.survivor).where(merged.c.guid == bindparam("of"))


def leads_to(connection: Connection, guid: str) -> str | None:
    """The proposal that stands for this one in the end; None when it stands for itself."""
    return last_survivor(guid, partial(survivor_of, connection))


def duplicates_of(connection: Connection, guid: str) -> list[str]:
    """Everything that leads to this proposal, over however many steps."""
    found: list[str] = []
    ahead = [guid]
    while ahead:
        nearer = connection.execute(_LEADING, {"to": ahead.pop()}).scalars()
        fresh = [each for each in nearer if each not in found and each != guid]
        found += fresh
        ahead += fresh
    return found


_LEADING = select(merged.c.guid).where(merged.c.survivor == bindparam("to")).order_by(merged.c.guid)


def lead(connection: Connection, guid: str, survivor: str | None, now: datetime) -> None:
    """Have a proposal lead to another; None: it stands for itself again."""
    connection.execute(delete(merged).where(merged.c.guid == guid))
    if survivor is not None:
        connection.execute(insert(merged).values(guid=guid, survivor=survivor, at=stamp(now)))


def survivor_row(connection: Connection, guid: str) -> AnyRow | None:
    """Guid, card and visibility of the proposal that stands for this one; None when it stands for itself."""
    last = leads_to(connection, guid)
    f = feature.c
    wanted = select(f.guid, f.card_id, f.visibility).where(f.guid == last)
    return None if last is None else connection.execute(wanted).one_or_none()


def keep_offer(connection: Connection, survivor: str, duplicate: str, sides: Sides | None, now: datetime) -> bool:
    """Open the offer of a duplicate's place, bring it up to date, or close it (None: the places are one); true if new.

    What was settled about the same place is not asked again.
    """
    rows = connection.execute(_OFFERED, {"to": survivor, "by": duplicate}).all()
    present = next((row for row in rows if row.resolved is None), None)
    if sides is None:
        settled = {"resolved": stamp(now)}
        return present is not None and _change(connection, present.id, settled)
    text = orjson.dumps({GEOMETRY: asdict(sides)}).decode()
    if present is not None:
        renewed = {"fields": text, "revision": present.revision + 1}
        return text != present.fields and _change(connection, present.id, renewed)
    if any(orjson.loads(row.fields)[GEOMETRY]["mine"] == sides.mine for row in rows):
        return False
    row = {"id": str(uuid4()), "guid": survivor, "revision": 1, "reason": DUPLICATE, "fields": text}
    connection.execute(insert(clash).values(**row, opened=stamp(now), other=duplicate))
    return True


_OFFERED = (
    select(clash.c.id, clash.c.fields, clash.c.revision, clash.c.resolved)
    .where(clash.c.guid == bindparam("to"), clash.c.reason == DUPLICATE, clash.c.other == bindparam("by"))
    .order_by(clash.c.opened)
)


def _change(connection: Connection, clash_id: str, values: Mapping[str, object]) -> bool:
    connection.execute(update(clash).where(clash.c.id == clash_id).values(values))
    return True


def withdraw_offer(connection: Connection, survivor: str, duplicate: str) -> None:
    """It leads here no more: nobody has decided anything, and it may be offered again."""
    c = clash.c
    open_ones = (c.guid == survivor, c.reason == DUPLICATE, c.other == duplicate, c.resolved.is_(None))
    connection.execute(delete(clash).where(*open_ones))


def offers_of(connection: Connection, survivor: str) -> list[str]:
    """The duplicates whose offer to this proposal is open."""
    c = clash.c
    query = select(c.other).where(c.guid == survivor, c.reason == DUPLICATE, c.resolved.is_(None))
    return list(connection.execute(query).scalars())
