"""Live layers in the whole QGIS: added in one go, read anew when the feed moves, stepped through by horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import shapely

from tests.qgis.workplace import Workplace, serve_town

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ogc import Town
    from tests.qgis.application import Application

LOOK = """
mine = live.Live(session, iface)
def shown(name):
    layer = mine._there().get(name)
    return layer and sorted(each['title'] for each in layer.getFeatures())
def look():
    global moved
    moved = None
    mine.look(lambda came: globals().update(moved=came))
"""


@pytest.fixture
def place(application: Application, full_town: Town) -> Iterator[Workplace]:
    """Somebody who is signed in, with the live layers in the project."""
    application.run("project.clear(); heard.clear()")
    with serve_town(full_town) as (url, asked):
        workplace = Workplace(application, full_town, url, asked)
        workplace.connect()
        application.run(LOOK)
        application.run(
            "added = None; heart.reset(); mine.add_layers(lambda layers: globals().update(added=len(layers)))"
        )
        application.until("added is not None")
        yield workplace
        application.run("mine.leave(); project.clear()")


def look(place: Workplace) -> bool:
    """Have a look at the feed; whether it moved."""
    place.run("look()")
    place.application.until("moved is not None")
    moved: bool = place.run("moved")
    return moved


def test_everything_the_person_may_see_is_added_without_keeping_them(place: Workplace) -> None:
    assert place.run("added") == 3
    assert place.run("shown('working_points')") == ["Остановки", "Сквер «Ромашка»", "Тайное"]
    assert place.run("shown('working_lines')") == ["Велодорожка"]
    assert place.run("shown('working_areas')") == ["Парк"]
    assert place.application.longest_block()[1] < 0.1
    assert place.run("said('told')") == ["Добавлено 3 слоя вживую"]
    assert place.run("mine._there()['working_lines'].renderer().type()") == "categorizedSymbol"


def test_they_are_added_once(place: Workplace) -> None:
    place.run("added = None; mine.add_layers(lambda layers: globals().update(added=len(layers)))")
    place.application.until("added is not None")
    assert place.run("[added, len(mine._there())]") == [0, 3]


def test_they_are_read_anew_when_the_feed_moves_and_only_then(place: Workplace) -> None:
    look(place)
    assert look(place) is False
    place.town.change(place.town.planted[0], title="Переименован", shape=shapely.Point(49.5, 53.6))
    assert look(place) is True
    place.application.until("'Переименован' in shown('working_points')")
    assert look(place) is False


def test_they_are_followed_when_the_project_is_reopened(place: Workplace, tmp_path: Path) -> None:
    project = tmp_path / "вживую.qgz"
    place.run(f"project.write({str(project)!r}); project.clear(); project.read({str(project)!r})")
    assert place.run("sorted(mine._there())") == ["working_areas", "working_lines", "working_points"]
    assert place.run("mine._timer.isActive()") is True


def test_out_of_reach_is_no_message_of_ours(place: Workplace) -> None:
    place.run("heard.clear(); session.address = 'http://127.0.0.1:9'; look()")
    place.application.until("not mine._asking")
    assert place.run("said('told')") == []


def test_horizons_are_the_frames_of_the_temporal_controller(place: Workplace) -> None:
    """2030 is the only horizon of those planted; another comes."""
    place.town.change(place.town.planted[2], horizon=2055)
    look(place)
    look(place)
    place.run("mine.set_horizons(list(mine._there().values()))")
    place.run("controller = iface.mapCanvas().temporalController()")
    frames = place.run(
        "[[each.begin().date().year(), each.end().date().year()] for each in controller.availableTemporalRanges()]"
    )
    assert frames == [[2030, 2030], [2055, 2055]]
    assert place.run("controller.totalFrameCount()") == 2
    place.run(
        "context = QgsRenderContext(); context.setIsTemporal(True)\n"
        "context.setTemporalRange(controller.availableTemporalRanges()[1])\n"
        "def filtered(name):\n"
        "    layer = mine._there()[name]\n"
        "    scope = QgsVectorLayerTemporalContext(); scope.setLayer(layer)\n"
        "    wanted = layer.temporalProperties().createFilterString(scope, context.temporalRange())\n"
        "    return sorted(each['title'] for each in layer.getFeatures(QgsFeatureRequest(QgsExpression(wanted))))"
    )
    assert place.run("filtered('working_lines')") == ["Велодорожка"]
    assert "Сквер «Ромашка»" not in place.run("filtered('working_points')")
