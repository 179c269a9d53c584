"""Addresses that wait for a remote geocoder, and the answers kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, delete, select, update

from sync_service.store.clock import stamp, utc_now
from sync_service.store.dialect import insert
from sync_service.store.tables import geocode, lookup

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sync_service.store.database import Database


@dataclass(frozen=True, slots=True)
class Lookup:
    """An address to be asked, and the card it stands on."""

    address: str
    card_id: str
    attempts: int


def want_lookups(connection: Connection, addresses: Iterable[str], card_id: str, now: datetime) -> None:
    """Have these addresses looked up for a card; what it wanted before and no longer does is forgotten."""
    wanted = list(dict.fromkeys(addresses))
    if not wanted:
        connection.execute(_FORGET, {"card": card_id})
        return
    connection.execute(_UNWANTED, {"card": card_id, "wanted": wanted})
    for address in wanted:
        row = {"address": address, "card_id": card_id, "attempts": 0, "run_after": stamp(now)}
        connection.execute(insert(lookup).values(row).on_conflict_do_nothing())


# Made once: making such a statement takes longer than running it.
_FORGET = delete(lookup).where(lookup.c.card_id == bindparam("card"))
_UNWANTED = _FORGET.where(lookup.c.address.not_in(bindparam("wanted", expanding=True)))


def due_lookup(connection: Connection, now: datetime) -> Lookup | None:
    """The address that has waited longest and may be asked now."""
    query = select(lookup.c.address, lookup.c.card_id, lookup.c.attempts).where(lookup.c.run_after <= stamp(now))
    row = connection.execute(query.order_by(lookup.c.run_after).limit(1)).one_or_none()
    return None if row is None else Lookup(*row)


def settle_lookup(connection: Connection, address: str) -> Sequence[str]:
    """The address was answered: forget it, and give the cards it stands on."""
    gone = delete(lookup).where(lookup.c.address == address).returning(lookup.c.card_id)
    return list(connection.execute(gone).scalars())


def postpone_lookup(connection: Connection, item: Lookup, run_after: datetime) -> None:
    """The geocoder gave no answer: ask later."""
    values = {"attempts": item.attempts + 1, "run_after": stamp(run_after)}
    connection.execute(update(lookup).where(lookup.c.address == item.address).values(values))


class StoredGeocodes:
    """The geocoder's cache, kept in the store (`sync_service.places.geocoders.GeocodeCache`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, provider: str, query: str) -> str | None:
        """The answer put last, or None."""
        c = geocode.c
        with self._database.reading() as connection:
            wanted = select(c.answer).where(c.provider == provider, c.query == query)
            answer: str | None = connection.execute(wanted).scalar_one_or_none()
            return answer

    def put(self, provider: str, query: str, answer: str) -> None:
        """Keep an answer."""
        row = {"provider": provider, "query": query, "answer": answer, "at": stamp(utc_now())}
        with self._database.writing() as connection:
            fresh = insert(geocode).values(row)
            connection.execute(fresh.on_conflict_do_update(index_elements=["provider", "query"], set_=row))
