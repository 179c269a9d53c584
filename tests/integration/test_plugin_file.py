"""The working copy as a file among others' hands: read by another GeoPackage implementation, locked, logged ahead."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pyogrio
import pytest
import shapely

from placecard.core.copyfile.ahead import WriteAheadLog
from placecard.core.copyfile.copy import WorkingCopy
from placecard.core.copyfile.edits import local_edits, place
from placecard.core.copyfile.layout import LAYERS, PLACED
from placecard.core.errors import CopyBusy
from tests.ogc import AREA, LINE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.seats import Office

THERE = shapely.Point(49.45, 53.55)


def tables(path: Path) -> dict[str, Any]:
    return dict(pyogrio.list_layers(path).tolist())


def test_another_implementation_reads_every_layer(full_office: Office) -> None:
    seat = full_office.seat()
    assert tables(seat.copy.path) == {
        "placecard_points": "MultiPoint",
        "placecard_lines": "MultiLineString",
        "placecard_areas": "MultiPolygon",
        "placecard_districts": "MultiPolygon",
        "placecard_unplaced": None,
        "placecard_changes": None,
    }
    for layer in LAYERS:
        table, mine = f"placecard_{layer}", [row for row in seat.rows() if row["layer"] == layer]
        frame = pyogrio.read_dataframe(seat.copy.path, layer=table)
        assert sorted(frame["guid"]) == sorted(row["guid"] for row in mine)
        if layer in PLACED:
            told = pyogrio.read_info(seat.copy.path, layer=table)
            assert told["crs"] == "EPSG:4326"
            bounds = shapely.union_all([row["geometry"] for row in mine]).bounds
            assert told["total_bounds"] == pytest.approx(bounds, abs=1e-5)
    info = pyogrio.read_info(seat.copy.path, layer="placecard_points")
    types = dict(zip(info["fields"].tolist(), info["dtypes"].tolist(), strict=True))
    assert (types["blocked"], types["horizon"], types["due"], types["created"]) == (
        "bool",
        "int64",
        "datetime64[D]",
        "datetime64[ms]",
    )


def test_index_has_what_the_first_pull_and_the_later_ones_brought(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    new = town.plant(THERE)
    town.change(town.planted[2], shape=shapely.LineString([(49.44, 53.54), (49.46, 53.56)]))
    seat.pull()
    place(seat.copy, town.planted[5], THERE.buffer(0.01).wkb)
    around = (49.449, 53.549, 49.451, 53.551)
    found = {
        layer: set(pyogrio.read_dataframe(seat.copy.path, layer=f"placecard_{layer}", bbox=around)["guid"])
        for layer in PLACED
    }
    assert found == {"points": {new}, "lines": {town.planted[2]}, "areas": {town.planted[5]}}


def test_edits_are_a_layer(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    point, many, line, area, *_ = town.planted
    seat.edit(point, address="ул. Мира, 5", horizon=2035)
    seat.delete(many)
    place(seat.copy, line, AREA.wkb)
    new = seat.draw(LINE, title="Новое")
    told = pyogrio.read_dataframe(seat.copy.path, layer="placecard_changes").set_index("guid")
    assert set(told.index) == {point, many, line, new}
    assert told["change"].to_dict() == {point: "changed", many: "unplaced", line: "changed", new: "added"}
    assert (told["fields"][point], told["title"][new]) == ("address, horizon", "Новое")
    assert area not in told.index


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_file_stays_in_the_mode_it_was_found_in(full_office: Office, mode: str) -> None:
    """QGIS keeps a write-ahead log while it has a layer open."""
    seat, town = full_office.seat(), full_office.exchange.town
    with sqlite3.connect(seat.copy.path) as other:
        assert other.execute(f"PRAGMA journal_mode = {mode}").fetchone() == (mode,)
        before = other.execute("SELECT count(*) FROM placecard_points").fetchone()[0]
        town.plant(THERE)
        seat.pull()
        seat.edit(town.planted[0], horizon=2035)
        seat.push()
        assert other.execute("PRAGMA journal_mode").fetchone() == (mode,)
        assert other.execute("SELECT count(*) FROM placecard_points").fetchone()[0] == before + 1
    other.close()


def test_reader_with_an_open_view_does_not_stop_a_pull(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    other = sqlite3.connect(seat.copy.path, isolation_level=None)
    other.execute("PRAGMA journal_mode = wal")
    other.execute("BEGIN")
    count = "SELECT count(*) FROM placecard_points"
    before = other.execute(count).fetchone()[0]
    town.plant(THERE)
    assert seat.pull().taken == 1
    assert other.execute(count).fetchone()[0] == before
    other.execute("COMMIT")
    assert other.execute(count).fetchone()[0] == before + 1
    other.close()


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """While inside, the file is open in QGIS."""
    log = WriteAheadLog(path)
    try:
        yield
    finally:
        log.leave()


def mode_of(path: Path, wanted: str = "") -> str:
    """The file's journal mode, after another program wanted this one."""
    with closing(sqlite3.connect(path, timeout=0)) as other:
        try:
            return str(other.execute(f"PRAGMA journal_mode {wanted and '= ' + wanted}").fetchone()[0])
        except sqlite3.OperationalError:
            return str(other.execute("PRAGMA journal_mode").fetchone()[0])


