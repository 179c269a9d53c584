"""Two working copies and the board edit at random, and some of what is said between them is lost on the way: in the end
all say the same, and what somebody set and nobody else touched stands."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import shapely
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from placecard.core.copyfile.clashes import kept_clashes, take_resolved
from placecard.core.copyfile.edits import discard, join, local_edits, mend, place, placement
from placecard.core.errors import Refused, Unreachable
from sync_service.store.clashes import open_clashes
from sync_service.sync.values import Visibility
from tests.copies import shape_of
from tests.exchange import open_exchange
from tests.ogc import AREA, LINE, POINT, open_town
from tests.seats import Office, Seat

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from tests.ogc import Town

SHAPES: tuple[BaseGeometry, ...] = (POINT, LINE, AREA, shapely.MultiPoint([(49.5, 53.5), (49.6, 53.6)]))
STREETS = (None, "ул. Мира, 5", "пл. Свободы, 4", "")
PROPOSALS = 6


@dataclass
class Day:
    """What happens in one run. `said` has, by guid and field, everybody who has set it, and the last value."""

    dice: random.Random
    town: Town
    seats: list[Seat]
    said: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    drawn: int = 0

    def guid(self) -> str:
        return self.dice.choice(self.town.planted)

    def seat(self) -> Seat:
        return self.dice.choice(self.seats)

    def happen(self) -> None:
        hands = [self.type_in, self.type_in, self.drag, self.drop, self.delete, self.word, self.draw, self.paste]
        board = [self.board_writes, self.board_moves, self.board_retires]
        self.dice.choice([*hands, *board, self.pull, self.push, self.push, self.discard])()

    # --- hands at a working copy

    def type_in(self) -> None:
        seat, guid = self.seat(), self.guid()
        name, value = self.dice.choice(
            [("address", self.dice.choice(STREETS)), ("horizon", 2030 + self.dice.randrange(9))]
        )
        rows = seat.rows(guid)
        if len(rows) == 1 and (rows[0][name] or None) != (value or None):
            seat.edit(guid, **{name: value})
            self._say(guid, name, seat, value or None)

    def drag(self) -> None:
        seat, guid = self.seat(), self.guid()
        for row in seat.rows(guid):
            if row["geometry"] is not None:
                seat.move(guid, shapely.transform(row["geometry"], lambda points: points + self.dice.choice([0, 1e-4])))
                self._say(guid, "geometry", seat, None)

    def drop(self) -> None:
        seat, guid = self.seat(), self.guid()
        if seat.rows(guid):
            place(seat.copy, guid, self.dice.choice(SHAPES).wkb)
            self._say(guid, "geometry", seat, None)

    def word(self) -> None:
        seat, guid = self.seat(), self.guid()
        if seat.rows(guid):
            placement(seat.copy, guid, self.dice.choice(["citywide", "none", "unplaced"]))
            self._say(guid, "geometry", seat, None)

    def delete(self) -> None:
        seat, guid = self.seat(), self.guid()
        seat.delete(guid)
        self._say(guid, "geometry", seat, None)

    def draw(self) -> None:
        self.drawn += 1
        self.seat().draw(self.dice.choice(SHAPES), title=f"Нарисовано {self.drawn}")

    def paste(self) -> None:
        seat, guid = self.seat(), self.guid()
        for row in seat.rows(guid)[:1]:
            values = {name: value for name, value in row.items() if name not in {"fid", "layer", "geometry", "guid"}}
            seat.draw(row["geometry"], guid, **{**values, "title": f"Копия {self.drawn}"})
            self.drawn += 1

    def discard(self) -> None:
        seat, guid = self.seat(), self.guid()
        if seat.rows(guid):
            discard(seat.copy, guid)
        self.forget(guid)

    def forget(self, guid: str) -> None:
        """What was said of it in a copy may have been taken back."""
        for (other, _), by in self.said.items():
            if other == guid:
                by["discarded"] = True

    # --- the board

    def board_writes(self) -> None:
        guid, value = self.guid(), 2040 + self.dice.randrange(9)
        self.town.change(guid, horizon=value, title=f"Название {value}")
        self._say(guid, "horizon", None, value)

    def board_moves(self) -> None:
        guid = self.guid()
        self.town.change(guid, shape=self.dice.choice(SHAPES), placement="placed")
        self._say(guid, "geometry", None, None)

    def board_retires(self) -> None:
        guid = self.guid()
        if self.dice.random() < 0.2 and not self._clashes(guid):
            self.town.change(guid, visibility=Visibility.RETIRED)
            for name in ("address", "horizon", "geometry"):
                self._say(guid, name, None, None)

    def _clashes(self, guid: str) -> bool:
        with self.town.database.reading() as connection:
            return bool(open_clashes(connection, guid))

    # --- over the wire

    def pull(self) -> None:
        self._try(self.seat(), Seat.pull)

    def push(self) -> None:
        self._try(self.seat(), Seat.push)

    def _try(self, seat: Seat, act: Any) -> None:
        seat.transport.lose = lambda request: self.dice.choice([None, None, None, None, None, "request", "answer"])
        try:
            act(seat)
        except Unreachable:
            pass
        finally:
            seat.transport.lose = lambda request: None

    def _say(self, guid: str, name: str, seat: Seat | None, value: Any) -> None:
        self.said.setdefault((guid, name), {})[str(id(seat))] = value


def rest(day: Day) -> None:
    """Everybody pushes, resolves and pulls until nothing is left to say."""
    for _ in range(4):
        for seat in day.seats:
            for guid in mend(seat.copy).doubtful:
                join(seat.copy, guid)
            seat.push()
            for edit in local_edits(seat.copy):
                if edit.code is not None or edit.readonly or edit.problem is not None:
                    discard(seat.copy, edit.guid)
                    day.forget(edit.guid)
            seat.pull()
            resolve(day, seat)
            seat.pull()


def resolve(day: Day, seat: Seat) -> None:
    for clash in kept_clashes(seat.copy):
        if clash.id is None or clash.revision is None or clash.reason == "gone":
            continue
        side = day.dice.choice(["theirs", "mine"])
        fields = {name: getattr(sides, side) for name, sides in clash.fields.items()}
        told: dict[str, Any] = {} if clash.geometry is None else {"geometry": getattr(clash.geometry, side)}
        try:
            resolved = seat.service.resolve(clash.id, clash.revision, fields, **told)
        except Refused as error:
            # Resolving one may move another of the same proposal, or close it; the next pull tells.
            if error.data["status"] not in {404, 409}:
                raise
        else:
            take_resolved(seat.copy, clash, resolved)
            for name in fields:  # what stands was chosen by a person
                day.said.get((clash.guid, name), {})["resolved"] = True


def state_of(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        guid: {name: row[name] for name in ("title", "address", "horizon", "placement", "geometry", "version")}
        for guid, row in rows.items()
    }


def served(office: Office) -> dict[str, dict[str, Any]]:
    fresh = office.exchange.copy().take().rows
    return {
        guid: {**row["properties"], "version": row["version"], "geometry": shape_of(row["geometry"])}
        for guid, row in fresh.items()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    numbers = iter(range(10**6))
    base = tmp_path_factory.mktemp("sides")

    def make() -> Any:
        path = base / str(next(numbers))
        path.mkdir()
        return path

    return make


# A day of chances is not made simpler by a smaller seed: nothing is shrunk.
@given(st.integers(0, 2**32), st.integers(5, 45))
@settings(max_examples=12, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
def test_all_sides_agree_in_the_end(folder: Any, seed: int, events: int) -> None:
    path = folder()
    town = open_town(path / "store.db")
    for number in range(PROPOSALS):
        town.plant((None, *SHAPES)[number % 5], horizon=2030)
    office = Office(open_exchange(town), path)
    day = Day(random.Random(seed), town, [office.seat("А"), office.seat("Б")])
    for _ in range(events):
        day.happen()
    rest(day)
    truth = state_of(served(office))
    for seat in day.seats:
        assert local_edits(seat.copy) == []
        assert (seat.copy.counts().local, kept_clashes(seat.copy)) == (0, [])
        assert state_of({row["guid"]: row for row in seat.rows()}) == truth
        assert len(seat.rows()) == len(truth)
    for (guid, name), by in day.said.items():
        if len(by) == 1 and name != "geometry" and guid in truth:
            (value,) = by.values()
            assert truth[guid][name] == value, (guid, name)
    town.database.close()
