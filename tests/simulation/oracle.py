"""The oracle: writes down what every person did, and judges the store by it alone.

An edit is one person's word on one field of one proposal, and what that person saw of the field before. It is safe if
it is the present value, or somebody who saw it has put another in its place, or it stands in an open clash. All else
is a loss, but for the excuses, each of which is found from what really happened and counted.
"""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from tests.simulation.words import shown

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping

Key = tuple[str, ...]
"""Which proposal: ("card", id, creation time) or ("guid", guid)."""

BOARD = "moderator"
"""Whoever edits on the board."""


AWAY = "said on a card that left the project"


class _Looked:
    """The value of an edit that only says: I saw, and let it be."""


LOOKED = _Looked()


@dataclass(slots=True)
class Edit:
    """One person's word on one field, and the values that person saw before.

    `at` is when it was said, as the store writes times. `excuse`: why it may be lost.
    """

    number: int
    at: str
    who: str
    key: Key
    field: str
    value: Any
    saw: frozenset[Any]
    excuse: str | None = None
    refused: bool = False  # its author was told so
    was: frozenset[Any] = frozenset()  # what its author saw, when it was put back later
    taken: str | None = None  # why a side that was put back may have taken it along
    clashed: bool = False  # it was kept in a clash when it came
    carried: bool = False  # said on the map, and only its card had it, or was told of it, when the store was put back

    def withdraw(self) -> None:
        """Its author has put it back: as if it had never been."""
        self.refused, self.was, self.saw = True, self.was | self.saw, frozenset()

    def __str__(self) -> str:
        return f"edit {self.number} by {self.who}: {self.field} = {shown(self.value)} of {' '.join(self.key)}"


@dataclass(slots=True)
class Oracle:
    """What people did in one run. `guid_of` tells which proposal a card is, as far as that is known; `clock` the time.

    `removed` are cards a person removed, with what they showed of each field then. `strays` are the titles of cards
    that left the project before the service knew them.
    """

    guid_of: Callable[[Key], str | None]
    clock: Callable[[], str]
    edits: list[Edit] = field(default_factory=list)
    removed: dict[Key, Mapping[str, set[Any]]] = field(default_factory=dict)
    strays: set[str] = field(default_factory=set)
    excuses: Counter[str] = field(default_factory=Counter)
    moment: int = 0  # the number of the edit that came about last
    _guids: dict[Key, str] = field(default_factory=dict)

    def record(self, who: str, key: Key, name: str, value: Any, saw: Iterable[Any]) -> Edit:
        """Somebody said this of a field, having seen these values of it."""
        edit = Edit(0, self.clock(), who, key, name, value, frozenset(saw))
        self.happened(edit)
        self.edits.append(edit)
        self.proposal(key)
        return edit

    def proposal(self, key: Key) -> str | None:
        """Which proposal it is, as far as that is or was known: it may be given another card."""
        if key[0] == "guid":
            return key[1]
        guid = self.guid_of(key)
        if guid is not None:
            self._guids[key] = guid
        return self._guids.get(key)

    def happened(self, edit: Edit) -> None:
        """It was now that an edit came about, later than all others."""
        self.moment += 1
        edit.number, edit.taken = self.moment, None

    def looked(self, key: Key, name: str, saw: Iterable[Any]) -> None:
        """Somebody saw these values and let them go."""
        self.record(BOARD, key, name, LOOKED, saw)

    def let_go(self, key: Key, who: str) -> None:
        """Somebody saw everything there was of a proposal, and said that it shall end."""
        for name in {edit.field for edit in self.edits}:
            values = {edit.value for edit in self.edits if edit.field == name and edit.value is not LOOKED}
            self.record(who, key, name, LOOKED, values)

    def excuse(self, key: Key, name: str, value: Any, why: str, *, since: int = 0) -> None:
        """The newest edit with this value may be lost, if it came about after the moment `since`."""
        keys = (key, ("guid", self.proposal(key)))
        for edit in reversed(self.edits):
            if edit.field == name and edit.value == value and edit.key in keys and edit.number > since:
                edit.excuse = why
                return

    def remove(self, key: Key, faces: Mapping[str, set[Any]]) -> None:
        """A person removed this card, which showed these values then."""
        self.removed[key] = faces

    def unremove(self, keys: Iterable[Key]) -> None:
        """These cards are there again: nobody has removed them."""
        for key in keys:
            self.removed.pop(key, None)

    def judge(self, raw: sqlite3.Connection, away: set[Key]) -> list[str]:
        """The losses, each in one line. Of cards that are `away` from the project nothing is read."""
        pairs = raw.execute("SELECT guid, card_id, card_created FROM pair")
        guid_of = self._guids | {("card", card, str(created)): guid for guid, card, created in pairs}
        removed = {guid_of[key]: faces for key, faces in self.removed.items() if key in guid_of}
        groups: dict[tuple[str, str], list[Edit]] = {}
        for edit in self.edits:
            guid = edit.key[1] if edit.key[0] == "guid" else guid_of.get(edit.key)
            if edit.key in away and (edit.key[0] == "card" or edit.carried):
                edit.excuse = AWAY
            if guid is not None:
                groups.setdefault((guid, edit.field), []).append(edit)
        lost = []
        for (guid, name), edits in groups.items():
            _inherit(edits)
            standing = stand(raw, guid, name)
            last_seen = removed[guid][name] if guid in removed else None
            lost += [f"lost: {edit}" for edit in edits if self._is_lost(edit, edits, standing, last_seen)]
        return lost

    def _is_lost(self, edit: Edit, edits: list[Edit], standing: Standing, last_seen: set[Any] | None) -> bool:
        if edit.value is LOOKED or edit.refused or standing.has(edit):
            return False
        if last_seen is not None and (edit.who == BOARD or edit.value in last_seen):
            return False
        if any(later.number > edit.number and edit.value in later.saw for later in edits):
            return False
        excuse = edit.taken or edit.excuse
        if excuse is not None:
            self.excuses[excuse] += 1
        return excuse is None


