"""Takes the pictures of the plugin's guide: the real QGIS beside the real service and a real Kanboard.

python tools/pictures.py [docs/images]
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import shapely

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.boards import cheapen_passwords, make_kanboard_project
from tests.qgis import places
from tests.qgis.application import Application, run_application
from tests.service import Service, announcing, make_service
from tools.kanboard import KanboardServer

if TYPE_CHECKING:
    from collections.abc import Iterator

LANGUAGES = ("ru", "en")
LIST = "dock.placing.list"
SHORE = shapely.LineString([(49.4110, 53.5013), (49.4190, 53.5017), (49.4260, 53.5011)])
"""Where a colleague draws what clashes."""

PATH = shapely.LineString([(49.4110, 53.5020), (49.4200, 53.5033), (49.4262, 53.5026)])
"""And where we do."""

STYLE = """
from qgis.core import *
iface.mainWindow().resize(1400, 860)
for path, name, colour in {layers}:
    layer = QgsVectorLayer(path, name, 'ogr')
    if layer.geometryType() == Qgis.GeometryType.Line:
        symbol = QgsLineSymbol.createSimple({{'line_color': colour, 'line_width': '1.6'}})
    else:
        symbol = QgsFillSymbol.createSimple({{'color': colour, 'outline_color': '#c9c2b4', 'outline_width': '0.2'}})
    layer.renderer().setSymbol(symbol)
    QgsProject.instance().addMapLayer(layer)
for name in ('Browser', 'Layers'):
    iface.mainWindow().findChild(QDockWidget, name).setVisible(name == 'Layers')
