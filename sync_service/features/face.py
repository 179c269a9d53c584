"""What every address of the OGC API shares: the store, the settings, and what they make of a request."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from flask import request

from sync_service import __version__
from sync_service.access import person_of
from sync_service.errors import NotFound, Unauthenticated
from sync_service.features import schemas
from sync_service.features.answers import Memo
from sync_service.features.asking import Ask, read_ask
from sync_service.features.crs import Crs, offered_crs
from sync_service.features.items import Shelf
from sync_service.features.moments import today_in
from sync_service.features.params import Reader
from sync_service.features.validators import Tag, make_digest
from sync_service.store import queries
from sync_service.store.collections import COLLECTIONS, Collection
from sync_service.store.filters import property_column, public_column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from sync_service.settings import Settings
    from sync_service.store.database import Database


@dataclass(frozen=True)
class Face:
    """The store as the OGC API shows it."""

    database: Database
    settings: Settings
    now: Callable[[], datetime]
    memo: Memo = field(default_factory=Memo)

    @cached_property
    def root(self) -> str:
        """Address of `/ogc`."""
        return f"{self.settings.public_url}/ogc"

    @cached_property
    def offered(self) -> Mapping[str, Crs]:
        """Coordinate systems by URI."""
        return offered_crs(self.settings.crs)

    @cached_property
    def fingerprint(self) -> str:
        """What in the code and the settings an answer depends on."""
        written = ("editable", *self.settings.native_edits)
        return make_digest(__version__, self.root, self.settings.publish, *self.offered, *written)

    def editable(self, collection: Collection) -> bool:
        """Whether it is switched on for writing at all."""
        return collection.name in self.settings.native_edits

    @property
    def today(self) -> str:
        """The local date."""
        return today_in(self.settings.timezone, self.now())

    def ask(self, *names: str) -> Ask:
        """The request, if it has no parameters but these."""
        ask = read_ask(request, self.root, person_of(request))
        ask.expect(names)
        return ask

    def collection(self, ask: Ask, name: str) -> Collection:
        """A collection whoever asks may read. NotFound, or Unauthenticated."""
        found = COLLECTIONS.get(name)
        if found is None:
            raise NotFound("collection", name=name)
        if not (found.public or ask.working):
            raise Unauthenticated(name=name)
        return found

    def readable(self, ask: Ask) -> list[Collection]:
        """All of them."""
        return [each for each in COLLECTIONS.values() if each.public or ask.working]

    def reader(self, collection: Collection) -> Reader:
        """What reads the parameters of its items."""
        column = public_column if collection.public else property_column
        return Reader(schemas.fields_of(collection), column, self.offered, self.settings.timezone)

    @contextmanager
    def shelf(self, collection: Collection) -> Iterator[Shelf]:
        """The collection on one snapshot."""
        empty = collection.public and not self.settings.publish
        with self.database.reading() as connection:
            state = queries.read_state(connection, collection.name)
            yield Shelf(connection, collection, state, empty, self.today, self.memo)

    def tag(self, ask: Ask, *parts: object, version: str = "") -> Tag:
        """Validator of an answer to this request that depends on these, too."""
        asked = ask.working, ask.editing, ask.path, ask.query
        return Tag(make_digest(self.fingerprint, *asked, *parts), version)
