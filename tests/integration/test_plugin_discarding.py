"""Whatever tools do to a working copy, what the service said is kept: discarding every edit brings all of it back."""

from __future__ import annotations

import shutil
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placecard.core.copyfile.copy import WorkingCopy
from placecard.core.copyfile.edits import discard, local_edits, mend, place, placement, set_values
from placecard.core.geometry import to_blob
from tests.ogc import AREA, LINE, POINT
from tests.seats import LAYERS, Seat

if TYPE_CHECKING:
    from tests.seats import Office

SHAPES = {"points": POINT, "lines": LINE, "areas": AREA}
WEST, EAST = shapely.box(49.40, 53.50, 49.41, 53.52), shapely.box(49.41, 53.50, 49.42, 53.52)
NUMBERS = count()

numbers = st.integers(0, 6)
layers = st.sampled_from(LAYERS)
edits = st.lists(
    st.one_of(
        st.tuples(st.just("write"), numbers, st.sampled_from(["address", "title", "stage"]), st.text(max_size=3)),
        st.tuples(st.just("rename"), numbers, st.sampled_from(["guid", "version"]), st.sampled_from([None, "", "x"])),
        st.tuples(st.just("fid"), numbers, st.integers(1000, 1010)),
        st.tuples(st.just("shape"), numbers, st.sampled_from(sorted(SHAPES)), st.floats(-0.1, 0.1)),
        st.tuples(st.just("null"), numbers),
        st.tuples(st.just("delete"), numbers),
        st.tuples(st.just("paste"), numbers, layers),
        st.tuples(st.just("draw"), layers),
        st.tuples(st.just("place"), numbers, st.sampled_from(sorted(SHAPES))),
        st.tuples(st.just("word"), numbers, st.sampled_from(["citywide", "none", "unplaced"])),
        st.tuples(st.just("field"), numbers, st.integers(2030, 2033)),
        st.tuples(st.just("mend")),
    ),
    max_size=12,
)


def as_blob(shape: Any) -> bytes:
    return to_blob(shape.wkb)[1]


class Tools:
    """Hands that know nothing of us, and a few of the plugin's own."""

    def __init__(self, seat: Seat, guids: list[str]) -> None:
        self.seat = seat
        self.guids = guids

    def run(self, statement: str, *values: Any) -> None:
        with self.seat.tool() as connection:
            for layer in LAYERS:
                connection.execute(statement.format(table=f"placecard_{layer}"), values)

    def write(self, number: int, name: str, value: Any) -> None:
        self.run(f'UPDATE {{table}} SET "{name}" = ? WHERE guid = ?', value, self.guids[number])

    def rename(self, number: int, name: str, value: Any) -> None:
        """What belongs to the service, written over."""
        self.run(f'UPDATE {{table}} SET "{name}" = ? WHERE guid = ?', value, self.guids[number])

    def fid(self, number: int, fid: int) -> None:
        """A feature's own number edited."""
        self.run("UPDATE OR IGNORE {table} SET fid = ? WHERE guid = ?", fid, self.guids[number])

    def shape(self, number: int, layer: str, by: float) -> None:
        moved = shapely.transform(SHAPES[layer], lambda points: points + by)
        with self.seat.tool() as connection:
            statement = f"UPDATE placecard_{layer} SET geom = ? WHERE guid = ?"
            connection.execute(statement, (as_blob(moved), self.guids[number]))

    def null(self, number: int) -> None:
        with self.seat.tool() as connection:
            for layer in LAYERS[:3]:
                connection.execute(f"UPDATE placecard_{layer} SET geom = NULL WHERE guid = ?", (self.guids[number],))

    def delete(self, number: int) -> None:
        self.run("DELETE FROM {table} WHERE guid = ?", self.guids[number])

    def paste(self, number: int, layer: str) -> None:
        """A copy with all attributes, the same guid among them."""
        for row in self.seat.rows(self.guids[number])[:1]:
            values = {name: each for name, each in row.items() if name not in {"fid", "layer", "geometry", "guid"}}
            self.seat.draw(SHAPES.get(layer), self.guids[number], **values)

    def draw(self, layer: str) -> None:
        self.seat.draw(SHAPES.get(layer), title="Новое")

    def place(self, number: int, layer: str) -> None:
        if self.seat.rows(self.guids[number]):
            place(self.seat.copy, self.guids[number], SHAPES[layer].wkb)

    def word(self, number: int, kind: str) -> None:
        if self.seat.rows(self.guids[number]):
            placement(self.seat.copy, self.guids[number], kind)

    def field(self, number: int, year: int) -> None:
        if self.seat.rows(self.guids[number]):
            set_values(self.seat.copy, self.guids[number], {"horizon": year})

    def mend(self) -> None:
        mend(self.seat.copy)


@pytest.fixture
def pulled(full_office: Office) -> Seat:
    """A copy as the service has it, to be copied."""
    return full_office.seat()


@given(edits)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_discarding_every_edit_brings_back_what_the_service_said(pulled: Seat, doing: list[tuple[Any, ...]]) -> None:
    path = pulled.copy.path.with_name(f"{next(NUMBERS)}.gpkg")
    shutil.copy(pulled.copy.path, path)
    seat = Seat(pulled.service, pulled.transport, WorkingCopy.open(path))
    before = {row["guid"]: {**row, "fid": 0} for row in seat.rows()}
    tools = Tools(seat, sorted(before))
    for name, *given_ in doing:
        getattr(tools, name)(*given_)
    for edit in local_edits(seat.copy):
        discard(seat.copy, edit.guid)
    mend(seat.copy)
    for edit in local_edits(seat.copy):
        discard(seat.copy, edit.guid)
    after = [{**row, "fid": 0} for row in seat.rows()]
    assert {row["guid"]: row for row in after} == before
    assert len(after) == len(before)
    assert seat.copy.counts().local == 0
    path.unlink()
