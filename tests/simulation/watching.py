"""A reader of the change feed who looks at every moment: after each commit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from kanban_adapter.memory import Held

_PUBLIC = ("approved", "in_progress", "done")


class FeedReader:
    """Follows the feed by number, and keeps a copy of what the public may see by it."""

    def __init__(self, raw: sqlite3.Connection, limit: int) -> None:
        self._raw = raw
        self.seq = self._number()
        self.copy: dict[str, tuple[object, ...]] = {}
        self.wrong: list[str] = []
        self.limit = limit
        self._newest: dict[str, int] = {}
        self._gone_by: dict[str, str] = {}  # titles that a card bears no more, until it is read again

    def _number(self) -> int:
        return int(self._raw.execute("SELECT seq FROM store").fetchone()[0])

    def forget(self, cards: Mapping[str, Held]) -> None:
        """A side went back in time: what was seen before tells nothing any more; these are the cards now."""
        self._newest.clear()
        self.copy.clear()
        self.seq = self._number()
        self._gone_by.clear()
        query = "SELECT p.guid, title, p.card_id, card_created FROM pair p JOIN feature USING (guid)"
        for guid, title, card_id, created in self._raw.execute(query):
            card = cards.get(card_id)
            if card is not None and card.created == created and card.title != title:
                self._gone_by[guid] = title

    def look(self) -> None:
        """Read what is new, and complain about gaps and about what should not be public."""
        last = self._number()
        if last == self.seq:
            return
        if last < self.seq:
            self.seq = last
            self.copy = {}
            return
        rows = self._raw.execute("SELECT seq, guid FROM change WHERE seq > ? ORDER BY seq", (self.seq,)).fetchall()
        if [seq for seq, _ in rows] != list(range(self.seq + 1, last + 1)):
            self.wrong.append(f"gap: the feed goes from {self.seq} to {last} with {[seq for seq, _ in rows]}")
        self.seq = last
        for guid in sorted({guid for _, guid in rows}):
            self._keep(guid)
            self._follow(guid)
        self._count()
        if self._raw.execute("SELECT gate FROM store").fetchone()[0] != "open":
            self.wrong.append("gate: something was written while it was shut")

    def _keep(self, guid: str) -> None:
        row = self._raw.execute(
            "SELECT version, visibility, stage, title, geometry, horizon FROM feature WHERE guid = ?", (guid,)
        ).fetchone()
        self.copy[guid] = row
        if row is not None and row[1] == "public" and row[2] not in _PUBLIC and not self._waits(guid):
            self.wrong.append(f"public: {guid} at stage {row[2]}")

    def _follow(self, guid: str) -> None:
        """Titles on the board bear growing numbers: one that falls is an older reading, believed after a newer one."""
        title = self.copy[guid][3]
        if title == self._gone_by.get(guid):
            return
        self._gone_by.pop(guid, None)
        found = re.fullmatch(r"Сквер (\d+)", str(title))
        if found is None:
            return
        number = int(found[1])
        if number < self._newest.get(guid, 0):
            self.wrong.append(f"went back: {guid} is called {title!r} after {self._newest[guid]}")
        self._newest[guid] = number

    def _count(self) -> None:
        """No more becomes public, hidden or retired within ten minutes than the limit says, but by a person's word."""
        query = """
            SELECT count(*) FROM change WHERE visibility IS NOT NULL AND by_person = 0
            AND at > (SELECT strftime('%Y-%m-%dT%H:%M:%f', max(at), '-10 minutes') || '000Z' FROM change)
        """
        (count,) = self._raw.execute(query).fetchone()
        if count > self.limit:
            self.wrong.append(f"surge: {count} changes of visibility within ten minutes")

    def _waits(self, guid: str) -> bool:
        query = "SELECT 1 FROM waiting WHERE guid = ? AND topic = 'visibility'"
        return self._raw.execute(query, (guid,)).fetchone() is not None

    def differs(self) -> list[str]:
        """Proposals of which the copy is not what the store has."""
        found = []
        for guid, row in self.copy.items():
            self._keep(guid)
            if self.copy[guid] != row:
                found.append(f"feed: the copy of {guid} is {row}, the store has {self.copy[guid]}")
        return found