def test_log_is_there_while_the_copy_is_open_and_gone_afterwards(full_office: Office) -> None:
    path = full_office.seat().copy.path
    assert mode_of(path) == "delete"
    with logged(path):
        assert mode_of(path) == "wal"
        assert mode_of(path, "delete") == "wal"
    assert mode_of(path) == "delete"
    assert [each.name for each in path.parent.glob(f"{path.name}*")] == [path.name]


def test_two_that_have_the_copy_open_let_it_go_in_either_order(full_office: Office) -> None:
    path = full_office.seat().copy.path
    first, second = WriteAheadLog(path), WriteAheadLog(path)
    first.leave()
    assert mode_of(path) == "wal"
    second.leave()
    assert mode_of(path) == "delete"


def test_log_is_not_begun_where_another_program_writes(full_office: Office) -> None:
    seat = full_office.seat()
    with closing(sqlite3.connect(seat.copy.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with logged(seat.copy.path):
            other.execute("COMMIT")
            assert mode_of(seat.copy.path) == "delete"
            place(seat.copy, full_office.exchange.town.planted[5], THERE.wkb)
    assert len(local_edits(seat.copy)) == 1


READ = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM placecard_points'); c.close()"


def test_log_outlives_a_reader_who_takes_himself_for_the_last(full_office: Office) -> None:
    seat, town = full_office.seat(), full_office.exchange.town
    log = seat.copy.path.with_name(f"{seat.copy.path.name}-wal")
    with logged(seat.copy.path):
        seat.copy.path.read_bytes()  # whatever closes the file in a process takes SQLite's locks from it
        subprocess.run([sys.executable, "-c", READ, str(seat.copy.path)], check=True)
        assert log.exists()
        place(seat.copy, town.planted[5], THERE.wkb)
        assert seat.pull().taken == 0
    assert len(local_edits(seat.copy)) == 1


def test_file_that_is_copied_without_its_log_has_everything(full_office: Office, tmp_path: Path) -> None:
    seat = full_office.seat()
    with logged(seat.copy.path):
        place(seat.copy, full_office.exchange.town.planted[5], THERE.wkb)
        shutil.copy(seat.copy.path, tmp_path / "alone.gpkg")
        alone = WorkingCopy.open(tmp_path / "alone.gpkg")
    assert [each.guid for each in local_edits(alone)] == [full_office.exchange.town.planted[5]]


def test_file_that_another_program_writes_is_busy_and_a_gesture_does_not_wait_for_it(full_office: Office) -> None:
    seat = full_office.seat()
    other = sqlite3.connect(seat.copy.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CopyBusy) as caught:
        place(seat.copy, full_office.exchange.town.planted[5], THERE.wkb)
    assert str(seat.copy.path) in str(caught.value.data["path"])
    other.execute("ROLLBACK")
    other.close()
    assert local_edits(seat.copy) == []


def test_edit_of_a_tool_that_is_saved_with_everything_or_nothing_is_tracked_so(full_office: Office) -> None:
    seat, point = full_office.seat(), full_office.exchange.town.planted[0]
    with seat.tool() as connection:
        connection.execute("BEGIN")
        connection.execute("UPDATE placecard_points SET horizon = 2040 WHERE guid = ?", (point,))
        connection.execute("ROLLBACK")
    assert local_edits(seat.copy) == []
    assert seat.copy.counts().local == 0