QgsProject.instance().setCrs(QgsCoordinateReferenceSystem('EPSG:3857'))
frame = plugins['placecard'].frame; session = frame.session; dock = frame.dock
"""
LOOK = """
box = QgsRectangle({west}, {south}, {east}, {north})
project = QgsProject.instance()
there = QgsCoordinateTransform(QgsCoordinateReferenceSystem('OGC:CRS84'), project.crs(), project)
iface.mapCanvas().setExtent(there.transformBoundingBox(box)); iface.mapCanvas().refresh()
"""


class Photographer:
    """Before one QGIS in one language."""

    def __init__(self, application: Application, live: Service, folder: Path, language: str) -> None:
        self.app, self.live, self.folder, self.language = application, live, folder, language

    def shoot(self, name: str, widget: str = "iface.mainWindow()") -> None:
        """A picture, once the map stands still."""
        self.settle()
        print(self.app.shoot(self.folder / f"plugin-{name}-{self.language}.png", widget))

    def settle(self) -> None:
        """Wait until nothing is drawn, asked or flashing any more."""
        self.app.run("iface.mapCanvas().refresh()")
        self.app.until("not iface.mapCanvas().isDrawing() and not session.busy_with")
        time.sleep(1.5)  # nobody waits for a picture
        self.app.until("not iface.mapCanvas().isDrawing()")

    def connect(self) -> None:
        """Connect as a person does, and take the picture of it."""
        self.app.run("frame.connect_service(); dialog = frame.dialogs['connect']")
        self.app.run(f"dialog.address.setText({self.live.url!r}); dialog.next.click()")
        self.app.until("dialog._step == 2")
        self.app.run("given = dialog.address.text(), dialog.path.filePath(); dialog.address.blockSignals(True)")
        self.app.run("dialog.address.setText('https://map.example.org')")
        self.app.run("dialog.path.setFilePath('/home/anna/Placecard/Карта развития.gpkg')")
        self.shoot("connect", "dialog")
        self.app.run("dialog.address.setText(given[0]); dialog.path.setFilePath(given[1]); dialog.next.click()")
        self.app.until("session.copy is not None and not session.busy_with and not frame.dialogs")
        self.look(49.402, 53.4995, 49.430, 53.5165)

    def look(self, west: float, south: float, east: float, north: float) -> None:
        """Let the map show this, in degrees."""
        self.app.run(LOOK.format(west=west, south=south, east=east, north=north))

    def select(self, title: str) -> None:
        """Select a proposal that waits for a place."""
        self.app.run("dock.tabs.setCurrentIndex(0)")
        index = f"[each.title for each in {LIST}.model().proposals].index({title!r})"
        self.app.run(f"{LIST}.setCurrentIndex({LIST}.model().index({index}, 0)); {LIST}.setFocus()")

    def place(self, title: str, shape: shapely.Point | shapely.LineString) -> None:
        """Place one of the proposals."""
        self.select(title)
        self.app.run(f"dock.placer.place(QgsGeometry.fromWkt({shape.wkt!r}), dock.placer.crs84())")

    def take_all(self, cards: dict[str, str]) -> None:
        """Every picture of the guide."""
        self.connect()
        self.select("Библиотека вечерних занятий")
        self.app.until("len(dock.placer.pins) > 0")
        self.shoot("placing")
        self.take_checking(cards)
        self.take_push()
        self.take_clash()

    def take_checking(self, cards: dict[str, str]) -> None:
        """A place whose card says something else since."""
        colleague, title = places.Colleague(self.live), "Сквер у школы"
        colleague.edit(title, shapely.Point(49.4111, 53.5061))
        text = "Между школой и стадионом.\nМесто: 53.5090, 49.4200"
        self.live.project.hands.edit_card(cards[title], description=text)
        colleague.until(title, place_check="card_text_changed")
        self.app.run("session.pull()")
        self.app.until("not session.busy_with and session.counts.to_check")
        self.app.run("dock.tabs.setCurrentIndex(1); dock.checking.list.setFocus()")
        self.shoot("checking", "dock")

    def take_push(self) -> None:
        """A push with a warning, a clash, and what goes well."""
        colleague = places.Colleague(self.live)
        colleague.edit("Набережная без барьеров", SHORE, address="у речного вокзала")
        self.place("Набережная без барьеров", PATH)
        self.place("Велодорожка до завода", shapely.Point(49.76, 53.5066))
        self.place("Мастерская для подростков", shapely.Point(49.4069, 53.5099))
        self.look(49.402, 53.4995, 49.430, 53.5165)
        self.app.run("frame.push(); dialog = frame.dialogs['push']")
        self.app.until("dialog.push.isEnabled()")
        self.shoot("push", "dialog")

    def take_clash(self) -> None:
        """The clash that came of it."""
        self.app.run("dialog.push.click()")
        self.app.until("dialog.push.isHidden() and not session.busy_with")
        self.app.run("dialog.solve.click(); clash = frame.dialogs['clash']; dialog.close()")
        self.app.run("clash.table.radios['geometry', 'mine'].click()")
        self.settle()
        self.app.run("clash.raise_()")
        picture = self.folder / f"plugin-clash-{self.language}.png"
        self.app.run("shot = iface.mainWindow().grab(); where = iface.mainWindow().mapFromGlobal(clash.pos())")
        self.app.run("painter = QPainter(shot); painter.drawPixmap(where, clash.grab()); painter.end()")
        self.app.run(f"shot.save({str(picture)!r})")
        print(picture)


@contextmanager
def town(folder: Path) -> Iterator[tuple[Service, dict[str, str]]]:
    """A running service beside a Kanboard, and the ids of its cards."""
    with ExitStack() as stack:
        server = stack.enter_context(KanboardServer(folder / "board"))
        cheapen_passwords(server)
        live = make_service(folder, make_kanboard_project(server), **places.SETTINGS)
        cards = places.furnish(live)
        live.start()
        stack.callback(live.stop)
        stack.enter_context(announcing(live.project, f"{live.url}/board/events"))
        yield live, cards


def main(folder: Path) -> None:
    """Every picture in both languages."""
    for language in LANGUAGES:
        with ExitStack() as stack:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            for name in ("board", "desk"):
                (home / name).mkdir()
            live, cards = stack.enter_context(town(home))
            houses = ((outline,) for _, _, outline in places.houses())
            layers = [
                (str(places.write_layer(home / "houses.geojson", houses)), "Дома", "#e6e0d4"),
                (str(places.write_layer(home / "streets.geojson", places.street_lines(), "name")), "Улицы", "#d9d9d9"),
            ]
            application = stack.enter_context(run_application(home / "desk", language=language))
            application.run(STYLE.format(layers=layers))
            Photographer(application, live, folder, language).take_all(cards)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images").absolute())
