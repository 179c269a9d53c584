"""QGIS ends as in a power cut, in the middle of something: the copy opens, nothing is lost or done twice."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import shapely

from tests.qgis.application import run_application
from tests.qgis.gate import Gate
from tests.qgis.workplace import Workplace, enter, serve_town
from tests.service import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ogc import Town
    from tools.qgis import Release

EVERY = 40
"""Proposals beside those of every kind: enough for several pages where a page has few."""


@contextmanager
def opened(home: Path, town: Town, release: Release, gate: Gate | None = None) -> Iterator[Workplace]:
    """The same person's QGIS, started again, and the service."""
    around = gate.around if gate else None
    with serve_town(town, around) as (url, asked), run_application(home, release=release) as application:
        enter(application)
        place = Workplace(application, town, url, asked)
        yield place
        if gate is not None:
            gate.go_on.set()


def take_up(place: Workplace, path: Path) -> None:
    """Sign in again, and go on with the copy."""
    place.connect()
    place.run(f"WorkingCopy.open(Path({str(path)!r})).remember(address=session.address, authcfg=config)")
    place.run(f"session.open_copy({str(path)!r})")
    place.application.until("'points' in session.layers()")


def item(town: Town, guid: str) -> dict[str, Any]:
    """A proposal as the public sees it."""
    found: dict[str, Any] | None = town.get(f"/ogc/collections/proposals/items/{guid}").json
    assert found is not None
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "рабочая копия.gpkg"


@pytest.mark.parametrize("after", [False, True], ids=["before the service heard", "before its answer came"])
def test_a_push_is_done_once_whatever_it_was_killed_at(
    tmp_path: Path, path: Path, full_town: Town, release: Release, *, after: bool
) -> None:
    gate = Gate("/push", after=after)
    with opened(tmp_path, full_town, release, gate) as place:
        place.connect()
        place.copy(path)
        moved, waiting = place.guid("Сквер «Ромашка»"), place.guid("Где-то")
        point = "QgsGeometry.fromWkt('Point(49.41 53.61)'), QgsCoordinateReferenceSystem('EPSG:4326')"
        place.run(f"session.set_fields({moved!r}, {{'address': 'Мира, 9'}}); session.place({waiting!r}, {point})")
        place.run("session.push()")
        assert gate.reached.wait(60)
        place.application.kill()
    before = item(full_town, moved)
    assert (before["properties"]["address"] == "Мира, 9") is after
    with opened(tmp_path, full_town, release) as place:
        take_up(place, path)
        if not after:
            assert place.run("session.counts.local") == 2
        place.do("push()", "pushed")
        place.wait("pulled")
        assert place.run("[session.counts.local, session.counts.clashing]") == [0, 0]
        assert "Где-то" in place.titles("points")
    now = item(full_town, moved)["properties"]
    assert now["address"] == "Мира, 9"
    assert now["row_version"] == before["properties"]["row_version"] + (0 if after else 1)
    assert item(full_town, waiting)["geometry"]["coordinates"] == [49.41, 53.61]


def test_a_first_pull_that_was_killed_leaves_no_copy_and_can_be_made_again(
    tmp_path: Path, path: Path, full_town: Town, release: Release
) -> None:
    gate = Gate("/snapshot", after=True)
    with opened(tmp_path, full_town, release, gate) as place:
        place.connect()
        place.run(f"session.create_copy({str(path)!r})")
        assert gate.reached.wait(60)
        place.application.kill()
    assert not path.exists()
    with opened(tmp_path, full_town, release) as place:
        place.connect()
        place.copy(path)
        assert place.run("session.counts.all") == 7


def test_a_pull_that_was_killed_goes_on_and_keeps_what_was_edited(
    tmp_path: Path, path: Path, full_town: Town, release: Release
) -> None:
    gate = Gate("/changes", after=True)
    with opened(tmp_path, full_town, release, gate) as place:
        place.connect()
        place.copy(path)
        moved = place.guid("Сквер «Ромашка»")
        place.run(f"session.set_fields({moved!r}, {{'address': 'Мира, 9'}})")
        full_town.change(moved, horizon=2045)
        full_town.plant(shapely.Point(49.5, 53.6), title="Новое")
        place.run("session.pull()")
        assert gate.reached.wait(60)
        place.application.kill()
    with opened(tmp_path, full_town, release) as place:
        take_up(place, path)
        assert place.run(f"session.copy.proposal({moved!r}).address") == "Мира, 9"
        place.do("pull()", "pulled")
        assert "Новое" in place.titles("points")
        assert place.run(f"session.copy.proposal({moved!r}).address") == "Мира, 9"


def test_a_save_that_was_killed_is_whole_or_not_at_all(
    tmp_path: Path, path: Path, full_town: Town, release: Release
) -> None:
    """QGIS saves many features in one go; it is killed as soon as the file begins to change."""
    for number in range(EVERY):
        full_town.plant(shapely.Point(49.3 + number / 1000, 53.5), title=f"Много {number}")
    with opened(tmp_path, full_town, release) as place:
        place.connect()
        place.copy(path)
        place.run(
            "layer = session.layers()['points'][0]; layer.startEditing()\n"
            "index = layer.fields().indexOf('address')\n"
            "for each in layer.getFeatures():\n"
            "    layer.changeAttributeValue(each.id(), index, 'Мира, 9')"
        )
        files = path, path.with_name(f"{path.name}-wal")
        stood = [each.stat().st_mtime_ns for each in files]
        place.run("layer.commitChanges()", later=True)
        until(lambda: [each.stat().st_mtime_ns for each in files] != stood)
        place.application.kill()
    with opened(tmp_path, full_town, release) as place:
        take_up(place, path)
        edits, addressed = place.run(
            "[len(session.edits()), sum(1 for each in session.copy.proposals('all') if each.address == 'Мира, 9')]"
        )
        assert edits == addressed
        assert addressed in {0, EVERY + 3}
        place.do("push()", "pushed")
        place.wait("pulled")
        assert place.run("session.counts.local") == 0
