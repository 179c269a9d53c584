"""The plugin killed at its writes, in a pull, a push, and in what settles it: the file opens, nothing is lost, and what
is done again is not done twice."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
import shapely

from placecard.core.copyfile.clashes import kept_clashes
from placecard.core.copyfile.copy import WorkingCopy
from placecard.core.copyfile.edits import local_edits
from placecard.core.errors import NotACopy
from placecard.core.pulling import pull
from placecard.core.pushing import push
from placecard.core.service import Service
from sync_service.sync.values import Visibility
from tests.killing import NEVER, HttpTransport, points, run_killed
from tests.ogc import AREA, LINE, POINT
from tests.qgis.desktop import serving
from tests.seats import FlaskTransport, Office, Seat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.exchange import Exchange

THERE = shapely.Point(49.4, 53.51)
MOST = 30


@pytest.fixture
def live(exchange: Exchange) -> Iterator[str]:
    """The exchange over a socket."""
    with serving(lambda url: exchange.client.application) as (url, _):
        yield url


def at_seat(exchange: Exchange, path: Path) -> Seat:
    transport = FlaskTransport(exchange.client.application)
    return Seat(Service(transport, "http://map.test/city"), transport, WorkingCopy.open(path))


def pull_there(url: str, path: Path) -> None:
    service = Service(HttpTransport(), url)
    try:
        copy = WorkingCopy.open(path)
    except NotACopy:
        copy = WorkingCopy.create(path, service.capabilities(), url, "ru")
    pull(service, copy, lambda done, key: None, lambda: False)


def push_there(url: str, path: Path) -> None:
    push(Service(HttpTransport(), url), WorkingCopy.open(path), lambda done, key: None, lambda: False)


def sound(seat: Seat) -> None:
    """The file is whole, and each R-tree has exactly the places of its layer."""
    with seat.tool() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert connection.execute("SELECT tracking FROM placecard_state").fetchone()[0] == 1
        for layer in ("points", "lines", "areas"):
            there = {row[0] for row in connection.execute(f"SELECT fid FROM placecard_{layer} WHERE geom IS NOT NULL")}
            tree = {row[0] for row in connection.execute(f"SELECT id FROM rtree_placecard_{layer}_geom")}
            assert there == tree


def test_first_pull_leaves_a_whole_file_or_none(exchange: Exchange, live: str, tmp_path: Path) -> None:
    for shape in (POINT, LINE, AREA, None) * 3:
        exchange.town.plant(shape)
    everything = set(exchange.town.planted)
    writes = run_killed(lambda: pull_there(live, tmp_path / "все.gpkg"), NEVER)
    assert writes is not None
    for at in points(writes, MOST):
        path = tmp_path / f"копия {at}.gpkg"
        assert run_killed(lambda path=path: pull_there(live, path), at) is None  # type: ignore[misc]  # bound now
        if path.exists():
            assert {row["guid"] for row in at_seat(exchange, path).rows()} == everything
        pull_there(live, path)
        seat = at_seat(exchange, path)
        sound(seat)
        assert {row["guid"] for row in seat.rows()} == everything
        assert [each.name for each in tmp_path.glob(f"копия {at}.gpkg*")] == [path.name]


def test_pull_is_taken_up_where_it_was_killed(exchange: Exchange, live: str, tmp_path: Path) -> None:
    town = exchange.town
    stays, moves, goes, edited, held = (town.plant(POINT) for _ in range(5))
    seat = Office(exchange, tmp_path).seat("как было")
    seat.edit(edited, address="ул. Мира, 5")
    seat.move(held, THERE)
    drawn = seat.draw(AREA, title="Новое")
    town.change(moves, shape=LINE)
    town.change(goes, visibility=Visibility.RETIRED)
    town.change(held, horizon=2044)
    new = town.plant(AREA)
    then = [(edit.guid, edit.kind, dict(edit.set), edit.geometry) for edit in local_edits(seat.copy)]
    writes = _count(seat, tmp_path, lambda path: pull_there(live, path))
    for at in points(writes, MOST):
        path = _copy_of(seat, tmp_path / f"{at}.gpkg")
        assert run_killed(lambda path=path: pull_there(live, path), at) is None  # type: ignore[misc]  # bound now
        killed = at_seat(exchange, path)
        sound(killed)
        assert [(e.guid, e.kind, dict(e.set), e.geometry) for e in local_edits(killed.copy)] == then
        killed.pull()
        assert {row["guid"] for row in killed.rows()} == {stays, moves, edited, held, drawn, new}
        assert (killed.row(moves)["geometry"], killed.row(held)["geometry"]) == (LINE, THERE)
        assert [(e.guid, e.kind, dict(e.set), e.geometry) for e in local_edits(killed.copy)] == then


def test_killed_push_is_done_once(exchange: Exchange, live: str, tmp_path: Path) -> None:
    """Each kill meets proposals of its own, edited in a copy of its own."""
    office, town = Office(exchange, tmp_path), exchange.town
    sets = [[town.plant(POINT) for _ in range(4)] for _ in range(MOST + 1)]
    base = office.seat("как было")
    drawn = _edit(base, town, sets[0])
    writes = _count(base, tmp_path, lambda path: push_there(live, path))
    _expect_done(exchange, sets[0], drawn)
    clean = office.seat("ещё раз")
    for mine, at in zip(sets[1:], points(writes, MOST), strict=False):
        path = _copy_of(clean, tmp_path / f"{at}.gpkg")
        drawn = _edit(at_seat(exchange, path), town, mine)
        assert run_killed(lambda path=path: push_there(live, path), at) is None  # type: ignore[misc]  # bound now
        killed = at_seat(exchange, path)
        sound(killed)
        killed.push()
        sound(killed)
        _expect_done(exchange, mine, drawn)
        left = {edit.guid: (edit.clashing, edit.code) for edit in local_edits(killed.copy)}
        assert left == {mine[2]: (("horizon",), None), mine[3]: ((), "bad_value")}
        assert len([clash for clash in kept_clashes(killed.copy) if clash.guid == mine[2]]) == 1


def _edit(seat: Seat, town: Any, guids: list[str]) -> str:
    """A field, a place taken away, a clash, what will be rejected, and something new; the guid of that."""
    seat.edit(guids[0], horizon=2035)
    seat.delete(guids[1])
    seat.edit(guids[2], horizon=2035)
    town.change(guids[2], horizon=2044)
    seat.edit(guids[3], horizon=3)
    return seat.draw(AREA, title="Новое")


def _expect_done(exchange: Exchange, guids: list[str], drawn: str) -> None:
    rows = {guid: row["properties"] for guid, row in exchange.copy().take().rows.items()}
    assert [rows[guid]["row_version"] for guid in (*guids, drawn)] == [2, 2, 2, 1, 1]
    assert (rows[guids[0]]["horizon"], rows[guids[1]]["placement"], rows[guids[2]]["horizon"]) == (
        2035,
        "unplaced",
        2044,
    )


def _count(seat: Seat, folder: Path, work: Any) -> int:
    path = _copy_of(seat, folder / "счёт.gpkg")
    writes = run_killed(lambda: work(path), NEVER)
    assert writes is not None
    return writes


def _copy_of(seat: Seat, path: Path) -> Path:
    shutil.copy(seat.copy.path, path)
    return path
