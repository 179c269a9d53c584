"""A person's day in the real QGIS, by mouse and keys, beside the real service and the real Kanboard.

The tests go in the order of the day: each leaves the next a working copy, and clears what it edited.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import shapely

from tests.boards import make_kanboard_project
from tests.copies import shape_of
from tests.qgis import places
from tests.qgis.application import Application, run_application
from tests.qgis.hands import RIGHT, Hands
from tests.service import announcing, make_service, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.service import Service
    from tools.kanboard import KanboardServer
    from tools.qgis import Release

BENCHES = tuple((f"Скамейка {number:02}", "Со спинкой.", "") for number in range(1, 31))
LIST = "dock.placing.list"
DEGREES = "[(_c := _back.transform({})).x(), _c.y()]"
NEAR = 2e-4
"""Degrees: a few pixels of the map."""
CANVAS = "iface.mapCanvas().viewport()"
HOLD = """
answers = []
def ask(title, work, done, *failed):
    hold = lambda answer: answers.append((done, answer))
    type(session).ask(session, title, work, hold if title == session.words.say("card.sending") else done, *failed)
session.ask = ask
"""
"""What the service answers to what is sent from the card is told to nobody before the test says so."""


class Seat:
    """A person at QGIS."""

    def __init__(self, application: Application, live: Service, cards: dict[str, str]) -> None:
        self.app, self.live, self.cards = application, live, cards
        self.hands = Hands(application)

    def run(self, source: str) -> Any:
        return self.app.run(source)

    def show(self, tab: int, search: str = "") -> None:
        """Bring a tab to the front, with the list searched and its first proposal selected."""
        self.run(f"dock.tabs.setCurrentIndex({tab}); dock.placing.search.setText({search!r})")
        self.run(f"{LIST}.setCurrentIndex({LIST}.model().index(0, 0)); {LIST}.setFocus()")

    def select(self, title: str) -> None:
        """Select a proposal that waits for a place."""
        self.show(0, title)
        assert self.title() == title

    def row(self, number: int = 0) -> tuple[int, int]:
        """Where on the screen a line of the list is."""
        rect = f"{LIST}.visualRect({LIST}.model().index({number}, 0)).center()"
        x, y = self.run(f"_p = {LIST}.viewport().mapToGlobal({rect}); [_p.x(), _p.y()]")
        return x, y

    def spot(self, x: float, y: float) -> tuple[int, int]:
        """Where on the screen a share of the map is."""
        return self.hands.spot(CANVAS, x, y)

    def drag_to(self, spot: tuple[int, int]) -> shapely.Point:
        """Drag the selected proposal there, and let it go when the map shows that it would take it; where it fell."""
        (left, top), (x, y) = self.row(), spot
        self.hands.move(left, top)
        self.hands.press()
        for share in range(1, 11):
            self.hands.move(left + (x - left) * share // 10, top + (y - top) * share // 10)
        until(lambda: self.tremble(spot).distance(self.mark()) < NEAR)
        self.hands.release()
        self.app.until("not dock.placer._watch._mark.isVisible()")
        return self.mark()

    def tremble(self, spot: tuple[int, int]) -> shapely.Point:
        """A held hand is never still: the map hears of the pointer again. What is there, in CRS84."""
        for aside in (1, 0):
            self.hands.move(spot[0] + aside, spot[1])
        return self.place_at(spot)

    def mark(self) -> shapely.Point:
        """Where the mark of a drag is, in CRS84; far away before there was one."""
        return shapely.Point(*self.run(DEGREES.format("dock.placer._watch._mark.center()")))

    def place_at(self, spot: tuple[int, int]) -> shapely.Point:
        """What is there on the map, in CRS84."""
        self.run(f"_l = {CANVAS}.mapFromGlobal(QPoint({spot[0]}, {spot[1]}))")
        self.run("_m = iface.mapCanvas().getCoordinateTransform().toMapCoordinates(_l)")
        x, y = self.run(DEGREES.format("_m"))
        return shapely.Point(x, y)

    def title(self) -> str:
        """The selected proposal's."""
        return str(self.run(f"{LIST}.proposal().title"))

    def count(self) -> int:
        return int(self.run(f"{LIST}.model().rowCount()"))

    def shape(self, title: str) -> Any:
        """Where the copy says that a proposal is."""
        told = self.run(
            f"_q = [e for e in session.copy.proposals('all') if e.title == {title!r}][0];"
            " [_q.geometry.hex() if _q.geometry else None, _q.placement, _q.district]"
        )
        return shapely.from_wkb(bytes.fromhex(told[0])) if told[0] else tuple(told[1:])

    def discard(self) -> None:
        """Take every edit back."""
        self.run("for _e in session.edits(): session.discard(_e.guid)")
        self.app.until("not session.edits()")

    def push(self) -> list[str]:
        """Push all edits through the dialog; its lines."""
        self.run("frame.push(); push = frame.dialogs['push']")
        self.app.until("push.push.isEnabled()")
        self.run("push.push.click()")
        self.app.until("push.push.isHidden()")
        self.app.until("not session.busy_with")
        lines: list[str] = self.run("[push.tree.topLevelItem(n).text(0) for n in range(push.tree.topLevelItemCount())]")
        return lines


