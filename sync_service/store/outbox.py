"""Effects in the store: what is owed to the board, each a desired state, kept until the board has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import Connection, bindparam, delete, exists, func, select, update

from sync_service.store.clock import moment_of, stamp
from sync_service.store.dialect import either, insert
from sync_service.store.tables import effect, pair
from sync_service.sync.decision import Effect, EffectKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sync_service.sync.values import Value


@dataclass(frozen=True, slots=True)
class OwedEffect:
    """An effect as it waits: of which proposal, for which card (None: the card is still to be made)."""

    id: int
    guid: str
    card_id: str | None
    card_created: int | None
    kind: EffectKind
    key: str
    body: Mapping[str, Value]
    version: int
    attempts: int


def owe(connection: Connection, guid: str, effects: Iterable[Effect], now: datetime) -> None:
    """Owe effects: another one under a key replaces what was owed and is tried at once, the same changes nothing."""
    at = stamp(now)
    rows = [
        {
            "guid": guid,
            "key": item.key,
            "kind": item.kind.value,
            "body": orjson.dumps(dict(item.body), option=orjson.OPT_SORT_KEYS).decode(),
            "version": 1,
            "state": "pending",
            "attempts": 0,
            "run_after": at,
            "created": at,
        }
        for item in effects
    ]
    if rows:
        connection.execute(_OWE, rows)


# Made once: making such a statement takes longer than running it.
_INSERT = insert(effect)
_OWE = _INSERT.on_conflict_do_update(
    index_elements=["guid", "key"],
    set_={
        **{name: _INSERT.excluded[name] for name in ("kind", "body", "state", "attempts", "run_after")},
        "version": effect.c.version + 1,
        "error": None,
    },
    where=(effect.c.kind != _INSERT.excluded.kind) | (effect.c.body != _INSERT.excluded.body),
)


def flying_keys(connection: Connection, guid: str, now: datetime) -> frozenset[str]:
    """Keys of the effects of a proposal that somebody is sending this moment."""
    return frozenset(connection.execute(_FLYING, {"of": guid, "now": stamp(now)}).scalars())


_FLYING = select(effect.c.key).where(effect.c.guid == bindparam("of"), effect.c.lease_until > bindparam("now"))


def cancel(connection: Connection, guid: str, keys: Iterable[str]) -> None:
    """Owe these no longer."""
    if wanted := list(keys):
        connection.execute(_CANCEL, {"of": guid, "keys": wanted})


_CANCEL = delete(effect).where(effect.c.guid == bindparam("of"), effect.c.key.in_(bindparam("keys", expanding=True)))


def claim_effects(
    connection: Connection, now: datetime, lease: timedelta, limit: int, guid: str | None = None
) -> Sequence[OwedEffect]:
    """Take the effects that are due, or those of one proposal, for `lease`.

    A claim not settled until then falls due again. While somebody has one effect of a proposal, all of them are his.
    """
    query = _CLAIMABLE if guid is None else _CLAIMABLE.where(effect.c.guid == guid)
    rows = connection.execute(query, {"now": stamp(now), "most": limit}).all()
    if rows:
        connection.execute(_LEASE, [{"this": row.id, "until": stamp(now + lease)} for row in rows])
    return [
        OwedEffect(
            id=row.id,
            guid=row.guid,
            card_id=row.card_id,
            card_created=row.card_created,
            kind=EffectKind(row.kind),
            key=row.key,
            body=orjson.loads(row.body),
            version=row.version,
            attempts=row.attempts,
        )
        for row in rows
    ]


_CLAIMED = effect.alias()
_CLAIMABLE = (
    select(effect, pair.c.card_id, pair.c.card_created)
    .select_from(effect.outerjoin(pair, pair.c.guid == effect.c.guid))
    .where(effect.c.state == "pending", effect.c.run_after <= bindparam("now"))
    .where(~exists().where(_CLAIMED.c.guid == effect.c.guid, _CLAIMED.c.lease_until > bindparam("now")))
    .order_by(effect.c.run_after, effect.c.id)
    .limit(bindparam("most"))
)
_THIS = effect.c.id == bindparam("this")
_LEASE = update(effect).where(_THIS).values(lease_until=bindparam("until"))


def settle_effect(connection: Connection, owed: OwedEffect) -> None:
    """The board has it: owe it no longer, unless something newer replaced it meanwhile; that is due at once."""
    settled = connection.execute(_SETTLE, {"this": owed.id, "as_sent": owed.version}).rowcount
    if not settled:
        connection.execute(_LEASE, {"this": owed.id, "until": None})


_SETTLE = delete(effect).where(_THIS, effect.c.version == bindparam("as_sent"))


def postpone_effect(connection: Connection, owed: OwedEffect, error: str, run_after: datetime, *, counts: bool) -> None:
    """Try again at `run_after`. `counts` false: the board was away, which says nothing against the effect."""
    values = {
        "attempts": owed.attempts + int(counts),
        "error": error,
        "run_after": stamp(run_after),
        "lease_until": None,
    }
    connection.execute(update(effect).where(effect.c.id == owed.id, effect.c.version == owed.version).values(values))


def release_claims(connection: Connection, guid: str | None = None) -> None:
    """Free every claimed effect, or those of one proposal: who claimed it no longer works."""
    held = effect.c.lease_until.is_not(None)
    whose = held if guid is None else held & (effect.c.guid == guid)
    connection.execute(update(effect).where(whose).values(lease_until=None))


def bury_effect(connection: Connection, owed: OwedEffect, error: str) -> None:
    """Give an effect up until the next full sweep; `placecard check` shows it."""
    values = {"state": "dead", "error": error, "lease_until": None}
    connection.execute(update(effect).where(effect.c.id == owed.id, effect.c.version == owed.version).values(values))


def revive_dead(connection: Connection, now: datetime) -> int:
    """Give every dead effect another life; says how many."""
    fresh = {"state": "pending", "attempts": 0, "run_after": stamp(now)}
    return connection.execute(update(effect).where(effect.c.state == "dead").values(fresh)).rowcount


def cancel_all(connection: Connection, guid: str) -> None:
    """Owe nothing of a proposal any longer: its card is gone."""
    connection.execute(delete(effect).where(effect.c.guid == guid))


def errors_beginning(connection: Connection, text: str) -> Sequence[str]:
    """What effects say that wait with an error that begins so, one each."""
    found = select(effect.c.error).where(effect.c.error.startswith(text, autoescape=True)).order_by(effect.c.id)
    return list(connection.execute(found).scalars())


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How many effects wait, how many are dead, the age of the oldest, and the latest error."""

    waiting: int
    dead: int
    oldest: timedelta
    error: str | None


