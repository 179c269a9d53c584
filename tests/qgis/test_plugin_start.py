"""The plugin comes and goes: with QGIS, with a project that is open already, in English, and without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.qgis.application import run_application
from tests.qgis.workplace import Workplace, enter, serve_town

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ogc import Town
    from tools.qgis import Release

COUNT = """
def ours(names):
    return sorted(name for name in names if "placecard" in name.lower())
def count():
    window = iface.mainWindow()
    return {
        "docks": ours(each.objectName() for each in window.findChildren(QDockWidget)),
        "bars": ours(each.objectName() for each in window.findChildren(QToolBar)),
        "menu": ours(each.text() for each in iface.pluginMenu().actions()),
        "algorithms": ours(each.id() for each in QgsApplication.processingRegistry().providers()),
        "browser": ours(each.name() for each in QgsApplication.dataItemProviderRegistry().providers()),
    }
"""


def test_in_english_where_qgis_is(tmp_path: Path, full_town: Town, release: Release) -> None:
    with serve_town(full_town) as (url, _), run_application(tmp_path, language="en", release=release) as application:
        enter(application)
        place = Workplace(application, full_town, url)
        place.connect()
        place.copy(tmp_path / "copy.gpkg")
        assert place.run("sorted(each.name() for each in project.mapLayers().values())") == [
            *("Areas", "Changes", "Lines", "Points", "Unplaced"),
        ]
        place.run("layer = session.layers()['points'][0]")
        assert place.run("layer.attributeAlias(layer.fields().indexOf('horizon'))") == "Horizon, year"
        assert "Approved" in place.run("[each.label() for each in layer.renderer().categories()]")


def test_it_leaves_no_trace_and_comes_again(tmp_path: Path, full_town: Town, release: Release) -> None:
    project = tmp_path / "project.qgz"
    with serve_town(full_town) as (url, _), run_application(tmp_path, release=release) as application:
        enter(application)
        place = Workplace(application, full_town, url)
        place.connect()
        place.copy(tmp_path / "копия.gpkg")
        place.run(f"project.write({str(project)!r})")
        place.run(COUNT)
        there = place.run("count()")
        assert all(there.values()), there
        place.run("import qgis.utils; qgis.utils.unloadPlugin('placecard')")
        application.until("not any(count().values())")
        assert place.run("len(project.mapLayers())") == 5
        place.run("qgis.utils.loadPlugin('placecard'); qgis.utils.startPlugin('placecard')")
        assert place.run("count()") == there
        place.run("session = plugins['placecard'].session")
        assert place.run("session.copy is not None and session.copy.path.name") == "копия.gpkg"
    with serve_town(full_town), run_application(tmp_path, release=release, project=project) as application:
        enter(application)
        application.until("session.copy is not None")
        assert application.run("session.counts.all") == 7