def _inherit(edits: list[Edit]) -> None:
    """Who saw a value on the card that was put back on the map meanwhile, saw what it had replaced as replaced."""
    for gone in [edit for edit in edits if edit.was]:
        for later in edits:
            if gone.value in later.saw:
                later.saw |= gone.was


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a field's values stand: the present one, those in open clashes, and whether the place is to be checked."""

    present: Any
    clashing: frozenset[Any]
    kept: bool  # the proposal is not retired
    drawn: bool  # the map has set the place: words taken off the card take nothing away
    questioned: bool  # a place set on the map, and a wish that somebody look at it again

    def has(self, edit: Edit) -> bool:
        """Whether an edit stands there."""
        if edit.value in self.clashing or (self.kept and edit.value == self.present):
            return True
        if edit.field != "geometry" or not (edit.who == BOARD or edit.carried):
            return False
        return self.questioned or (self.drawn and edit.value is None)


def stand(raw: sqlite3.Connection, guid: str, name: str) -> Standing:
    """Where the values of a field stand in the store."""
    query = f'SELECT "{name}", visibility, place_hand, place_check FROM feature WHERE guid = ?'
    row = raw.execute(query, (guid,)).fetchone()
    clashing: set[Any] = set()
    for (fields,) in raw.execute("SELECT fields FROM clash WHERE guid = ? AND resolved IS NULL", (guid,)):
        side = orjson.loads(fields).get(name)
        if side is not None:
            clashing |= {plain(name, side["theirs"]), plain(name, side["mine"])}
    if row is None:
        return Standing(LOOKED, frozenset(clashing), kept=False, drawn=False, questioned=False)
    questioned = row[3] is not None
    return Standing(row[0], frozenset(clashing), kept=row[1] != "retired", drawn=row[2] == "map", questioned=questioned)


def known_to(raw: sqlite3.Connection, guid: str, name: str, since: str) -> set[Any]:
    """Every value of a field that the store has read or been told since then, as far as values are told apart."""
    known = set[Any]()
    for (after,) in raw.execute("SELECT after FROM history WHERE guid = ? AND at >= ?", (guid, since)):
        known.add(plain(name, orjson.loads(after).get(name)))
    query = "SELECT fields FROM clash WHERE guid = ? AND (resolved IS NULL OR resolved >= ?)"
    for (fields,) in raw.execute(query, (guid, since)):
        side = orjson.loads(fields).get(name)
        if side is not None:
            known |= {plain(name, side["theirs"]), plain(name, side["mine"])}
    known.discard(None)
    standing = stand(raw, guid, name)
    return known | {standing.present} | standing.clashing


def plain(name: str, value: Any) -> Any:
    """A value as people say it, from how it stands in a clash."""
    return base64.b64decode(value) if name == "geometry" and value is not None else value
