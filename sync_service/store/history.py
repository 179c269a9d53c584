"""The history as the service itself asks it: what a feature was at a version, who set what last, what a push did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import bindparam, select

from sync_service.store.features import with_values
from sync_service.store.tables import history

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from sync_service.store.database import AnyRow
    from sync_service.sync.state import Feature
    from sync_service.sync.values import Value


@dataclass(frozen=True, slots=True)
class Past:
    """One write of a feature: where it came from, and the flat values that differ, before and after it.

    `before` is None for the write that made the feature. `version` is the feature's after it. `who_id` tells the person
    from others of the same name; None where an older release kept only that.
    """

    id: int
    guid: str
    at: str
    source: str
    who: str | None
    push: str | None
    version: int | None
    before: Mapping[str, Value] | None
    after: Mapping[str, Value]
    who_id: str | None = None

    @property
    def hand(self) -> str:
        """Who did it: a person if known, else where it came from."""
        return self.who or self.source


def features_at(connection: Connection, wanted: Sequence[tuple[Feature, int]]) -> dict[str, Feature | None]:
    """Features, each as it was at an earlier version, by guid: None where the history does not reach back whole."""
    found = {feature.guid: feature if version == feature.version else None for feature, version in wanted}
    older = [(feature, version) for feature, version in wanted if 1 <= version < feature.version]
    if not older:
        return found
    least = min(version for _, version in older)
    later: dict[str, list[Past]] = {}
    for past in read_pasts(connection.execute(_AFTER, {"of": [feature.guid for feature, _ in older], "since": least})):
        later.setdefault(past.guid, []).append(past)
    return found | {feature.guid: _rewind(feature, version, later.get(feature.guid, [])) for feature, version in older}


def _rewind(current: Feature, version: int, newest_first: Sequence[Past]) -> Feature | None:
    later = [past for past in newest_first if past.version is not None and past.version > version]
    if [past.version for past in later] != list(range(current.version, version, -1)):
        return None
    undone: dict[str, Value] = {}
    for past in later:
        undone |= past.before or {}
    return with_values(current, undone)


def last_write(connection: Connection, guid: str, names: Collection[str]) -> Past | None:
    """The newest write of any of these flat values."""
    for past in read_pasts(connection.execute(_NEWEST, {"of": guid})):
        if any(name in past.after for name in names):
            return past
    return None


def emptied(connection: Connection, guid: str, names: Collection[str]) -> dict[str, Value]:
    """What these flat values were, of those that are empty now because somebody emptied them."""
    found: dict[str, Value] = {}
    for past in read_pasts(connection.execute(_NEWEST, {"of": guid})) if names else ():
        found |= {name: (past.before or {}).get(name) for name in names if name in past.after and name not in found}
    return {name: value for name, value in found.items() if value is not None}


def pasts_of(connection: Connection, guid: str, *, before: int | None = None, limit: int = 100) -> Sequence[Past]:
    """What happened to a proposal, newest first; `before` is the id the last page ended with."""
    return read_pasts(connection.execute(_PAGE, {"of": guid, "before": before or _ENDLESS, "most": limit}))


def past_with(connection: Connection, guid: str, past_id: int) -> Past | None:
    """One write of a proposal by its id."""
    return next(iter(read_pasts(connection.execute(_WITH, {"of": guid, "this": past_id}))), None)


def pasts_in(connection: Connection, push: str) -> Sequence[Past]:
    """What a push wrote, in the order in which it did."""
    return read_pasts(connection.execute(_IN_PUSH, {"push": push}))


_ENDLESS = 2**63 - 1
_h = history.c
_NEWEST = select(history).where(_h.guid == bindparam("of")).order_by(_h.id.desc())
_AFTER = (
    select(history)
    .where(_h.guid.in_(bindparam("of", expanding=True)), _h.version > bindparam("since"))
    .order_by(_h.id.desc())
)
_PAGE = _NEWEST.where(_h.id < bindparam("before")).limit(bindparam("most"))
_WITH = _NEWEST.where(_h.id == bindparam("this"))
_IN_PUSH = select(history).where(_h.push == bindparam("push")).order_by(_h.id)


def read_pasts(rows: Iterable[AnyRow]) -> Sequence[Past]:
    """Rows of the history as values, in their order."""
    return [_past(row) for row in rows]


def _past(row: AnyRow) -> Past:
    return Past(
        id=row.id,
        guid=row.guid,
        at=row.at,
        source=row.source,
        who=row.who,
        push=row.push,
        version=row.version,
        before=None if row.before is None else orjson.loads(row.before),
        after=orjson.loads(row.after or "{}"),
        who_id=row.who_id,
    )
