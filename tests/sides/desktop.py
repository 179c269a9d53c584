"""Somebody at QGIS with a working copy, without QGIS: each doing is one method. Some of what is said over the wire is
lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import shapely

from placecard.core.copyfile.clashes import kept_clashes, take_resolved
from placecard.core.copyfile.edits import ADDED, UNPLACED, discard, join, local_edits, mend, place, placement
from placecard.core.errors import Refused, Unreachable
from tests.sides.day import PLACE, as_kept
from tests.simulation.oracle import LOOKED
from tests.simulation.words import SHARED, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from placecard.core.copyfile.edits import LocalEdit
    from placecard.core.wire import Clash
    from tests.sides.day import Day, Doings
    from tests.simulation.oracle import Edit

_WORDS = ("citywide", "none", "unplaced")
_OWN = ("fid", "layer", "geometry", "guid")


class Desktop:
    """A person with a working copy."""

    def __init__(self, day: Day, name: str) -> None:
        self.day = day
        self.name = name
        self.seat = day.office.seat(name)

    @property
    def doings(self) -> Doings:
        return {
            self.type_in: 8,
            self.drag: 3,
            self.drop: 4,
            self.word: 2,
            self.delete: 1,
            self.draw: 2,
            self.paste: 1,
            self.discard: 1,
            self.pull: 5,
            self.push: 8,
        }

    # --- editing

    def _guid(self) -> str | None:
        """A proposal of the copy, by its title: guids differ from run to run."""
        rows = sorted(self.seat.rows(), key=lambda row: str(row["title"]))
        return str(self.day.dice.choice(rows)["guid"]) if rows else None

    def type_in(self) -> str | None:
        guid = self._guid()
        if guid is None or len(self.seat.rows(guid)) != 1:
            return None
        name = self.day.dice.choice(SHARED)
        before = self.seat.row(guid)[name]
        value = None if self.day.dice.random() < 0.1 else self.day.fresh(name)
        if before == value:
            return None
        self.seat.edit(guid, **{name: value})
        # A map that says again what both had agreed on has edited nothing, and a newer word of the card stands: an
        # empty field may be that, so it is not held to stand.
        self._record(guid, name, LOOKED if value is None else value, {before})
        return f"{self.name} types {name} = {shown(value)} over {shown(before)} into {guid}"

    def drag(self) -> str | None:
        guid = self._guid()
        shape = next((row["geometry"] for row in self._rows(guid) if row["geometry"] is not None), None)
        if guid is None or shape is None:
            return None
        self.day.number += 1
        step = 1e-5 * self.day.number
        seen = self._places(guid)
        self.seat.move(guid, shapely.transform(shape, lambda points: points + step))
        self._record_place(guid, seen)
        return f"{self.name} drags {guid} by {step:.5f}"

    def drop(self) -> str | None:
        guid = self._guid()
        if guid is None:
            return None
        shape, seen = self.day.fresh_shape(), self._places(guid)
        place(self.seat.copy, guid, shape.wkb)
        self._record_place(guid, seen)
        return f"{self.name} drops {guid} at {shape}"

    def word(self) -> str | None:
        guid = self._guid()
        if guid is None:
            return None
        word, seen = self.day.dice.choice(_WORDS), self._places(guid)
        placement(self.seat.copy, guid, word)
        if seen != {None}:
            self._record_place(guid, seen)
        return f"{self.name} says that {guid} is {word}"

    def delete(self) -> str | None:
        guid = self._guid()
        if guid is None:
            return None
        edit, seen = self._local(guid), self._places(guid)
        self.seat.delete(guid)
        if edit is not None and edit.kind == ADDED:
            self._withdraw(guid)  # what was drawn and is deleted before the service has it was never there
        elif seen != {None}:
            self._record_place(guid, seen)
        return f"{self.name} deletes {guid}"

    def draw(self) -> str:
        shape, horizon = self.day.fresh_shape(), self.day.fresh("horizon")
        guid = self.seat.draw(shape, title=f"Нарисовано {self.day.number}", horizon=horizon)
        self._record(guid, PLACE, as_kept(shape), set())
        self._record(guid, "horizon", horizon, set())
        return f"{self.name} draws {guid} at {shape} with {horizon}"

    def paste(self) -> str | None:
        """A feature copied onto itself: the copy, which has the same guid, is to become a proposal of its own."""
        guid = self._guid()
        if guid is None:
            return None
        self.day.number += 1
        row = self.seat.rows(guid)[0]
        values = {name: value for name, value in row.items() if name not in _OWN}
        self.seat.draw(row["geometry"], guid, **{**values, "title": f"Копия {self.day.number}"})
        return f"{self.name} pastes a copy of {guid}"

    def discard(self, guid: str | None = None) -> str | None:
        guid = guid or self._guid()
        edit = None if guid is None else self._local(guid)
        if guid is None or edit is None:
            return None
        self._withdraw(guid, None if edit.kind == ADDED else _names(edit))
        discard(self.seat.copy, guid)
        return f"{self.name} takes the edits of {guid} back"

    def _local(self, guid: str) -> LocalEdit | None:
        """What is edited of a proposal and was not sent yet."""
        return next((edit for edit in local_edits(self.seat.copy) if edit.guid == guid), None)

    # --- over the wire

    def pull(self) -> str:
        return f"{self.name} pulls: {self._over_the_wire(self.seat.pull)}"

    def push(self) -> str:
        return f"{self.name} pushes: {self._over_the_wire(self.seat.push)}"

    def _over_the_wire(self, act: Callable[[], Any]) -> str:
        dice = self.day.dice
        self.seat.transport.lose = lambda _: dice.choice([None, None, None, None, None, "request", "answer"])
        try:
            return str(act())
        except Unreachable as lost:
            return str(lost)
        finally:
            self.seat.transport.lose = lambda _: None
            self._see_clashes()

    # --- at the end of the day

    def finish(self) -> None:
        """Push everything, settle every clash, and have what came of it."""
        for guid in mend(self.seat.copy).doubtful:
            seen = self._places(guid)
            join(self.seat.copy, guid)
            self._record(guid, PLACE, LOOKED, seen)
        self.seat.push()
        for edit in local_edits(self.seat.copy):
            if edit.code is not None or edit.readonly or edit.problem is not None:
                self.discard(edit.guid)
        self.seat.pull()
        self._see_clashes()
        self._resolve()
        self.seat.pull()

    def _resolve(self) -> None:
        for clash in self.open_clashes():
            side = self.day.dice.choice(["theirs", "mine"])
            fields = {name: getattr(sides, side) for name, sides in clash.fields.items()}
            told: dict[str, Any] = {} if clash.geometry is None else {PLACE: getattr(clash.geometry, side)}
            shows = self._places(clash.guid)
            assert clash.id is not None
            assert clash.revision is not None
            try:
                resolved = self.seat.service.resolve(clash.id, clash.revision, fields, **told)
            except Refused as error:
                # Resolving one may move another of the same proposal, or close it; the next pull tells.
                if error.data["status"] not in {404, 409}:
                    raise
                continue
            take_resolved(self.seat.copy, clash, resolved)
            for name, sides in _sides(clash):
                self._record(clash.guid, name, LOOKED, sides - {_chosen(name, fields, told)})
            if "placement" in fields and clash.geometry is None:
                self._record(clash.guid, PLACE, LOOKED, shows)
            self.day.trace.append(f"{self.name} resolves {clash.reason} of {clash.guid} by {side}")

    def open_clashes(self) -> list[Clash]:
        """What can be settled here: not that a card is gone."""
        return [clash for clash in kept_clashes(self.seat.copy) if clash.reason != "gone"]

    # --- the book

    def _rows(self, guid: str | None) -> list[dict[str, Any]]:
        return [] if guid is None else self.seat.rows(guid)

    def _places(self, guid: str) -> set[bytes | None]:
        """Where the copy shows a proposal; None where it shows no place."""
        return {as_kept(row["geometry"]) for row in self.seat.rows(guid)} or {None}

    def _record_place(self, guid: str, seen: set[Any]) -> None:
        """The place is what the copy shows now, over what it showed. Where that is as it was, nothing is edited."""
        (now,) = self._places(guid)
        edit = self._local(guid)
        edited = edit is not None and PLACE in _names(edit) and (now, edit.before) != (None, None)
        self._record(guid, PLACE, now if edited else LOOKED, seen)

    def _record(self, guid: str, name: str, value: Any, seen: set[Any]) -> None:
        self.day.oracle.record(self.name, ("guid", guid), name, value, seen)
        self._see_clashes()

    def _own(self, guid: str, name: str | None = None) -> list[Edit]:
        return [
            edit
            for edit in self.day.oracle.edits
            if (edit.who, edit.key) == (self.name, ("guid", guid)) and name in (None, edit.field)
        ]

    def _withdraw(self, guid: str, names: set[str] | None = None) -> None:
        """Own edits of these fields, or of all, need not stand."""
        for own in self._own(guid):
            own.refused |= names is None or own.field in names

    def _see_clashes(self) -> None:
        """Who has edited a field and lets that stand knows both sides of the clash about it: the copy shows them."""
        waiting = {edit.guid: _names(edit) for edit in local_edits(self.seat.copy)}
        for clash in kept_clashes(self.seat.copy):
            for name, sides in _sides(clash):
                newest = next(reversed(self._own(clash.guid, name)), None)
                if newest is None or newest.value in sides or name not in waiting.get(clash.guid, ()):
                    continue
                if not sides <= newest.saw:
                    newest.saw |= sides
                    self.day.oracle.happened(newest)


def _names(edit: LocalEdit) -> set[str]:
    """The names an edit speaks of, also those that wait for a clash."""
    moved = edit.geometry is not None or edit.kind == UNPLACED or "placement" in edit.set
    return {*edit.set, *edit.clashing, *({PLACE} if moved else ())}


def _sides(clash: Clash) -> Iterator[tuple[str, set[Any]]]:
    for name in SHARED:
        if name in clash.fields:
            yield name, {clash.fields[name].theirs, clash.fields[name].mine}
    if clash.geometry is not None:
        yield PLACE, {_kept(clash.geometry.theirs), _kept(clash.geometry.mine)}


def _chosen(name: str, fields: dict[str, Any], told: dict[str, Any]) -> Any:
    return _kept(told[PLACE]) if name == PLACE else fields[name]


def _kept(wkb: Any) -> bytes | None:
    return None if wkb is None else as_kept(shapely.from_wkb(wkb))
