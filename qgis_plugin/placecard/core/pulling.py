"""Pulling: the copy follows the service, and loses no edit of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Callable

from placecard.core.copyfile.clashes import take_clashes
from placecard.core.copyfile.taking import (
    Taken,
    begin_first,
    finish_first,
    finish_snapshot,
    set_districts,
    take_capabilities,
    take_changes,
    take_first,
    take_rows,
)
from placecard.core.errors import Cancelled, CursorVoid, Outdated
from placecard.core.wire import text_of

if TYPE_CHECKING:
    from placecard.core.copyfile.copy import WorkingCopy
    from placecard.core.service import Service

Progress = Callable[[float, str], None]
"""Told how much is done (0..1) and the key of what is being done."""


@dataclass(frozen=True)
class Pulled:
    """What came: proposals `taken` and `removed`; `held` back because they are edited here; `fresh`: made anew."""

    taken: int
    removed: int
    held: int
    fresh: bool


def pull(service: Service, copy: WorkingCopy, progress: Progress, cancelled: Callable[[], bool]) -> Pulled:
    """Have everything that changed. A void cursor makes the copy anew, in the same file, keeping local edits.

    Raises Cancelled with the copy as it was before the page that was under way.
    """
    work = _Pull(service, copy, progress, cancelled)
    fresh, taken = False, Taken()
    if copy.whole:
        try:
            taken = work.changes()
        except (CursorVoid, Outdated) as error:
            if isinstance(error, Outdated) and error.data.get("reason") != "schema":
                raise
            fresh = True
    if fresh or not copy.whole:
        fresh, taken = True, work.snapshot()
    work.beside()
    progress(1.0, "pull.writing")
    return Pulled(taken.taken, taken.removed, taken.held, fresh)


class _Pull:
    def __init__(self, service: Service, copy: WorkingCopy, progress: Progress, cancelled: Callable[[], bool]) -> None:
        self.service, self.copy = service, copy
        self.progress, self.cancelled = progress, cancelled
        self.facts = copy.facts
        self.pages = 0

    def _step(self, key: str) -> None:
        # How many pages there will be nobody knows: each is half of what seems left.
        if self.cancelled():
            raise Cancelled
        self.progress(0.9 * (1 - 0.5**self.pages), key)
        self.pages += 1

    def changes(self) -> Taken:
        """The changes since, page by page, each with its cursor in one transaction."""
        taken = Taken()
        self._step("pull.changes")
        for page in self.service.changes(self.facts.cursor or ""):
            self._check_schema(page.schema_rev)
            taken += take_changes(self.copy, page.changes, page.cursor, last=not page.more)
            if page.more:
                self._step("pull.changes")
        return taken

    def _check_schema(self, schema_rev: str) -> None:
        if schema_rev != self.facts.schema_rev:
            raise Outdated(reason="schema", schema_rev=schema_rev)

    def snapshot(self) -> Taken:
        """Everything anew. What is edited here stays; the cursor moves when all is there."""
        first = not self.copy.whole
        if first:
            begin_first(self.copy)
        else:
            self._know_properties()
        taken, cursor = Taken(), ""
        seen: set[str] = set()
        self._step("pull.rows")
        for page in self.service.snapshot(self.facts.box):
            self._check_schema(page.schema_rev)
            taken += (take_first if first else take_rows)(self.copy, page.rows)
            seen.update(row.guid for row in page.rows)
            cursor = page.cursor
            self._step("pull.rows")
        if first:
            finish_first(self.copy, cursor)
            return taken
        return taken + finish_snapshot(self.copy, seen, cursor)

    def _know_properties(self) -> None:
        """The service may tell other properties than it did: the copy gets columns for them."""
        now = self.service.capabilities(anew=True)
        if now.schema_rev != self.facts.schema_rev:
            take_capabilities(self.copy, now)
            self.facts = self.copy.facts

    def beside(self) -> None:
        """What stands beside the proposals: the open clashes, the districts."""
        self._step("pull.writing")
        take_clashes(self.copy, self.service.clashes())
        districts = self.service.districts()
        tag = sha256(json.dumps({name: text_of(wkb) for name, wkb in districts.items()}).encode()).hexdigest()
        with self.copy.reading() as book:
            known = book.fact("districts")
        if tag != known:
            set_districts(self.copy, districts, tag)