@pytest.fixture(scope="module")
def seat(tmp_path_factory: pytest.TempPathFactory, kanboard_server: KanboardServer, release: Release) -> Iterator[Seat]:
    """QGIS with an empty project and the town's streets, not connected yet."""
    folder = tmp_path_factory.mktemp("служба")
    with ExitStack() as stack:
        live = make_service(folder, make_kanboard_project(kanboard_server), **places.SETTINGS)
        cards = places.furnish(live, (*places.WAITING, *BENCHES))
        live.start()
        stack.callback(live.stop)
        stack.callback(live.session.close)
        stack.enter_context(announcing(live.project, f"{live.url}/board/events"))
        application = stack.enter_context(run_application(tmp_path_factory.mktemp("рабочее место"), release=release))
        seat = Seat(application, live, cards)
        stack.callback(seat.hands.close)
        streets = places.write_layer(folder / "streets.geojson", places.street_lines(), "name")
        application.run("settle(); frame = plugins['placecard'].frame; session = frame.session; dock = frame.dock")
        application.run(f"streets = QgsVectorLayer({str(streets)!r}, 'Улицы', 'ogr')")
        application.run("QgsProject.instance().addMapLayer(streets) is streets")
        application.run("QgsProject.instance().setCrs(QgsCoordinateReferenceSystem('EPSG:3857'))")
        application.run("_to = QgsCoordinateReferenceSystem('OGC:CRS84')")
        application.run("_back = QgsCoordinateTransform(QgsProject.instance().crs(), _to, QgsProject.instance())")
        yield seat


@pytest.fixture(scope="module")
def connected(seat: Seat) -> Seat:
    """Connected by hand: the address typed, everything else asked of the service."""
    seat.run("dock.setVisible(True)")
    seat.hands.click(*seat.hands.spot("[b for b in dock.findChildren(QPushButton) if b.isVisible()][0]"))
    seat.app.until("'connect' in frame.dialogs and frame.dialogs['connect'].isVisible()")
    seat.run("connect = frame.dialogs['connect']; connect.activateWindow()")
    seat.app.until("connect.isActiveWindow()")
    seat.hands.click(*seat.hands.spot("connect.address"))
    address = seat.live.url.removeprefix("http://")
    seat.hands.type(*("Shift_L+semicolon" if key == ":" else "period" if key == "." else key for key in address))
    seat.app.until(f"connect.address.text() == {address!r}")
    seat.hands.type("Return")
    seat.app.until("connect._step == 2")
    assert seat.run("connect.address.text()") == seat.live.url
    seat.run("copy_path = connect.path.filePath()")
    seat.hands.click(*seat.hands.spot("connect.next"))
    seat.app.until("session.copy is not None and not session.busy_with and not frame.dialogs")
    seat.run("iface.mapCanvas().setExtent(iface.mapCanvas().fullExtent()); iface.mapCanvas().refresh()")
    seat.app.until("not iface.mapCanvas().isDrawing()")
    return seat


def test_the_address_is_all_that_is_typed(connected: Seat) -> None:
    assert connected.run("copy_path").endswith(".gpkg")
    assert connected.run("str(session.copy.path) == copy_path")
    assert connected.count() == len(places.WAITING) + len(BENCHES)
    assert connected.run("dock.tabs.tabText(0)") == f"Разместить {connected.count()}"
    assert len(connected.run("list(session.layers())")) >= 4
    assert connected.run("dock.head.text()").startswith("Placecard · ")


