"""The few columns of a proposal that a list for people shows, for many proposals at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, select

from sync_service.store.filters import not_retired, of_partners
from sync_service.store.tables import feature

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sync_service.store.feed import Partners


@dataclass(frozen=True, slots=True)
class Brief:
    """A proposal in brief. `held` names texts kept back, comma separated."""

    guid: str
    title: str | None
    stage: str | None
    visibility: str
    card_id: str | None
    card_url: str | None
    direction: str | None
    partner: str | None
    summary: str | None
    held: str | None


def partner_briefs(
    connection: Connection, partners: Partners | None, *, before: int | None, limit: int
) -> Sequence[tuple[int, Brief]]:
    """The proposals of these partners (None: of any), newest first, each with its number; from before the one given."""
    mine = feature.c.partner.is_not(None) if partners is None else of_partners()
    older = [] if before is None else [feature.c.fid < before]
    query = select(feature.c.fid, *_COLUMNS).where(not_retired(), mine, *older).order_by(feature.c.fid.desc())
    rows = connection.execute(query.limit(limit), {} if partners is None else {"partners": partners})
    return [(row.fid, Brief(*row[1:])) for row in rows]


_COLUMNS = [feature.c[name] for name in Brief.__dataclass_fields__]
_OF = select(*_COLUMNS).where(feature.c.guid.in_(bindparam("guids", expanding=True)))


def briefs_of(connection: Connection, guids: Iterable[str]) -> Mapping[str, Brief]:
    """The proposals with these guids, by guid; one that is not there is left out."""
    rows = connection.execute(_OF, {"guids": sorted(set(guids))})
    return {row.guid: Brief(**row._mapping) for row in rows}  # noqa: SLF001 - SQLAlchemy's public name
