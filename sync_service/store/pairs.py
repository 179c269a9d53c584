"""Pairs in the store: which card and which feature are one proposal, and the memory of syncing them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple

import orjson
from sqlalchemy import Connection, bindparam, delete, select, update

from sync_service.store import tables
from sync_service.store.dialect import insert
from sync_service.sync.state import CardRef, Owed, Pair, Sides

if TYPE_CHECKING:
    from sync_service.store.database import AnyRow


@dataclass(frozen=True, slots=True)
class StoredPair:
    """A pair with what the engine remembers of its last reading: ticket, digests, and since when the card is gone."""

    pair: Pair
    ticket: int
    fingerprint: str
    detail: str
    gone_since: str | None = None


def find_pair(connection: Connection, board: str, card_id: str, created: int | None = None) -> StoredPair | None:
    """The pair of a card. Without `created`, the newest of that id: boards reuse ids."""
    if created is None:
        row = connection.execute(_NEWEST_PAIR, {"card": card_id}).one_or_none()
    else:
        row = connection.execute(_PAIR, {"card": card_id, "moment": created}).one_or_none()
    return None if row is None else _stored(board, row)


# Made once: making such a statement takes longer than running it.
_OF_CARD = select(tables.pair).where(tables.pair.c.card_id == bindparam("card"))
_PAIR = _OF_CARD.where(tables.pair.c.card_created == bindparam("moment"))
_NEWEST_PAIR = _OF_CARD.order_by(tables.pair.c.card_created.desc()).limit(1)


def pair_of(connection: Connection, board: str, guid: str) -> StoredPair | None:
    """The pair of a feature."""
    row = connection.execute(_PAIR_OF, {"of": guid}).one_or_none()
    return None if row is None else _stored(board, row)


_PAIR_OF = select(tables.pair).where(tables.pair.c.guid == bindparam("of"))


def write_pair(connection: Connection, stored: StoredPair) -> None:
    """Insert or replace a pair."""
    pair = stored.pair
    values = {
        "guid": pair.guid,
        "card_id": pair.card.id,
        "card_created": pair.card.created,
        "project_id": pair.project_id,
        "ticket": stored.ticket,
        "fingerprint": stored.fingerprint,
        "detail": stored.detail,
        "state": _dump(pair),
        "gone_since": stored.gone_since,
    }
    connection.execute(_WRITE_PAIR, values)


_INSERT_PAIR = insert(tables.pair)
_WRITE_PAIR = _INSERT_PAIR.on_conflict_do_update(
    index_elements=["guid"], set_={c.name: c for c in _INSERT_PAIR.excluded if c.name != "guid"}
)


class KnownCard(NamedTuple):
    """What a sweep compares a listing with. A tuple: every sweep makes one for each card."""

    card_id: str
    created: int
    project_id: str
    fingerprint: str
    gone: bool


def known_cards(connection: Connection) -> list[KnownCard]:
    """Every card that has a feature which is not retired."""
    return [KnownCard._make(row) for row in connection.execute(_KNOWN)]


_KNOWN = (
    select(
        tables.pair.c.card_id,
        tables.pair.c.card_created,
        tables.pair.c.project_id,
        tables.pair.c.fingerprint,
        tables.pair.c.gone_since.is_not(None),
    )
    .join(tables.feature, tables.pair.c.guid == tables.feature.c.guid)
    .where(tables.feature.c.visibility != "retired")
)


def drop_pair(connection: Connection, guid: str) -> None:
    """Forget which card a proposal was paired with: it is given a new one."""
    connection.execute(delete(tables.pair).where(tables.pair.c.guid == guid))


def unpaired_features(connection: Connection) -> list[str]:
    """Guids of the features that have no card: drawn on the map, or waiting for a new one."""
    return list(connection.execute(_UNPAIRED).scalars())


_UNPAIRED = (
    select(tables.feature.c.guid)
    .outerjoin(tables.pair, tables.pair.c.guid == tables.feature.c.guid)
    .where(tables.pair.c.guid.is_(None), tables.feature.c.visibility != "retired")
    .order_by(tables.feature.c.fid)
)


def overtake(connection: Connection, guid: str, ticket: int) -> None:
    """Have readings of the card with an earlier ticket be read again: we have written on it since."""
    connection.execute(_OVERTAKE, {"of": guid, "by": ticket})


_OVERTAKE = update(tables.pair).where(tables.pair.c.guid == bindparam("of")).values(ticket=bindparam("by"))


def forget_fingerprints(connection: Connection) -> None:
    """Have every card read again by the next sweep: something its reading depends on has changed."""
    connection.execute(update(tables.pair).values(fingerprint=""))


def _dump(pair: Pair) -> str:
    state = asdict(pair)
    for outside in ("guid", "card", "project_id"):
        del state[outside]
    return orjson.dumps(state, option=orjson.OPT_SORT_KEYS).decode()


def _stored(board: str, row: AnyRow) -> StoredPair:
    state = orjson.loads(row.state)
    pair = Pair(
        guid=row.guid,
        card=CardRef(board, row.card_id, row.card_created),
        project_id=row.project_id,
        agreed=state["agreed"],
        owed={name: Owed(**value) for name, value in state["owed"].items()},
        replaced=state["replaced"],
        lines=state["lines"],
        noted=state["noted"],
        clashing={name: Sides(**value) for name, value in state["clashing"].items()},
        place_text=state["place_text"],
        told=state["told"],
        telling=state["telling"],
        voiced=tuple(state.get("voiced", ())),
        tagging=state.get("tagging", False),
        gone=state["gone"],
        doubted=tuple(state.get("doubted", ())),
        rewound=state.get("rewound", False),
        recalled=state.get("recalled"),
    )
    return StoredPair(pair, row.ticket, row.fingerprint, row.detail, row.gone_since)


def ids_reused(connection: Connection, card_id: str, created: int) -> list[int]:
    """Creation times of other cards known by this id that still have a feature to take away."""
    return list(connection.execute(_REUSED, {"card": card_id, "moment": created}).scalars())


_REUSED = (
    select(tables.pair.c.card_created)
    .join(tables.feature, tables.pair.c.guid == tables.feature.c.guid)
    .where(tables.pair.c.card_id == bindparam("card"), tables.pair.c.card_created != bindparam("moment"))
    .where(tables.feature.c.visibility != "retired")
)