def test_thirty_proposals_take_thirty_drags(connected: Seat) -> None:
    seat = connected
    seat.show(0, "Скамейка")
    wanted = {}
    for number, (title, _, _) in enumerate(BENCHES):
        assert seat.title() == title
        spot = seat.spot(0.15 + 0.7 * (number % 6) / 5, 0.2 + 0.6 * (number // 6) / 4)
        wanted[title] = seat.drag_to(spot)
        seat.app.until(f"{LIST}.model().rowCount() == {len(BENCHES) - number - 1}")
    assert seat.run("QApplication.activeModalWidget()") is None
    assert all(seat.shape(title).distance(point) < 1e-7 for title, point in wanted.items())
    assert len(seat.run("[e.guid for e in session.edits()]")) == len(BENCHES)


def test_the_last_placing_is_taken_back_by_the_keys_that_always_do_it(connected: Seat) -> None:
    seat = connected
    seat.show(0)
    seat.hands.type("Control_L+z", "Control_L+z")
    seat.app.until(f"len(session.edits()) == {len(BENCHES) - 2}")
    assert seat.shape("Скамейка 30") == ("unplaced", None)
    assert seat.title() == "Скамейка 29"
    assert "Скамейка 29" in seat.run("dock.hint.text()")
    seat.discard()
    assert seat.shape("Скамейка 01") == ("unplaced", None)


def test_one_key_says_what_there_is_instead_of_a_place(connected: Seat) -> None:
    seat = connected
    seat.show(0, "Скамейка")
    seat.hands.move(*seat.spot(0.9, 0.5))
    seat.hands.type("w", "d", "n")
    seat.app.until("len(session.edits()) == 3")
    assert seat.shape("Скамейка 01") == ("citywide", None)
    assert seat.shape("Скамейка 02") == ("district", "Комсомольский район")
    assert seat.shape("Скамейка 03") == ("none", None)
    assert seat.title() == "Скамейка 04"
    seat.discard()


def test_shapes_are_clicked_and_drawn_and_the_next_goes_on_with_the_same_tool(connected: Seat) -> None:
    seat = connected
    seat.show(0, "Скамейка")
    seat.hands.type("p")
    for x in (0.3, 0.4):
        seat.hands.click(*seat.spot(x, 0.3))
    seat.app.until("len(session.edits()) == 2")
    assert seat.shape("Скамейка 02").distance(seat.place_at(seat.spot(0.4, 0.3))) < NEAR
    seat.hands.type("l")  # typed over the map, where the pointer is
    corners = [seat.spot(x, y) for x, y in ((0.3, 0.5), (0.4, 0.6), (0.5, 0.5), (0.7, 0.5))]
    for corner in corners:
        seat.hands.click(*corner)
    seat.hands.type("BackSpace", "Return")
    seat.app.until("len(session.edits()) == 3")
    line = seat.shape("Скамейка 03")
    drawn = shapely.LineString([seat.place_at(corner) for corner in corners[:3]])
    assert line.hausdorff_distance(drawn) < NEAR
    seat.hands.type("a")
    for x, y in ((0.3, 0.7), (0.5, 0.7), (0.5, 0.8)):
        seat.hands.click(*seat.spot(x, y))
    seat.hands.click(*seat.spot(0.5, 0.8), RIGHT)
    seat.app.until("len(session.edits()) == 4")
    assert seat.shape("Скамейка 04").geom_type.endswith("Polygon")
    seat.hands.type("Escape")
    assert not seat.run("any(b.isChecked() for b in dock.placing.findChildren(QToolButton))")
    seat.discard()


def test_the_shape_of_any_feature_is_taken(connected: Seat) -> None:
    seat = connected
    name, street = next(places.street_lines())
    seat.show(0, "Скамейка")
    seat.run(f"streets.selectByExpression(\"name = '{name}'\"); iface.setActiveLayer(streets)")
    seat.hands.type("g")
    seat.app.until("len(session.edits()) == 1")
    assert seat.shape("Скамейка 01").hausdorff_distance(street) < 1e-7
    seat.run("streets.removeSelection()")
    seat.hands.type("g")  # nothing is selected: the one that is clicked
    middle = street.interpolate(0.31, normalized=True)
    seat.run(f"_t = _back.transform(QgsPointXY({middle.x}, {middle.y}), Qgis.TransformDirection.Reverse)")
    seat.run("_d = iface.mapCanvas().getCoordinateTransform().transform(_t)")
    x, y = seat.run(f"_g = {CANVAS}.mapToGlobal(QPoint(int(_d.x()), int(_d.y()))); [_g.x(), _g.y()]")
    seat.hands.click(x, y)
    seat.app.until("len(session.edits()) == 2")
    assert seat.shape("Скамейка 02").hausdorff_distance(street) < 1e-7
    seat.hands.type("Escape")
    seat.discard()


def test_suggestions_are_pins_accepted_by_a_click_or_their_number(connected: Seat) -> None:
    seat = connected
    seat.select("Остановка с тёплым павильоном")
    seat.app.until("len(dock.placer.pins) == 2")
    pin = "dock.placer.pins._pins[0]"
    x, y = seat.run(f"_g = {CANVAS}.mapToGlobal({pin}.pos().toPoint()); [_g.x(), _g.y()]")
    seat.hands.click(x, y - 20)
    seat.app.until("len(session.edits()) == 1")
    house = next(outline for street, number, outline in places.houses() if (street, number) == ("ул. Победы", "23"))
    assert seat.shape("Остановка с тёплым павильоном").distance(house.centroid) < 1e-6
    seat.select("Мастерская для подростков")
    seat.app.until("len(dock.placer.pins) == 1")
    seat.hands.type("1")
    seat.app.until("len(session.edits()) == 2")
    assert seat.shape("Мастерская для подростков").geom_type.endswith("LineString")
    assert len(seat.run("dock.placer.pins._pins")) == 0
    seat.discard()


def test_the_search_finds_by_title_text_and_address(connected: Seat) -> None:
    seat = connected
    for typed, wanted in (("ленина", "Библиотека вечерних занятий"), ("робототехника", "Мастерская для подростков")):
        seat.show(0, typed)
        assert (seat.count(), seat.title()) == (1, wanted)
    seat.show(0, "нет такого")
    assert seat.count() == 0
    assert seat.run("dock.placing.empty.isVisible()")


def test_the_card_shows_its_comments_and_takes_one(connected: Seat) -> None:
    seat = connected
    title = "Пункт приёма вторсырья"
    seat.select(title)
    seat.app.until("dock.card._card is not None")
    seat.hands.click(*seat.hands.spot("dock.card.said"))
    seat.hands.type("y", "e", "s", "Return")
    seat.app.until("'yes' in dock.card.text.toPlainText()")
    server = seat.live.project.server
    said = until(lambda: [each["comment"] for each in server.call("getAllComments", task_id=int(seat.cards[title]))])
    assert any("yes" in each for each in said)
    seat.show(0, title)
    seat.hands.type("o")
    assert until(seat.app.opened)[-1].endswith(seat.cards[title])


def test_a_push_is_shown_before_it_is_made_and_put_back_as_a_whole(connected: Seat) -> None:
    seat = connected
    title = "Велодорожка до завода"
    seat.select(title)
    seat.drag_to(seat.spot(0.4, 0.4))
    seat.app.until("len(session.edits()) == 1")
    assert seat.push() == ["Принято: 1"]
    colleague = places.Colleague(seat.live)
    assert colleague.row(title)["geometry"] is not None
    seat.run("push.undo.click(); undo = frame.dialogs['undo']")
    seat.app.until("undo.undo.isEnabled()")
    assert seat.run("undo.tree.topLevelItem(0).text(0)") == title
    seat.run("undo.undo.click()")
    seat.app.until("not undo.undo.isEnabled() and not session.busy_with")
    until(lambda: colleague.row(title)["geometry"] is None)
    seat.app.until("'Велодорожка до завода' in [e.title for e in session.copy.proposals('unplaced')]")
    seat.run("undo.close(); push.close()")
    seat.app.until("not session.busy_with")


def test_a_clash_is_drawn_in_two_colours_and_solved(connected: Seat) -> None:
    seat, title = connected, "Набережная без барьеров"
    colleague = places.Colleague(seat.live)
    theirs = shapely.Point(49.41, 53.504)
    assert colleague.edit(title, theirs, address="у речного вокзала")["status"] == "applied"
    seat.select(title)
    mine = seat.drag_to(seat.spot(0.6, 0.3))
    seat.app.until("len(session.edits()) == 1")
    assert seat.push() == ["Разошлось с чужими правками: 1"]
    seat.run("push.solve.click(); clash = frame.dialogs['clash']; push.close()")
    colours = seat.run("[band.strokeColor().name() for band in clash._sketches._bands]")
    assert len(set(colours)) == 2
    assert seat.run("dock.disputes.list.count()") == 1
    seat.run("clash.table.radios['geometry', 'mine'].click(); clash.solve.click()")
    seat.app.until("not session.clashes() and not session.busy_with")
    assert shapely.distance(shape_of(colleague.row(title)["geometry"]), mine) < 1e-7
    assert not seat.run("session.edits()")
    assert seat.run("'clash' in frame.dialogs and clash.isVisible()") is False


def test_a_place_to_check_is_right_by_one_key(connected: Seat) -> None:
    seat, title = connected, "Сквер у школы"
    colleague = places.Colleague(seat.live)
    colleague.edit(title, shapely.Point(49.4111, 53.5061))
    seat.live.project.hands.edit_card(seat.cards[title], description="Место: 53.5090, 49.4200")
    colleague.until(title, place_check="card_text_changed")
    seat.run("session.pull()")
    seat.app.until("not session.busy_with and session.counts.to_check == 1")
    seat.run("dock.tabs.setCurrentIndex(1); dock.checking.list.setFocus()")
    assert seat.run("dock.checking.list.proposal().title") == title
    seat.hands.type("r")
    seat.app.until("len(session.edits()) == 1 and dock.checking.list.model().rowCount() == 0")
    assert seat.push() == ["Принято: 1"]
    assert colleague.row(title)["properties"]["place_check"] is None
    seat.run("push.close()")


def test_the_card_of_a_feature_selected_on_the_map_is_shown(connected: Seat) -> None:
    seat, title = connected, "Ремонт спортивного зала"
    seat.run("points = session.layers()['points'][0]")
    seat.run(f"points.selectByExpression(\"title = '{title}'\")")
    seat.app.until(f"{title!r} in dock.card.text.toPlainText()")
    seat.run("session.refresh()")  # as when something ends in the background
    assert title in seat.run("dock.card.text.toPlainText()")
    seat.select("Мастерская для подростков")
    assert "Мастерская" in seat.run("dock.card.text.toPlainText()")
    seat.run("points.removeSelection()")


def test_a_proposal_is_approved_and_returned_from_its_card(connected: Seat) -> None:
    """The answer to the first comes while the second is being typed: it takes nothing of that away."""
    seat, title = connected, "Фонтан на площади"
    board, card = seat.live.project, seat.cards[title]
    seat.run(f"points.selectByExpression(\"title = '{title}'\")")
    seat.app.until("dock.card.approve.isVisible()")
    seat.run(HOLD)
    seat.hands.click(*seat.hands.spot("dock.card.approve"))
    until(lambda: board.server.call("getTask", task_id=int(card))["column_id"] == int(board.columns["Одобрено"]))
    seat.app.until("answers")
    seat.run("dock.card.act.setCurrentIndex(dock.card.act.findData('return'))")
    seat.hands.click(*seat.hands.spot("dock.card.said"))
    seat.hands.type("n", "o")
    seat.run("del session.ask; done, answer = answers.pop(); done(answer)")
    assert seat.run("dock.card.said.text()") == "no"
    places.Colleague(seat.live).until(title, stage="approved")  # what is decided next is decided on that
    seat.app.until("dock.card.send.isEnabled()")
    seat.hands.type("Return")
    until(lambda: board.server.call("getTask", task_id=int(card))["column_id"] != int(board.columns["Одобрено"]))
    said = until(lambda: [each["comment"] for each in board.server.call("getAllComments", task_id=int(card))])
    assert any("no" in each for each in said)
    seat.app.until("not dock.card.said.text()")
    seat.run("points.removeSelection(); dock.card.act.setCurrentIndex(0)")


def test_it_is_at_home_among_options_and_in_the_browser(connected: Seat) -> None:
    seat = connected
    seat.app.run("iface.showOptionsDialog(iface.mainWindow(), 'placecard')", later=True)
    page = "QApplication.activeModalWidget().findChild(QScrollArea, 'PlacecardOptions')"
    seat.app.until(f"QApplication.activeModalWidget() and {page} and {page}.isVisible()")
    seat.run(f"{page}.widget().suggesting.setChecked(False); QApplication.activeModalWidget().accept()")
    assert seat.run("QgsSettings().value('placecard/suggesting', type=bool)") is False
    seat.run("QgsSettings().setValue('placecard/suggesting', True)")
    names = "[c.name() for c in frame._provider.createDataItem('', None).createChildren()]"
    assert seat.run(names) == ["Placecard"]
    seat.run("frame.tell('Проверка', Qgis.MessageLevel.Info)")
    assert seat.run("iface.messageBar().currentItem().text()") == "Проверка"


def test_the_plugin_goes_without_a_trace_and_comes_back(connected: Seat) -> None:
    seat = connected
    seat.run("import qgis.utils; qgis.utils.unloadPlugin('placecard')")
    seat.app.until("not iface.mainWindow().findChildren(QDockWidget, 'PlacecardDock')")
    seat.run("qgis.utils.loadPlugin('placecard'); qgis.utils.startPlugin('placecard')")
    seat.run("frame = plugins['placecard'].frame; session = frame.session; dock = frame.dock")
    assert seat.run("dock.isVisible()")
