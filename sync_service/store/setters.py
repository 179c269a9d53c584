"""Who set a place on the map, by the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, or_, select

from sync_service.store.tables import history
from sync_service.sync.state import Setter

if TYPE_CHECKING:
    from sqlalchemy import Connection

_BOARD = "board"


def last_setter(connection: Connection, guid: str) -> Setter | None:
    """Who set the place of a proposal last, other than its card; None when nobody did."""
    row = connection.execute(_LAST, {"of": guid}).one_or_none()
    return None if row is None else Setter(row.who, row.source)


_h = history.c
_LAST = (
    select(_h.who, _h.source)
    .where(_h.guid == bindparam("of"), _h.source != _BOARD)
    .where(or_(*(_h.after.contains(f'"{name}":', autoescape=True) for name in ("geometry", "placement"))))
    .order_by(_h.id.desc())
    .limit(1)
)