def outbox_state(connection: Connection, now: datetime) -> OutboxState:
    """Measure the outbox."""
    rows = connection.execute(select(effect.c.state, func.count()).group_by(effect.c.state))
    counts: dict[str, int] = {state: count for state, count in rows}  # noqa: C416 - dict() of rows loses the types
    oldest = connection.execute(select(func.min(effect.c.created))).scalar_one()
    error = connection.execute(
        select(effect.c.error).where(effect.c.error.is_not(None)).order_by(effect.c.state, effect.c.id).limit(1),
    ).scalar_one_or_none()
    age = now - moment_of(oldest) if oldest else timedelta(0)
    return OutboxState(counts.get("pending", 0), counts.get("dead", 0), age, error)


def next_effect_due(connection: Connection) -> datetime | None:
    """When the next effect falls due."""
    due = connection.execute(_NEXT_DUE).scalar_one()
    return None if due is None else moment_of(due)


_FREE = func.coalesce(effect.c.lease_until, "")
_NEXT_DUE = select(
    func.min(
        either(
            sqlite=func.max(effect.c.run_after, _FREE),
            postgresql=func.greatest(effect.c.run_after, _FREE),
        )
    )
).where(effect.c.state == "pending")


def any_due(connection: Connection, now: datetime) -> bool:
    """Whether an effect could be claimed now: a cheap look before taking the write lock."""
    due = next_effect_due(connection)
    return due is not None and due <= now
